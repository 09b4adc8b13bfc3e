/**
 * Limits on a program with all that it starts: how much memory they hold together, and how many processes they are. The kernel counts
 * both by control groups only, which are not everybody's to make, so somebody looks twice a second. Linux only.
 */
import { readdir, readFile, readlink, statfs } from 'node:fs/promises';
import { join } from 'node:path';

export type TreeLimits = {
  readonly memoryBytesMax: number;
  readonly processesMax: number;
  /** Folders in memory, of which the program has its own where it has mounts of its own: what lies there counts, too. */
  readonly inMemory?: readonly string[];
};

type Watched = { readonly limits: TreeLimits; readonly over: (what: string) => void };

const LOOK_MS = 500;
/** As `statfs` tells it. */
const TMPFS = 0x01021994;
const MIB = 1024 * 1024;

const watched = new Map<number, Watched>();
let timer: NodeJS.Timeout | null = null;

/** Calls `over` once, with what was too much, in words. Answers what ends the watch. */
export function watchTree(pid: number, limits: TreeLimits, over: (what: string) => void): () => void {
  watched.set(pid, { limits, over });
  // A look that fails, as for want of file descriptors, is made again.
  timer ??= setInterval(() => void look().catch(() => undefined), LOOK_MS).unref();
  return () => unwatch(pid);
}

function unwatch(pid: number): void {
  watched.delete(pid);
  if (watched.size > 0 || timer === null) return;
  clearInterval(timer);
  timer = null;
}

async function look(): Promise<void> {
  const children = await childrenOfAll();
  for (const [pid, { limits, over }] of watched) {
    const tree = below(pid, children);
    const what = await tooMuch(tree, limits);
    if (what === null || !watched.has(pid)) continue;
    unwatch(pid);
    over(what);
  }
}

async function tooMuch(
  tree: readonly number[],
  { memoryBytesMax, processesMax, inMemory = [] }: TreeLimits,
): Promise<string | null> {
  if (tree.length > processesMax) return `it was ${tree.length} processes; the most is ${processesMax}`;
  const held = await Promise.all(tree.map(ownBytes));
  const bytes = held.reduce((sum, one) => sum + one, await bytesIn(tree, inMemory));
  if (bytes <= memoryBytesMax) return null;
  return `it held ${Math.round(bytes / MIB)} MiB of memory; the most is ${Math.round(memoryBytesMax / MIB)} MiB`;
}

/** What is in memory and is no file's, its own or shared with others of the tree. What has ended meanwhile holds nothing. */
async function ownBytes(pid: number): Promise<number> {
  const status = await read(`/proc/${pid}/status`);
  const kib = [...status.matchAll(/^Rss(?:Anon|Shmem):\s+(\d+) kB$/gm)].map(([, count]) => Number(count));
  return 1024 * kib.reduce((sum, one) => sum + one, 0);
}

/** What the kernel keeps of a file that has nothing in it. */
const FILE_BYTES = 1024;

async function bytesIn(tree: readonly number[], folders: readonly string[]): Promise<number> {
  if (folders.length === 0) return 0;
  const ours = await mountsOf('self');
  for (const pid of tree.toReversed()) {
    const theirs = await mountsOf(pid);
    if (theirs === '' || theirs === ours) continue;
    const all = await Promise.all(folders.map(async (folder) => usedIn(join('/proc', String(pid), 'root', folder))));
    return all.reduce((sum, one) => sum + one, 0);
  }
  return 0;
}

async function mountsOf(pid: number | 'self'): Promise<string> {
  return readlink(`/proc/${pid}/ns/mnt`).catch(() => '');
}

async function usedIn(folder: string): Promise<number> {
  const found = await statfs(folder).catch(() => null);
  if (found === null || found.type !== TMPFS) return 0;
  return (found.blocks - found.bfree) * found.bsize + (found.files - found.ffree) * FILE_BYTES;
}

async function childrenOfAll(): Promise<ReadonlyMap<number, readonly number[]>> {
  const children = new Map<number, number[]>();
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const parents = await Promise.all(pids.map(parentOf));
  for (const [index, pid] of pids.entries()) {
    const parent = parents[index] ?? 0;
    const siblings = children.get(parent) ?? [];
    siblings.push(pid);
    children.set(parent, siblings);
  }
  return children;
}

/** The fourth field of `stat`; the second is a name in brackets that may hold anything. */
async function parentOf(pid: number): Promise<number> {
  const stat = await read(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
}

function below(pid: number, children: ReadonlyMap<number, readonly number[]>): readonly number[] {
  const found = [pid];
  for (const one of found) found.push(...(children.get(one) ?? []));
  return found;
}

async function read(path: string): Promise<string> {
  return readFile(path, 'latin1').catch(() => '');
}
