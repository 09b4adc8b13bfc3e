/** What is in a person's worktree, on whatever branch, is not lost when they leave. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { crewTreeActivities } from '../../src/activities/crew-tree.js';
import { placesIn } from '../../src/activities/places.js';
import type { ReadTown } from '../../src/activities/remotes.js';
import { asActivity } from '../support/activity.js';
import { makeFolder, makeRepo, runGit, writeFiles } from '../support/repos.js';

async function opened() {
  const folder = await makeFolder();
  const origin = await makeRepo({ bare: true, path: join(folder, 'rig') });
  const rig = { name: 'server', url: origin.path, branch: 'main' };
  const readTown = (async () => ({ ok: true, town: { rigs: { server: rig } } })) as unknown as ReadTown; // all that is read of it
  const acts = crewTreeActivities(placesIn(join(folder, 'state')), readTown);
  const who = { rig: 'server', name: 'ann' };
  const { path } = await asActivity(() => acts.openCrewTree(who));
  const git = (...args: string[]) => runGit(path, args);
  const commit = async (file: string) => {
    await writeFiles(path, { [file]: `${file}\n` });
    await git('add', '-A');
    await git('commit', '-q', '-m', file);
  };
  const close = (force = false) => asActivity(() => acts.closeCrewTree({ ...who, force }));
  return { origin, readTown, folder, path, git, commit, close };
}

test('what is on the remote may go, with a branch that nobody pushed as it is there under another name', async () => {
  const { git, commit, close } = await opened();
  await commit('done');
  await git('push', '-q', 'origin', 'crew/ann');
  await git('branch', 'other');
  expect(await close()).toMatchObject({ kind: 'gone' });
});

test('commits on a branch that was left, and on one that HEAD was never on, keep it; by force they are brought to the remote', async () => {
  const { origin, path, git, commit, close } = await opened();
  await commit('own');
  await git('switch', '-q', '-c', 'mine', 'origin/main');
  await commit('mine');
  await git('branch', 'backup');
  await git('reset', '-q', '--hard', 'origin/main');
  await git('switch', '-q', '--detach', 'origin/main');
  expect(await close()).toEqual({
    kind: 'kept',
    why: `${path} holds commits that the remote does not have, on backup (1) and crew/ann (1)`,
  });
  expect(await readFile(join(path, 'README.md'), 'utf8')).toBe('hello\n');
  expect(await close(true)).toMatchObject({
    kind: 'gone',
    where: expect.stringMatching(/crew\/ann and crew\/ann\.saved-/),
  });
  expect(await origin.git('show', 'crew/ann:own')).toBe('own');
  const saved = await origin.git('for-each-ref', '--format=%(refname:short)', 'refs/heads/crew/ann.saved-*');
  expect(await origin.git('show', `${saved}:mine`)).toBe('mine');
});

test('on another host it is made from what they have pushed, else from the target, and it is known whether the last known commit is on the remote', async () => {
  const { readTown, folder, git, commit } = await opened();
  const elsewhere = (name: string, lost: string) => {
    const acts = crewTreeActivities(placesIn(join(folder, name)), readTown);
    return asActivity(() => acts.openCrewTree({ rig: 'server', name: 'ann', lost }));
  };
  await commit('own');
  const first = await git('rev-parse', 'HEAD');
  const target = await git('rev-parse', 'origin/main');
  expect(await elsewhere('second', first)).toMatchObject({ from: 'main', hasLost: false, commit: target });
  await git('push', '-q', 'origin', 'crew/ann');
  expect(await elsewhere('third', first)).toMatchObject({ from: 'crew/ann', hasLost: true, commit: first });
  expect(await elsewhere('third', target)).toMatchObject({ from: null, hasLost: true, commit: first });
  await commit('more');
  expect(await elsewhere('fourth', await git('rev-parse', 'HEAD'))).toMatchObject({ from: 'crew/ann', hasLost: false });
});
