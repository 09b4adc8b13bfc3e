/** `gt rig`: the repositories a town works on. They stand in town.toml, which this only ever adds to. */
import { randomUUID } from 'node:crypto';
import { link, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { stringify } from 'smol-toml';
import { absoluteUrl, type Town } from '../config.js';
import { withoutCredentials } from '../town/credentials.js';
import { inspectRemote } from '../git/mirror.js';
import { plainEnvironment } from '../process/environment.js';
import { run } from '../process/run.js';
import { derivePrefix, RESERVED_PREFIXES } from '../town/prefix.js';
import type { Gate, RigSnapshot } from '../town/rig.js';
import { readTownText, rigNameProblem } from '../town-toml.js';
import { CliError, readArguments, UsageError, type Command } from './command.js';
import { print } from './print.js';
import { openTown, TOWN_OPTION } from './town.js';

const WRITERS_MAX = 100;
const WRITER_PAUSE_MS = 50;

export const rigAdd: Pick<Command, 'run'> = { run: addRig };

export const rigList: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...TOWN_OPTION, json: { type: 'boolean' } });
    if (positionals.length > 0) throw new UsageError(`gt rig list takes no ${positionals[0]}`);
    const rigs = Object.values((await openTown(values.town)).snapshot.rigs);
    const shown = rigs.map((rig) => ({ ...rig, url: withoutCredentials(rig.url) }));
    print(values.json === true ? JSON.stringify(shown, null, 2) : listOf(rigs));
  },
};

async function addRig(args: readonly string[]): Promise<void> {
  const { values, positionals } = readArguments(args, {
    ...TOWN_OPTION,
    branch: { type: 'string' },
    gate: { type: 'string', multiple: true },
    names: { type: 'string' },
    capacity: { type: 'string' },
    prefix: { type: 'string' },
    force: { type: 'boolean' },
  });
  const [name, where, ...more] = positionals;
  if (name === undefined || where === undefined || more.length > 0)
    throw new UsageError('gt rig add takes a name and a repository');
  const unfit = rigNameProblem(name);
  if (unfit !== null) throw new UsageError(`"${name}" is not possible: ${unfit}`);
  const town = await openTown(values.town);
  refuseTaken(name, town);
  const gates = (values.gate ?? []).map(readGate);
  const twice = gates.find((gate, at) => gates.findIndex((one) => one.name === gate.name) !== at);
  if (twice !== undefined)
    throw new UsageError(`--gate ${twice.name} is given twice: each gate needs a name of its own`);
  if (values.force !== true) await refuseMissingPrograms(gates);
  const url = absoluteUrl(where, process.cwd());
  const branch = await branchOf(url, values.branch);
  await addTo(town.paths.file, async () => {
    const now = await openTown(town.dir);
    refuseTaken(name, now);
    const taken = [...RESERVED_PREFIXES, ...Object.values(now.snapshot.rigs).map((rig) => rig.prefix)];
    const table = {
      url,
      branch,
      // Written down, so that the ids of its molecules stay alike whatever rigs come later.
      prefix: values.prefix ?? derivePrefix(name, taken),
      ...(values.names === undefined ? {} : { names: values.names.split(',').map((one) => one.trim()) }),
      ...(values.capacity === undefined ? {} : { capacity: numberOr(values.capacity) }),
      ...(gates.length === 0 ? {} : { gates: Object.fromEntries(gates.map((gate) => [gate.name, gate.command])) }),
    };
    return stringify({ rigs: { [name]: table } });
  });
  print(`${name} is a rig: ${withoutCredentials(url)}, work lands on ${branch}`);
  if (hasPassword(url))
    print('Its URL holds a password, and town.toml is kept in git: a credential helper is a better place');
}

function refuseTaken(name: string, { snapshot, paths }: Town): void {
  const there = Object.hasOwn(snapshot.rigs, name) ? snapshot.rigs[name] : undefined;
  if (there === undefined) return;
  throw new CliError(
    `there is a rig ${name} already, ${withoutCredentials(there.url)}: change it in ${paths.file}, or choose another name`,
  );
}

function readGate(text: string): Gate {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageError(`--gate is "${text}"; NAME=COMMAND is expected, for example test='npm test'`);
  return { name: text.slice(0, at).trim(), command: text.slice(at + 1).trim() };
}

/** Only a plain first word can be looked up here; one with a slash in it may be part of the repository. */
async function refuseMissingPrograms(gates: readonly Gate[]): Promise<void> {
  for (const { name, command } of gates) {
    const program = /^[\w.+-]+(?=\s|$)/.exec(command)?.[0];
    if (program === undefined) continue;
    const found = await run('sh', ['-c', 'command -v -- "$1"', 'sh', program], { cwd: '/', env: plainEnvironment() });
    if (found.end.kind === 'exited' && found.end.code === 0) continue;
    throw new CliError(
      `the gate ${name} needs the program ${program}, which is not on this machine's PATH: install it, correct --gate, or add the rig all the same with --force`,
    );
  }
}

/** The branch work lands on. Throws CliError when the repository cannot be used. */
async function branchOf(url: string, asked: string | undefined): Promise<string> {
  const remote = await inspectRemote(url, asked).catch((error: unknown) => {
    throw new CliError(
      `${withoutCredentials(url)} cannot be used as a rig: ${error instanceof Error ? error.message : String(error)}`,
    );
  });
  if (remote.kind === 'found') return remote.branch;
  throw new CliError(remote.reason === 'detached' ? `${remote.problem} (--branch)` : remote.problem);
}

/** Of two that add at the same moment the second starts over, with what the first has written. */
async function addTo(file: string, tableFor: () => Promise<string>): Promise<void> {
  for (let left = WRITERS_MAX; left > 0; left -= 1) {
    const old = await readFile(file, 'utf8');
    if (await append(file, old, await tableFor())) return;
    await pause(WRITER_PAUSE_MS * (1 + Math.random()));
  }
  throw new CliError(
    `${file} is being changed by others all the time. If nobody does, remove ${await lockOf(file)} and try again`,
  );
}

async function lockOf(file: string): Promise<string> {
  return `${await realpath(file)}.lock`;
}

/**
 * Comments and form of the file stay. What the file would then say is checked first: nothing wrong is ever written. Returns false
 * when somebody else writes at this moment, or has written since the file was read.
 */
async function append(file: string, old: string, table: string): Promise<boolean> {
  const text = `${old.trimEnd()}\n\n${table.trim()}\n`;
  const read = readTownText(text);
  if (!read.ok)
    throw new CliError(
      `town.toml was left as it is, because with the new rig it would be wrong:\n${read.problems.join('\n')}`,
    );
  const target = await realpath(file);
  const draft = `${target}.${randomUUID()}`;
  const lock = await lockOf(file);
  let isMine = false;
  try {
    await writeFile(draft, text, { mode: (await stat(target)).mode, flush: true });
    // A link fails when the file is there: it is the lock, and it holds what its owner would write.
    await link(draft, lock);
    isMine = true;
    if ((await readFile(target, 'utf8')) !== old) return false;
    await rename(draft, target);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw new CliError(`${file} cannot be written: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    await rm(draft, { force: true });
    if (isMine) await rm(lock, { force: true });
  }
}

/** What is no number goes on as text, for town.toml's own check to name. */
function numberOr(text: string): number | string {
  return /^\d+$/.test(text) ? Number(text) : text;
}

function hasPassword(url: string): boolean {
  return /^[a-z]+:\/\/[^/@:]*:[^/@]+@/i.test(url);
}

function listOf(rigs: readonly RigSnapshot[]): string {
  if (rigs.length === 0) return 'This town has no rigs yet: gt rig add NAME PATH_OR_URL';
  return rigs
    .map(({ name, url, branch, capacity, prefix, gates }) => {
      const checks = gates.length === 0 ? 'no gates' : `gates: ${gates.map((gate) => gate.name).join(', ')}`;
      return `${name}  ${withoutCredentials(url)}, ${branch}\n  prefix ${prefix}, at most ${capacity} polecats, ${checks}`;
    })
    .join('\n');
}
