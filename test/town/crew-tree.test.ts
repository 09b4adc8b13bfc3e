import { expect, test } from 'vitest';
import { whyKept } from '../../src/town/crew-tree.js';

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
