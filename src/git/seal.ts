/**
 * What is on the remote lies in packs, which nobody who is shut in can write, and in which git looks first. A loose object somebody could put another in
 * the place of: git believes the name of what it reads, and would write it into the sandboxes of others, some of whom are not shut in.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createInflate } from 'node:zlib';
import { ignoreMissing } from './discard.js';
import { GitError } from './git-error.js';
import { git, gitText } from './git.js';

const SHA1_CHARS = 40;
/** Commits of the remote whose objects are in packs, as of the last look. */
const SEALED_FILE = 'gt-sealed';
const SEALING = 'gt-sealing-';
const LEFT_MS = 30 * 60_000;
/** Ids of the objects of a very large fetch. */
const IDS_CHARS_MAX = 128 * 1024 * 1024;

/** The remote's branches as they were fetched. Nobody works with them before they are sealed. */
export const INCOMING = 'refs/incoming/';
const ORIGIN = 'refs/remotes/origin/';

/** Commits by the names of branches. */
export type Branches = ReadonlyMap<string, string>;

/** `spoiled`: loose objects were not what their names say, or were gone. They are away, and are to be had from the remote again. */
export type Sealed = 'as it was' | 'sealed' | 'spoiled';

/** What was fetched last, and what others work with. */
export async function branchesOf(mirror: string): Promise<{ readonly fetched: Branches; readonly known: Branches }> {
  const listed = await gitText(mirror, ['for-each-ref', '--format=%(objectname) %(refname)', INCOMING, ORIGIN]);
  const refs = Array.from(listed.matchAll(/^([0-9a-f]+) (.*)$/gm), ([, commit = '', ref = '']) => ({ commit, ref }));
  const below = (folder: string) =>
    new Map(refs.flatMap(({ commit, ref }) => (ref.startsWith(folder) ? [[ref.slice(folder.length), commit]] : [])));
  return { fetched: below(INCOMING), known: below(ORIGIN) };
}

/** Of what is incoming. May be asked again after a kill anywhere. Not to be called twice at once. */
export async function seal(mirror: string, fetched: Branches): Promise<Sealed> {
  const tips = [...new Set(fetched.values())];
  const before = new Set(((await readFile(join(mirror, SEALED_FILE), 'utf8').catch(ignoreMissing)) ?? '').split('\n'));
  const news = tips.filter((tip) => !before.has(tip));
  if (news.length === 0) return 'as it was';
  const range = [...news, ...(await present(mirror, [...before])).map((one) => `^${one}`)].join('\n');
  if (!(await pack(mirror, `${range}\n`))) return 'spoiled';
  await noteSealed(mirror, tips);
  return 'sealed';
}

/** That their objects have come in packs, or are in some now. */
export async function noteSealed(mirror: string, tips: Iterable<string>): Promise<void> {
  const file = join(mirror, SEALED_FILE);
  await writeFile(`${file}.new`, [...new Set(tips)].join('\n'));
  await rename(`${file}.new`, file);
}

/** What was fetched, and is sealed, becomes what others work with: `refs/remotes/origin/*`. */
export async function bringIn(
  mirror: string,
  { fetched, known }: Awaited<ReturnType<typeof branchesOf>>,
): Promise<void> {
  const gone = [...known.keys()].flatMap((name) => (fetched.has(name) ? [] : [`delete ${ORIGIN}${name}\n`]));
  const moved = [...fetched].flatMap(([name, commit]) =>
    known.get(name) === commit ? [] : [`update ${ORIGIN}${name} ${commit}\n`],
  );
  // First those that are gone: a new one may need the place of their folder.
  for (const input of [gone.join(''), moved.join('')])
    // Somebody may have made a HEAD there, which stands for a branch.
    if (input !== '') await git(mirror, ['update-ref', '--no-deref', '--stdin'], { input });
}

/** Those of the commits that are here: branches are rewritten, and what they held before goes. */
async function present(mirror: string, commits: readonly string[]): Promise<readonly string[]> {
  const input = commits.filter(Boolean).join('\n');
  if (input === '') return [];
  const { stdout } = await git(mirror, ['cat-file', '--batch-check'], { input: `${input}\n` });
  return Array.from(stdout.matchAll(/^([0-9a-f]+) commit /gm), ([, commit = '']) => commit);
}

/** False when some are not what their names say. */
async function pack(mirror: string, range: string): Promise<boolean> {
  return inPackFolder(mirror, async (folder) => {
    try {
      const order = ['pack-objects', '--quiet', '--revs', '--incremental', '--non-empty', join(folder, 'pack')];
      const name = await gitText(mirror, order, { input: range });
      if (name === '') return true;
      const whole = join(folder, `pack-${name}`);
      // Of each object the name is reckoned from what it holds.
      const { code } = await git(mirror, ['index-pack', '--verify', `${whole}.pack`], { codes: [0, 1, 128] });
      if (code !== 0) return await takeAway(mirror, range, whole);
      await takeOver(mirror, folder);
      return true;
    } catch (error) {
      if ((await dropNamed(mirror, error)) === null) throw error;
      return false;
    }
  });
}

/** A folder for packs that are being made, where nobody who is shut in can write. What a crash left of others goes: no git takes that long. */
export async function inPackFolder<T>(mirror: string, act: (folder: string) => Promise<T>): Promise<T> {
  for (const half of (await readdir(mirror)).filter((name) => name.startsWith(SEALING))) {
    const path = join(mirror, half);
    const ageMs = Date.now() - ((await stat(path).catch(ignoreMissing))?.mtimeMs ?? 0);
    if (ageMs > LEFT_MS) await rm(path, { recursive: true, force: true });
  }
  const folder = join(mirror, `${SEALING}${randomUUID()}`);
  await mkdir(folder);
  try {
    return await act(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The packs of the folder become the mirror's; the index last: with it a pack is there. */
export async function takeOver(mirror: string, folder: string): Promise<void> {
  const made = (await readdir(folder)).filter((one) => one.startsWith('pack-'));
  for (const file of made.toSorted((a, b) => Number(a.endsWith('.idx')) - Number(b.endsWith('.idx'))))
    await rename(join(folder, file), join(mirror, 'objects', 'pack', file));
}

/** Loose objects of the range that the pack does not hold as what they were called. */
async function takeAway(mirror: string, range: string, whole: string): Promise<false> {
  for (const kind of ['idx', 'rev']) await rm(`${whole}.${kind}`, { force: true });
  await git(mirror, ['index-pack', `${whole}.pack`]);
  const options = { keepChars: IDS_CHARS_MAX };
  const held = (await git(mirror, ['verify-pack', '-v', `${whole}.idx`], options)).stdout;
  const honest = new Set(held.match(/^[0-9a-f]{40,64}(?= )/gm) ?? []);
  const list = ['rev-list', '--objects', '--no-object-names', '--stdin'];
  const listed = await git(mirror, list, { ...options, input: range });
  for (const id of listed.stdout.split('\n')) if (id !== '' && !honest.has(id)) await dropSpoiled(mirror, id);
  return false;
}

/** How many it took away of the loose objects here over which git stumbled; null when it complains of something else. */
export async function dropNamed(mirror: string, error: unknown): Promise<number | null> {
  const lines = error instanceof GitError ? error.stderr.split('\n') : [];
  const said = lines.filter((line) => !line.startsWith('remote:')).join('\n');
  const named = said.match(/\b[0-9a-f]{40}(?:[0-9a-f]{24})?\b/g) ?? [];
  if (!SPOILED.test(said) || named.length === 0) return null;
  let gone = 0;
  for (const id of new Set(named)) if (await dropSpoiled(mirror, id)) gone += 1;
  return gone;
}

/** One that is what its name says may be nowhere else. */
async function dropSpoiled(mirror: string, id: string): Promise<boolean> {
  const path = join(mirror, 'objects', id.slice(0, 2), id.slice(2));
  const found = await lstat(path).catch(ignoreMissing);
  if (found === undefined || (found.isFile() && (await nameOf(path, id)) === id)) return false;
  await rm(path, { recursive: true, force: true });
  return true;
}

/** Reckoned from what it holds, as git names objects; null when that cannot be read. */
async function nameOf(path: string, id: string): Promise<string | null> {
  const hash = createHash(id.length === SHA1_CHARS ? 'sha1' : 'sha256');
  return pipeline(createReadStream(path), createInflate(), hash).then(
    () => hash.digest('hex'),
    () => null,
  );
}

/** In git's words: an object is not what its name says, or not there. */
const SPOILED =
  /hash mismatch|COLLISION FOUND|is empty|cannot read existing|unable to (read|parse|unpack|get)|bad (object|tree)|missing|corrupt|could not (read|parse)/i;
