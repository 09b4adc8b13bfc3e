import { expect, test } from 'vitest';
import { isLost, lossText, lostWith, openedOn, treeText, whyKept } from '../../src/town/crew-tree.js';

const NOTHING = { dirty: [], rebasing: false, beyond: 0, unpushed: [] };

test.each<[Partial<Parameters<typeof whyKept>[0]>, string | null]>([
  [{}, null],
  [{ rebasing: true, dirty: ['a'] }, 'a rebase that has not ended'],
  [{ dirty: ['a'] }, '1 file not committed, as a'],
  [{ dirty: ['a', 'b', 'c', 'd'] }, '4 files not committed, as a, b and c'],
  [{ beyond: 1 }, '1 commit that the remote does not have'],
  [
    {
      beyond: 2,
      unpushed: [
        { branch: 'crew/ann', commits: 2 },
        { branch: 'mine', commits: 1 },
      ],
    },
    'commits that the remote does not have, on crew/ann (2) and mine (1)',
  ],
])('a worktree that holds %j is kept because of: %s', (found, why) => {
  expect(whyKept({ ...NOTHING, ...found })).toBe(why);
});

const TREE = { host: 'h1', path: '/town/ann', branch: 'crew/ann', commit: 'abcdef0123456' };
const LOST = { ...TREE, lost: lostWith(TREE) };
const NEW = { path: '/other/ann', branch: 'crew/ann', commit: 'b' };
const SEEN = 'Host h1 was lost with the worktree /town/ann on branch crew/ann, last seen at commit abcdef0123; ';
const ALONE = 'what was not pushed is on the disk of that host alone';

test.each<[string, Parameters<typeof openedOn>, string | null]>([
  ['the first one', ['h1', { ...NEW, from: 'main' }, null], null],
  ['the same one', ['h1', { ...NEW, from: null }, TREE], null],
  [
    'another one, from what was pushed',
    ['h2', { ...NEW, from: 'crew/ann', hasLost: true }, LOST],
    `${SEEN}that commit is on the remote. This one was made from crew/ann, as it is on the remote.`,
  ],
  [
    'another one, from what was pushed before the last commit',
    ['h2', { ...NEW, from: 'crew/ann', hasLost: false }, LOST],
    `${SEEN}${ALONE}. This one was made from crew/ann, as it is on the remote.`,
  ],
  [
    'another one, from the target',
    ['h2', { ...NEW, from: 'main', hasLost: false }, LOST],
    `${SEEN}${ALONE}. This one was made from main, as the remote has no crew/ann.`,
  ],
  ['one that was there', ['h2', { ...NEW, from: null }, LOST], `${SEEN}${ALONE}. This one was there before.`],
  ['the lost one, whose host is back', ['h1', { ...NEW, from: null }, LOST], null],
])('of a worktree it is known what was lost with the one before: %s', (_name, args, text) => {
  const tree = openedOn(...args);
  expect([lossText(tree), isLost(tree)]).toEqual([text, false]);
  // Asked for once more on its host, it still knows.
  expect(lossText(openedOn(tree.host, { ...NEW, from: null }, tree))).toBe(text);
});

test('a worktree whose host is lost says where its last known commit is', () => {
  expect(isLost(LOST)).toBe(true);
  expect(treeText(LOST)).toBe(
    'Host h1 is lost with the worktree /town/ann on branch crew/ann, last seen at commit abcdef0123: it is made anew on another host when it is asked for.',
  );
  const { commit: _, ...unknown } = TREE;
  expect(treeText({ ...unknown, lost: lostWith(unknown) })).not.toContain('last seen');
});
