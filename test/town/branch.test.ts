import { expect, test } from 'vitest';
import { isBranchName, isCrewName } from '../../src/town/branch.js';

test('a branch has a name that git takes, and is no other thing that git reads', () => {
  for (const name of ['main', 'polecat/Toast/we-1', 'a.b', 'v1.lockx', 'größe', 'a@b', 'crew/ann-2'])
    expect([name, isBranchName(name)]).toEqual([name, true]);
  const refused = ['', '@', '-f', '/a', 'a/', 'a.', '.a', 'a/.b', 'a//b', 'a..b', 'a.lock', 'a.lock/b', 'HEAD@{1}'];
  for (const name of [...refused, 'main~1', 'main^', 'a:b', 'a b', 'a?', 'a*', 'a[b', 'a\\b', 'a\nb', 'a\u0007'])
    expect([name, isBranchName(name)]).toEqual([name, false]);
});

test('a member of a crew has a name that can be typed, and of which git makes a branch', () => {
  expect(['ann', 'ann-2', 'a.b', 'ann.lock', 'ann.', 'a..b', '-', 'a b', '1st'].filter(isCrewName)).toEqual([
    'ann',
    'ann-2',
    'a.b',
  ]);
});
