/** A branch that goes back: on the remote and in the sandbox, with nothing lost that was undone. */
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { commitOf, git, gitText } from '../../src/git/git.js';
import { goBack } from '../../src/git/go-back.js';
import { worktreeState } from '../../src/git/worktree.js';
import { writeFiles } from '../support/repos.js';
import { drawn } from '../support/sample.js';
import { BRANCH, finishStep, makeRig, openSandbox, TOAST } from '../support/sandboxes.js';

async function twoSteps() {
  const rig = await makeRig();
  const sandbox = await openSandbox(rig);
  const first = await finishStep(rig, sandbox, { 'one.txt': 'one\n' });
  const second = await finishStep(rig, { ...sandbox, head: first }, { 'two.txt': 'two\n' });
  const place = { mirror: rig.mirror, path: sandbox.path };
  const back = (to: string) => goBack({ ...place, branch: BRANCH, to, author: TOAST });
  const files = async () => (await readdir(sandbox.path)).filter((name) => name !== '.git').toSorted();
  return { rig, sandbox, place, first, second, back, files };
}

test('the sandbox and the remote are at the commit, and what was undone is kept, half-done work too', async () => {
  const { rig, sandbox, place, first, second, back, files } = await twoSteps();
  await writeFile(join(sandbox.path, 'half.txt'), 'half\n');
  await writeFile(join(sandbox.path, 'one.txt'), 'changed\n');
  const kept = await back(first);
  expect(await files()).toEqual(['README.md', 'one.txt']);
  expect(await worktreeState(place)).toEqual({ head: first, branch: BRANCH, dirty: [], rebasing: false });
  expect(await rig.origin.sha(BRANCH)).toBe(first);
  const at = kept ?? '';
  expect(at).toMatch(/^refs\/gt\/undone\/polecat\/Toast\//);
  expect(await gitText(rig.mirror, ['show', `${at}:half.txt`])).toBe('half');
  expect(await gitText(rig.mirror, ['rev-parse', `${at}^`])).toBe(second);
  expect(await back(first)).toBeNull();
});

const it = drawn('sandboxes that go back', 3, 1);

it('without half-done work it is the last commit itself that is kept', async () => {
  const { rig, second, sandbox, back } = await twoSteps();
  const kept = await back(sandbox.base);
  expect(await commitOf(rig.mirror, kept ?? '')).toBe(second);
  expect(await rig.origin.sha(BRANCH)).toBe(sandbox.base);
});

it('what somebody pushed in the meantime is not overwritten, and nothing has changed', async () => {
  const { rig, place, first, second, back } = await twoSteps();
  const theirs = await rig.origin.commit({ 'theirs.txt': 'theirs\n' }, { branch: BRANCH });
  await expect(back(first)).rejects.toThrow(`somebody pushed to ${BRANCH}, which is at ${theirs} on the remote`);
  expect((await worktreeState(place))?.head).toBe(second);
  expect(await rig.origin.sha(BRANCH)).toBe(theirs);
});

it('a rebase, a merge and another branch are left behind', async () => {
  const { rig, sandbox, place, first, back } = await twoSteps();
  await git(sandbox.path, ['checkout', '--quiet', '-b', 'aside', first]);
  await writeFiles(sandbox.path, { 'two.txt': 'other\n' });
  await git(sandbox.path, ['add', '.']);
  await git(sandbox.path, ['-c', 'user.name=x', '-c', 'user.email=x@x', 'commit', '--quiet', '-m', 'aside']);
  await git(sandbox.path, ['rebase', BRANCH], { codes: [0, 1] });
  expect((await worktreeState(place))?.rebasing).toBe(true);
  await back(first);
  expect(await worktreeState(place)).toEqual({ head: first, branch: BRANCH, dirty: [], rebasing: false });
  expect(await rig.origin.sha(BRANCH)).toBe(first);
});
