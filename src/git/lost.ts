/** What a branch that was rewritten no longer holds. */
import { git } from './git.js';

/**
 * Subjects of the commits that `before` has and `after` has neither themselves nor as a copy, newest first. A copy, as a rebase makes, has the
 * author, the date and the subject, or else the change.
 */
export async function lostCommits(mirror: string, before: string, after: string): Promise<readonly string[]> {
  const gone = await commitsIn(mirror, after, before);
  const made = new Set((await commitsIn(mirror, before, after)).map(({ key }) => key));
  const missed = gone.filter(({ key }) => !made.has(key));
  if (missed.length === 0) return [];
  const { stdout } = await git(mirror, ['cherry', after, before]);
  const lines = new Set(stdout.split('\n'));
  return missed.filter(({ sha }) => !lines.has(`- ${sha}`)).map(({ subject }) => subject);
}

async function commitsIn(mirror: string, from: string, to: string) {
  const form = ['-z', '--no-merges', '--no-show-signature', '--format=%H%n%ae %at%n%s'];
  const { stdout } = await git(mirror, ['log', ...form, '--end-of-options', `${from}..${to}`]);
  return stdout.split('\0').flatMap((entry) => {
    const [sha, author, subject = ''] = entry.split('\n');
    return sha === undefined || author === undefined ? [] : [{ sha, key: `${author} ${subject}`, subject }];
  });
}
