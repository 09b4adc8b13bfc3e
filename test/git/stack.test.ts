/** Several branches on top of their target, one on the other, in real repositories. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { landMerge } from '../../src/git/land.js';
import { log } from '../../src/git/commit.js';
import { revokeMerge } from '../../src/git/merge-pins.js';
import { stackBranches, type Stacked } from '../../src/git/stack.js';
import { openWorktree } from '../../src/git/worktree.js';
import type { Strategy } from '../../src/town/strategy.js';
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

const stackOf = (rig: Rig, candidates: readonly Candidate[], more: Partial<Parameters<typeof stackBranches>[0]> = {}) =>
  stackBranches({
    ...more,
    mirror: rig.mirror,
    worktree: join(rig.folder, 'town', 'server', 'refinery', 'batch'),
    target: 'main',
    candidates,
  });

async function stacked(rig: Rig, candidates: readonly Candidate[], strategy?: Strategy) {
  const stack = await stackOf(rig, candidates, strategy === undefined ? {} : { strategy });
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
  expect(again.stacked[2]).toMatchObject({ kind: 'stacked' });
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

/** Of two commits, for an item. */
async function twoCommits(rig: Rig, name: string) {
  const one = await branchWith(rig, name, { [`${name}-1`]: '1\n' });
  const path = join(rig.folder, 'town', 'server', 'polecats', name);
  const sandbox = { path, branch: one.branch, head: one.sha, base: '' };
  return {
    ...one,
    item: `item-${name}`,
    sha: await finishStep(rig, sandbox, { [`${name}-2`]: '2\n' }, `${name} again`),
  };
}

/** From the base to the topmost: number of parents, author, and message of each. */
async function linesOf(rig: Rig, base: string, tip: string): Promise<readonly string[]> {
  const listed = await runGit(rig.mirror, [
    'log',
    '--reverse',
    '--first-parent',
    '--format=%P|%an|%B%x00',
    `${base}..${tip}`,
  ]);
  return listed.split('\0').flatMap((entry) => {
    const [parents = '', author = '', ...message] = entry.trim().split('|');
    return entry.trim() === '' ? [] : [`${parents.split(' ').length} ${author}: ${message.join('|')}`];
  });
}

describe('how a branch comes to its target', () => {
  test.each([
    [
      'rebase',
      [
        '1 server/polecats/Toast: A',
        '1 server/polecats/Toast: A again',
        '1 server/polecats/Toast: B',
        '1 server/polecats/Toast: B again',
      ],
    ],
    [
      'squash',
      [
        '1 server/polecats/Toast: A\n\n* A\n* A again\n\nGt-Item: item-A\nGt-Request: se-A.0',
        '1 server/polecats/Toast: B\n\n* B\n* B again\n\nGt-Item: item-B\nGt-Request: se-B.0',
      ],
    ],
    [
      'merge',
      [
        '2 refinery: Merge polecat/A/work\n\nGt-Item: item-A\nGt-Request: se-A.0',
        '2 refinery: Merge polecat/B/work\n\nGt-Item: item-B\nGt-Request: se-B.0',
      ],
    ],
  ] as const)('%s', async (strategy, expected) => {
    const rig = await makeRig();
    const all = [await twoCommits(rig, 'A'), await twoCommits(rig, 'B')];
    const { base, stacked: made } = await stacked(rig, all, strategy);
    const [below = '', tip = ''] = tipsOf(made);
    const lines = await linesOf(rig, base, tip);
    expect(lines).toEqual(expected);
    const files = await runGit(rig.mirror, ['ls-tree', '--name-only', tip]);
    expect(files.split('\n')).toEqual(expect.arrayContaining(['A-1', 'A-2', 'B-1', 'B-2']));
    const pins = all.map(({ requestId }, at) => ({ requestId, tip: at === 0 ? below : tip }));
    expect(await landMerge({ mirror: rig.mirror, base, tip, target: 'main', pins })).toMatchObject({ kind: 'merged' });
    // Handed in again, all of it is there.
    expect(await rig.origin.sha('main')).toBe(tip);
  });

  test('fast-forward: as it is, and not at all where it does not grow from there', async () => {
    const rig = await makeRig();
    const [one, other] = [await branchWith(rig, 'A', { a: '1\n' }), await branchWith(rig, 'B', { b: '1\n' })];
    const { base, stacked: made } = await stacked(rig, [one, other], 'fast-forward');
    expect(made).toEqual([{ kind: 'stacked', tip: one.sha }, { kind: 'later' }]);
    const pins = [{ requestId: one.requestId, tip: one.sha }];
    await landMerge({ mirror: rig.mirror, base, tip: one.sha, target: 'main', pins });
    expect((await stacked(rig, [other], 'fast-forward')).stacked).toEqual([{ kind: 'conflict', files: [] }]);
  });

  test.each(['squash', 'merge'] as const)(
    '%s: what conflicts is told, and what changes nothing is there already',
    async (strategy) => {
      const rig = await makeRig({ files: { shared: '1\n' } });
      const one = await branchWith(rig, 'A', { shared: 'a\n' });
      const same = await branchWith(rig, 'B', { shared: 'a\n' });
      const other = await branchWith(rig, 'C', { shared: 'c\n' });
      const { base, stacked: made } = await stacked(rig, [one, same, other], strategy);
      expect(made.map(({ kind }) => kind)).toEqual(['stacked', 'later', 'later']);
      const [tip = ''] = tipsOf(made);
      await landMerge({ mirror: rig.mirror, base, tip, target: 'main', pins: [{ requestId: one.requestId, tip }] });
      const { stacked: rest } = await stacked(rig, [same, other], strategy);
      expect(rest).toEqual([{ kind: 'empty' }, { kind: 'conflict', files: ['shared'] }]);
    },
  );
});

test('what is stacked where the target is yet to come to may land once it has come there, as it is', async () => {
  const rig = await makeRig();
  const [one, other] = [await branchWith(rig, 'A', { a: '1\n' }), await branchWith(rig, 'B', { b: '1\n' })];
  const { base, stacked: made } = await stacked(rig, [one]);
  const [onto = ''] = tipsOf(made);
  const ahead = await stackOf(rig, [other], { onto });
  if (ahead.kind !== 'stack') throw new Error(ahead.kind);
  expect(ahead.base).toBe(onto);
  const [tip = ''] = tipsOf(ahead.stacked);
  const pins = [{ requestId: other.requestId, tip }];
  const landing = { mirror: rig.mirror, base: onto, tip, target: 'main', pins };
  expect(await landMerge(landing)).toMatchObject({ kind: 'moved' });
  // The target is elsewhere: it is made anew.
  const anew = await stackOf(rig, [other], { before: ahead });
  expect(anew).toMatchObject({ base, hasTree: true, stacked: [{ kind: 'stacked' }] });
  expect(tipsOf(anew.kind === 'stack' ? anew.stacked : [])).not.toEqual([tip]);
  await landMerge({
    mirror: rig.mirror,
    base,
    tip: onto,
    target: 'main',
    pins: [{ requestId: one.requestId, tip: onto }],
  });
  expect(await stackOf(rig, [other], { before: ahead })).toEqual({ ...ahead, hasTree: false });
  expect(await landMerge(landing)).toEqual({ kind: 'merged', commit: tip });
});
