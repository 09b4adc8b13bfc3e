/**
 * Worktrees of a mirror. A worktree counts as made only once its metadata holds the file `gt-ready`, which names its branch:
 * before that nobody has worked in it and it is built anew; after that it is never reset, cleaned or rebuilt while its folder
 * is there. Whoever calls last owns the worktree: git programs that an earlier, perhaps dead, process runs on it are ended.
 */
import { lstat, mkdir, readdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { discard, ignoreMissing } from './discard.js';
import { exclusive } from './exclusive.js';
import { Blocked } from './git-error.js';
import { commitOf, git, type GitOptions, type GitOutput } from './git.js';
import { holdsOddFiles, keepToOwn } from './keep-to-own.js';
import { endMarked, markOf } from './marks.js';

export const READY_FILE = 'gt-ready';
/** Says that whoever works there is shut in, and may not be obeyed by git outside. */
export const SHUT_IN_FILE = 'gt-shut-in';
const DETACHED = '(detached)';

/** Absolute paths of the mirror and of the worktree's folder. */
export type Place = { readonly mirror: string; readonly path: string };

export type Worktree = {
  readonly path: string;
  readonly branch: string;
  readonly head: string;
  /** The commit the branch grew from: where it and `from` part. */
  readonly base: string;
};

export type WorktreeState = {
  readonly head: string;
  /** Null when HEAD is detached, as it is during a rebase. */
  readonly branch: string | null;
  /** Paths that differ from the last commit, untracked ones included (a wholly untracked folder as one), ignored ones not. */
  readonly dirty: readonly string[];
  readonly rebasing: boolean;
};

/**
 * A worktree at `path` on `branch`. A branch that is new starts at `from` (a commit, or a ref as `origin/main`; fetch first);
 * one that exists is taken up with its commits, and so is a worktree that exists, with all that lies in it.
 * Throws when the folder holds another branch's worktree or files that are no worktree of this mirror.
 */
export async function openWorktree(
  args: Place & { readonly branch: string; readonly from: string },
): Promise<Worktree> {
  return own(args, async () => {
    const { mirror, path, branch, from } = args;
    const start = await commitOf(mirror, from);
    if (start === null) throw new Error(`there is no commit ${from} in ${mirror} to start ${branch} from: fetch first`);
    if (!(await isReady(args, branch))) {
      const ref = `refs/heads/${branch}`;
      if ((await commitOf(mirror, ref)) === null) await create(mirror, ref, start);
      await build(args, ['--', path, branch], branch);
    }
    const head = await inWorktreeText(args, ['rev-parse', 'HEAD']);
    const { stdout } = await git(mirror, ['merge-base', start, head], { codes: [0, 1] });
    return { path, branch, head, base: stdout.trim() === '' ? start : stdout.trim() };
  });
}

/** The git of a call that was cut off may be about to do the same: then it is done. */
async function create(mirror: string, ref: string, start: string): Promise<void> {
  try {
    // The empty old value creates and never overwrites.
    await git(mirror, ['update-ref', ref, start, '']);
  } catch (error) {
    if ((await commitOf(mirror, ref)) === null) throw error;
  }
}

/** Null when there is no such worktree, or its folder is gone. Only looks, and disturbs nobody; what git would wait for is put right. */
export async function worktreeState(place: Place): Promise<WorktreeState | null> {
  const metadata = await metadataOf(place);
  if (metadata === null || (await stat(place.path).catch(ignoreMissing)) === undefined) return null;
  const kept = await ofItsOwn(place);
  if (kept !== null && (await holdsOddFiles(kept))) await keepToOwn(kept);
  const look = async (args: readonly string[]) => tell(place, args, { codes: [0, 1] });
  const status = await look(['status', '--porcelain=v1', '-z', '--untracked-files=normal', '--no-renames']);
  const symbolic = await look(['symbolic-ref', '--quiet', '--short', 'HEAD']);
  return {
    head: (await look(['rev-parse', 'HEAD'])).stdout.trim(),
    branch: symbolic.code === 0 ? symbolic.stdout.trim() : null,
    dirty: status.stdout.split('\0').flatMap((entry) => (entry === '' ? [] : [entry.slice(3)])),
    rebasing: await isRebasing(metadata),
  };
}

/** The branch that the worktree at this path was made for; null when there is none, or a half-made one. */
export async function madeFor(place: Place): Promise<string | null> {
  const metadata = await metadataOf(place);
  if (metadata === null) return null;
  return (await readFile(join(metadata, READY_FILE), 'utf8').catch(ignoreMissing))?.trim() ?? null;
}

/** Whether another branch's worktree, or what is none of this mirror's, lies at the path. */
export async function isForeign(place: Place, branch: string): Promise<boolean> {
  const owner = await madeFor(place);
  if (owner !== null) return owner !== branch;
  return (await metadataOf(place)) === null && (await stat(place.path).catch(ignoreMissing)) !== undefined;
}

/** Removes the worktree with everything in it, saved or not; its branch stays in the mirror. See `salvage`. */
export async function removeWorktree(place: Place): Promise<void> {
  await own(place, () => throwAway(place));
}

/** Runs `act` as the only one at work on this worktree, with HEAD on its own branch or on none. Not reentrant. */
export async function own<T>(place: Place, act: () => Promise<T>): Promise<T> {
  return exclusive(`worktree ${place.path}`, async () => {
    const ended = await endMarked(markOf(place.path));
    if (ended > 0) await dropLocks(place);
    const kept = await ofItsOwn(place);
    if (kept !== null) await keepToOwn(kept);
    return act();
  });
}

/** Null where there is none, or one on no branch, in which nobody can write of git's files. */
async function ofItsOwn(place: Place): Promise<Parameters<typeof keepToOwn>[0] | null> {
  const metadata = await metadataOf(place);
  const branch = await madeFor(place);
  return metadata === null || branch === null || branch === DETACHED
    ? null
    : { mirror: place.mirror, metadata, branch };
}

/** For an owner: a worktree at `commit`, on no branch. What was at the path before is thrown away. */
export async function buildFresh(place: Place, commit: string): Promise<void> {
  await throwAway(place);
  await build(place, ['--detach', '--', place.path, commit], DETACHED);
}

/**
 * For an owner: removes the worktree. The folder goes first: metadata without a folder is harmless, a folder without metadata
 * is a riddle.
 */
export async function throwAway(place: Place): Promise<void> {
  const metadata = await metadataOf(place);
  await discard(place.path);
  // Not beside the metadata of others, where git and `metadataOf` would take it for a worktree's.
  if (metadata !== null) await discard(metadata, join(place.mirror, `gt-worktree-${basename(metadata)}`));
}

/** For an owner: git in the worktree, marked so that the next owner can end it. */
export async function inWorktree(place: Place, args: readonly string[], options: GitOptions = {}): Promise<GitOutput> {
  return tell(place, args, { ...options, mark: markOf(place.path) });
}

/** Standard output of git in the worktree without the white space around it. */
export async function inWorktreeText(place: Place, args: readonly string[], options: GitOptions = {}): Promise<string> {
  return (await inWorktree(place, args, options)).stdout.trim();
}

/** Folder `<mirror>/worktrees/<some name>` that git keeps for the worktree at this path, null when there is none. */
export async function metadataOf({ mirror, path }: Place): Promise<string | null> {
  const wanted = new Set([join(path, '.git'), join(await realOf(path), '.git')]);
  const folder = join(mirror, 'worktrees');
  for (const name of (await readdir(folder).catch(ignoreMissing)) ?? []) {
    const link = await readFile(join(folder, name, 'gitdir'), 'utf8').catch(ignoreMissing);
    if (link !== undefined && wanted.has(resolve(folder, name, link.trim()))) return join(folder, name);
  }
  return null;
}

/**
 * Git is told where the metadata is instead of reading that from the `.git` file in the tree, which an agent can point at a
 * repository, and a configuration, of its own.
 */
async function tell(place: Place, args: readonly string[], options: GitOptions): Promise<GitOutput> {
  const metadata = await metadataOf(place);
  if (metadata === null) throw new Blocked(`${place.path} is no worktree of ${place.mirror}: it was taken away`);
  if (BY_INDEX.has(args[0] ?? '')) await refuseStrange(place, metadata);
  const where = { GIT_DIR: metadata, GIT_COMMON_DIR: place.mirror, GIT_WORK_TREE: place.path };
  return git(place.path, args, { ...options, env: { ...options.env, ...where } });
}

/** For those who shut somebody in, before they do. */
export async function markShutIn(metadata: string): Promise<void> {
  await writeFile(join(metadata, SHUT_IN_FILE), '', { flag: 'a' });
}

/** The folder of its metadata where somebody has been shut in, who could write there; null where nobody was. */
export async function shutInAt(place: Place): Promise<string | null> {
  const metadata = await metadataOf(place);
  return metadata !== null && (await isMarked(metadata)) ? metadata : null;
}

async function isMarked(metadata: string): Promise<boolean> {
  return (await stat(join(metadata, SHUT_IN_FILE)).catch(ignoreMissing)) !== undefined;
}

/** Commands by which git reads what its index names, and starts a git in each repository inside that it knows of, which obeys the settings of that one. */
const BY_INDEX = new Set(['status', 'add', 'diff', 'commit', 'stash', 'checkout', 'reset', 'rebase', 'merge']);
/** The whole index of a very large repository. */
const INDEX_CHARS_MAX = 128 * 1024 * 1024;

/**
 * Who is shut in can make a repository in the worktree whose settings are programs, and write an index that names files of the machine: git
 * outside must not go there.
 */
async function refuseStrange(place: Place, metadata: string): Promise<void> {
  if (!(await isMarked(metadata))) return;
  const { stdout } = await tell(place, ['ls-files', '--stage', '-z'], { keepChars: INDEX_CHARS_MAX });
  const entries = stdout.split('\0').map((entry) => ({
    path: entry.slice(entry.indexOf('\t') + 1),
    isLink: entry.startsWith('160000 '),
  }));
  const outside = entries.find(({ path }) => path !== '' && path.split('/').some(isNoName));
  if (outside !== undefined)
    throw new Blocked(
      `the index of ${place.path} was written by somebody who is shut in, and names ${outside.path}, which is no file there: git read-tree HEAD makes it anew, then try again`,
    );
  const links = entries.flatMap(({ path, isLink }) => (isLink ? [path] : []));
  const inner = await Promise.all(links.map((link) => lstat(join(place.path, link, '.git')).catch(ignoreMissing)));
  const first = links.find((_link, at) => inner[at] !== undefined);
  if (first !== undefined)
    throw new Blocked(
      `${first} in ${place.path} is a repository of its own, made or filled by somebody who is shut in: take away ${first}/.git there, then try again`,
    );
}

/** Of a part of a path: git itself puts none of these into an index. */
function isNoName(part: string): boolean {
  return part === '' || part === '.' || part === '..' || part.toLowerCase() === '.git';
}

async function isReady(place: Place, branch: string): Promise<boolean> {
  const metadata = await metadataOf(place);
  const inside = (await readdir(place.path).catch(ignoreMissing)) ?? null;
  if (metadata === null) {
    if (inside === null || inside.length === 0) return false;
    throw new Blocked(
      `${place.path} holds files that are no worktree of ${place.mirror}: move them away, then try again`,
    );
  }
  const made = await madeFor(place);
  if (made === null || inside === null) {
    await throwAway(place);
    return false;
  }
  if (made === branch) return true;
  throw new Blocked(
    `${place.path} is the worktree of ${made}, not of ${branch}: when nobody works there and its work is on the ` +
      `remote (git -C ${place.mirror} branch -r --contains ${made}), rm -rf ${place.path}, then try again`,
  );
}

/** A git that a dead process was about to start may come to life between this one's steps: then it is built anew, once. */
async function build(place: Place, what: readonly string[], name: string): Promise<void> {
  await buildOnce(place, what, name).catch(async () => {
    await endMarked(markOf(place.path));
    await throwAway(place);
    await buildOnce(place, what, name);
  });
}

async function buildOnce(place: Place, what: readonly string[], name: string): Promise<void> {
  const { mirror, path } = place;
  await mkdir(dirname(path), { recursive: true });
  const add = ['worktree', 'add', '--quiet', '--no-checkout', ...what];
  await exclusive(mirror, async () => {
    await dropBegun(place);
    await git(mirror, add, { mark: markOf(path) });
  });
  await inWorktree(place, ['reset', '--quiet', '--hard']);
  const metadata = await metadataOf(place);
  if (metadata === null) throw new Error(`git made no worktree at ${path}`);
  const file = join(metadata, READY_FILE);
  await writeFile(`${file}.new`, `${name}\n`);
  await rename(`${file}.new`, file);
}

/** Metadata that a git which was ended had begun and not linked to any folder: git would leave it locked and number the next. */
async function dropBegun({ mirror, path }: Place): Promise<void> {
  const begun = join(mirror, 'worktrees', basename(path));
  const link = (await readFile(join(begun, 'gitdir'), 'utf8').catch(ignoreMissing)) ?? '';
  if (link.trim() === '') await rm(begun, { recursive: true, force: true });
}

/** What a git that was just ended held, and what nobody else can hold now. */
async function dropLocks(place: Place): Promise<void> {
  const metadata = await metadataOf(place);
  if (metadata === null) return;
  await Promise.all(['index.lock', 'HEAD.lock'].map((name) => rm(join(metadata, name), { force: true })));
}

async function isRebasing(metadata: string): Promise<boolean> {
  const found = await Promise.all(
    ['rebase-merge', 'rebase-apply'].map((name) => stat(join(metadata, name)).catch(ignoreMissing)),
  );
  return found.some((one) => one !== undefined);
}

/** The path with the symbolic links of its parent folder resolved, as git writes it down. */
async function realOf(path: string): Promise<string> {
  const parent = await realpath(dirname(path)).catch(() => dirname(path));
  return join(parent, basename(path));
}
