/** How a program that is an agent is called: its arguments and its environment with what is known filled in. */
import { INSIDE } from '../process/inside-path.js';
import type { Agent } from '../town/agents.js';
import type { KeyProxy } from './key-proxy.js';

/** Null for what is not known. */
export type CallValues = Readonly<Record<'prompt' | 'model' | 'home' | 'mcp' | 'usd', string | null>> & {
  readonly session: string;
};

/** As the shell takes it. `proxy`: that by which its models are reached; all users of the machine may see a command, and so its token is not there. */
export function commandOf(agent: Agent, args: readonly string[], values: CallValues, proxy: KeyProxy | null): string {
  return lineOf([agent.command, ...args.flatMap((arg) => fill(arg, values) ?? [])], proxy);
}

export function lineOf(words: readonly string[], proxy: KeyProxy | null): string {
  const all = proxy === null ? words : [process.execPath, INSIDE, '--model', proxy.socket, '--', ...words];
  return all.map(quoted).join(' ');
}

/** Agents of histories before 0.6 have it in the place of `{model_key}`. */
const HELD = 'held-by-the-town';

export function environmentOf(
  agent: Agent,
  values: CallValues,
  proxy: KeyProxy | null,
): Readonly<Record<string, string>> {
  const way = proxy === null ? {} : { model_url: `{model_url}/${proxy.token}`, model_key: proxy.token };
  const pairs = Object.entries(agent.env).flatMap(([name, value]) => {
    const filled = fill(value === HELD ? '{model_key}' : value, { ...values, ...way });
    return filled === null ? [] : [[name, filled] as const];
  });
  return Object.fromEntries(pairs);
}

/** Null when something that stands in it is not known. The port in `{model_url}` is left to whoever is inside. */
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
