/** Commits of the engine on behalf of an agent, and the record of commits. */
import { authorEnvironment, type Author } from './author.js';
import { Blocked, GitError } from './git-error.js';
import { git, type GitOptions } from './git.js';
import { aboutStrays, hasLink, strayLinks } from './gitlinks.js';
import { inWorktree, inWorktreeText, own, type Place } from './worktree.js';

export type Commit = {
  readonly sha: string;
  readonly author: string;
  readonly email: string;
  readonly subject: string;
};

type CommitOrder = Place & {
  readonly message: string;
  readonly author: Author;
  /** Where the work began: a gitlink that this commit has already is not refused. */
  readonly since?: string;
};

/**
 * Commits everything in the worktree that is not ignored, to its own branch or, where HEAD is not on that, to none (see
 * `own`), and returns the new head; the old one when there was nothing to commit. A rebase or merge in progress is neither ended nor undone. Throws Blocked when something in
 * the tree cannot be kept by a commit.
 */
export async function commitAll(args: CommitOrder): Promise<string> {
  return own(args, () => commitEverything(args));
}

/** `commitAll` for a caller that owns the worktree already. */
export async function commitEverything(args: CommitOrder): Promise<string> {
  await stageEverything(args, args.since ?? null);
  const staged = await inWorktree(args, ['diff', '--cached', '--quiet', '--no-ext-diff'], { codes: [0, 1] });
  if (staged.code === 1) {
    await inWorktree(args, ['commit', '--quiet', '--no-verify', '--cleanup=whitespace', '--file=-'], {
      input: args.message,
      env: authorEnvironment(args.author),
    });
  }
  return inWorktreeText(args, ['rev-parse', 'HEAD']);
}

/**
 * For an owner: stages everything that is not ignored. A repository in the tree that is no submodule is refused with Blocked,
 * and so is any other gitlink that leads nowhere, unless `since` has it (null: only where files are at stake).
 */
export async function stageEverything(place: Place, since: string | null, options: GitOptions = {}): Promise<void> {
  for (const { path, inside } of await strayLinks(place, options)) {
    // It was a repository once and holds plain files now, which git would pass over.
    if (inside === 'files') await inWorktree(place, ['update-index', '--force-remove', '--', path], options);
  }
  await addAll(place, options);
  const refused: string[] = [];
  for (const link of await strayLinks(place, options)) {
    const isOld = since !== null && (await hasLink(place.mirror, since, link));
    if (since === null ? link.inside === 'repository' : !isOld) refused.push(link.path);
  }
  if (refused.length === 0) return;
  await inWorktree(place, ['reset', '--quiet', '--', ...refused.map((path) => `:(literal)${path}`)], options);
  throw new Blocked(aboutStrays(refused));
}

async function addAll(place: Place, options: GitOptions): Promise<void> {
  try {
    await inWorktree(place, ['add', '--all'], options);
  } catch (error) {
    if (!(error instanceof GitError) || error.code === null || error.kind === 'lock' || error.kind === 'host')
      throw error;
    const empty = /'(.+?)\/?' does not have a commit checked out/.exec(error.stderr)?.[1];
    if (empty !== undefined) throw new Blocked(aboutStrays([empty]), { cause: error });
    throw new Blocked(`${error.message}: mend or delete what it names, or name it in .gitignore`, { cause: error });
  }
}

/** Takes back what was committed on top of `to`: it stays in the worktree. */
export async function uncommit(place: Place, to: string): Promise<void> {
  await own(place, () => inWorktree(place, ['reset', '--quiet', '--soft', to]));
}

/** Commits one file of a person's repository as it is on disk, and nothing else that lies or is staged there. */
export async function commitFile(args: {
  readonly repo: string;
  readonly file: string;
  readonly message: string;
  readonly author: Author;
}): Promise<void> {
  const { repo, file } = args;
  const inRepo = (command: readonly string[], options: GitOptions = {}) =>
    git(repo, [...command, '--', file], { ...options, ofPerson: true });
  await inRepo(['add']);
  const { stdout } = await inRepo(['diff', '--cached', '--name-only', '--no-ext-diff']);
  if (stdout.trim() === '') return;
  await inRepo(['commit', '--quiet', '--no-verify', '--file=-'], {
    input: args.message,
    env: authorEnvironment(args.author),
  });
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

/** A commit that the engine made of a step, by its trailers. */
export type StepCommit = { readonly sha: string; readonly molecule: string; readonly step: string };

const trailer = (key: string) => `%(trailers:key=${key},valueonly,separator=%x20)`;

/** Those of the commits that `to` has and `from` has not, oldest first. */
export async function stepCommits(mirror: string, from: string, to: string): Promise<readonly StepCommit[]> {
  const form = ['-z', '--reverse', '--topo-order', `--format=%H%n${trailer('Gt-Molecule')}%n${trailer('Gt-Step')}`];
  const { stdout } = await git(mirror, ['log', ...form, '--end-of-options', `${from}..${to}`]);
  return stdout.split('\0').flatMap((entry) => {
    const [sha = '', molecule = '', step = ''] = entry.split('\n');
    return molecule === '' || step === '' ? [] : [{ sha, molecule, step }];
  });
}
