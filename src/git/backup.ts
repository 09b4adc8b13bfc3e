/**
 * Backups of a person's repository, as bundles that git can clone from. Each is named for the time and the commit that it holds, so that one that was
 * made is found again, and is proved before it counts: git can read all of it, and it has as many lines as the repository.
 */
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ignoreMissing } from './discard.js';
import { exclusive } from './exclusive.js';
import { Blocked } from './git-error.js';
import { commitOf, git, gitText } from './git.js';

const OF_PERSON = { ofPerson: true } as const;
const MAKING = '.making-';
const BUNDLE = '.bundle';

export type Backup = {
  readonly file: string;
  /** False: it was there, since nothing has changed. */
  readonly isNew: boolean;
  /** Of the files that were asked for, as committed. */
  readonly lines: number;
  /** Older ones that made room. */
  readonly dropped: number;
};

/** `files`: a pattern of git's for those whose lines are counted. `keep`: the most generations. Throws Blocked for what is no repository. */
export async function backUp(args: {
  readonly repo: string;
  readonly folder: string;
  readonly files: string;
  readonly keep: number;
}): Promise<Backup> {
  const { repo, folder, files, keep } = args;
  return exclusive(`backup ${folder}`, async () => {
    const head = await commitOf(repo, 'HEAD', OF_PERSON);
    if (head === null) throw new Blocked(`${repo} is no git repository with a commit: git init there, and commit`);
    await mkdir(folder, { recursive: true });
    await sweep(folder);
    const file = join(folder, `${await stampOf(repo, head)}-${head.slice(0, 12)}${BUNDLE}`);
    const isNew = (await stat(file).catch(ignoreMissing)) === undefined;
    const lines = await countLines(repo, head, files);
    if (isNew) {
      const half = join(folder, `${MAKING}${head}`);
      await git(repo, ['bundle', 'create', '--quiet', half, 'HEAD', '--all'], OF_PERSON);
      await prove({ repo, bundle: half, folder, head, files, lines });
      await rename(half, file);
    } else await prove({ repo, bundle: file, folder, head, files, lines });
    return { file, isNew, lines, dropped: await dropOld(folder, keep) };
  });
}

/** When the commit was made, so that names sort by age. */
async function stampOf(repo: string, head: string): Promise<string> {
  const seconds = Number(await gitText(repo, ['show', '--no-patch', '--format=%ct', head], OF_PERSON));
  return new Date(seconds * 1_000).toISOString().slice(0, 19).replaceAll(/[-:]/g, '');
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
  const there = (await commitOf(clone, head)) === null ? null : await countLines(clone, head, files);
  await rm(clone, { recursive: true, force: true });
  if (there !== lines)
    throw new Blocked(
      `the backup ${bundle} has ${there ?? 'no'} lines of ${files}, and ${repo} has ${lines}: it does not count`,
    );
}

async function countLines(repo: string, commit: string, files: string): Promise<number> {
  const count = ['grep', '--count', '--text', '-e', '', commit, '--', files];
  const { stdout } = await git(repo, count, { ...OF_PERSON, codes: [0, 1] });
  return stdout.split('\n').reduce((sum, line) => sum + Number(/:(\d+)$/.exec(line)?.[1] ?? 0), 0);
}

async function dropOld(folder: string, keep: number): Promise<number> {
  const bundles = (await readdir(folder)).filter((name) => name.endsWith(BUNDLE)).toSorted();
  const old = bundles.slice(0, Math.max(0, bundles.length - keep));
  for (const name of old) await rm(join(folder, name), { force: true });
  return old.length;
}
