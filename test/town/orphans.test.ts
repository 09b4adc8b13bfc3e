import { expect, test } from 'vitest';
import { isAtWork, judged, type Had } from '../../src/town/orphans.js';

const sandbox = (incarnation: number, molecule = `se-${incarnation}`) => ({
  name: 'Toast',
  incarnation,
  branch: `polecat/Toast/${molecule}`,
});
const gone = (incarnation: number): Had => ({
  isOpen: false,
  isMissionOpen: false,
  incarnation,
  molecule: `se-${incarnation}`,
});
const atWork = (incarnation: number): Had => ({ ...gone(incarnation), isOpen: true, isMissionOpen: true });
const ofOpenMission = (incarnation: number): Had => ({ ...gone(incarnation), isMissionOpen: true });

const rebuilt = { ...sandbox(3), branch: 'polecat/Toast/se-3.1' };

test.each<[string, ReturnType<typeof sandbox>, readonly Had[], 'held' | 'unknown' | 'orphan']>([
  ['what nobody is known to have had', sandbox(3), [], 'unknown'],
  ['the sandbox of one that has closed with its mission', sandbox(3), [gone(3)], 'orphan'],
  ['a sandbox rebuilt on this host, of such a one', rebuilt, [gone(3)], 'orphan'],
  ['the sandbox of who is at work', sandbox(3), [atWork(3)], 'held'],
  ['the sandbox of one before who is at work', sandbox(2), [atWork(3), gone(2)], 'orphan'],
  ['one before who is at work, of which nothing is known', sandbox(2), [atWork(3)], 'unknown'],
  ['a sandbox that is newer than who is at work', sandbox(4), [atWork(3), gone(4)], 'held'],
  ['the sandbox of one that has closed, whose mission is open', sandbox(3), [ofOpenMission(3)], 'held'],
  ['a sandbox that is newer than one that has closed', sandbox(4), [ofOpenMission(3)], 'unknown'],
  ['the sandbox of an open mission, with another at work', sandbox(2), [atWork(3), ofOpenMission(2)], 'held'],
  ['a mission reset: one run has closed, another is open', sandbox(3), [gone(3), ofOpenMission(3)], 'held'],
  ['a sandbox rebuilt on this host', rebuilt, [atWork(3)], 'held'],
  ['a sandbox made for another branch', sandbox(3, 'se-9'), [gone(3)], 'unknown'],
  ['a side branch of who is at work', sandbox(0, 'backup'), [atWork(3)], 'held'],
  ['any branch while somebody is at work', sandbox(0, 'se-2'), [atWork(3), gone(2)], 'held'],
  ['a side branch of one that has closed', sandbox(0, 'backup'), [gone(3)], 'unknown'],
  ['a branch named for the molecule of another', sandbox(0, 'se-77'), [gone(3)], 'unknown'],
  ['a branch named for what marks gates', sandbox(0, 'gates'), [gone(3)], 'unknown'],
  ['the branch of one that has closed with its mission', sandbox(0, 'se-3'), [gone(3)], 'orphan'],
  ['the branch of one whose mission is open', sandbox(0, 'se-3'), [ofOpenMission(3)], 'held'],
  ['a branch that a lost host left', { ...sandbox(0), branch: 'polecat/Toast/se-3.2' }, [gone(3)], 'orphan'],
])('%s: %#', (_, lying, had, kind) => {
  expect(judged(lying, { had, unreadable: false }).kind).toBe(kind);
});

test('while somebody is at work of whom nothing can be read, nothing under the name is an orphan', () => {
  expect(judged(sandbox(3), { had: [gone(3)], unreadable: true }).kind).toBe('unknown');
});

test('an orphan goes by the molecule of its polecat', () => {
  expect(judged(rebuilt, { had: [gone(3)], unreadable: false })).toEqual({ kind: 'orphan', molecule: 'se-3' });
});

test('a folder half made is of who is at work, when it is no older', () => {
  const known = { had: [atWork(3), gone(2)], unreadable: false };
  expect([2, 3, 4].map((incarnation) => isAtWork({ incarnation }, known))).toEqual([false, true, true]);
});
