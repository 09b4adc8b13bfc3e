/**
 * A rig's mirror: a bare repository on this host with the remote's branches as `refs/remotes/origin/*`. Worktrees of polecats
 * and of the refinery hang on it, with their branches as `refs/heads/*`. It appears at its path only when it is whole.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { withoutCredentials, withoutPassword } from '../town/credentials.js';
import { nearest } from '../town/nearest.js';
import { discard, ignoreMissing, siblings } from './discard.js';
import { exclusive } from './exclusive.js';
import { Blocked, GitError } from './git-error.js';
import { git, gitText } from './git.js';
import { endMarked, markOf } from './marks.js';
import { ORIGIN_FILE, originOf } from './origin.js';
import { branchesOf, bringIn, dropNamed, INCOMING, noteSealed, seal } from './seal.js';
import { tidyUp } from './tidy.js';

const MAKING = '.making-';
const SHOWN_MAX = 8;
const HOW = ['fetch', '--quiet', '--prune', '--no-recurse-submodules', '--no-write-fetch-head'];
/** Each round takes away what it stumbles over. */
const ROUNDS_MAX = 10;
const FETCH = `+refs/heads/*:${INCOMING}*`;
/** For whoever looks at the settings. */
const FOLLOWED = '+refs/heads/*:refs/remotes/origin/*';

export type Remote =
  | { readonly kind: 'found'; readonly branch: string; readonly head: string }
  | {
      readonly kind: 'unusable';
      readonly reason: 'not-found' | 'auth' | 'network' | 'empty' | 'detached' | 'no-branch';
      /** What is wrong and what to do, for a person. */
      readonly problem: string;
    };

/**
 * Looks at a repository from outside, for the branch that was asked for or else the one its HEAD names. `url` is an absolute path or
 * a URL that git understands.
 */
export async function inspectRemote(url: string, asked?: string): Promise<Remote> {
  const shown = withoutCredentials(url);
  const unusable = (reason: (Remote & { kind: 'unusable' })['reason'], problem: string): Remote => ({
    kind: 'unusable',
    reason,
    problem,
  });
  try {
    const listed = await gitText('/', ['ls-remote', '--symref', '--', url, 'HEAD', 'refs/heads/*'], { network: true });
    const branches = new Map(
      [...listed.matchAll(/^([0-9a-f]+)\trefs\/heads\/(\S+)$/gm)].map(([, head = '', name = '']) => [name, head]),
    );
    if (branches.size === 0) return unusable('empty', `${shown} has no commits: make a first one and push it`);
    const branch = asked ?? /^ref: refs\/heads\/(\S+)\tHEAD$/m.exec(listed)?.[1];
    const head = branch === undefined ? undefined : branches.get(branch);
    if (branch !== undefined && head !== undefined) return { kind: 'found', branch, head };
    const names = [...branches.keys()];
    if (asked === undefined)
      return unusable(
        'detached',
        `HEAD of ${shown} names no branch with commits: name the branch work lands on, there is ${someOf(names)}`,
      );
    const near = nearest(asked, names);
    const hint = near === null ? `there is ${someOf(names)}` : `did you mean ${near}?`;
    return unusable('no-branch', `${shown} has no branch ${asked}; ${hint}`);
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    if (error.kind === 'not-found') return unusable('not-found', `${shown} is not a git repository: ${error.message}`);
    if (error.kind === 'auth' || error.kind === 'network') return unusable(error.kind, error.message);
    throw error;
  }
}

function someOf(names: readonly string[]): string {
  return `${names.slice(0, SHOWN_MAX).join(', ')}${names.length > SHOWN_MAX ? ', …' : ''}`;
}

/** Makes the mirror of `url` at `path`, or sees that the one there follows `url`. Does not fetch into one that was there. */
export async function openMirror({ path, url }: { readonly path: string; readonly url: string }): Promise<void> {
  await exclusive(path, async () => {
    if ((await stat(path).catch(ignoreMissing)) === undefined) await make(path, url);
    const origin = await readFile(join(path, ORIGIN_FILE), 'utf8').catch(ignoreMissing);
    if (origin === undefined) throw new Blocked(`${path} is no mirror of this town: move it away, then try again`);
    if (origin.trim() !== url) {
      await sameFormat(path, url);
      await follow(path, url);
    } else if (await tellsPassword(path)) await show(path, url);
  });
}

/** Brings the remote's branches up to date and forgets those that are gone there. */
export async function fetchMirror(path: string): Promise<void> {
  await exclusive(path, async () => bringUpToDate(path, await originOf(path)));
}

/** True for a repository on this machine's disk, given as a path or a `file:` URL. */
export function isLocal(url: string): boolean {
  return /^file:\/\//i.test(url) || /^[./]/.test(url);
}

/** A call that was cut off left its own folder beside the path; its git is ended before the folder is taken away. */
async function make(path: string, url: string): Promise<void> {
  const mark = markOf(path);
  await endMarked(mark);
  await mkdir(dirname(path), { recursive: true });
  for (const half of await siblings(path, MAKING)) await discard(half);
  const half = join(dirname(path), `${basename(path)}${MAKING}${randomUUID()}`);
  const format = `--object-format=${await formatOf(url, mark)}`;
  await git(dirname(path), ['init', '--quiet', '--bare', '--template=', '--initial-branch=main', format, half], {
    mark,
  });
  await git(half, ['config', 'core.logAllRefUpdates', 'true']);
  await git(half, ['config', 'gc.worktreePruneExpire', 'never']);
  await follow(half, url);
  await fetchFrom(half, url, [], mark);
  const branches = await branchesOf(half);
  await noteSealed(half, branches.fetched.values());
  await bringIn(half, branches);
  try {
    await rename(half, path);
  } catch (error) {
    // Another process was faster; what is at the path is then as whole as this one.
    await discard(half);
    if ((await stat(path).catch(ignoreMissing)) === undefined) throw error;
  }
}

/** How the remote names its objects: its ids tell. One without commits is taken for what git makes if not asked. */
async function formatOf(url: string, mark?: string): Promise<'sha1' | 'sha256'> {
  const marked = mark === undefined ? {} : { mark };
  const listed = await gitText('/', ['ls-remote', '--', url, 'HEAD', 'refs/heads/*'], { network: true, ...marked });
  return /^[0-9a-f]{64}\t/m.test(listed) ? 'sha256' : 'sha1';
}

async function sameFormat(mirror: string, url: string): Promise<void> {
  const [ours, theirs] = [await gitText(mirror, ['rev-parse', '--show-object-format']), await formatOf(url)];
  if (ours === theirs) return;
  const shown = withoutCredentials(url);
  throw new Blocked(
    `${shown} is a ${theirs} repository, its mirror ${mirror} a ${ours} one: move that away, then try again`,
  );
}

/** Mirrors of versions that wrote the whole URL have a password where everybody in a worktree can read it. */
async function tellsPassword(mirror: string): Promise<boolean> {
  const settings = (await readFile(join(mirror, 'config'), 'utf8').catch(ignoreMissing)) ?? '';
  return withoutCredentials(settings) !== settings;
}

/** For whoever looks at it in a worktree: nothing here asks it, and a password in it is nobody's there. */
async function show(mirror: string, url: string): Promise<void> {
  await git(mirror, ['config', '--replace-all', 'remote.origin.url', withoutPassword(url)]);
}

async function follow(mirror: string, url: string): Promise<void> {
  await show(mirror, url);
  await git(mirror, ['config', '--replace-all', 'remote.origin.fetch', FOLLOWED]);
  const file = join(mirror, ORIGIN_FILE);
  await writeFile(`${file}.new`, `${url}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

async function fetchFrom(mirror: string, url: string, how: readonly string[], mark?: string): Promise<void> {
  const options = mark === undefined ? { network: true } : { network: true, mark };
  await git(mirror, [...HOW, ...how, '--', url, FETCH], options);
}

/** And sees that nobody who is shut in can change what was fetched. What somebody has changed before is had from the remote again. */
async function bringUpToDate(mirror: string, url: string): Promise<void> {
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const isFetched = await fetchFrom(mirror, url, round === 0 ? [] : ['--refetch']).then(
      () => true,
      async (error: unknown) => {
        const gone = await dropNamed(mirror, error);
        // Had once more as a whole it would be no better.
        if (gone === null || (gone === 0 && round > 0)) throw error;
        return false;
      },
    );
    if (!isFetched) continue;
    const branches = await branchesOf(mirror);
    const sealed = await seal(mirror, branches.fetched);
    if (sealed === 'spoiled') continue;
    await bringIn(mirror, branches);
    if (sealed === 'sealed') await tidyUp(mirror).catch(goOn);
    return;
  }
  throw new Blocked(`objects of ${mirror} are not what their names say: move it away, then try again`);
}

/** That it cannot be tidied up is no reason to stop: git says why not, or the file system. */
function goOn(error: unknown): void {
  if (!(error instanceof GitError || error instanceof Blocked || (error instanceof Error && 'code' in error)))
    throw error;
}
