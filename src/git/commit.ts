/** Commits of the engine on behalf of an agent, and the record of commits. */
import { authorEnvironment, type Author } from './author.js';
import { git } from './git.js';
import { inWorktree, inWorktreeText, own, type Place } from './worktree.js';

export type Commit = {
  readonly sha: string;
  readonly author: string;
  readonly email: string;
  readonly subject: string;
};

/**
 * Commits everything in the worktree that is not ignored, to whatever HEAD is, and returns the new head; the old one when
 * there was nothing to commit. A rebase or merge in progress is neither ended nor undone.
 */
export async function commitAll(args: Place & { readonly message: string; readonly author: Author }): Promise<string> {
  return own(args, () => commitEverything(args));
}

/** `commitAll` for a caller that owns the worktree already. */
export async function commitEverything(
  args: Place & { readonly message: string; readonly author: Author },
): Promise<string> {
  await inWorktree(args, ['add', '--all']);
  const staged = await inWorktree(args, ['diff', '--cached', '--quiet', '--no-ext-diff'], { codes: [0, 1] });
  if (staged.code === 1) {
    await inWorktree(args, ['commit', '--quiet', '--no-verify', '--cleanup=whitespace', '--file=-'], {
      input: args.message,
      env: authorEnvironment(args.author),
    });
  }
  return inWorktreeText(args, ['rev-parse', 'HEAD']);
}

/** Commits that `to` has and `from` has not, oldest first. `repo` is any repository's folder. */
export async function log(args: {
  readonly repo: string;
  readonly from: string;
  readonly to: string;
}): Promise<readonly Commit[]> {
  const range = ['--end-of-options', `${args.from}..${args.to}`];
  const form = ['-z', '--reverse', '--no-show-signature', '--topo-order', '--format=%H%n%an%n%ae%n%s'];
  const { stdout } = await git(args.repo, ['log', ...form, ...range]);
  return stdout.split('\0').flatMap((entry) => {
    const [sha, author, email, subject] = entry.split('\n');
    if (sha === undefined || author === undefined || email === undefined || subject === undefined) return [];
    return [{ sha, author, email, subject }];
  });
}
