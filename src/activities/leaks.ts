/** Secrets in what a step is about to push: on a remote they are public, and no later commit takes them away. */
import { createHash } from 'node:crypto';
import { holdsKnownSecret, mayNotBePushed, withoutSecrets } from '../agents/secrets.js';
import { GitError, TooLarge } from '../git/git-error.js';
import { git } from '../git/git.js';

/** What scanners of secrets obey where a line only looks like one: here, where the line stood so before. */
const ALLOWED = 'gitleaks:allow';
/** A larger change is refused: what is not looked through is not pushed. */
const CHARS_MAX = 64 * 1024 * 1024;
const NAMED_MAX = 5;
const MARKS_NAMED_MAX = 50;
const MARK_CHARS = 12;
const COMMIT = 'a commit message';
const SIGNATURE = 'the author or committer of a commit';

const LOG = ['log', '--no-ext-diff', '--no-textconv', '--no-color', '--no-show-signature'];
const LINES = [...LOG, '-p', '--cc', '--unified=0', '--text', '--format='];
const NAMES = [...LOG, '--name-only', '--cc', '--no-renames', '-z', '--format='];
/** Each as it is stored, with its headers. */
const COMMITS = [...LOG, '--no-patch', '--pretty=raw'];

type Range = {
  readonly heads: readonly string[];
  /** A commit that the remote has, whatever is known here of its branches; null: none is known. */
  readonly since: string | null;
  /** Marks of lines that a person allows, which only look like a secret. */
  readonly allow?: readonly string[];
};

/**
 * Of the commits that the heads have and neither `since` nor any branch of the remote: the files, names and commits that hold a secret, in
 * words for the agent; null when there are none.
 */
export async function leakIn(mirror: string, { heads, since, allow = [] }: Range): Promise<string | null> {
  const asked = heads.filter((head) => head !== since);
  if (asked.length === 0) return null;
  const known = since === null ? [] : [`^${since}`];
  const range = ['--not', '--remotes', '--not', '--end-of-options', ...asked, ...known];
  const texts: string[] = [];
  for (const command of [COMMITS, NAMES, LINES]) {
    const text = await git(mirror, [...command, ...range], { keepChars: CHARS_MAX / 2 }).catch(tooLarge);
    if (text === null) return aboutSize();
    texts.push(text.stdout);
  }
  const [commits = '', names = '', lines = ''] = texts;
  const added = addedBy(lines);
  const allowed = await allowedBefore(mirror, range, added);
  const files = leakyFiles(added, (file, line) => allowed.has(line) || allow.includes(markOf(file, line)));
  const places = new Set([
    ...leakyCommits(commits),
    ...leakyNames(names),
    ...files.map(({ file }) => withoutSecrets(file)),
  ]);
  if (places.size === 0) return null;
  return aboutLeaks([...places], [...new Set(files.flatMap(({ marks }) => marks))]);
}

/** Of a file of more than a gigabyte git shows no difference at all. */
function tooLarge(error: unknown): null {
  if (error instanceof TooLarge || (error instanceof GitError && error.stderr.includes('unable to generate diff')))
    return null;
  throw error;
}

function aboutSize(): string {
  return (
    `the change is larger than what is searched for secrets (${CHARS_MAX} characters of added and removed lines): take out of it, and of the ` +
    `commits that you made, what need not be in the repository, and keep it out with .gitignore`
  );
}

function aboutLeaks(places: readonly string[], marks: readonly string[]): string {
  const named = places.slice(0, NAMED_MAX).join(', ');
  const more = places.length > NAMED_MAX ? ` and ${places.length - NAMED_MAX} more` : '';
  return (
    `what looks like a secret is in ${named}${more}: take it out, of the commits that you made, too (git commit --amend, git rebase), ` +
    `and keep it out with .gitignore; if it must stay, a person has to push it` +
    (marks.length === 0
      ? ''
      : `, or to close or skip the step with allow: ${marks.slice(0, MARKS_NAMED_MAX).join(' ')}`)
  );
}

/** Headers, then the message, each line of which is indented. */
function leakyCommits(raw: string): readonly string[] {
  return raw.split('\n').flatMap((line) => {
    if (!mayNotBePushed(line)) return [];
    return [/^(author|committer) /.test(line) ? SIGNATURE : COMMIT];
  });
}

function leakyNames(names: string): readonly string[] {
  return names
    .split('\0')
    .filter(mayNotBePushed)
    .map((name) => `the name of the file ${withoutSecrets(name)}`);
}

/** Lines that were added, by the file. */
type Added = ReadonlyMap<string, readonly string[]>;

function addedBy(patches: string): Added {
  const files = new Map<string, string[]>();
  let file = '';
  let isHead = false;
  for (const line of patches.split('\n')) {
    if (line.startsWith('diff --')) isHead = true;
    else if (line.startsWith('@@')) isHead = false;
    else if (isHead && line.startsWith('+++ ')) file = line.slice('+++ b/'.length);
    else if (!isHead && line.startsWith('+')) {
      const lines = files.get(file) ?? [];
      files.set(file, lines);
      lines.push(line.slice(1));
    }
  }
  return files;
}

type Leaky = { readonly file: string; readonly marks: readonly string[] };

/** `marks`: of the lines that only look like a secret. */
function leakyFiles(added: Added, isAllowed: (file: string, line: string) => boolean): readonly Leaky[] {
  return [...added].flatMap(([file, lines]) => {
    // A value may have line ends of its own, or have been broken over lines.
    const isKnown = ['\n', ''].some((between) => holdsKnownSecret(lines.join(between)));
    const leaks = lines.filter((line) => mayNotBePushed(line) && (holdsKnownSecret(line) || !isAllowed(file, line)));
    const marks = leaks.flatMap((line) => (holdsKnownSecret(line) ? [] : [markOf(file, line)]));
    return leaks.length > 0 || isKnown ? [{ file, marks }] : [];
  });
}

/** A line of a file, by a word that does not tell it. */
function markOf(file: string, line: string): string {
  return createHash('sha256').update(`${file}\0${line}`).digest('hex').slice(0, MARK_CHARS);
}

/** Lines with the word that stood so where the commits begin: of those that a change brings, nobody has looked at the word. */
async function allowedBefore(mirror: string, range: readonly string[], added: Added): Promise<ReadonlySet<string>> {
  const asked = [...added.values()].flat().filter((line) => line.includes(ALLOWED) && mayNotBePushed(line));
  if (asked.length === 0) return new Set();
  const { stdout } = await git(mirror, ['rev-list', '--boundary', ...range], { keepChars: CHARS_MAX / 2 });
  const before = stdout.split('\n').flatMap((line) => (line.startsWith('-') ? [line.slice(1)] : []));
  if (before.length === 0) return new Set();
  const look = ['grep', '-h', '--no-color', '--fixed-strings', '--text', '-f', '-'];
  const options = { input: `${asked.join('\n')}\n`, codes: [0, 1], keepChars: CHARS_MAX / 2, mayCut: true };
  const found = await git(mirror, [...look, ...before], options);
  return new Set(found.stdout.split('\n'));
}
