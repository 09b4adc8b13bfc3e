/**
 * Landing: a compare-and-swap on the remote's target. Whether something landed is decided by ancestry alone, because equal patches
 * also look landed after a revert.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { isAncestor } from './branch.js';
import { commitOf } from './git.js';
import { GitError } from './git-error.js';
import { arePinned, landingMark, oneLanding, type Pin } from './merge-pins.js';
import { fetchMirror } from './mirror.js';
import { pushIfUnchanged } from './push.js';

const LANDING_TRIES_MAX = 3;
/** How often, and how far apart, a refusal is checked against a push of a dead process that is just arriving. */
const LOOKS_AFTER_REFUSAL = 5;
const LOOK_PAUSE_MS = 200;

export type Landing =
  | { readonly kind: 'merged'; readonly commit: string }
  /** The target is no longer at `base`, or somebody has taken back what was prepared: prepare again. */
  | { readonly kind: 'moved'; readonly target: string }
  | { readonly kind: 'refused'; readonly reason: string };

type LandingArgs = {
  readonly mirror: string;
  readonly base: string;
  readonly tip: string;
  readonly target: string;
  /** All that lands with `tip`, each as it was prepared last. */
  readonly pins: readonly Pin[];
};

/**
 * Moves the remote's `target` from `base` to `tip`, if every one of `pins` is still a permit. Called again after any crash it
 * finds out what happened: a tip that is in the target is merged, and nothing is pushed twice. Throws GitError for trouble that
 * is worth another try.
 */
export async function landMerge(args: LandingArgs): Promise<Landing> {
  return oneLanding(args.mirror, () => land(args));
}

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

/** Where the target stands: already merged, moved, gone, or (null) still at `base` with a permit to move it. */
async function look({ mirror, base, tip, target, pins }: LandingArgs): Promise<Landing | null> {
  await fetchMirror(mirror);
  const now = await commitOf(mirror, `refs/remotes/origin/${target}`);
  if (now === null) return { kind: 'refused', reason: `the remote has no branch ${target}` };
  if (await isAncestor({ mirror, ancestor: tip, descendant: now })) return { kind: 'merged', commit: tip };
  return now === base && (await arePinned(mirror, pins)) ? null : { kind: 'moved', target: now };
}

async function lookAgain(args: LandingArgs): Promise<Landing | null> {
  for (let round = 0; round < LOOKS_AFTER_REFUSAL; round += 1) {
    const seen = await look(args);
    if (seen !== null) return seen;
    await pause(LOOK_PAUSE_MS);
  }
  return null;
}
