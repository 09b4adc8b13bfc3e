/**
 * The refinery's hands: put a branch on top of its target in a worktree of its own, and land the result. What is prepared is
 * pinned in the mirror: the pin is the permit to land it, and stays as the proof that it landed. So a refinery that was
 * terminated in the middle of a push leaves its successor able to tell, and a tip that nobody stands for any more never lands.
 * Landing is a compare-and-swap on the target. Whether something landed is decided by ancestry alone, because equal patches
 * also look landed after a revert.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { authorEnvironment, authorOf, type Author } from './author.js';
import { isAncestor } from './branch.js';
import { exclusive } from './exclusive.js';
import { commitOf, git, gitText } from './git.js';
import { GitError, kindOf } from './git-error.js';
import { awaitMarked, markOf } from './marks.js';
import { fetchMirror } from './mirror.js';
import { pushIfUnchanged } from './push.js';
import { buildFresh, inWorktree, inWorktreeText, own, removeWorktree, throwAway, type Place } from './worktree.js';

const LANDING_TRIES_MAX = 3;
/** How often, and how far apart, a refusal is checked against a push of a dead process that is just arriving. */
const LOOKS_AFTER_REFUSAL = 5;
const LOOK_PAUSE_MS = 200;
/** How long a push that a dead process left running is waited for. */
const LEFT_PUSH_MS = 20_000;
const PINS = 'refs/gt/prepared/';

/** Commits are applied even if the target once had the same change: it may have been reverted there since. */
const REBASE = ['rebase', '--quiet', '--reapply-cherry-picks', '--empty=drop', '--no-keep-empty', '--no-fork-point'];
const MERGE = ['merge', '--quiet', '--no-ff', '--no-edit', '--no-verify'];

type Preparing = {
  readonly mirror: string;
  /** Where the refinery's worktree of this attempt is to be. */
  readonly worktree: string;
  readonly branch: string;
  readonly sha: string;
  readonly target: string;
  readonly requestId: string;
  /** A commit that may have landed for the request from another host, which is lost: here is no pin of it. */
  readonly pushing?: string;
  /** Committer of what is made here. */
  readonly author?: Author;
};

export type Preparation =
  /** `commits` new ones lead from `base`, which the target was at, to `tip`. The worktree stays at `tip`, for the gates. */
  | { readonly kind: 'prepared'; readonly base: string; readonly tip: string; readonly commits: number }
  | { readonly kind: 'conflict'; readonly base: string; readonly files: readonly string[] }
  /** The target has all of it already. */
  | { readonly kind: 'empty'; readonly base: string }
  /** It landed as this commit, by a call whose answer nobody heard. */
  | { readonly kind: 'landed'; readonly commit: string }
  /** The remote has no such target, or its branch does not hold the commit (any more). */
  | { readonly kind: 'missing'; readonly what: 'target' | 'commit' };

export type Landing =
  | { readonly kind: 'merged'; readonly commit: string }
  /** The target is no longer at `base`: prepare again. */
  | { readonly kind: 'moved'; readonly target: string }
  | { readonly kind: 'refused'; readonly reason: string };

/**
 * Rebases the commits of `branch` up to `sha` onto the remote's `target`; their authors stay. A branch that contains merges is
 * merged instead, because a rebase would drop what was resolved in them. Everything from an earlier call is made anew, and what
 * that call prepared may land no longer.
 */
export async function prepareMerge(args: Preparing): Promise<Preparation> {
  const place = { mirror: args.mirror, path: args.worktree };
  return own(place, async () => {
    const start = await findStart(args);
    const made = start.kind === 'found' ? await stack(place, { ...args, base: start.base }) : start;
    if (made.kind !== 'prepared') await throwAway(place);
    return made;
  });
}

/**
 * Moves the remote's `target` from `base` to `tip`, if that is what was prepared last for the request. Called again after any
 * crash it finds out what happened: a tip that is in the target is merged, and nothing is pushed twice. Throws GitError for
 * trouble that is worth another try.
 */
export async function landMerge(args: LandingArgs): Promise<Landing> {
  return oneLanding(args.mirror, () => land(args));
}

/**
 * From now on nothing lands of what is prepared for the requests that fit `requests` (an id, or a pattern of git's); a push
 * that is under way has ended by then. Answers with the commit as which one of them is in the target, null when none is.
 */
export async function revokeMerge(args: {
  readonly mirror: string;
  readonly requests: string;
  readonly target: string;
}): Promise<string | null> {
  return oneLanding(args.mirror, () => revoke(args));
}

/** Clears up after `prepareMerge`. What landed stays known until `forgetMerges`: the answer may not have been heard yet. */
export async function closeMerge(args: {
  readonly mirror: string;
  readonly worktree: string;
  readonly requestId: string;
  readonly landed: boolean;
}): Promise<void> {
  const { mirror, worktree, requestId, landed } = args;
  await removeWorktree({ mirror, path: worktree });
  if (!landed) await forgetMerges({ mirror, requests: requestId });
}

/** Forgets that anything was prepared for the requests that fit: whoever asked for it has heard what became of it. */
export async function forgetMerges(args: { readonly mirror: string; readonly requests: string }): Promise<void> {
  await unpin(args.mirror, await pinsOf(args.mirror, args.requests));
}

type LandingArgs = {
  readonly mirror: string;
  readonly requestId: string;
  readonly base: string;
  readonly tip: string;
  readonly target: string;
};

async function land(args: LandingArgs): Promise<Landing> {
  const { mirror, base, tip } = args;
  if (!(await isAncestor({ mirror, ancestor: base, descendant: tip }))) {
    throw new Error(`${tip} does not grow from ${base}: landing it would drop commits of ${args.target}`);
  }
  for (let attempt = 1; attempt <= LANDING_TRIES_MAX; attempt += 1) {
    const seen = await look(args);
    if (seen !== null) return seen;
    const mark = landingMark(mirror);
    const result = await pushIfUnchanged({ mirror, branch: args.target, sha: tip, expected: base, mark });
    if (result.kind === 'pushed') return { kind: 'merged', commit: tip };
    if (result.kind === 'refused') return (await lookAgain(args)) ?? result;
  }
  const stuck = `${args.target} is at ${base} and yet cannot be moved: another git holds its lock`;
  throw new GitError({ kind: 'lock', command: ['push'], cwd: mirror, code: null, stderr: stuck, how: 'stale' });
}

/** Alone with the targets of a mirror's remote: no push of this process, nor one that a dead process left, goes on beside it. */
function oneLanding<T>(mirror: string, act: () => Promise<T>): Promise<T> {
  return exclusive(`landing ${mirror}`, async () => {
    await awaitMarked(landingMark(mirror), LEFT_PUSH_MS);
    return act();
  });
}

function landingMark(mirror: string): string {
  return markOf(`${mirror} landing`);
}

function pinOf(requestId: string, tip: string): string {
  return `${PINS}${requestId}/${tip}`;
}

/** Full names of refs; only of those whose commit is in `inside`, if it is given. */
async function pinsOf(mirror: string, requests: string, inside?: string): Promise<readonly string[]> {
  const merged = inside === undefined ? [] : [`--merged=${inside}`];
  const listed = await gitText(mirror, ['for-each-ref', '--format=%(refname)', ...merged, `${PINS}${requests}/*`]);
  return listed === '' ? [] : listed.split('\n');
}

async function unpin(mirror: string, pins: readonly string[]): Promise<void> {
  if (pins.length === 0) return;
  const input = pins.map((pin) => `delete ${pin}\n`).join('');
  await git(mirror, ['update-ref', '--stdin'], { input });
}

/** For the one that lands: takes the permits away, except those that have become proofs. */
async function revoke({ mirror, requests, target }: Parameters<typeof revokeMerge>[0]): Promise<string | null> {
  const pins = await pinsOf(mirror, requests);
  if (pins.length === 0) return null;
  await fetchMirror(mirror);
  const now = await commitOf(mirror, `refs/remotes/origin/${target}`);
  const landed = now === null ? [] : await pinsOf(mirror, requests, now);
  const others = pins.filter((pin) => !landed.includes(pin));
  await unpin(mirror, others);
  return landed[0]?.slice(landed[0].lastIndexOf('/') + 1) ?? null;
}

/** Where the target stands: already merged, moved, gone, or (null) still at `base` with a permit to move it. */
async function look({ mirror, requestId, base, tip, target }: LandingArgs): Promise<Landing | null> {
  await fetchMirror(mirror);
  const now = await commitOf(mirror, `refs/remotes/origin/${target}`);
  if (now === null) return { kind: 'refused', reason: `the remote has no branch ${target}` };
  if (await isAncestor({ mirror, ancestor: tip, descendant: now })) return { kind: 'merged', commit: tip };
  const isPermitted = (await commitOf(mirror, pinOf(requestId, tip))) !== null;
  return now === base && isPermitted ? null : { kind: 'moved', target: now };
}

async function lookAgain(args: LandingArgs): Promise<Landing | null> {
  for (let round = 0; round < LOOKS_AFTER_REFUSAL; round += 1) {
    const seen = await look(args);
    if (seen !== null) return seen;
    await pause(LOOK_PAUSE_MS);
  }
  return null;
}

type Start =
  | { readonly kind: 'found'; readonly base: string }
  | Extract<Preparation, { readonly kind: 'empty' | 'landed' | 'missing' }>;

async function findStart(args: Preparing): Promise<Start> {
  const { mirror, sha, requestId, target } = args;
  const landed = await revokeMerge({ mirror, requests: requestId, target });
  if (landed !== null) return { kind: 'landed', commit: landed };
  await fetchMirror(mirror);
  const base = await commitOf(mirror, `refs/remotes/origin/${args.target}`);
  if (base === null) return { kind: 'missing', what: 'target' };
  const { pushing } = args;
  if (pushing !== undefined && (await commitOf(mirror, pushing)) !== null) {
    if (await isAncestor({ mirror, ancestor: pushing, descendant: base })) return { kind: 'landed', commit: pushing };
  }
  if ((await commitOf(mirror, sha)) === null) return { kind: 'missing', what: 'commit' };
  if (await isAncestor({ mirror, ancestor: sha, descendant: base })) return { kind: 'empty', base };
  const pushed = await commitOf(mirror, `refs/remotes/origin/${args.branch}`);
  const held = pushed !== null && (await isAncestor({ mirror, ancestor: sha, descendant: pushed }));
  return held ? { kind: 'found', base } : { kind: 'missing', what: 'commit' };
}

async function stack(place: Place, args: Preparing & { readonly base: string }): Promise<Preparation> {
  const { mirror, base, sha } = args;
  const merges = await gitText(mirror, ['rev-list', '--merges', '--max-count=1', `${base}..${sha}`]);
  await buildFresh(place, merges === '' ? sha : base);
  const command = merges === '' ? [...REBASE, base] : [...MERGE, sha];
  const env = authorEnvironment(args.author ?? authorOf('refinery'));
  const { code, stderr } = await inWorktree(place, command, { env, codes: [0, 1] });
  if (code === 1) {
    const listed = await inWorktree(place, ['diff', '--name-only', '--diff-filter=U', '-z', '--no-ext-diff']);
    const files = listed.stdout.split('\0').filter((file) => file !== '');
    if (files.length > 0) return { kind: 'conflict', base, files };
    throw new GitError({ kind: kindOf(stderr), command, cwd: place.path, code, stderr, how: 'exit 1' });
  }
  const tip = await inWorktreeText(place, ['rev-parse', 'HEAD']);
  const differs = await git(mirror, ['diff', '--quiet', '--no-ext-diff', base, tip], { codes: [0, 1] });
  if (differs.code === 0) return { kind: 'empty', base };
  await git(mirror, ['update-ref', pinOf(args.requestId, tip), tip]);
  const commits = Number(await gitText(mirror, ['rev-list', '--count', `${base}..${tip}`]));
  return { kind: 'prepared', base, tip, commits };
}
