/** What lies on a target so far, in a worktree, one branch on the other, and the ways in which a branch is laid there. */
import type { Strategy } from '../town/strategy.js';
import { unreachable } from '../town/unreachable.js';
import { authorEnvironment, type Author } from './author.js';
import { isAncestor } from './branch.js';
import { gitText } from './git.js';
import { GitError, kindOf } from './git-error.js';
import { buildFresh, inWorktree, inWorktreeText, type Place } from './worktree.js';

/** Commits are applied even if the target once had the same change: it may have been reverted there since. */
export const REBASE = [
  'rebase',
  '--quiet',
  '--reapply-cherry-picks',
  '--empty=drop',
  '--no-keep-empty',
  '--no-fork-point',
];
const MERGE = ['merge', '--quiet', '--no-ff', '--no-edit', '--no-verify'];
const SQUASH = ['merge', '--quiet', '--squash'];

export type Laid =
  /** On the one below, or else on the base. */
  | { readonly kind: 'stacked'; readonly tip: string }
  /** With the target alone; no files where it does not grow from there and has to. */
  | { readonly kind: 'conflict'; readonly files: readonly string[] }
  /** It does not lie on top of the others, or changes nothing there: what it does to the target alone is not known yet. */
  | { readonly kind: 'later' }
  /** The target has all of it already. */
  | { readonly kind: 'empty' };

/** A branch up to `sha`, and whose work it is. */
type Branch = {
  readonly branch: string;
  readonly sha: string;
  readonly hasMerges: boolean;
  readonly requestId: string;
  readonly item?: string;
  /** Absent: that of the pile. */
  readonly strategy?: Strategy;
};

type Ground = { readonly base: string; readonly strategy: Strategy; readonly author: Author };

export class Pile {
  readonly #place: Place;
  readonly #base: string;
  readonly #strategy: Strategy;
  readonly #env: Record<string, string>;
  #tip: string;
  #isBuilt = false;
  /** The worktree is not at the tip: the last one did not fit. */
  #isAstray = false;

  constructor(place: Place, { base, strategy, author }: Ground) {
    this.#place = place;
    this.#base = base;
    this.#strategy = strategy;
    this.#tip = base;
    this.#env = authorEnvironment(author);
  }

  async lay(branch: Branch): Promise<Laid> {
    const isFirst = this.#tip === this.#base;
    const files = await this.#apply(branch);
    if (files !== null) return isFirst ? { kind: 'conflict', files } : { kind: 'later' };
    const names = ['rev-parse', 'HEAD', 'HEAD^{tree}', `${this.#tip}^{tree}`];
    const [tip = '', tree, before] = (await inWorktreeText(this.#place, names)).split('\n');
    if (tree === before) {
      this.#isAstray = true;
      return isFirst ? { kind: 'empty' } : { kind: 'later' };
    }
    this.#tip = tip;
    return { kind: 'stacked', tip };
  }

  /** Leaves the worktree at the tip, for the gates. */
  async rest(): Promise<void> {
    if (this.#isAstray && this.#tip !== this.#base) await this.#goTo(this.#tip);
  }

  /** The files that conflict, null when none does. */
  async #apply(branch: Branch): Promise<readonly string[] | null> {
    const { strategy = this.#strategy } = branch;
    switch (strategy) {
      case 'rebase':
        return branch.hasMerges ? this.#merge(branch) : this.#rebase(branch);
      case 'merge':
        return this.#merge(branch);
      case 'squash':
        return this.#squash(branch);
      case 'fast-forward':
        return this.#forward(branch);
      default:
        return unreachable(strategy);
    }
  }

  async #rebase({ sha }: Branch): Promise<readonly string[] | null> {
    if (!this.#isBuilt || this.#isAstray) await this.#goTo(this.#tip);
    return this.#tried([...REBASE, '--onto', this.#tip, this.#base, sha]);
  }

  async #merge(branch: Branch): Promise<readonly string[] | null> {
    const message = `Merge ${branch.branch}\n\n${trailersOf(branch)}`;
    await this.#goTo(this.#tip);
    return this.#tried([...MERGE, '-m', message, branch.sha]);
  }

  async #squash(branch: Branch): Promise<readonly string[] | null> {
    await this.#goTo(this.#tip);
    const files = await this.#tried([...SQUASH, branch.sha]);
    if (files !== null) return files;
    const changes = await inWorktree(
      this.#place,
      ['diff', '--cached', '--quiet', '--no-ext-diff', '--ignore-submodules=none'],
      { codes: [0, 1] },
    );
    if (changes.code === 0) return null;
    const show = ['log', '-1', '--no-show-signature', '--format=%an%n%ae%n%aI', branch.sha];
    const [name = '', email = '', date = ''] = (await gitText(this.#place.mirror, show)).split('\n');
    const env = { ...this.#env, GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: email, GIT_AUTHOR_DATE: date };
    const subjects = await this.#subjects(branch);
    const [title = branch.requestId] = subjects;
    const listed = subjects.length < 2 ? '' : `${subjects.map((subject) => `* ${subject}\n`).join('')}\n`;
    const input = `${title}\n\n${listed}${trailersOf(branch)}`;
    await inWorktree(this.#place, ['commit', '--quiet', '--no-verify', '--file=-'], { env, input });
    return null;
  }

  async #forward({ sha }: Branch): Promise<readonly string[] | null> {
    const grows = await isAncestor({ mirror: this.#place.mirror, ancestor: this.#tip, descendant: sha });
    if (!grows) return [];
    await this.#goTo(sha);
    return null;
  }

  /** The files that conflict. Throws what is no conflict. */
  async #tried(command: readonly string[]): Promise<readonly string[] | null> {
    const { code, stderr } = await inWorktree(this.#place, command, { env: this.#env, codes: [0, 1] }).catch(
      (error: unknown) => {
        if (error instanceof GitError && error.stderr.includes('unrelated histories'))
          return { code: null, stderr: '' };
        throw error;
      },
    );
    this.#isAstray = code !== 0;
    if (code === 0) return null;
    if (code === null) return [];
    const listed = await inWorktree(this.#place, ['diff', '--name-only', '--diff-filter=U', '-z', '--no-ext-diff']);
    const files = listed.stdout.split('\0').filter((file) => file !== '');
    if (files.length > 0) return files;
    throw new GitError({ kind: kindOf(stderr), command, cwd: this.#place.path, code, stderr, how: `exit ${code}` });
  }

  /** Of its commits, the oldest first. */
  async #subjects({ sha }: Branch): Promise<readonly string[]> {
    const range = ['--reverse', '--no-merges', '--no-show-signature', '--format=%s', `${this.#base}..${sha}`];
    const listed = await gitText(this.#place.mirror, ['log', ...range]);
    return listed.split('\n').filter((subject) => subject !== '');
  }

  /** A tree in which a rebase or a merge has stopped is built anew. */
  async #goTo(commit: string): Promise<void> {
    if (!this.#isBuilt || this.#isAstray) await buildFresh(this.#place, commit);
    else await inWorktree(this.#place, ['checkout', '--quiet', '--force', '--detach', commit]);
    this.#isBuilt = true;
    this.#isAstray = false;
  }
}

/** What proves in the target itself which item has landed. */
function trailersOf({ item, requestId }: Branch): string {
  return `${item === undefined ? '' : `Gt-Item: ${item}\n`}Gt-Request: ${requestId}\n`;
}
