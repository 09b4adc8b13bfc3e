/** Secrets in what a step is about to push: on a remote they are public, and no later commit takes them away. */
import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { holdsKnownSecret, mayNotBePushed, withoutSecrets } from '../agents/secrets.js';
import { GitError, TooLarge } from '../git/git-error.js';
import { git } from '../git/git.js';
import { SECRET_CHARS_MAX } from '../process/clipped.js';

/** What scanners of secrets obey where a line only looks like one: here, where the line stood so before. */
const ALLOWED = 'gitleaks:allow';
/** A larger change is refused: what is not looked through is not pushed. */
const CHARS_MAX = 64 * 1024 * 1024;
const NAMED_MAX = 5;
const PARTS_AT_ONCE = 10_000;
const CHARS_AT_ONCE = 256 * 1024;
/** Lines of a file; of one with more nobody allows them one by one. */
const SUSPECTS_MAX = 10_000;
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
export async function leakIn(mirror: string, range: Range): Promise<string | null> {
  return (await foundIn(mirror, range))?.why ?? null;
}

/** The same; `isSecret`: it was found, and not only too much to be looked through. */
export async function foundIn(
  mirror: string,
  { heads, since, allow = [] }: Range,
): Promise<{ readonly why: string; readonly isSecret: boolean } | null> {
  const asked = heads.filter((head) => head !== since);
  if (asked.length === 0) return null;
  const known = since === null ? [] : [`^${since}`];
  const range = ['--not', '--remotes', '--not', '--end-of-options', ...asked, ...known];
  const texts: string[] = [];
  for (const command of [COMMITS, NAMES, LINES]) {
    const text = await git(mirror, [...command, ...range], { keepChars: CHARS_MAX / 2 }).catch(tooLarge);
    if (text === null) return { why: aboutSize(), isSecret: false };
    texts.push(text.stdout);
  }
  const [commits = '', names = '', lines = ''] = texts;
  const suspects = await suspectsIn(lines);
  const allowed = await allowedBefore(mirror, range, suspects);
  const files = leakyFiles(suspects, (file, line) => allowed.has(line) || allow.includes(markOf(file, line)));
  const places = new Set([
    ...(await leakyCommits(commits)),
    ...(await leakyNames(names)),
    ...files.map(({ file }) => withoutSecrets(file)),
  ]);
  if (places.size === 0) return null;
  return { why: aboutLeaks([...places], [...new Set(files.flatMap(({ marks }) => marks))]), isSecret: true };
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

/** Of a change there may be millions of lines, or one that is as long: all else that this process does has its turn in between. */
async function* inTurns(text: string, between: string): AsyncGenerator<readonly string[]> {
  for (let at = 0; at < text.length;) {
    const parts: string[] = [];
    const from = at;
    while (at < text.length && parts.length < PARTS_AT_ONCE && at - from < CHARS_AT_ONCE) {
      const next = text.indexOf(between, at);
      const end = next === -1 ? text.length : next;
      parts.push(text.slice(at, end));
      at = end + 1;
    }
    yield parts;
    await turn();
  }
}

/** Whether any piece of a text is so: they overlap by the longest secret. */
async function holds(text: string, isSo: (piece: string) => boolean): Promise<boolean> {
  if (text.length <= CHARS_AT_ONCE) return isSo(text);
  for (let at = 0; at < text.length; at += CHARS_AT_ONCE - SECRET_CHARS_MAX) {
    if (isSo(text.slice(at, at + CHARS_AT_ONCE))) return true;
    await turn();
  }
  return false;
}

async function leaky(parts: readonly string[]): Promise<readonly string[]> {
  // Most have none, and all at once are looked at as fast as one. No secret that is in a part is in none of all.
  if (!(await holds(parts.join('\n'), mayNotBePushed))) return [];
  const found: string[] = [];
  for (const part of parts) if (await holds(part, mayNotBePushed)) found.push(part);
  return found;
}

/** Headers, then the message, each line of which is indented. */
async function leakyCommits(raw: string): Promise<ReadonlySet<string>> {
  const places = new Set<string>();
  for await (const lines of inTurns(raw, '\n'))
    for (const line of await leaky(lines)) places.add(/^(author|committer) /.test(line) ? SIGNATURE : COMMIT);
  return places;
}

async function leakyNames(names: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const some of inTurns(names, '\0')) found.push(...(await leaky(some)));
  return found.slice(0, SUSPECTS_MAX).map((name) => `the name of the file ${withoutSecrets(name)}`);
}

/** Of the lines that were added to a file. */
type Suspects = {
  /** Those that hold a secret, or what looks like one. */
  readonly lines: string[];
  /** That cannot be allowed: a value that has line ends of its own, or was broken over lines, or too much of all. */
  isSure: boolean;
  /** What was read last, by what stands between two lines. */
  readonly ends: Record<string, string>;
};

async function suspectsIn(patches: string): Promise<ReadonlyMap<string, Suspects>> {
  const files = new Map<string, Suspects>();
  let file = '';
  let isHead = false;
  for await (const lines of inTurns(patches, '\n')) {
    const added = new Map<string, string[]>();
    for (const line of lines) {
      if (line.startsWith('diff --')) isHead = true;
      else if (line.startsWith('@@')) isHead = false;
      else if (isHead && line.startsWith('+++ ')) file = line.slice('+++ b/'.length);
      else if (!isHead && line.startsWith('+')) {
        const some = added.get(file) ?? [];
        added.set(file, some);
        some.push(line.slice(1));
      }
    }
    for (const [name, some] of added) {
      const known = files.get(name) ?? { lines: [], isSure: false, ends: {} };
      files.set(name, known);
      await suspect(known, some);
    }
  }
  return files;
}

async function suspect(file: Suspects, lines: readonly string[]): Promise<void> {
  file.lines.push(...(await leaky(lines)));
  if (file.lines.length > SUSPECTS_MAX) {
    file.lines.length = SUSPECTS_MAX;
    file.isSure = true;
  }
  for (const between of ['\n', '']) {
    const text = `${file.ends[between] ?? ''}${between}${lines.join(between)}`;
    if (await holds(text, holdsKnownSecret)) file.isSure = true;
    file.ends[between] = text.slice(-SECRET_CHARS_MAX);
  }
}

type Leaky = { readonly file: string; readonly marks: readonly string[] };

/** `marks`: of the lines that only look like a secret. */
function leakyFiles(
  suspects: ReadonlyMap<string, Suspects>,
  isAllowed: (file: string, line: string) => boolean,
): readonly Leaky[] {
  return [...suspects].flatMap(([file, { lines, isSure }]) => {
    const leaks = lines.map((line) => ({ line, isKnown: holdsKnownSecret(line) }));
    const left = leaks.filter(({ line, isKnown }) => isKnown || !isAllowed(file, line));
    const marks = left.flatMap(({ line, isKnown }) => (isKnown ? [] : [markOf(file, line)]));
    return left.length > 0 || isSure ? [{ file, marks }] : [];
  });
}

/** A line of a file, by a word that does not tell it. */
function markOf(file: string, line: string): string {
  return createHash('sha256').update(`${file}\0${line}`).digest('hex').slice(0, MARK_CHARS);
}

/** Lines with the word that stood so where the commits begin: of those that a change brings, nobody has looked at the word. */
async function allowedBefore(
  mirror: string,
  range: readonly string[],
  suspects: ReadonlyMap<string, Suspects>,
): Promise<ReadonlySet<string>> {
  const asked = [...suspects.values()].flatMap(({ lines }) => lines.filter((line) => line.includes(ALLOWED)));
  if (asked.length === 0) return new Set();
  const { stdout } = await git(mirror, ['rev-list', '--boundary', ...range], { keepChars: CHARS_MAX / 2 });
  const before = stdout.split('\n').flatMap((line) => (line.startsWith('-') ? [line.slice(1)] : []));
  if (before.length === 0) return new Set();
  const look = ['grep', '-h', '--no-color', '--fixed-strings', '--text', '-f', '-'];
  const options = { input: `${asked.join('\n')}\n`, codes: [0, 1], keepChars: CHARS_MAX / 2, mayCut: true };
  const found = await git(mirror, [...look, ...before], options);
  return new Set(found.stdout.split('\n'));
}
