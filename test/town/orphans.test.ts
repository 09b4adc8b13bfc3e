import { expect, test } from 'vitest';
import { isHeld } from '../../src/town/orphans.js';

const sandbox = (incarnation: number, molecule = `se-${incarnation}`) => ({
  name: 'Toast',
  incarnation,
  branch: `polecat/Toast/${molecule}`,
});
const atWork = (incarnation: number) => ({ isOpen: true, incarnation, molecule: `se-${incarnation}` });
const ofOpenMission = (incarnation: number) => ({ ...atWork(incarnation), isOpen: false });

test.each<[string, ReturnType<typeof sandbox>, Parameters<typeof isHeld>[1], boolean]>([
  ['what nobody has', sandbox(3), [], false],
  ['the sandbox of who is at work', sandbox(3), [atWork(3)], true],
  ['the sandbox of one before who is at work', sandbox(2), [atWork(3)], false],
  ['a sandbox that is newer than who is at work', sandbox(4), [atWork(3)], true],
  ['the sandbox of one that has closed, whose mission is open', sandbox(3), [ofOpenMission(3)], true],
  ['a sandbox that is newer than one that has closed', sandbox(4), [ofOpenMission(3)], false],
  [
    'the sandbox of an open mission, when another works under the name by now',
    sandbox(2),
    [atWork(3), ofOpenMission(2)],
    true,
  ],
  ['a sandbox rebuilt on this host', { ...sandbox(3), branch: 'polecat/Toast/se-3.1' }, [atWork(3)], true],
  ['a branch without a sandbox that nobody has', sandbox(0, 'se-9'), [atWork(3)], false],
  ['the branch of who is about to have a sandbox', sandbox(0, 'se-3'), [atWork(3)], true],
  [
    'a branch that a lost host left, of who is at work',
    { ...sandbox(0), branch: 'polecat/Toast/se-3.2' },
    [atWork(3)],
    true,
  ],
])('%s', (_, lying, holders, held) => {
  expect(isHeld(lying, holders)).toBe(held);
});
