import { chmod, readFile, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { git } from '../../src/git/git.js';
import { GitError, kindOf, TooLarge } from '../../src/git/git-error.js';
import { exclusive } from '../../src/git/exclusive.js';
import { makeFolder, makeRepo } from '../support/repos.js';

async function errorOf(act: Promise<unknown>): Promise<GitError> {
  const error = await act.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof GitError) return error;
  throw new Error(`expected a GitError, got ${String(error)}`);
}

describe('a failing git', () => {
  test('tells the command, the place, the exit code and what git said', async () => {
    const { path } = await makeRepo({});
    const error = await errorOf(git(path, ['rev-parse', '--verify', 'nothing']));
    expect(error).toMatchObject({ kind: 'not-found', code: 128, cwd: path, command: 'rev-parse --verify nothing' });
    expect(error.message).toBe(`git rev-parse failed in ${path} (exit 128): fatal: Needed a single revision`);
  });

  test('in a folder that does not exist says that it could not be started', async () => {
    const error = await errorOf(git('/no/such folder', ['status']));
    expect(error).toMatchObject({ kind: 'not-found', code: null });
  });

  test('that asks for a password does not wait for one, and shows no credentials', async () => {
    const folder = await makeFolder();
    const url = 'http://ada:secret@127.0.0.1:9/repo.git';
    const error = await errorOf(git(folder, ['ls-remote', url], { network: true }));
    expect(error.kind).toBe('network');
    expect(error.command).toBe('ls-remote http://***@127.0.0.1:9/repo.git');
    expect(JSON.stringify(error) + error.message).not.toContain('secret');
  });
});

test.each([
  ['host', 'fatal: unable to write loose object file: No space left on device'],
  ['host', "fatal: could not create leading directories of 'worktrees/wt': Read-only file system"],
  ['host', "fatal: update_ref failed: cannot lock ref 'x': Unable to create '/m/x.lock': Permission denied"],
  ['host', 'error: insufficient permission for adding an object to repository database objects'],
  ['auth', 'ada@example.com: Permission denied (publickey).'],
  // A file in the tree that the agent made unreadable is the agent's matter.
  ['other', 'error: open("x"): Permission denied'],
])('trouble of kind %s: %s', (kind, said) => {
  expect(kindOf(said)).toBe(kind);
});

describe('a lock file', () => {
  test('of a git that is at work is waited for', async () => {
    const { path } = await makeRepo({ files: { a: '1\n' } });
    const lock = join(path, '.git', 'index.lock');
    await writeFile(lock, '');
    await writeFile(join(path, 'b'), '2\n');
    const [, output] = await Promise.all([
      pause(200).then(() => import('node:fs/promises').then((fs) => fs.rm(lock))),
      git(path, ['add', 'b']),
    ]);
    expect(output.code).toBe(0);
  });

  test('that a crash left behind is removed once it is old', async () => {
    const { path } = await makeRepo({ files: { a: '1\n' } });
    for (const lock of ['index.lock', 'refs/heads/other.lock', 'config.lock']) {
      const file = join(path, '.git', lock);
      await writeFile(file, '');
      await utimes(file, 0, 0);
    }
    await git(path, ['add', 'a']);
    await git(path, ['branch', 'other']);
    await git(path, ['config', 'a.b', 'c']);
    await expect(stat(join(path, '.git', 'index.lock'))).rejects.toThrow('ENOENT');
  });

  test('that stays young fails after about two seconds and is left alone', async () => {
    const { path } = await makeRepo({ files: { a: '1\n' } });
    const lock = join(path, '.git', 'index.lock');
    await writeFile(lock, 'mine');
    const started = Date.now();
    const error = await errorOf(git(path, ['add', 'a']));
    expect(error.kind).toBe('lock');
    expect(Date.now() - started).toBeLessThan(10_000);
    expect(await readFile(lock, 'utf8')).toBe('mine');
  });

  test("in somebody else's repository is left alone however old", async () => {
    const theirs = await makeRepo({});
    const mine = await makeRepo({});
    const lock = join(theirs.path, '.git', 'index.lock');
    await writeFile(lock, '');
    await utimes(lock, 0, 0);
    const error = await errorOf(git(mine.path, ['-C', theirs.path, 'add', '--all']));
    expect(error.kind).toBe('lock');
    expect((await stat(lock)).size).toBe(0);
  });
});

test('a git that would hold more memory than it may, or say more, is ended, and says so', async () => {
  const { path } = await makeRepo({ files: { '.gitattributes': 'large text\n' } });
  // It takes no room on the disk, and all of it in the memory of whoever looks for the ends of its lines.
  await writeFile(join(path, 'large'), 'a\r\n');
  await truncate(join(path, 'large'), 2 ** 30);
  const added = git(path, ['add', '--all'], { memoryBytesMax: 64 * 2 ** 20 });
  await expect(added).rejects.toThrow(
    /^git add in .* was ended: it held \d+ MiB of memory; the most is 64 MiB; .*\.gitignore/,
  );
  await expect(added).rejects.toBeInstanceOf(TooLarge);
  await expect(git(path, ['cat-file', '-p', 'HEAD:.gitattributes'], { keepChars: 2 })).rejects.toThrow(
    /was ended: it wrote more than 4 characters/,
  );
});

test('hooks and monitors that stand in a repository do not run', async () => {
  const { path } = await makeRepo({ files: { a: '1\n' } });
  const spy = join(path, 'spy');
  for (const hook of ['pre-commit', 'post-commit', 'post-checkout', 'fsmonitor']) {
    const file = join(path, '.git', 'hooks', hook);
    await writeFile(file, `#!/bin/sh\necho ${hook} >> '${spy}'\n`);
    await chmod(file, 0o755);
  }
  await git(path, ['config', 'core.fsmonitor', '.git/hooks/fsmonitor']);
  const env = { GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a' };
  await git(path, ['commit', '--allow-empty', '--message', 'x'], { env });
  await git(path, ['checkout', '--quiet', '-b', 'other']);
  await git(path, ['status']);
  await expect(stat(spy)).rejects.toThrow('ENOENT');
});

test('what is exclusive under one key runs one after the other, also after a failure', async () => {
  const seen: string[] = [];
  const act = (name: string) => async () => {
    seen.push(`${name} begins`);
    await pause(5);
    seen.push(`${name} ends`);
    if (name === 'a') throw new Error('a failed');
  };
  const [a] = await Promise.allSettled([
    exclusive('key', act('a')),
    exclusive('key', act('b')),
    exclusive('key', act('c')),
  ]);
  expect(a.status).toBe('rejected');
  expect(seen).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
});
