/**
 * Backups of a person's repository, as bundles that git can clone from. Each is named for the time of its making, the commit that it holds and the
 * lines in it. It is proved before it counts, and each time it is found again: git can read all of it, and it has as many lines as the repository.
 */
import { mkdir, open, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { superfluous } from '../town/generations.js';
import { ignoreMissing } from './discard.js';
import { exclusive } from './exclusive.js';
import { Blocked, GitError } from './git-error.js';
import { commitOf, git } from './git.js';

const OF_PERSON = { ofPerson: true } as const;
const MAKING = '.making-';
const BUNDLE = '.bundle';

export type Backup = {
  readonly file: string;
  /** False: it was there, since nothing has changed. */
  readonly isNew: boolean;
  /** Of the files that were asked for, as committed. */
  readonly lines: number;
  /** One that has more lines: something was taken away since, and no backup is dropped. */
  readonly fuller: { readonly file: string; readonly lines: number } | null;
  /** Older ones that made room. */
  readonly dropped: number;
};

/** `files`: a pattern of git's for those whose lines are counted. Throws Blocked for what is no repository, and where there is no room. */
export async function backUp(args: {
  readonly repo: string;
  readonly folder: string;
  readonly files: string;
}): Promise<Backup> {
  const { repo, folder, files } = args;
  return exclusive(`backup ${folder}`, async () => {
    const head = await commitOf(repo, 'HEAD', OF_PERSON);
    if (head === null) throw new Blocked(`${repo} is no git repository with a commit: git init there, and commit`);
    await mkdir(folder, { recursive: true });
    await sweep(folder);
    const lines = await linesIn(repo, files, head);
    const before = await bundlesIn(folder);
    try {
      const proof = { repo, folder, head, files, lines };
      const there = await sound(
        before.findLast((one) => one.head === head.slice(0, HEAD_CHARS)),
        proof,
      );
      const file = there ?? (await make(proof, before.at(-1)));
      const fuller = before.findLast((one) => one.lines > lines && one.file !== file) ?? null;
      const dropped = fuller === null ? await dropOld(folder) : 0;
      return { file, isNew: there === null, lines, fuller, dropped };
    } finally {
      await sweep(folder);
    }
  });
}

type Bundle = { readonly file: string; readonly madeMs: number; readonly head: string; readonly lines: number };

const HEAD_CHARS = 12;
const NAME = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)-([0-9a-f]+)(?:-(\d+))?\.bundle$/;

/** The oldest first. Of those that an earlier version made the lines are not known. */
async function bundlesIn(folder: string): Promise<readonly Bundle[]> {
  const found = (await readdir(folder)).toSorted().flatMap((name): readonly Bundle[] => {
    const [, year, month, day, hour, minute, second, head = '', lines = '0'] = NAME.exec(name) ?? [];
    if (year === undefined) return [];
    const madeMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
    return [{ file: join(folder, name), madeMs, head, lines: Number(lines) }];
  });
  return found.filter(({ madeMs }) => !Number.isNaN(madeMs));
}

/** One that is there already; null when there is none, or it is damaged: then it is made anew. */
async function sound(there: Bundle | undefined, proof: Omit<Proof, 'bundle'>): Promise<string | null> {
  if (there === undefined) return null;
  try {
    await prove({ ...proof, bundle: there.file });
    return there.file;
  } catch (error) {
    // A git that was ended, or had no room, says nothing about the file.
    const isDamaged =
      error instanceof GitError && error.code !== null && error.kind !== 'lock' && error.kind !== 'host';
    if (!isDamaged && !(error instanceof Blocked)) throw error;
    await rm(there.file, { force: true });
    return null;
  }
}

/** On the disk for good when it has its name. */
async function make(proof: Omit<Proof, 'bundle'>, last: Bundle | undefined): Promise<string> {
  const { repo, folder, head, lines } = proof;
  await seeRoom(folder, last);
  const half = join(folder, `${MAKING}${head}`);
  await git(repo, ['bundle', 'create', '--quiet', half, 'HEAD', '--all'], OF_PERSON);
  await prove({ ...proof, bundle: half });
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '');
  const file = join(folder, `${stamp}-${head.slice(0, HEAD_CHARS)}-${lines}${BUNDLE}`);
  await flush(half);
  await rename(half, file);
  await flush(folder);
  return file;
}

/** For one like the last, and the clone that proves it. */
async function seeRoom(folder: string, last: Bundle | undefined): Promise<void> {
  if (last === undefined) return;
  // A damaged one was taken away.
  const size = (await stat(last.file).catch(ignoreMissing))?.size ?? 0;
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < 3 * size)
    throw new Blocked(
      `there is no room for a backup in ${folder}: three times ${size} bytes must be free: make room there`,
    );
}

async function flush(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** What an attempt that was cut off has left. */
async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder))
    if (name.startsWith(MAKING)) await rm(join(folder, name), { recursive: true, force: true });
}

type Proof = {
  readonly repo: string;
  readonly bundle: string;
  readonly folder: string;
  readonly head: string;
  readonly files: string;
  readonly lines: number;
};

async function prove({ repo, bundle, folder, head, files, lines }: Proof): Promise<void> {
  await git(repo, ['bundle', 'verify', '--quiet', bundle], OF_PERSON);
  const clone = join(folder, `${MAKING}clone`);
  await git(folder, ['clone', '--quiet', '--bare', bundle, clone], OF_PERSON);
  const there = (await commitOf(clone, head)) === null ? null : await linesIn(clone, files, head);
  await rm(clone, { recursive: true, force: true });
  if (there !== lines)
    throw new Blocked(
      `the backup ${bundle} has ${there ?? 'no'} lines of ${files}, and ${repo} has ${lines}: it does not count`,
    );
}

/** Of the files as committed. */
export async function linesIn(repo: string, files: string, commit = 'HEAD'): Promise<number> {
  const count = ['grep', '--no-color', '--count', '--text', '-e', '', commit, '--', files];
  const { stdout } = await git(repo, count, { ...OF_PERSON, codes: [0, 1] });
  return stdout.split('\n').reduce((sum, line) => sum + Number(/:(\d+)$/.exec(line)?.[1] ?? 0), 0);
}

/** The last one made is the newest, and stays. */
async function dropOld(folder: string): Promise<number> {
  const old = superfluous(await bundlesIn(folder));
  for (const { file } of old) await rm(file, { force: true });
  return old.length;
}
