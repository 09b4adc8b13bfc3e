/** How a program that is an agent is called: its arguments and its environment with what is known filled in. */
import { INSIDE } from '../process/inside-path.js';
import type { Agent } from '../town/agents.js';

/** Null for what is not known. */
export type CallValues = Readonly<Record<'prompt' | 'model' | 'home' | 'mcp' | 'usd', string | null>> & {
  readonly session: string;
};

/** As the shell takes it. `proxy`: the socket by which its models are reached. */
export function commandOf(agent: Agent, args: readonly string[], values: CallValues, proxy: string | null): string {
  return lineOf([agent.command, ...args.flatMap((arg) => fill(arg, values) ?? [])], proxy);
}

export function lineOf(words: readonly string[], proxy: string | null): string {
  const all = proxy === null ? words : [process.execPath, INSIDE, '--model', proxy, '--', ...words];
  return all.map(quoted).join(' ');
}

export function environmentOf(agent: Agent, values: CallValues): Readonly<Record<string, string>> {
  const pairs = Object.entries(agent.env).flatMap(([name, value]) => {
    const filled = fill(value, values);
    return filled === null ? [] : [[name, filled] as const];
  });
  return Object.fromEntries(pairs);
}

/** Null when something that stands in it is not known. `{model_url}` is left to whoever is inside. */
function fill(text: string, values: Readonly<Record<string, string | null>>): string | null {
  let isKnown = true;
  const filled = text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => {
    if (!(name in values)) return whole;
    const value = values[name] ?? null;
    if (value === null) isKnown = false;
    return value ?? '';
  });
  return isKnown ? filled : null;
}

export function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
