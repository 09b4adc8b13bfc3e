/** `gt`: finds the command, runs it, and turns what went wrong into a sentence and an exit code. */
import { readFileSync } from 'node:fs';
import { Unreadable } from '../formula-shelf.js';
import { nearest } from '../town/nearest.js';
import { CliError, UsageError, type Command } from './command.js';
import { commands } from './commands.js';
import { print } from './print.js';
import { printable } from './printable.js';
import { Stopped } from './stopping.js';

/** Sets the process's exit code: 0 done, 1 failed, 2 called wrongly. Never throws. */
export async function main(argv: readonly string[]): Promise<void> {
  const command = findCommand(argv);
  try {
    await dispatch(argv, command);
  } catch (error) {
    process.exitCode = report(error, command);
    // What was stopped half-way may still have a download or a program under way, which nobody waits for.
    if (error instanceof Stopped) process.exit();
  }
}

async function dispatch(argv: readonly string[], command: Command | null): Promise<void> {
  const [first, ...rest] = argv;
  if (first === '--version' || first === 'version') return print(version());
  if (first === undefined || first === '--help' || first === '-h') return print(overview(commands));
  if (first === 'help') return print(helpOn(rest));
  if (command === null) return print(helpOn(argv.filter((word) => !isHelp(word))));
  const args = argv.slice(wordsOf(command).length);
  const end = args.indexOf('--');
  if (args.slice(0, end === -1 ? undefined : end).some(isHelp)) return print(help(command));
  await command.run(args);
}

function report(error: unknown, command: Command | null): number {
  if (error instanceof Unreadable) return report(new CliError(error.message), command);
  if (!(error instanceof CliError)) {
    console.error('gt: this should not have happened; please report it with what follows');
    console.error(error);
    return 1;
  }
  console.error(`gt: ${printable(error.message)}`);
  if (error instanceof UsageError && command !== null) console.error(`\nUsage: ${command.usage}`);
  return error.exitCode;
}

/** The command whose words the arguments begin with; of several the longest. */
function findCommand(argv: readonly string[]): Command | null {
  const fits = commands.filter((command) => wordsOf(command).every((word, index) => argv[index] === word));
  return fits.toSorted((a, b) => wordsOf(b).length - wordsOf(a).length)[0] ?? null;
}

function helpOn(words: readonly string[]): string {
  const command = findCommand(words);
  if (command !== null) return help(command);
  if (words.length === 0) return overview(commands);
  const family = commands.filter((one) => one.name.startsWith(`${words[0]} `));
  if (family.length > 0 && words.length === 1) return overview(family);
  throw new UsageError(`there is no command ${words.slice(0, 2).join(' ')}; ${offer(words, family)}`);
}

function offer(words: readonly string[], family: readonly Command[]): string {
  const names = (family.length > 0 ? family : commands).map((one) => one.name);
  const near =
    nearest(words.slice(0, 2).join(' '), names) ?? (family.length > 0 ? null : nearest(words[0] ?? '', names));
  return near === null ? `the commands are ${names.join(', ')}` : `did you mean gt ${near}?`;
}

function overview(shown: readonly Command[]): string {
  const width = Math.max(...shown.map((command) => command.name.length));
  const lines = shown.map((command) => `  gt ${command.name.padEnd(width)}  ${command.summary}`);
  return ['Usage: gt COMMAND', '', ...lines, '', 'More about one: gt help COMMAND. The version: gt --version.'].join(
    '\n',
  );
}

function help(command: Command): string {
  return `${command.summary}\n\nUsage: ${command.usage}`;
}

/** The manifest stands two folders up, from `src` as from `dist`. */
function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : '';
}

function wordsOf(command: Command): readonly string[] {
  return command.name.split(' ');
}

function isHelp(word: string): boolean {
  return word === '--help' || word === '-h';
}
