/**
 * Shuts a program in with bubblewrap (https://github.com/containers/bubblewrap): it sees what is installed on the machine, and the
 * folders that it is given. There are no homes, no other processes, no sockets of the machine, and no network unless it is granted.
 * When the program ends, however it does, all that it has started ends with it.
 */
import { constants, lstatSync, realpathSync } from 'node:fs';
import { access, lstat, readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { plainEnvironment } from './environment.js';
import { run } from './run.js';

/** Paths are absolute, and the same inside as outside. What does not exist is not shown. */
export type Confinement = {
  readonly writable: readonly string[];
  /** Also what lies in a writable folder and may not be changed. */
  readonly readable: readonly string[];
  /** Files that are empty inside. */
  readonly hidden?: readonly string[];
  /** Folders of which nothing is there but what is named below them, wherever they lie. */
  readonly emptied?: readonly string[];
  /** Of what is installed (see `privateIn`): there is nothing in it, but for what is named above. It may be gone meanwhile. */
  readonly covered?: readonly string[];
  /** `host`: whatever this machine reaches, its own loopback with it. */
  readonly network: 'none' | 'host';
  /** It keeps the terminal that it is given. Whoever reads from that could be sent what nobody has typed: it is to be one of its own. */
  readonly isAtTerminal?: boolean;
};

export type Program = { readonly file: string; readonly args: readonly string[] };

/** Where distributions install programs and their settings; all of it is read-only. */
const INSTALLED = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/etc', '/opt', '/nix', '/gnu'];
const MIB = 1024 * 1024;
/** In memory, and for this program alone: folder → the most bytes. */
const OWN: Readonly<Record<string, number>> = {
  '/tmp': 1024 * MIB,
  '/dev/shm': 256 * MIB,
  '/var/tmp': MIB,
  '/run': MIB,
  '/home': MIB,
  '/root': MIB,
};
/** What is in memory inside. */
export const IN_MEMORY: readonly string[] = Object.keys(OWN);
/** The home inside; on no disk. */
export const HOME_INSIDE = '/tmp/home';

/**
 * Who is shut in makes no namespaces of his own. In one he would have all capabilities: he could change the control groups of the worker, and fill memory
 * that no process is seen to hold. Options for `shutIn`; of bubblewrap 0.8.
 */
export const NO_NAMESPACES: readonly string[] = ['--unshare-user', '--disable-userns'];

/** `bubblewrap`: the path of the program. */
export function shutIn(
  bubblewrap: string,
  base: readonly string[],
  what: Program,
  how: Confinement,
  cwd: string,
): Program {
  const { writable, readable, hidden = [], emptied = [], network, isAtTerminal = false } = how;
  const shown = [...INSTALLED, ...writable, ...readable];
  const covers = coversOf(how);
  const mounts = [
    ...writable.map((path) => ({ path, options: ['--bind-try', path, path] })),
    ...readable.map((path) => ({ path, options: ['--ro-bind-try', path, path] })),
    ...emptied
      .filter((path) => shown.some((one) => path.startsWith(`${one}/`)))
      .map((path) => ({ path, options: ['--size', String(MIB), '--tmpfs', path] })),
  ].toSorted((a, b) => depthOf(a.path) - depthOf(b.path));
  const args = [
    '--unshare-all',
    ...(network === 'host' ? ['--share-net'] : []),
    '--die-with-parent',
    ...(isAtTerminal ? [] : ['--new-session']),
    '--cap-drop',
    'ALL',
    ...base,
    ...covers.flatMap(({ options }) => options),
    ...mounts.flatMap(({ options }) => options),
    ...hidden.flatMap((path) => ['--ro-bind', '/dev/null', path]),
    // Not before the mounts, which may make their parents.
    ...['/', ...covers.flatMap(({ path, isFolder }) => (isFolder ? [path] : []))].flatMap((path) => [
      '--remount-ro',
      path,
    ]),
    '--chdir',
    cwd,
    '--',
  ];
  return { file: bubblewrap, args: [...args, what.file, ...what.args] };
}

type Cover = { readonly path: string; readonly isFolder: boolean; readonly options: readonly string[] };

/** Of what is there at this moment, and lies in nothing that is given or emptied. */
function coversOf({ writable, readable, emptied = [], covered = [] }: Confinement): readonly Cover[] {
  // However they are written, and wherever they lead.
  const others = [...writable, ...readable, ...emptied].flatMap((path) => [resolve(path), realOf(path)]);
  return covered
    .filter((path) => !others.some((one) => path === one || path.startsWith(`${one}/`)))
    .flatMap((path): readonly Cover[] => {
      const found = lstatSync(path, { throwIfNoEntry: false });
      if (found?.isDirectory() === true)
        return [{ path, isFolder: true, options: ['--size', String(MIB), '--tmpfs', path] }];
      return found?.isFile() === true ? [{ path, isFolder: false, options: ['--ro-bind', '/dev/null', path] }] : [];
    });
}

function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** Those inside of others come after them, and at the same depth what is read-only after what is not. */
function depthOf(path: string): number {
  return path.split(sep).length;
}

/** The part that is the same for all programs of this machine, in bubblewrap's options. `node`: the one that runs this. */
export async function machineMounts(
  env: NodeJS.ProcessEnv = process.env,
  node = process.execPath,
): Promise<readonly string[]> {
  const installed = await Promise.all(INSTALLED.map(installedAt));
  const tools = await toolchains(env, node);
  return [
    ...installed.flat(),
    '--proc',
    '/proc',
    ...(await settingsOfMachine()),
    '--dev',
    '/dev',
    ...Object.entries(OWN).flatMap(([path, bytes]) => ['--size', String(bytes), '--tmpfs', path]),
    // It is in memory, too, as large as half of that. Its devices can be written to even so.
    '--remount-ro',
    '/dev',
    '--dir',
    HOME_INSIDE,
    ...tools.flatMap((path) => ['--ro-bind-try', path, path]),
  ];
}

async function installedAt(path: string): Promise<readonly string[]> {
  const found = await lstat(path).catch(() => null);
  if (found === null) return [];
  return found.isSymbolicLink() ? ['--symlink', await readlink(path), path] : ['--ro-bind', path, path];
}

const NO_PROCESS = /^(?!\d+$|(thread-)?self$)/;
const WRITABLE_BY_OWNER = 0o200;

/**
 * What of /proc is of the machine and no process's, as far as anybody may write to it. The kernel asks there who writes, and for no capability: where
 * the worker is root whoever is shut in is so, too, and could name a program that the kernel starts outside. bubblewrap itself covers what its root may
 * write to, which of folders nobody may.
 */
async function settingsOfMachine(): Promise<readonly string[]> {
  const names = (await readdir('/proc').catch(() => [])).filter((name) => NO_PROCESS.test(name));
  const options = await Promise.all(
    names.map(async (name) => {
      const path = join('/proc', name);
      const found = await lstat(path).catch(() => null);
      if (found === null || found.isSymbolicLink()) return [];
      const isOpen = found.isDirectory() || (found.mode & WRITABLE_BY_OWNER) !== 0;
      return isOpen ? ['--ro-bind-try', path, path] : [];
    }),
  );
  return options.flat();
}

const LIST_CHARS = 4 * MIB;
const LIST_MS = 60_000;

/** What others than root, or than whom it belongs to, may not read: who is shut in by root could. */
export async function privateIn(folders: readonly string[]): Promise<readonly string[]> {
  const isPrivate = ['(', '-type', 'd', '!', '-perm', '-005', '-o', '-type', 'f', '!', '-perm', '-004', ')'];
  const args = [...folders, ...isPrivate, '-prune', '-print0'];
  const { end, stdout } = await run('find', args, {
    cwd: '/',
    env: plainEnvironment(),
    isData: true,
    keepChars: LIST_CHARS,
    charsMax: 2 * LIST_CHARS,
    timeoutMs: LIST_MS,
  });
  if (end.kind === 'not-started') throw new Error(`find, of findutils, cannot be started: ${end.reason}`);
  // What is not in the list would be shown.
  if (end.kind !== 'exited')
    throw new Error(`what only its owner may read in ${folders.join(', ')} cannot be listed: find was ${end.kind}`);
  return stdout.split('\0').filter(Boolean);
}

/** Folders of version managers, which hold programs and nothing of their owner's. */
const MANAGERS =
  /\/(\.nvm|\.pyenv|\.rbenv|\.asdf|\.volta|\.rustup|\.sdkman|\.bun|\.deno|\.n|\.fnm|\.nodenv|mise|node_modules)(?=\/|$)/;

/** What `PATH` names where nothing else is shown, as version managers of languages have it, and the Node that runs this. */
async function toolchains(env: NodeJS.ProcessEnv, node: string): Promise<readonly string[]> {
  const homes = [...Object.keys(OWN), env['HOME'] ?? homedir()].map((path) => resolve(path));
  const isInHome = (path: string) => homes.some((home) => path.startsWith(`${home}/`));
  // However it is written, and wherever it leads.
  const isWholeHome = async (path: string) => {
    const real = await realpath(path).catch(() => path);
    return real === sep || homes.some((home) => `${home}/`.startsWith(`${real}/`));
  };
  const folders = (env['PATH'] ?? '')
    .split(delimiter)
    .filter(isAbsolute)
    .map((path) => resolve(path));
  const named: string[] = [];
  for (const path of folders) if (isInHome(path) && !(await isWholeHome(path))) named.push(toolchainOf(path));
  // Not all that lies where it was installed to: that may be a home, or the root.
  const folder = dirname(node);
  const nodes = [(await isWholeHome(folder)) ? node : folder, join(dirname(folder), 'lib')].filter(
    (path) => !INSTALLED.some((one) => path === one || path.startsWith(`${one}/`)),
  );
  return [...new Set([...nodes, ...named])];
}

/** Of other folders of programs only these: beside them may lie what a login leaves. */
function toolchainOf(path: string): string {
  const [, manager = ''] = MANAGERS.exec(path) ?? [];
  return manager === '' ? path : path.slice(0, path.indexOf(`/${manager}`) + 1 + manager.length);
}

/** On the search path, or in the cache of this program. */
export function bubblewrapPlaces(env: NodeJS.ProcessEnv = process.env): readonly string[] {
  const caches = env['XDG_CACHE_HOME'] || join(env['HOME'] ?? homedir(), '.cache');
  const fetched = join(caches, 'gastown-temporal', 'bubblewrap', 'usr', 'bin');
  return [...(env['PATH'] ?? '').split(delimiter), fetched].map((folder) => join(folder, 'bwrap'));
}

/** The first of the places where the program is, null when it is in none. */
export async function findBubblewrap(places: readonly string[]): Promise<string | null> {
  for (const place of places) {
    const isThere = await access(place, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return place;
  }
  return null;
}

/** Why this machine lets nobody make namespaces, as far as it says so itself. */
export async function whyNoNamespaces(): Promise<string | null> {
  if ((await setting('unprivileged_userns_clone')) === '0')
    return 'sysctl kernel.unprivileged_userns_clone=1 lets users make namespaces';
  if ((await setting('apparmor_restrict_unprivileged_userns')) === '1')
    return 'AppArmor keeps bubblewrap from making namespaces: give it a profile, or sysctl kernel.apparmor_restrict_unprivileged_userns=0';
  return null;
}

async function setting(name: string): Promise<string> {
  return (await readFile(`/proc/sys/kernel/${name}`, 'utf8').catch(() => '')).trim();
}
