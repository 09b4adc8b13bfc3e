/** Secrets in what a step is about to push: on a remote they are public, and no later commit takes them away. */
import { holdsKnownSecret, holdsSecret } from '../agents/secrets.js';
import { git } from '../git/git.js';

/** What scanners of secrets obey where a line only looks like one. */
const ALLOWED = 'gitleaks:allow';
/** Of a larger change, the head and the tail are looked through. */
const KEEP_CHARS = 32 * 1024 * 1024;
const NAMED_MAX = 5;

const LOG = ['log', '-p', '--cc', '--unified=0', '--format=', '--no-ext-diff', '--no-textconv', '--no-color', '--text'];

/** `since`: a commit that the remote has, whatever is known here of its branches; null: none is known. */
type Range = { readonly heads: readonly string[]; readonly since: string | null };

/**
 * Of the commits that the heads have and neither `since` nor any branch of the remote: the files with lines that hold a secret, in words for
 * the agent; null when there are none.
 */
export async function leakIn(mirror: string, { heads, since }: Range): Promise<string | null> {
  const asked = heads.filter((head) => head !== since);
  if (asked.length === 0) return null;
  const known = since === null ? [] : [`^${since}`];
  const range = ['--not', '--remotes', '--not', '--end-of-options', ...asked, ...known];
  const { stdout } = await git(mirror, [...LOG, ...range], { keepChars: KEEP_CHARS, mayCut: true });
  if (!holdsSecret(stdout)) return null;
  const files = new Set<string>();
  let file = '';
  for (const line of stdout.split('\n')) {
    if (line.startsWith('+++ ')) file = line.slice('+++ b/'.length);
    else if (line.startsWith('+') && leaks(line)) files.add(file);
  }
  if (files.size === 0) return null;
  const named = [...files].slice(0, NAMED_MAX).join(', ');
  const more = files.size > NAMED_MAX ? ` and ${files.size - NAMED_MAX} more` : '';
  return (
    `what looks like a secret is in ${named}${more}: take it out, of the commits that you made, too (git commit --amend, git rebase), ` +
    `and keep it out with .gitignore; a line that only looks like one says ${ALLOWED}`
  );
}

function leaks(line: string): boolean {
  return line.includes(ALLOWED) ? holdsKnownSecret(line) : holdsSecret(line);
}
