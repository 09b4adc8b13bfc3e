/** Little git repositories for tests, made by the real program. Everything lies in folders that go when the test ends. */
import { existsSync, rmSync } from 'node:fs';
import { cp, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { plainEnvironment } from '../../src/process/environment.js';
import { run } from '../../src/process/run.js';

/** A file's path and its text; null removes it. */
export type Files = Readonly<Record<string, string | null>>;

export type Repo = {
  readonly path: string;
  readonly url: string;
  /** Standard output of git in the repository, trimmed. */
  readonly git: (...args: readonly string[]) => Promise<string>;
  /** Puts a commit on top of `branch` (made from the default branch when new), as a person who pushes would; its id. */
  readonly commit: (files: Files, options?: { readonly branch?: string; readonly message?: string }) => Promise<string>;
  /** The commit a name stands for. */
  readonly sha: (name: string) => Promise<string>;
};

const PERSON = {
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.com',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
} as const;

const OUTPUT_CHARS_MAX = 10_000_000;

/** A folder of its own for the running test. */
export async function makeFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'gt git-')));
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** A repository with one commit on `branch`, or with none when `files` is null. */
export async function makeRepo(options: {
  readonly files?: Files | null;
  readonly bare?: boolean;
  readonly branch?: string;
  /** Where it is to be; a folder of its own if not given. */
  readonly path?: string;
}): Promise<Repo> {
  const { files = { 'README.md': 'hello\n' }, bare = false, branch = 'main' } = options;
  const path = options.path ?? join(await makeFolder(), 'rig');
  const beginning: Beginning = { files, bare, branch };
  const repo = repoAt(path, beginning);
  // A folder that is there may be a repository of another kind.
  if (files !== null && !existsSync(path)) {
    await cp(await templateOf(beginning), path, { recursive: true, preserveTimestamps: true });
    return repo;
  }
  await begin(path, beginning);
  if (files !== null) await repo.commit(files, { message: 'first' });
  return repo;
}

type Beginning = { readonly files: Files | null; readonly bare: boolean; readonly branch: string };

const templates = new Map<string, Promise<string>>();
const templateFolders: string[] = [];

export function dropTemplates(): void {
  templates.clear();
  for (const folder of templateFolders.splice(0)) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
// A process of tests is ended by a signal, and no `exit` is heard: see `each-file`.
if (process.env['VITEST'] === undefined) process.once('exit', dropTemplates);

/** What begins alike is made once in a test file and then copied: a bare repository with a commit takes ten programs of git. */
function templateOf(beginning: Beginning): Promise<string> {
  const key = JSON.stringify(beginning);
  const made = templates.get(key) ?? makeTemplate(beginning);
  templates.set(key, made);
  return made;
}

async function makeTemplate(beginning: Beginning): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gt-template-'));
  templateFolders.push(folder);
  const path = join(folder, 'repository');
  await begin(path, beginning);
  await repoAt(path, beginning).commit(beginning.files ?? {}, { message: 'first' });
  return path;
}

async function begin(path: string, { bare, branch }: Beginning): Promise<void> {
  await mkdir(path, { recursive: true });
  await runGit(path, ['init', '--quiet', `--initial-branch=${branch}`, ...(bare ? ['--bare'] : [])]);
}

function repoAt(path: string, { bare, branch }: Beginning): Repo {
  return {
    path,
    url: path,
    git: (...args) => runGit(path, args),
    sha: (name) => runGit(path, ['rev-parse', '--verify', `${name}^{commit}`]),
    commit: (changes, { branch: on = branch, message = 'a change' } = {}) =>
      bare
        ? commitFromOutside(path, changes, { on, from: branch, message })
        : commitHere(path, changes, { on, message }),
  };
}

export async function runGit(cwd: string, args: readonly string[]): Promise<string> {
  const { end, stdout, stderr } = await run('git', args, {
    cwd,
    env: plainEnvironment(PERSON),
    isData: true,
    keepChars: OUTPUT_CHARS_MAX,
  });
  if (end.kind !== 'exited' || end.code !== 0)
    throw new Error(`Command failed: git ${args.join(' ')}\n${stdout}${stderr}`);
  return stdout.trim();
}

export async function writeFiles(folder: string, files: Files): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    const file = join(folder, name);
    await mkdir(dirname(file), { recursive: true });
    await (text === null ? rm(file) : writeFile(file, text));
  }
}

/** A person's commit in a working tree, on the branch that is checked out or, for another one, through a clone. */
async function commitHere(
  path: string,
  files: Files,
  { on, message }: { on: string; message: string },
): Promise<string> {
  if ((await runGit(path, ['symbolic-ref', '--short', 'HEAD'])) !== on) {
    const from = await runGit(path, ['symbolic-ref', '--short', 'HEAD']);
    return commitFromOutside(path, files, { on, from, message });
  }
  await writeFiles(path, files);
  await runGit(path, ['add', '--all']);
  await runGit(path, ['commit', '--quiet', '--allow-empty', '--message', message]);
  return runGit(path, ['rev-parse', 'HEAD']);
}

async function commitFromOutside(
  path: string,
  files: Files,
  { on, from, message }: { on: string; from: string; message: string },
): Promise<string> {
  const clone = await mkdtemp(join(tmpdir(), 'gt-clone-'));
  try {
    await runGit(clone, ['init', '--quiet', `--initial-branch=${on}`]);
    await runGit(clone, ['fetch', '--quiet', path, '+refs/heads/*:refs/remotes/origin/*']);
    const branches = await runGit(clone, ['for-each-ref', '--format=%(refname:lstrip=3)', 'refs/remotes/origin']);
    const start = [on, from].find((name) => branches.split('\n').includes(name));
    if (start !== undefined) await runGit(clone, ['reset', '--quiet', '--hard', `origin/${start}`]);
    const sha = await commitHere(clone, files, { on, message });
    await runGit(clone, ['push', '--quiet', path, `HEAD:refs/heads/${on}`]);
    return sha;
  } finally {
    await rm(clone, { recursive: true, force: true });
  }
}
