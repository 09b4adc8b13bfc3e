/** Secrets in what a step is about to push: on a remote they are public, and no later commit takes them away. */
import { holdsKnownSecret, mayNotBePushed } from '../agents/secrets.js';
import { git } from '../git/git.js';

/** What scanners of secrets obey where a line only looks like one. */
const ALLOWED = 'gitleaks:allow';
/** Of a larger change, the head and the tail are looked through. */
const KEEP_CHARS = 32 * 1024 * 1024;
const NAMED_MAX = 5;
const MESSAGE = 'a commit message';

const LOG = [
  'log',
  '-p',
  '--cc',
  '--unified=0',
  '--format=%x00%B',
  '--no-ext-diff',
  '--no-textconv',
  '--no-color',
  '--text',
];

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
  if (!mayNotBePushed(stdout)) return null;
  const files = placesIn(stdout);
  if (files.size === 0) return null;
  const named = [...files].slice(0, NAMED_MAX).join(', ');
  const more = files.size > NAMED_MAX ? ` and ${files.size - NAMED_MAX} more` : '';
  return (
    `what looks like a secret is in ${named}${more}: take it out, of the commits that you made, too (git commit --amend, git rebase), ` +
    `and keep it out with .gitignore; a line that only looks like one says ${ALLOWED}`
  );
}

/** Files, and messages of commits, that hold one. */
function placesIn(log: string): ReadonlySet<string> {
  const places = new Set<string>();
  for (const commit of log.split('\0')) {
    let place = MESSAGE;
    let before = '';
    for (const line of commit.split('\n')) {
      if (line.startsWith('diff --')) place = '';
      const isHead = place !== MESSAGE && line.startsWith('+++ ') && before.startsWith('--- ');
      if (isHead) place = line.slice('+++ b/'.length);
      if ((place === MESSAGE || line.startsWith('+')) && leaks(line)) places.add(place);
      before = line;
    }
  }
  return places;
}

function leaks(line: string): boolean {
  return line.includes(ALLOWED) ? holdsKnownSecret(line) : mayNotBePushed(line);
}
