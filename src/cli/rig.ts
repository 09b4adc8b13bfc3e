/** `gt rig`: the repositories a town works on. They stand in town.toml, which this only ever adds to. */
import { randomUUID } from 'node:crypto';
import { readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { stringify } from 'smol-toml';
import { absoluteUrl } from '../config.js';
import { inspectRemote } from '../git/mirror.js';
import { plainEnvironment } from '../process/environment.js';
import { run } from '../process/run.js';
import { derivePrefix, RESERVED_PREFIXES } from '../town/prefix.js';
import type { Gate, RigSnapshot } from '../town/rig.js';
import { readTownText, rigNameProblem } from '../town-toml.js';
import { CliError, readArguments, UsageError, type Command } from './command.js';
import { openTown, TOWN_OPTION } from './town.js';

export const rigAdd: Pick<Command, 'run'> = { run: addRig };

export const rigList: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...TOWN_OPTION, json: { type: 'boolean' } });
    if (positionals.length > 0) throw new UsageError(`gt rig list takes no ${positionals[0]}`);
    const rigs = Object.values((await openTown(values.town)).snapshot.rigs);
    console.log(values.json === true ? JSON.stringify(rigs, null, 2) : listOf(rigs));
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
  const { rigs } = town.snapshot;
  if (rigs[name] !== undefined)
    throw new CliError(
      `there is a rig ${name} already, ${rigs[name].url}: change it in ${town.paths.file}, or choose another name`,
    );
  const gates = (values.gate ?? []).map(readGate);
  if (values.force !== true) await refuseMissingPrograms(gates);
  const url = absoluteUrl(where, process.cwd());
  const branch = await branchOf(url, values.branch);
  const taken = [...RESERVED_PREFIXES, ...Object.values(rigs).map((rig) => rig.prefix)];
  const table = {
    url,
    branch,
    // Written down, so that the ids of its molecules stay alike whatever rigs come later.
    prefix: values.prefix ?? derivePrefix(name, taken),
    ...(values.names === undefined ? {} : { names: values.names.split(',').map((one) => one.trim()) }),
    ...(values.capacity === undefined ? {} : { capacity: numberOr(values.capacity) }),
    ...(gates.length === 0 ? {} : { gates: Object.fromEntries(gates.map((gate) => [gate.name, gate.command])) }),
  };
  await append(town.paths.file, stringify({ rigs: { [name]: table } }));
  console.log(`${name} is a rig: ${url}, work lands on ${branch}`);
  if (hasPassword(url))
    console.log('Its URL holds a password, and town.toml is kept in git: a credential helper is a better place');
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
  const remote = await inspectRemote(url).catch((error: unknown) => {
    throw new CliError(`${url} cannot be used as a rig: ${error instanceof Error ? error.message : String(error)}`);
  });
  if (remote.kind === 'unusable') throw new CliError(remote.problem);
  return asked ?? remote.defaultBranch;
}

/** Comments and form of the file stay. What the file would then say is checked first: nothing wrong is ever written. */
async function append(file: string, table: string): Promise<void> {
  const old = await readFile(file, 'utf8');
  const text = `${old.trimEnd()}\n\n${table.trim()}\n`;
  const read = readTownText(text);
  if (!read.ok)
    throw new CliError(
      `town.toml was left as it is, because with the new rig it would be wrong:\n${read.problems.join('\n')}`,
    );
  const target = await realpath(file);
  const draft = `${target}.${randomUUID()}`;
  try {
    await writeFile(draft, text, { mode: (await stat(target)).mode, flush: true });
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { force: true });
    throw new CliError(`${file} cannot be written: ${error instanceof Error ? error.message : String(error)}`);
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
      return `${name}  ${url}, ${branch}\n  prefix ${prefix}, at most ${capacity} polecats, ${checks}`;
    })
    .join('\n');
}
