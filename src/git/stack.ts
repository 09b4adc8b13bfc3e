/**
 * The refinery's hands: puts branches on top of their target, one on the other, in a worktree of its own. Each is pinned as it lies
 * there (`merge-pins`), and the target may then move to any of them: what is below it lands with it.
 */
import { authorOf, type Author } from './author.js';
import { isAncestor } from './branch.js';
import { commitOf, gitText } from './git.js';
import { pinAll, revokeMerges, type Pin } from './merge-pins.js';
import { fetchMirror } from './mirror.js';
import type { Strategy } from '../town/strategy.js';
import { Pile, type Laid } from './pile.js';
import { own, throwAway, type Place } from './worktree.js';

/** A branch to be landed up to `sha`. */
type Candidate = {
  readonly requestId: string;
  readonly branch: string;
  readonly sha: string;
  /** As all of them if not given. */
  readonly strategy?: Strategy;
  /** The item that it is the work of, for what is written of it. */
  readonly item?: string;
  /** A commit that may have landed for the request from another host, which is lost: here is no pin of it. */
  readonly pushing?: string;
};

type Stacking = {
  readonly mirror: string;
  /** Where the refinery's worktree of this attempt is to be. */
  readonly worktree: string;
  readonly target: string;
  /** The first one is at the bottom. */
  readonly candidates: readonly Candidate[];
  /** `rebase` if not given. */
  readonly strategy?: Strategy;
  /** Committer of what is made here. */
  readonly author?: Author;
  /** A commit that the target is yet to come to: what is stacked on it is for a look only, and has no permit to land. */
  readonly onto?: string;
  /** What that look has made of the same candidates: it holds if the target has come to where that stands. */
  readonly before?: { readonly base: string; readonly stacked: readonly Stacked[] };
};

export type Stacked =
  | Laid
  /** It landed as this commit, by a call whose answer nobody heard. */
  | { readonly kind: 'landed'; readonly commit: string }
  /** The remote's branch does not hold the commit (any more). */
  | { readonly kind: 'missing' };

export type Stack =
  /** `stacked`: in the order of the candidates. `hasTree`: the worktree is at the topmost, for the gates; if not, there is none. */
  | { readonly kind: 'stack'; readonly base: string; readonly stacked: readonly Stacked[]; readonly hasTree: boolean }
  /** The remote has no such target. */
  | { readonly kind: 'no-target' };

/**
 * Puts each branch on the remote's `target` and those below, as its strategy has it. Everything from an earlier call is made anew, and what
 * that call prepared may land no longer.
 */
export async function stackBranches(args: Stacking): Promise<Stack> {
  const place = { mirror: args.mirror, path: args.worktree };
  return own(place, async () => {
    const { mirror, target, candidates, onto } = args;
    const requestIds = candidates.map(({ requestId }) => requestId);
    const landed = onto === undefined ? await revokeMerges({ mirror, requestIds, target }) : [];
    await fetchMirror(mirror);
    const base = await commitOf(mirror, onto ?? `refs/remotes/origin/${target}`);
    if (base === null) return { kind: 'no-target' };
    const known = landed.length === 0 ? await stillStands(args, base) : null;
    if (known !== null) return { kind: 'stack', base, stacked: known, hasTree: false };
    const stacked = await stackAll(place, { ...args, base }, landed);
    const hasTree = stacked.some(({ kind }) => kind === 'stacked');
    if (!hasTree) await throwAway(place);
    return { kind: 'stack', base, stacked, hasTree };
  });
}

/** What was stacked ahead, with a permit to land now; null where that is of no use. */
async function stillStands({ mirror, candidates, before }: Stacking, base: string): Promise<readonly Stacked[] | null> {
  if (before?.base !== base || candidates.some(({ pushing }) => pushing !== undefined)) return null;
  if (before.stacked.some(({ kind }) => kind === 'missing') || !(await areThere(mirror, candidates))) return null;
  const pins = candidates.flatMap(({ requestId }, at): Pin[] => {
    const one = before.stacked[at];
    return one?.kind === 'stacked' ? [{ requestId, tip: one.tip }] : [];
  });
  const top = pins.at(-1);
  if (top === undefined || (await commitOf(mirror, top.tip)) === null) return null;
  await pinAll(mirror, pins);
  return before.stacked;
}

/** Whether the remote's branches are where they were handed in, as the mirror has last fetched them. */
async function areThere(mirror: string, candidates: readonly Candidate[]): Promise<boolean> {
  const refs = candidates.map(({ branch }) => `refs/remotes/origin/${branch}`);
  const listed = await gitText(mirror, ['for-each-ref', '--format=%(objectname) %(refname)', '--', ...refs]);
  const there = new Set(listed.split('\n'));
  return candidates.every(({ sha }, at) => there.has(`${sha} ${refs[at]}`));
}

const asLanded = ({ tip }: Pin): Stacked => ({ kind: 'landed', commit: tip });

type OnBase = Stacking & { readonly base: string };

async function stackAll(place: Place, args: OnBase, landed: readonly Pin[]): Promise<readonly Stacked[]> {
  const { mirror, base, candidates, onto, strategy = 'rebase', author = authorOf('refinery') } = args;
  const pile = new Pile(place, { base, strategy, author });
  const above = await commitsAbove(mirror, base, candidates);
  const stacked: Stacked[] = [];
  const pins: Pin[] = [];
  for (const candidate of candidates) {
    const proof = landed.find(({ requestId }) => requestId === candidate.requestId);
    const one = proof === undefined ? await stackOne(pile, args, candidate, above) : asLanded(proof);
    if (one.kind === 'stacked') pins.push({ requestId: candidate.requestId, tip: one.tip });
    stacked.push(one);
  }
  await pile.rest();
  if (onto === undefined) await pinAll(mirror, pins);
  return stacked;
}

async function stackOne(
  pile: Pile,
  { mirror, base }: OnBase,
  candidate: Candidate,
  { all, merges }: Above,
): Promise<Stacked> {
  const { sha, branch, pushing } = candidate;
  if (pushing !== undefined && (await commitOf(mirror, pushing)) !== null) {
    if (await isAncestor({ mirror, ancestor: pushing, descendant: base })) return { kind: 'landed', commit: pushing };
  }
  if (!isCommitId(sha)) return { kind: 'missing' };
  if (!all.has(sha)) return { kind: (await commitOf(mirror, sha)) === null ? 'missing' : 'empty' };
  const pushed = await commitOf(mirror, `refs/remotes/origin/${branch}`);
  const isHeld =
    pushed === sha || (pushed !== null && (await isAncestor({ mirror, ancestor: sha, descendant: pushed })));
  if (!isHeld) return { kind: 'missing' };
  // Whose they are is asked only where there are any.
  const own = merges ? ['rev-list', '--merges', '--max-count=1', `${base}..${sha}`] : null;
  const hasMerges = own !== null && (await gitText(mirror, own)) !== '';
  return pile.lay({ ...candidate, hasMerges });
}

/** Anything else may mean something else to git. */
const isCommitId = (sha: string): boolean => /^[0-9a-f]{40,64}$/.test(sha);

/** Commits that the candidates have, and the base has not; and whether any of them is a merge. */
type Above = { readonly all: ReadonlySet<string>; readonly merges: boolean };

/** Of what is not in the mirror it knows nothing. */
async function commitsAbove(mirror: string, base: string, candidates: readonly Candidate[]): Promise<Above> {
  const shas = candidates.flatMap(({ sha }) => (isCommitId(sha) ? [sha] : []));
  const input = [`^${base}`, ...shas].map((line) => `${line}\n`).join('');
  const listed = await gitText(mirror, ['rev-list', '--ignore-missing', '--parents', '--stdin'], { input });
  const lines = listed.split('\n').map((line) => line.split(' '));
  return { all: new Set(lines.map(([sha = '']) => sha)), merges: lines.some((line) => line.length > 2) };
}
