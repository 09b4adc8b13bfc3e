import { appendFile, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { backUp } from '../../src/git/backup.js';
import { makeFolder, makeRepo, runGit } from '../support/repos.js';

const FILES = 'ledger/*.jsonl';

async function begin() {
  const { path: repo } = await makeRepo({ files: { 'ledger/here.jsonl': 'one\ntwo\n' } });
  const folder = join(await makeFolder(), 'backups');
  const file = join(repo, 'ledger', 'here.jsonl');
  const commit = () => runGit(repo, ['commit', '--quiet', '--all', '--message', 'more']);
  return { repo, folder, file, commit, save: () => backUp({ repo, folder, files: FILES }) };
}

test('a backup is made once for what has not changed, and once more for what has', async () => {
  const { folder, file, commit, save } = await begin();
  const first = await save();
  expect(first).toMatchObject({ isNew: true, lines: 2, fuller: null });
  expect(await save()).toEqual({ ...first, isNew: false });
  await appendFile(file, 'three\n');
  await commit();
  expect(await save()).toMatchObject({ isNew: true, lines: 3, fuller: null });
  expect(await readdir(folder)).toHaveLength(2);
});

test('one that was torn is made anew, and the lines are counted however git is told to colour them', async () => {
  const { repo, save } = await begin();
  await runGit(repo, ['config', 'color.ui', 'always']);
  const { file } = await save();
  const whole = (await readFile(file)).length;
  await truncate(file, Math.floor(whole / 2));
  const again = await save();
  expect(again).toMatchObject({ isNew: true, lines: 2 });
  expect((await readFile(again.file)).length).toBe(whole);
});

test('of a ledger that has become shorter nothing is dropped, and what is fuller is named', async () => {
  const { folder, file, commit, save } = await begin();
  const before = await save();
  await writeFile(file, 'one\n');
  await commit();
  const after = await save();
  expect(after).toMatchObject({ lines: 1, fuller: { file: before.file, lines: 2 }, dropped: 0 });
  expect(await readdir(folder)).toHaveLength(2);
});
