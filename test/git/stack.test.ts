/** Several branches on top of their target, one on the other, in real repositories. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { landMerge } from '../../src/git/land.js';
import { log } from '../../src/git/commit.js';
import { revokeMerge } from '../../src/git/merge-pins.js';
import { stackBranches, type Stacked } from '../../src/git/stack.js';
import { openWorktree } from '../../src/git/worktree.js';
import { runGit } from '../support/repos.js';
import { finishStep, makeRig, type Rig } from '../support/sandboxes.js';

/** A branch of one commit on the target as it is now, in the order of their names. */
async function branchWith(rig: Rig, name: string, files: Record<string, string>) {
  const branch = `polecat/${name}/work`;
  const path = join(rig.folder, 'town', 'server', 'polecats', name);
  const sandbox = await openWorktree({ mirror: rig.mirror, path, branch, from: 'origin/main' });
  return { requestId: `se-${name}.0`, branch, sha: await finishStep(rig, sandbox, files, name) };
}

type Candidate = Awaited<ReturnType<typeof branchWith>>;

const stackOf = (rig: Rig, candidates: readonly Candidate[]) =>
  stackBranches({
    mirror: rig.mirror,
    worktree: join(rig.folder, 'town', 'server', 'refinery', 'batch'),
    target: 'main',
    candidates,
  });

async function stacked(rig: Rig, candidates: readonly Candidate[]) {
  const stack = await stackOf(rig, candidates);
  if (stack.kind !== 'stack') throw new Error(stack.kind);
  return stack;
}

const tipsOf = (all: readonly Stacked[]) => all.flatMap((one) => (one.kind === 'stacked' ? [one.tip] : []));

test('each lies on the one below, and those up to any of them land together, in one push', async () => {
  const rig = await makeRig();
  const all = [
    await branchWith(rig, 'A', { a: '1\n' }),
    await branchWith(rig, 'B', { b: '1\n' }),
    await branchWith(rig, 'C', { c: '1\n' }),
  ];
  const { base, stacked: made } = await stacked(rig, all);
  const tips = tipsOf(made);
  expect((await log({ repo: rig.mirror, from: base, to: tips[2] ?? '' })).map(({ subject }) => subject)).toEqual([
    'A',
    'B',
    'C',
  ]);
  const pins = all.slice(0, 2).map(({ requestId }, at) => ({ requestId, tip: tips[at] ?? '' }));
  const landed = await landMerge({ mirror: rig.mirror, base, tip: tips[1] ?? '', target: 'main', pins });
  expect(landed).toEqual({ kind: 'merged', commit: tips[1] });
  expect(await rig.origin.sha('main')).toBe(tips[1]);
  const again = await stacked(rig, all);
  expect(again.stacked.slice(0, 2)).toEqual(tips.slice(0, 2).map((commit) => ({ kind: 'landed', commit })));
  expect(again.stacked[2]).toMatchObject({ kind: 'stacked', commits: 1 });
});

test('one that conflicts with another waits; one that conflicts with the target is told so; those above are none the worse', async () => {
  const rig = await makeRig({ files: { shared: '1\n' } });
  const first = await branchWith(rig, 'A', { shared: 'a\n' });
  const second = await branchWith(rig, 'B', { shared: 'b\n' });
  const third = await branchWith(rig, 'C', { c: '1\n' });
  const { stacked: made } = await stacked(rig, [first, second, third]);
  expect(made.map(({ kind }) => kind)).toEqual(['stacked', 'later', 'stacked']);
  const worktree = join(rig.folder, 'town', 'server', 'refinery', 'batch');
  expect(await runGit(worktree, ['rev-parse', 'HEAD'])).toBe(tipsOf(made)[1]);
  expect(await runGit(worktree, ['status', '--porcelain'])).toBe('');
  await rig.origin.commit({ shared: 'theirs\n' });
  const alone = await stacked(rig, [second, third]);
  expect(alone.stacked).toMatchObject([{ kind: 'conflict', files: ['shared'] }, { kind: 'stacked' }]);
});

test('the same change twice lands once, and the other is found to be there', async () => {
  const rig = await makeRig();
  const [one, other] = [await branchWith(rig, 'A', { a: '1\n' }), await branchWith(rig, 'B', { a: '1\n' })];
  const { base, stacked: made } = await stacked(rig, [one, other]);
  expect(made.map(({ kind }) => kind)).toEqual(['stacked', 'later']);
  const [tip = ''] = tipsOf(made);
  await landMerge({ mirror: rig.mirror, base, tip, target: 'main', pins: [{ requestId: one.requestId, tip }] });
  expect((await stacked(rig, [other])).stacked).toEqual([{ kind: 'empty' }]);
});

test('nothing lands that holds what somebody has taken back', async () => {
  const rig = await makeRig();
  const all = [await branchWith(rig, 'A', { a: '1\n' }), await branchWith(rig, 'B', { b: '1\n' })];
  const { base, stacked: made } = await stacked(rig, all);
  const tips = tipsOf(made);
  expect(await revokeMerge({ mirror: rig.mirror, requests: 'se-A.*', target: 'main' })).toBeNull();
  const pins = all.map(({ requestId }, at) => ({ requestId, tip: tips[at] ?? '' }));
  const landed = await landMerge({ mirror: rig.mirror, base, tip: tips[1] ?? '', target: 'main', pins });
  expect(landed).toEqual({ kind: 'moved', target: base });
  expect(await rig.origin.sha('main')).toBe(base);
});
