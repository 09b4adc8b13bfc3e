import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { catchUp, unresolved } from '../../src/git/catch-up.js';
import { commitAll } from '../../src/git/commit.js';
import { runGit } from '../support/repos.js';
import { finishStep, makeRig, openSandbox, TOAST } from '../support/sandboxes.js';

const FILES = { 'a.txt': 'a\n', 'b.txt': 'b\n' };

async function makeBranch(mine: Record<string, string>, theirs: Record<string, string>) {
  const rig = await makeRig({ files: FILES });
  const sandbox = await openSandbox(rig);
  const head = await finishStep(rig, sandbox, mine);
  await rig.origin.commit(theirs, { message: 'theirs' });
  const place = { mirror: rig.mirror, path: sandbox.path };
  const args = { ...place, target: 'main', author: TOAST };
  const subjects = async () => (await runGit(sandbox.path, ['log', '--format=%s', 'origin/main..HEAD'])).split('\n');
  return { rig, place, args, head, subjects, path: sandbox.path };
}

test('a branch that does not conflict is rebased, and keeps its authors', async () => {
  const { args, subjects, path } = await makeBranch({ 'a.txt': 'mine\n' }, { 'b.txt': 'theirs\n' });
  expect(await catchUp(args)).toEqual({ conflicts: [] });
  expect(await subjects()).toEqual(['a step']);
  expect(await runGit(path, ['log', '-1', '--format=%an'])).toBe('server/polecats/Toast');
  expect(await readFile(join(path, 'b.txt'), 'utf8')).toBe('theirs\n');
  const head = await runGit(path, ['rev-parse', 'HEAD']);
  expect(await catchUp(args)).toEqual({ conflicts: [] });
  expect(await runGit(path, ['rev-parse', 'HEAD'])).toBe(head);
});

test('a conflict is left marked in an open merge, which the next commit concludes', async () => {
  const { args, place, head, subjects, path } = await makeBranch({ 'a.txt': 'mine\n' }, { 'a.txt': 'theirs\n' });
  expect(await catchUp(args)).toEqual({ conflicts: ['a.txt'] });
  expect(await catchUp(args)).toEqual({ conflicts: ['a.txt'] });
  expect(await runGit(path, ['rev-parse', 'HEAD'])).toBe(head);
  expect(await readFile(join(path, 'a.txt'), 'utf8')).toMatch(/<<<<<<<[\s\S]*mine[\s\S]*theirs[\s\S]*>>>>>>>/);
  await writeFile(join(path, 'a.txt'), 'both\n');
  expect(await unresolved(place)).toEqual([]);
  await commitAll({ ...place, message: 'resolved', author: TOAST });
  expect(await subjects()).toEqual(['resolved', 'a step']);
  expect(await catchUp(args)).toEqual({ conflicts: [] });
});

test('a branch with a merge in it is merged again, so that nothing resolved is lost', async () => {
  const { rig, args, place, subjects, path } = await makeBranch({ 'a.txt': 'mine\n' }, { 'a.txt': 'theirs\n' });
  await catchUp(args);
  await writeFile(join(path, 'a.txt'), 'both\n');
  await commitAll({ ...place, message: 'resolved', author: TOAST });
  await rig.origin.commit({ 'b.txt': 'later\n' }, { message: 'later' });
  expect(await catchUp(args)).toEqual({ conflicts: [] });
  expect(await subjects()).toEqual(['Merge main before rework', 'resolved', 'a step']);
  expect(await readFile(join(path, 'a.txt'), 'utf8')).toBe('both\n');
  expect(await readFile(join(path, 'b.txt'), 'utf8')).toBe('later\n');
});

test('a rebase that a crash cut off is taken up', async () => {
  const { args, subjects, path } = await makeBranch({ 'a.txt': 'mine\n' }, { 'a.txt': 'theirs\n' });
  await runGit(path, ['fetch', '--quiet', 'origin']).catch(() => undefined);
  await catchUp(args);
  await runGit(path, ['merge', '--abort']);
  await runGit(path, ['rebase', 'origin/main']).catch(() => undefined);
  expect(await catchUp(args)).toEqual({ conflicts: ['a.txt'] });
  expect(await subjects()).toEqual(['a step']);
});
