/** What a command of `gt` is, how it reads its arguments, and the two ways in which it may fail. */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { nearest } from '../town/nearest.js';

export type Command = {
  /** One word, or two: `up`, `rig add`. */
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** How it is called, and below that what each argument means. */
  readonly usage: string;
  readonly run: (args: readonly string[]) => Promise<void>;
};

/** A command whose code, and all that stands behind it, is read only when it is called. */
export function lazy(name: string, summary: string, usage: string, load: () => Promise<Pick<Command, 'run'>>): Command {
  return { name, summary, usage, run: async (args) => (await load()).run(args) };
}

export const TOWN_USAGE =
  '  --town DIR            the town; if not given GT_TOWN, else the folder around you that has a town.toml';

/** Trouble that the person at the terminal can put right. It is printed without a stack: `gt: what, where, what to do`. */
export class CliError extends Error {
  override readonly name: string = 'CliError';
  readonly exitCode: number = 1;
}

/** The command line itself is wrong; the usage of the command is printed with it. */
export class UsageError extends CliError {
  override readonly name = 'UsageError';
  override readonly exitCode = 2;
}

const PORT_MAX = 65_535;

type Options = NonNullable<ParseArgsConfig['options']>;
type Parsed<O extends Options> = ReturnType<
  typeof parseArgs<{ options: O; allowPositionals: true; strict: true; args: string[] }>
>;

/** `parseArgs`, with its complaints in our words. Throws UsageError. */
export function readArguments<const O extends Options>(args: readonly string[], options: O): Parsed<O> {
  try {
    return withoutEmpty(parseArgs({ args: [...args], options, allowPositionals: true, strict: true }));
  } catch (error) {
    if (!(error instanceof TypeError && 'code' in error)) throw error;
    throw new UsageError(complaint(error, Object.keys(options)));
  }
}

/**
 * An empty argument is a variable that was not set: taken for a path it would mean the folder one stands in. Of `--var` the command
 * itself says what is wrong.
 */
function withoutEmpty<P extends { readonly values: object; readonly positionals: readonly string[] }>(parsed: P): P {
  if (parsed.positionals.includes(''))
    throw new UsageError('an argument is empty: was a variable meant that is not set?');
  const empty = Object.entries(parsed.values).find(
    ([name, value]) => name !== 'var' && [value].flat().includes(''),
  )?.[0];
  if (empty !== undefined) throw new UsageError(`--${empty} is empty: give it a value, or leave it out`);
  return parsed;
}

/** The one argument of a command, `what` in a word or two. Throws UsageError for none, and for more. */
export function takeOne(command: string, what: string, positionals: readonly string[]): string {
  const [one, ...more] = positionals;
  if (one === undefined || more.length > 0) throw new UsageError(`gt ${command} takes one ${what}`);
  return one;
}

/** For commands that take nothing but options. */
export function refuseMore(command: string, extra: readonly string[]): void {
  if (extra.length > 0) throw new UsageError(`gt ${command} takes no ${extra[0]}`);
}

/** Throws UsageError; null when none is asked for. */
export function readPort(option: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const port = /^\d+$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= PORT_MAX) return port;
  throw new UsageError(`--${option} is "${text}"; expected a port number from 1 to ${PORT_MAX}`);
}

function complaint(error: TypeError & { readonly code?: unknown }, known: readonly string[]): string {
  const unknown = /^Unknown option '--?([^']*)'/.exec(error.message)?.[1];
  if (error.code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION' || unknown === undefined)
    return error.message.split('. ')[0] ?? '';
  const near = nearest(unknown, known);
  const hint =
    near === null ? `the options are ${known.map((one) => `--${one}`).join(', ')}` : `did you mean --${near}?`;
  return `there is no option ${unknown.length > 1 ? '--' : '-'}${unknown}; ${known.length === 0 ? 'it takes none' : hint}`;
}
