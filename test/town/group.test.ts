/** Groups: whom they stand for, and how far an agent reaches by one. */
import { expect, test } from 'vitest';
import { addressOf, copyFor, isGroup, isWithinReach, membersOf, outcomeText, readGroup } from '../../src/town/group.js';

const OPEN = [
  'mayor',
  'web/witness',
  'web/polecats/Ash',
  'server/witness',
  'server/polecats/Toast',
  'server/polecats/Shadow',
  'server/crew/ann',
  'web/crew/bob',
];

function meant(group: string, from = 'nobody'): readonly string[] {
  const reading = readGroup(group);
  return reading.ok ? membersOf(reading.patterns, OPEN, from) : [reading.problem];
}

const ALL_CREW = ['server/crew/ann', 'web/crew/bob'];
const SERVERS = ['server/polecats/Shadow', 'server/polecats/Toast'];

test.each<[string, readonly string[]]>([
  ['@town', ['overseer', 'server/crew/ann', ...SERVERS, 'web/crew/bob', 'web/polecats/Ash']],
  ['@overseer', ['overseer']],
  ['@crew', ALL_CREW],
  ['@polecats', [...SERVERS, 'web/polecats/Ash']],
  ['@witnesses', ['server/witness', 'web/witness']],
  ['@rig/server', ['server/crew/ann', ...SERVERS]],
  ['@crew/web', ['web/crew/bob']],
  ['@polecats/server', SERVERS],
  ['*/witness', ['server/witness', 'web/witness']],
  ['server/*', ['server/crew/ann', ...SERVERS, 'server/witness']],
  ['*/polecats/*', [...SERVERS, 'web/polecats/Ash']],
  ['server/crew/*', ['server/crew/ann']],
  ['*/polecats/T*', ['server/polecats/Toast']],
  [
    '*',
    ['overseer', 'server/crew/ann', ...SERVERS, 'server/witness', 'web/crew/bob', 'web/polecats/Ash', 'web/witness'],
  ],
  ['m*', ['mayor']],
  ['@crew/nowhere', []],
  ['@nobody', [expect.stringContaining('"@nobody" is no group: there are @town, @overseer')]],
  ['@rig', [expect.stringContaining('@rig/RIG')]],
  ['@constructor', [expect.stringContaining('is no group')]],
])('%s stands for %j', (group, members) => {
  expect(isGroup(group)).toBe(true);
  expect(meant(group)).toEqual(members);
});

test('who writes to a group that it is of does not get it back', () => {
  expect(meant('@polecats/server', 'server/polecats/Toast')).toEqual(['server/polecats/Shadow']);
  expect(meant('@overseer', 'overseer')).toEqual([]);
  expect(meant('*r', 'overseer')).toEqual(['mayor']);
});

test('the overseer is reached before there is one, and is there once', () => {
  expect(membersOf(['overseer'], [], 'x')).toEqual(['overseer']);
  expect(membersOf(['overseer', '*'], ['overseer', 'overseer'], 'x')).toEqual(['overseer']);
});

test.each([
  ['@rig/server', true],
  ['@crew/server', true],
  ['@polecats/server', true],
  ['@overseer', true],
  ['server/polecats/*', true],
  ['server/crew/a*', true],
  ['@rig/web', false],
  ['@town', false],
  ['@crew', false],
  ['@witnesses', false],
  ['*/witness', false],
  ['server/*', false],
  ['server*/polecats/*', false],
  ['*', false],
  ['@none', false],
])('an agent of the rig server may write to %s: %s', (group, isMay) => {
  expect(isWithinReach(group, 'server')).toBe(isMay);
});

test('a copy is for the polecat that has the slot as the mail is accepted, and of each address it has another id', () => {
  const mail = { id: 'circular/lunch', from: 'ann', to: '@town', subject: 'lunch', body: '' };
  const toast = { to: 'server/polecats/Toast', incarnation: 7 };
  expect([addressOf('overseer'), addressOf(toast)]).toEqual(['overseer', toast.to]);
  expect(copyFor('overseer', mail)).toEqual({ ...mail, id: 'circular/lunch to overseer', to: 'overseer' });
  expect(copyFor(toast, mail)).toEqual({
    ...mail,
    id: `circular/lunch to ${toast.to}`,
    to: toast.to,
    toIncarnation: 7,
  });
});

test('what came of it is a sentence that names all who lack it', () => {
  const missed = [{ to: 'c', why: 'it has ended' }];
  expect(outcomeText({ to: '@crew', reached: ['a', 'b'], missed: [] })).toBe('it is in the inbox of a and b');
  expect(outcomeText({ to: '@crew', reached: ['a'], missed })).toBe(
    'it is in the inbox of a; it could not be brought to c (it has ended)',
  );
  expect(outcomeText({ to: '@crew', reached: [], missed })).toMatch(/^nobody of @crew has it; /);
  const many = Array.from({ length: 60 }, (_, at) => `m${at}`);
  expect(outcomeText({ to: '@crew', reached: many, missed: [] })).toMatch(/m49 and 10 more$/);
});
