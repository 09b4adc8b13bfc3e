/** Every runtime that works by itself, told to do the same acts: each in its own way, all with real programs and requests. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { anthropicRuntime } from '../../src/agents/anthropic.js';
import { commandRuntime } from '../../src/agents/command.js';
import type { Runtime } from '../../src/agents/runtime.js';
import { scriptRuntime } from '../../src/agents/script.js';
import { findSdk } from '../../src/agents/sdk.js';
import type { Rule, Turn } from '../../src/dev/model-script.js';
import { startModelServer } from '../../src/dev/model-server.js';
import type { Act } from '../../src/town/act.js';
import { Agent, AGENTS } from '../../src/town/agents.js';
import type { Keys } from '../../src/town/agents.js';
import type { SessionSpec } from '../../src/town/session.js';
import { installSdk } from './sdk.js';
import { programsOf, specOf } from './sessions.js';
import type { Bench } from './sessions.js';

export type Played = {
  readonly runtime: Runtime;
  readonly spec: SessionSpec;
  /** Of the model that it asks; empty when it asks none. */
  readonly url: string;
};
export type Setup = (bench: Bench, acts: readonly Act[], more?: Partial<SessionSpec>) => Promise<Played>;

/** People are none: nothing runs for them, their steps wait in the molecule. */
export const RUNTIMES: Readonly<Record<'script' | 'anthropic' | 'command' | 'sdk', Setup>> = {
  script: async (bench, acts, more) => ({ runtime: scriptRuntime(), spec: specOf(bench, acts, more), url: '' }),
  anthropic: async (bench, acts, more) => {
    const server = await startModelServer({ script: { rules: [...rulesOf(acts)] } });
    onTestFinished(() => server.stop());
    const runtime = anthropicRuntime({ apiKey: 'test', baseUrl: server.url });
    const commands = Object.fromEntries(acts.flatMap((act, at) => ('run' in act ? [[`run-${at}`, act.run]] : [])));
    const spec = specOf(bench, null, { runtime: { kind: 'anthropic', model: 'scripted' }, commands, ...more });
    return { runtime, spec, url: server.url };
  },
  command: async (bench, acts, more) => {
    const agent = Agent.parse({ command: 'sh', args: ['-c', programOf(acts), 'agent', '{prompt}'] });
    const spec = specOf(bench, null, { runtime: { kind: 'command', model: '', agent }, ...more });
    return { runtime: commandRuntime({}), spec, url: '' };
  },
  sdk: async (bench, acts, more) => {
    await installSdk(bench.folder, programOf(acts));
    const agent = Agent.parse({ ...AGENTS['claude-code'], command: 'no-such-program', provider: null });
    const spec = specOf(bench, null, { runtime: { kind: 'command', model: '', agent }, ...more });
    return { runtime: commandRuntime({}, { sdkHere: () => findSdk(bench.folder) }), spec, url: '' };
  },
};

const KEYS: Keys = {
  anthropic: { key: 'sk-of-the-town', baseUrl: 'http://127.0.0.1:9' },
  openai: { key: 'sk-of-the-town', baseUrl: 'http://127.0.0.1:9' },
  gemini: { key: 'sk-of-the-town', baseUrl: 'http://127.0.0.1:9' },
};

/** Called as the agent of that name is, a program that does the acts; all of them are given their prompt last, or as their input. */
export const presetOf =
  (name: keyof typeof AGENTS): Setup =>
  async (bench, acts, more) => {
    const command = join(programsOf(bench), AGENTS[name].command);
    await mkdir(programsOf(bench), { recursive: true });
    const prompt = AGENTS[name].prompt === 'stdin' ? 'last=$(cat)' : 'for last; do :; done';
    await writeFile(command, `#!/bin/sh\n${prompt}\nset -- "$last"\n${programOf(acts)}\n`);
    await chmod(command, 0o755);
    const agent = Agent.parse({ ...AGENTS[name], command });
    const spec = specOf(bench, null, { runtime: { kind: 'command', model: 'some-model', agent }, ...more });
    return { runtime: commandRuntime(KEYS), spec, url: '' };
  };

/** The acts between one handoff or question and the next. */
function sectionsOf(acts: readonly Act[]): readonly (readonly (readonly [Act, number])[])[] {
  const sections: (readonly [Act, number])[][] = [[]];
  acts.forEach((act, at) => {
    sections.at(-1)?.push([act, at]);
    if ('handoff' in act || 'block' in act) sections.push([]);
  });
  return sections;
}

function rulesOf(acts: readonly Act[]): readonly Rule[] {
  return sectionsOf(acts).map((section, handoffs) => ({
    when: [`\nHandoffs: ${handoffs}\n`],
    turns: section.map(([act, at]) => turnOf(act, at)),
  }));
}

const call = (name: string, input: Record<string, unknown>): Turn => ({ tools: [{ name, input }] });

function turnOf(act: Act, at: number): Turn {
  if ('write' in act) return call('write_file', { path: act.write, text: act.text });
  if ('run' in act) return call('run_command', { name: `run-${at}` });
  if ('note' in act) return call('note', { text: act.note });
  if ('handoff' in act) return call('handoff', { note: act.handoff });
  if ('block' in act) return call('escalate', { detail: act.block });
  if ('close' in act) {
    return call('close', { summary: act.close, ...(act.output === undefined ? {} : { output: act.output }) });
  }
  if ('fail' in act) {
    const transient = act.transient === true ? { transient: true } : {};
    return call('close', { summary: act.fail, verdict: 'failed', ...transient });
  }
  throw new Error(`the model is not told how to ${Object.keys(act).join()}`);
}

/** A program of the shell; what is refused does not end it, as it would not end an agent. */
function programOf(acts: readonly Act[]): string {
  const cases = sectionsOf(acts).map((section, handoffs) => {
    const lines = section.map(([act]) => lineOf(act)).join('\n');
    return `*"Handoffs: ${handoffs}\n"*)\n${lines}\n;;`;
  });
  return `case "$1" in\n${cases.join('\n')}\nesac`;
}

function lineOf(act: Act): string {
  if ('write' in act) return `mkdir -p "$(dirname ${q(act.write)})" && printf %s ${q(act.text)} > ${q(act.write)}`;
  if ('run' in act) return act.run;
  if ('note' in act) return `gt note ${q(act.note)}`;
  if ('handoff' in act) return `gt handoff ${q(act.handoff)}; exit`;
  if ('block' in act) return `gt escalate ${q(act.block)}; exit`;
  if ('close' in act) {
    const output = act.output === undefined ? '' : ` --output ${q(JSON.stringify(act.output))}`;
    return `gt close ${q(act.close)}${output} && exit`;
  }
  if ('fail' in act) {
    return `gt close ${q(act.fail)} --verdict failed${act.transient === true ? ' --transient' : ''} && exit`;
  }
  throw new Error(`the program is not told how to ${Object.keys(act).join()}`);
}

const q = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
