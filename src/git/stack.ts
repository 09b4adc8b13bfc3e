/**
 * The refinery's hands: puts branches on top of their target, one on the other, in a worktree of its own. Each is pinned as it lies
 * there (`merge-pins`), and the target may then move to any of them: what is below it lands with it.
 */
import { authorEnvironment, authorOf, type Author } from './author.js';
import { isAncestor } from './branch.js';
import { commitOf, git, gitText } from './git.js';
import { GitError, kindOf } from './git-error.js';
import { pinAll, revokeMerges, type Pin } from './merge-pins.js';
import { fetchMirror } from './mirror.js';
import { buildFresh, inWorktree, inWorktreeText, own, throwAway, type Place } from './worktree.js';

/** Commits are applied even if the target once had the same change: it may have been reverted there since. */
const REBASE = ['rebase', '--quiet', '--reapply-cherry-picks', '--empty=drop', '--no-keep-empty', '--no-fork-point'];
const MERGE = ['merge', '--quiet', '--no-ff', '--no-edit', '--no-verify'];

/** A branch to be landed up to `sha`. */
type Candidate = {
  readonly requestId: string;
  readonly branch: string;
  readonly sha: string;
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
  /** Committer of what is made here. */
  readonly author?: Author;
};

export type Stacked =
  /** `commits` new ones lead to `tip` from the tip of the one below, or else from the base. */
  | { readonly kind: 'stacked'; readonly tip: string; readonly commits: number }
  /** With the target alone. */
  | { readonly kind: 'conflict'; readonly files: readonly string[] }
  /** It does not lie on top of the others, or changes nothing there: what it does to the target alone is not known yet. */
  | { readonly kind: 'later' }
  /** The target has all of it already. */
  | { readonly kind: 'empty' }
  /** It landed as this commit, by a call whose answer nobody heard. */
  | { readonly kind: 'landed'; readonly commit: string }
  /** The remote's branch does not hold the commit (any more). */
  | { readonly kind: 'missing' };

export type Stack =
  /** `stacked`: in the order of the candidates. The worktree stays at the topmost, for the gates, and is gone where nothing is stacked. */
  | { readonly kind: 'stack'; readonly base: string; readonly stacked: readonly Stacked[] }
  /** The remote has no such target. */
  | { readonly kind: 'no-target' };

/**
 * Rebases the commits of each branch onto the remote's `target` and those below; their authors stay. A branch that contains merges is
 * merged instead, because a rebase would drop what was resolved in them. Everything from an earlier call is made anew, and what that call
 * prepared may land no longer.
 */
export async function stackBranches(args: Stacking): Promise<Stack> {
  const place = { mirror: args.mirror, path: args.worktree };
  return own(place, async () => {
    const { mirror, target, candidates } = args;
    const requestIds = candidates.map(({ requestId }) => requestId);
    const landed = await revokeMerges({ mirror, requestIds, target });
    await fetchMirror(mirror);
    const base = await commitOf(mirror, `refs/remotes/origin/${target}`);
    const stacked = base === null ? [] : await stackAll(place, { ...args, base }, landed);
    if (!stacked.some(({ kind }) => kind === 'stacked')) await throwAway(place);
    return base === null ? { kind: 'no-target' } : { kind: 'stack', base, stacked };
  });
}

const asLanded = ({ tip }: Pin): Stacked => ({ kind: 'landed', commit: tip });

type OnBase = Stacking & { readonly base: string };

async function stackAll(place: Place, args: OnBase, landed: readonly Pin[]): Promise<readonly Stacked[]> {
  const pile = new Pile(place, args);
  const stacked: Stacked[] = [];
  const pins: Pin[] = [];
  for (const candidate of args.candidates) {
    const proof = landed.find(({ requestId }) => requestId === candidate.requestId);
    const one = proof === undefined ? await stackOne(pile, args, candidate) : asLanded(proof);
    if (one.kind === 'stacked') pins.push({ requestId: candidate.requestId, tip: one.tip });
    stacked.push(one);
  }
  await pile.rest();
  await pinAll(args.mirror, pins);
  return stacked;
}

async function stackOne(pile: Pile, { mirror, base }: OnBase, candidate: Candidate): Promise<Stacked> {
  const { sha, branch, pushing } = candidate;
  if (pushing !== undefined && (await commitOf(mirror, pushing)) !== null) {
    if (await isAncestor({ mirror, ancestor: pushing, descendant: base })) return { kind: 'landed', commit: pushing };
  }
  if ((await commitOf(mirror, sha)) === null) return { kind: 'missing' };
  if (await isAncestor({ mirror, ancestor: sha, descendant: base })) return { kind: 'empty' };
  const pushed = await commitOf(mirror, `refs/remotes/origin/${branch}`);
  const isHeld = pushed !== null && (await isAncestor({ mirror, ancestor: sha, descendant: pushed }));
  return isHeld ? pile.put(sha) : { kind: 'missing' };
}

/** What lies on the target so far. */
class Pile {
  readonly #place: Place;
  readonly #base: string;
  readonly #env: Record<string, string>;
  #tip: string;
  #isBuilt = false;
  /** The worktree is not at the tip: the last one did not fit. */
  #isAstray = false;

  constructor(place: Place, { base, author }: OnBase) {
    this.#place = place;
    this.#base = base;
    this.#tip = base;
    this.#env = authorEnvironment(author ?? authorOf('refinery'));
  }

  async put(sha: string): Promise<Stacked> {
    const { mirror } = this.#place;
    const isFirst = this.#tip === this.#base;
    const files = await this.#apply(sha);
    if (files !== null) return isFirst ? { kind: 'conflict', files } : { kind: 'later' };
    const tip = await inWorktreeText(this.#place, ['rev-parse', 'HEAD']);
    const differs = await git(mirror, ['diff', '--quiet', '--no-ext-diff', this.#tip, tip], { codes: [0, 1] });
    if (differs.code === 0) {
      this.#isAstray = true;
      return isFirst ? { kind: 'empty' } : { kind: 'later' };
    }
    const commits = Number(await gitText(mirror, ['rev-list', '--count', `${this.#tip}..${tip}`]));
    this.#tip = tip;
    return { kind: 'stacked', tip, commits };
  }

  /** Leaves the worktree at the tip, for the gates. */
  async rest(): Promise<void> {
    if (this.#isAstray && this.#tip !== this.#base) await this.#goTo(this.#tip);
  }

  /** The files that conflict, null when none does. */
  async #apply(sha: string): Promise<readonly string[] | null> {
    const { mirror } = this.#place;
    const merges = await gitText(mirror, ['rev-list', '--merges', '--max-count=1', `${this.#base}..${sha}`]);
    await this.#goTo(merges === '' ? sha : this.#tip);
    const command = merges === '' ? [...REBASE, '--onto', this.#tip, this.#base] : [...MERGE, sha];
    const { code, stderr } = await inWorktree(this.#place, command, { env: this.#env, codes: [0, 1] });
    this.#isAstray = code !== 0;
    if (code === 0) return null;
    const listed = await inWorktree(this.#place, ['diff', '--name-only', '--diff-filter=U', '-z', '--no-ext-diff']);
    const files = listed.stdout.split('\0').filter((file) => file !== '');
    if (files.length > 0) return files;
    throw new GitError({ kind: kindOf(stderr), command, cwd: this.#place.path, code, stderr, how: 'exit 1' });
  }

  /** A tree in which a rebase or a merge has stopped is built anew. */
  async #goTo(commit: string): Promise<void> {
    if (!this.#isBuilt || this.#isAstray) await buildFresh(this.#place, commit);
    else await inWorktree(this.#place, ['checkout', '--quiet', '--force', '--detach', commit]);
    this.#isBuilt = true;
    this.#isAstray = false;
  }
}
