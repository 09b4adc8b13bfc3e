/**
 * `npm run bench:sessions`: fifty sessions at once, a thousand in all, through the Anthropic SDK against the scripted model on this machine.
 * Each asks, runs a command in its worktree, and hands over to the next; the last of each item writes its file. What must not
 * grow is the worker's memory. `SESSIONS=200 npm run bench:sessions` for fewer.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { startModelServer } from '../../src/dev/model-server.js';
import type { Rule } from '../../src/dev/model-script.js';
import { liveTown } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { processesIn } from '../support/processes.js';
import { QUICK } from '../support/test-formulas.js';
import { measuredBy, median, tell, tellJson } from './figures.js';

/** As many as two rigs have names for. */
const AT_ONCE = 50;
const RIGS = ['one', 'two'];
const SESSIONS = Number(process.env['SESSIONS'] ?? 1_000);
const EACH = Math.ceil(SESSIONS / AT_ONCE);
/** By now every item has its molecule, its worktree and its second session. */
const FIRST = 2 * AT_ONCE;
const LOOK_MS = 250;
const SECONDS_MAX = 1_200;
/** What a session does in its worktree: long enough for all to be there together. */
const COMMAND = 'sleep 6';

const FORMULA = QUICK.replace(/\[\[steps\.script\]\][^]*$/, `acceptance = { command = "${COMMAND}" }\n`);

const names = Array.from({ length: AT_ONCE }, (_, at) => `item-${at + 1}`);
const last = (name: string): Rule => ({
  when: [`# Write ${name}\n`, `\nHandoffs: ${EACH - 1}\n`],
  turns: [
    { tools: [{ name: 'write_file', input: { path: `${name}.txt`, text: `${name}\n` } }] },
    { tools: [{ name: 'close', input: { summary: `wrote ${name}`, verdict: 'done' } }] },
  ],
});
const others: Rule = {
  when: [],
  turns: [
    { tools: [{ name: 'run_command', input: { name: 'acceptance' } }] },
    { tools: [{ name: 'handoff', input: { note: 'another session goes on' } }] },
  ],
};

type Look = { readonly sessions: number; readonly mebibytes: number; readonly atOnce: number };

class Watch {
  readonly looks: Look[] = [];
  readonly #town: LiveTown;
  readonly #server: Awaited<ReturnType<typeof startModelServer>>;
  #sessions = 0;
  #heardMs = 0;

  constructor(town: LiveTown, server: Awaited<ReturnType<typeof startModelServer>>) {
    this.#town = town;
    this.#server = server;
  }

  get sessions(): number {
    return this.#sessions;
  }

  async look(): Promise<void> {
    const heard = this.#server.requests().filter(({ atMs }) => atMs > this.#heardMs);
    this.#heardMs = heard.at(-1)?.atMs ?? this.#heardMs;
    // With its second question a session says how it ends.
    this.#sessions += heard.filter(({ turn }) => turn === 1).length;
    const status = await readFile(`/proc/${this.#town.raised.workerPid() ?? 0}/status`, 'utf8');
    const mebibytes = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024;
    const running = await processesIn(this.#town.dir);
    const atOnce = running.filter((one) => one.endsWith(` ${COMMAND}`) && !one.includes('sh -c')).length;
    this.looks.push({ sessions: this.#sessions, mebibytes, atOnce });
  }
}

/** Between these numbers of sessions. */
function memory(looks: readonly Look[], from: number, to: number): number {
  return median(looks.filter(({ sessions }) => sessions >= from && sessions < to).map(({ mebibytes }) => mebibytes));
}

async function bench(): Promise<void> {
  const server = await startModelServer({ script: { rules: [...names.map(last), others] } });
  const rig = { bare: true, capacity: AT_ONCE / RIGS.length };
  const town = await liveTown({
    rigs: Object.fromEntries(RIGS.map((name) => [name, rig])),
    formulas: { quick: FORMULA },
    limits: { sessions_per_step: EACH },
    runtime: { kind: 'anthropic', model: 'scripted', base_url: server.url },
    env: { ANTHROPIC_API_KEY: 'scripted' },
  });
  try {
    const work = names.map((name, at) => ({ id: name, rig: RIGS[at % RIGS.length], formula: 'quick', vars: { name } }));
    const begun = performance.now();
    const mission = await town.startMission('bench', { work });
    const watch = new Watch(town, server);
    while (watch.sessions < EACH * AT_ONCE) {
      if (performance.now() - begun > SECONDS_MAX * 1_000)
        throw new Error(`only ${watch.sessions} sessions have ended`);
      await watch.look();
      await pause(LOOK_MS);
    }
    const seconds = (performance.now() - begun) / 1_000;
    const { looks } = watch;
    const total = watch.sessions;
    const { landed } = (await mission.result()) as { readonly landed: number };
    if (landed !== AT_ONCE) throw new Error(`${landed} of ${AT_ONCE} items have landed`);
    const most = Math.max(...looks.map(({ atOnce }) => atOnce));
    tell('sessions', total, 'sessions');
    tell('most at work in one moment', most, 'sessions', `at least ${AT_ONCE * 0.9}`, most >= AT_ONCE * 0.9);
    tell('sessions a second', total / seconds, '1/s');
    const [early, late] = [memory(looks, FIRST, 2 * FIRST), memory(looks, total - FIRST, Infinity)];
    tell(`worker's memory after ${FIRST} sessions`, early, 'MiB');
    // What a program needs to get warm is in the first half.
    const half = total / 2;
    tell(`worker's memory after ${half} sessions`, memory(looks, half - FIRST / 2, half + FIRST / 2), 'MiB');
    tell(`worker's memory after ${total} sessions`, late, 'MiB');
    tell('most memory of the worker', Math.max(...looks.map(({ mebibytes }) => mebibytes)), 'MiB');
    tell('the end against the beginning', late / early, 'times', 'flat: at most 1.15', late / early <= 1.15);
  } finally {
    await town.stop();
    await server.stop();
  }
}

measuredBy(`SESSIONS=${SESSIONS} npm run bench:sessions`);
await bench();
tellJson();
