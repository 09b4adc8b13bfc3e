/**
 * Who is shut in may put a pipe where git reads a file: as a `.gitignore` of the tree, among the branches of its name, in the place of a loose object.
 * Git would wait there for somebody to write. It is let go on as at an empty file, and the pipe is taken away: nobody keeps one there.
 */
import { constants, type Dirent } from 'node:fs';
import { lstat, open, readdir, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ORIGIN_FILE } from './origin.js';

/** Most git ends long before. */
const FIRST_LOOK_MS = 3_000;
/** Where pipes were found git may wait for the next one at once. */
const NEXT_LOOK_MS = 100;
const LOOK_RARELY_MS = 60_000;
/** Each holds a descriptor of this process. Where somebody has hidden one deeper, git waits until its time is over. */
const LEVELS_MAX = 200;
const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** Both ends at once: whoever waits for the other one goes on, and we never wait. */
const BOTH_ENDS = constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOFOLLOW;
/** Files of a tree that git opens whatever they are. */
const READ_IN_TREES = new Set(['.gitignore', '.gitattributes', '.gitmodules', '.mailmap']);

/** Looks after a git that is about to run, in a mirror or in a worktree of one, until what is returned is called. */
export function freeFromPipes(cwd: string, env: Readonly<Record<string, string>> = {}): () => void {
  const over = new AbortController();
  // Elsewhere nobody is shut in.
  if (process.platform === 'linux')
    lookAfter(env['GIT_COMMON_DIR'] ?? cwd, env['GIT_WORK_TREE'], over.signal).catch(() => undefined);
  return () => over.abort();
}

async function lookAfter(mirror: string, worktree: string | undefined, signal: AbortSignal): Promise<void> {
  let ms = FIRST_LOOK_MS;
  for (;;) {
    await pause(ms, undefined, { signal, ref: false });
    if ((await lstat(join(mirror, ORIGIN_FILE)).catch(() => null)) === null) return;
    const inTree =
      worktree === undefined ? 0 : await takeAwayBelow(worktree, (name) => READ_IN_TREES.has(name), signal);
    const taken = inTree + (await takeAwayBelow(mirror, () => true, signal));
    ms = taken > 0 ? NEXT_LOOK_MS : Math.min(2 * ms, LOOK_RARELY_MS);
  }
}

/**
 * How many there were. Each folder is held while what is in it is looked at, so that none of them is a link, whatever somebody makes of it
 * meanwhile.
 */
async function takeAwayBelow(
  path: string | Buffer,
  isMeant: (name: string) => boolean,
  signal: AbortSignal,
  level = 0,
): Promise<number> {
  signal.throwIfAborted();
  const folder = level > LEVELS_MAX ? null : await open(path, FOLDER).catch(() => null);
  if (folder === null) return 0;
  try {
    let taken = 0;
    for (const entry of await entriesOf(folder)) {
      const inside = Buffer.concat([Buffer.from(`${held(folder)}/`), entry.name]);
      if (entry.isDirectory()) taken += await takeAwayBelow(inside, isMeant, signal, level + 1);
      else if (entry.isFIFO() && isMeant(entry.name.toString()) && (await takeAway(inside))) taken += 1;
    }
    return taken;
  } finally {
    await folder.close();
  }
}

/** Their names as they are: git reads files whose names are no text, too. */
async function entriesOf(folder: FileHandle): Promise<readonly Dirent<Buffer>[]> {
  return readdir(held(folder), { withFileTypes: true, encoding: 'buffer' }).catch(() => []);
}

function held(folder: FileHandle): string {
  return `/proc/self/fd/${folder.fd}`;
}

async function takeAway(pipe: Buffer): Promise<boolean> {
  const ends = await open(pipe, BOTH_ENDS).catch(() => null);
  // First gone, then let go: who goes on finds it no more.
  const isGone = await unlink(pipe).then(
    () => true,
    () => false,
  );
  await ends?.close();
  return isGone;
}
