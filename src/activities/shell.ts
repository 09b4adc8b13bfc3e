/** Where the commands of a worktree run: in the open, or shut in with bubblewrap as its rig wants it. */
import { rmSync } from 'node:fs';
import { mkdtemp, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import type { FailureType } from '../contract/failures.js';
import { NARROW_GIT, narrowed } from '../git/narrow.js';
import type { Look } from '../git/submodules.js';
import { shutInAt } from '../git/worktree.js';
import type { Place } from '../git/worktree.js';
import { barredCalls } from '../process/barred.js';
import {
  bubblewrapPlaces,
  findBubblewrap,
  HOME_INSIDE,
  IN_MEMORY,
  machineMounts,
  NO_NAMESPACES,
  privateIn,
  shutIn,
  whyNoNamespaces,
} from '../process/bubblewrap.js';
import type { Program } from '../process/bubblewrap.js';
import { plainEnvironment } from '../process/environment.js';
import { openHostProxy } from '../process/host-proxy.js';
import { INSIDE } from '../process/inside-path.js';
import { run } from '../process/run.js';
import type { RunOptions, RunResult } from '../process/run.js';
import type { Confinement } from '../town/confinement.js';
import { refuse } from './beating.js';

/** A worktree, or a folder in which git has no part. `branch`: null for none, as trees of the refinery are on. */
export type Tree = ((Place & { readonly branch: string | null }) | { readonly path: string; readonly mirror: null }) & {
  /** Folders outside of it that may be written to. */
  readonly more?: readonly string[];
};

type ShellOptions = Omit<RunOptions, 'cwd'> & {
  /** What may be read besides, where it is shut in. */
  readonly readable?: readonly string[];
  /** A folder that is `HOME` where it is shut in; one that is empty each time if not given. */
  readonly home?: string;
};
export type Shell = (command: string, options: ShellOptions) => Promise<RunResult>;

type CellOptions = Pick<ShellOptions, 'env' | 'readable' | 'home'> & {
  /** It keeps the terminal that it is given, which has to be one of its own. */
  readonly isAtTerminal?: boolean;
};
/** A command as it is started: shut in, where it has to be. */
type Cell = (command: string, options: CellOptions) => Program & Pick<RunOptions, 'cwd' | 'env' | 'limits' | 'third'>;

const UNCONFINED = 'Unconfined' satisfies FailureType;
const MIB = 1024 * 1024;
const KIB_OF_MIB = 1024;
const PROBE_MS_MAX = 10_000;

let town: readonly string[] = [];

/** From now on nothing in these folders is shown but what is granted, also where they lie among what is installed, or in what the rig names. */
export async function hideTown(folders: readonly string[]): Promise<void> {
  const real = folders.map((folder) => realpath(folder).catch(() => resolve(folder)));
  town = [...new Set(await Promise.all(real))];
}

/** Where the town comes to lie inside: what is shown may be named by a link. */
async function townIn(shown: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(
    shown.map(async (path) => {
      const real = await realpath(path).catch(() => path);
      return town.flatMap((one) => (one.startsWith(`${real}/`) ? [`${path}${one.slice(real.length)}`] : []));
    }),
  );
  return [...new Set([...town, ...found.flat()])];
}

/** Refuses, in words for a person, when this machine cannot shut in what must be. */
export async function shellIn(tree: Tree, confinement: Confinement | null): Promise<Shell> {
  const cell = await cellIn(tree, confinement);
  return (command, { env, readable, home, ...options }) => {
    const { file, args, ...where } = cell(command, {
      env,
      ...(readable === undefined ? {} : { readable }),
      ...(home === undefined ? {} : { home }),
    });
    return run(file, args, { ...options, ...where });
  };
}

/** Refuses as `shellIn` does. */
export async function cellIn(tree: Tree, confinement: Confinement | null): Promise<Cell> {
  const { path: cwd } = tree;
  // What is readable, and a home, is for those who are shut in.
  if (confinement === null) return (command, { env }) => ({ file: 'sh', args: ['-c', command], cwd, env });
  const { bubblewrap, mounts, third } = await means(confinement);
  const shown =
    tree.mirror === null ? { writable: [cwd], readable: [], hidden: [] } : await narrowed(tree, tree.branch);
  const writable = [...shown.writable, ...(tree.more ?? [])];
  const readable = [...shown.readable, ...confinement.read];
  const how = {
    writable,
    readable,
    hidden: shown.hidden,
    emptied: await townIn([...writable, ...readable]),
    covered: await covered(),
    network: confinement.network,
  };
  const wayOut = confinement.hosts === undefined ? null : await proxyTo(confinement.hosts);
  const limits = {
    memoryBytesMax: confinement.memoryMbMax * MIB,
    processesMax: confinement.processesMax,
    inMemory: IN_MEMORY,
  };
  return (command, { env, readable = [], home = HOME_INSIDE, isAtTerminal = false }) => {
    const more = {
      ...how,
      isAtTerminal,
      readable: [...how.readable, ...readable, ...(wayOut === null ? [] : [wayOut, INSIDE])],
    };
    const program = limited(command, confinement);
    const { file, args } = shutIn(bubblewrap, mounts, wayOut === null ? program : outBy(wayOut, program), more, cwd);
    return { file, args, cwd: '/', env: insideOf(env, home), limits, ...third };
  };
}

/** What the kernel itself holds a process to. */
function limited(command: string, { cpuMinutesMax, memoryMbMax }: Confinement): Program {
  // One at a time: of several in one call some shells hear the last.
  const ulimits = `ulimit -t ${Math.ceil(cpuMinutesMax * 60)} && ulimit -d ${Math.ceil(memoryMbMax * KIB_OF_MIB)}`;
  return { file: 'sh', args: ['-c', `${ulimits} && exec sh -c "$1"`, 'sh', command] };
}

function outBy(socket: string, { file, args }: Program): Program {
  return { file: process.execPath, args: [INSIDE, '--proxy', socket, '--', file, ...args] };
}

/** By the hosts that may be reached: one for all who may reach the same. */
const proxies = new Map<string, Promise<string>>();

/** Path of its socket, which goes with this process. */
function proxyTo(hosts: readonly string[]): Promise<string> {
  const key = hosts.join(' ');
  const known = proxies.get(key);
  if (known !== undefined) return known;
  const opened = openProxy(hosts).catch((error: unknown) => {
    proxies.delete(key);
    throw error;
  });
  proxies.set(key, opened);
  return opened;
}

async function openProxy(hosts: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gt-hosts-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const socket = join(folder, 'proxy');
  await openHostProxy(socket, hosts);
  return socket;
}

/** Of the machine outside. */
const OUTSIDE = new Set(['SSH_AUTH_SOCK', 'USER', 'TMPDIR']);

function insideOf(env: Readonly<Record<string, string>>, home: string): Readonly<Record<string, string>> {
  const passed = Object.entries(env).filter(([name]) => !OUTSIDE.has(name));
  return { ...Object.fromEntries(passed), ...NARROW_GIT, HOME: home };
}

/** Looked through each time, since much of it changes: users, passwords. */
const SETTINGS = ['/etc'];
/** Looked through once: it may be large. What others have installed only root can show. */
const LARGE = process.getuid?.() === 0 ? ['/opt', '/usr/local'] : [];
let inLarge: readonly string[] | null = null;

async function covered(): Promise<readonly string[]> {
  inLarge ??= LARGE.length === 0 ? [] : await privateIn(LARGE);
  return [...(await privateIn(SETTINGS)), ...inLarge];
}

type Means = {
  readonly bubblewrap: string;
  readonly mounts: readonly string[];
  /** The calls that are barred. */
  readonly third: Pick<RunOptions, 'third'>;
};

let known: Means | null = null;

type Tried =
  | { readonly ok: true; readonly bubblewrap: string }
  | { readonly ok: false; readonly why: string; readonly remedy: string };

/** Whether this machine can shut in, by doing so once. */
export async function tryConfinement(): Promise<Tried> {
  const found = await look();
  return found.ok ? { ok: true, bubblewrap: found.means.bubblewrap } : found;
}

/** Of a program where a model's commands run, but without a worktree: it changes nothing. Null where nothing can be shut in. */
export async function runInside(
  [file = '', ...args]: readonly string[],
  { read, network }: Pick<Confinement, 'read' | 'network'>,
  options: Pick<RunOptions, 'timeoutMs' | 'keepChars'>,
): Promise<RunResult | null> {
  const found = await look();
  if (!found.ok) return null;
  const how = { writable: [], readable: read, network, emptied: await townIn(read), covered: await covered() };
  const program = shutIn(found.means.bubblewrap, found.means.mounts, { file, args }, how, '/');
  const env = insideOf(plainEnvironment(), HOME_INSIDE);
  return run(program.file, program.args, { cwd: '/', env, input: '', ...found.means.third, ...options });
}

const LOOK_MS_MAX = 30_000;
const LOOK_CHARS = 10_000;
/** Of a git that cannot read what it is asked for. */
const UNREADABLE = 128;

/** Git in a repository that whoever was shut in may have made: shut in, too, for its settings may name programs. */
export async function lookInside(place: Place): Promise<Look | null> {
  const metadata = await shutInAt(place);
  if (metadata === null) return null;
  return async (dir, args) => {
    const command = ['git', `--git-dir=${dir}`, `--work-tree=${dir}`, ...args];
    const options = { timeoutMs: LOOK_MS_MAX, keepChars: LOOK_CHARS };
    const ran = await runInside(command, { read: [metadata, place.path], network: 'none' }, options);
    return { code: ran?.end.kind === 'exited' ? ran.end.code : UNREADABLE, stdout: ran?.stdout ?? '' };
  };
}

/** As long as it does not work it is tried again: somebody may just have installed it. */
async function means(confinement: Confinement): Promise<Means> {
  if (known !== null) return known;
  const found = await look();
  if (!found.ok) throw refused(found.isThere ? found.why : `${found.why}; ${found.remedy}`, confinement);
  known = found.means;
  return known;
}

const INSTALL_IT = 'install it (Debian, Ubuntu: apt-get install bubblewrap; Fedora: dnf install bubblewrap)';

type Looked =
  | { readonly ok: true; readonly means: Means }
  | { readonly ok: false; readonly why: string; readonly remedy: string; readonly isThere: boolean };

async function look(): Promise<Looked> {
  const bubblewrap = await findBubblewrap(bubblewrapPlaces());
  if (bubblewrap === null)
    return { ok: false, why: 'bubblewrap is not on this machine', remedy: INSTALL_IT, isThere: false };
  const calls = barredCalls();
  const third = calls === null ? {} : { third: calls };
  const mounts = [...(calls === null ? [] : ['--seccomp', '3']), ...(await machineMounts())];
  const best: Means = { bubblewrap, mounts: [...NO_NAMESPACES, ...mounts], third };
  const { end, stderr } = await probe(best);
  if (end.kind === 'exited' && end.code === 0) return { ok: true, means: best };
  // One of before 0.8 does not know of that, and where the kernel's settings are read-only it cannot be done.
  const without: Means = { bubblewrap, mounts, third };
  const again = await probe(without);
  if (again.end.kind === 'exited' && again.end.code === 0) return { ok: true, means: without };
  const why = (await whyNoNamespaces()) ?? stderr.trim();
  const remedy = 'let it make namespaces here, or say level = "none" under [confinement] in town.toml';
  return { ok: false, why: `${bubblewrap} does not work here: ${why}`, remedy, isThere: true };
}

function probe({ bubblewrap, mounts, third }: Means): Promise<RunResult> {
  const how = { writable: [], readable: [], network: 'none' } as const;
  const { file, args } = shutIn(bubblewrap, mounts, { file: 'true', args: [] }, how, '/');
  const env = insideOf(plainEnvironment(), HOME_INSIDE);
  return run(file, args, { cwd: '/', env, timeoutMs: PROBE_MS_MAX, ...third });
}

/** In words, when a command could not be run for want of what shuts it in; null for any other trouble. */
export function whyUnconfined(error: unknown): string | null {
  return error instanceof ApplicationFailure && error.type === UNCONFINED ? error.message : null;
}

function refused(why: string, { ofStep }: Confinement): Error {
  if (ofStep === true)
    return refuse(UNCONFINED, `the step's formula wants it shut in, and ${why}; or take confinement out of it`);
  const choice =
    'or, if you trust what is run here with all that the worker may do, say level = "none" under [confinement] in town.toml';
  return refuse(UNCONFINED, `what a model has written runs only shut in, and ${why}, ${choice}`);
}
