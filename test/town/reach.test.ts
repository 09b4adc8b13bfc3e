/** When people are told outside of the town, and of what: tables over the pure rules. */
import { describe, expect, test } from 'vitest';
import type { KeptMail } from '../../src/town/inbox.js';
import {
  personAt,
  quietUntilMs,
  reachable,
  tellingNow,
  variablesOf,
  withinHour,
  type Person,
  type Reachable,
} from '../../src/town/reach.js';

const at = (text: string): number => Date.parse(text);
const NOW = at('2026-11-28T12:00:00Z');
const MINUTE = 60_000;

const HOW: Reachable = {
  nowMs: NOW,
  town: 'test',
  patience: 1,
  ways: ['desk'],
  least: 'normal',
  atMost: 2,
  quietUntilMs: null,
};
const mail = (id: string, more: Partial<KeptMail> = {}): KeptMail => ({
  id,
  from: 'ci',
  to: 'overseer',
  subject: id,
  body: '',
  atMs: NOW,
  state: 'unread',
  ...more,
});
const low = mail('low', { priority: 'low' });
const plain = mail('plain');
const high = mail('high', { priority: 'high' });
const urgent = mail('urgent', { priority: 'urgent' });
const read = mail('read', { state: 'read', priority: 'urgent' });
const QUIET = { quietUntilMs: NOW + 60 * MINUTE };
const OFTEN = [NOW - 50 * MINUTE, NOW - 20 * MINUTE];

type Case = [string, readonly KeptMail[], { gone?: number; toldMs?: number[] }, Partial<Reachable>, object];
const tell = (mails: readonly KeptMail[], isUrgent = false, gone = 0) => ({ kind: 'tell', mails, gone, isUrgent });

test.each<Case>([
  ['nothing waits', [], {}, {}, { kind: 'nothing' }],
  ['what was read meanwhile needs no telling', [read], {}, {}, { kind: 'nothing' }],
  ['what is less urgent than he wants waits in the inbox', [low], {}, {}, { kind: 'nothing' }],
  ['unless he wants that, too', [low], {}, { least: 'low' }, tell([low])],
  ['several go together', [plain, low, high], {}, {}, tell([plain, high])],
  ['only what is high', [plain, high], {}, { least: 'high' }, tell([high])],
  ['quiet hours hold', [plain, high], {}, QUIET, { kind: 'wait', untilMs: NOW + 60 * MINUTE, why: 'quiet hours' }],
  ['and are over when they end', [plain], {}, { quietUntilMs: NOW }, tell([plain])],
  ['nothing waits in quiet hours, either', [low], {}, QUIET, { kind: 'nothing' }],
  ['what is urgent passes them, alone', [plain, urgent], {}, QUIET, tell([urgent], true)],
  [
    'so often an hour',
    [plain],
    { toldMs: OFTEN },
    {},
    { kind: 'wait', untilMs: NOW + 10 * MINUTE, why: 'at most 2 an hour' },
  ],
  [
    'what was told before that hour does not count',
    [plain],
    { toldMs: [NOW - 60 * MINUTE, NOW - MINUTE] },
    {},
    tell([plain]),
  ],
  ['what is urgent passes that, too', [urgent], { toldMs: OFTEN }, {}, tell([urgent], true)],
  ['urgent is enough whatever he wants', [urgent], {}, { least: 'urgent' }, tell([urgent], true)],
  ['what had to leave the inbox is told as a number', [], { gone: 3 }, {}, tell([], false, 3)],
  ['and not with what is urgent', [urgent, plain], { gone: 3 }, {}, tell([urgent], true)],
])('%s', (_says, mails, { gone = 0, toldMs = [] }, how, telling) => {
  expect(tellingNow({ mails, gone, toldMs }, { ...HOW, ...how })).toEqual(telling);
});

test('an hour has those after its beginning', () => {
  expect(withinHour([NOW - 60 * MINUTE, NOW - 59 * MINUTE, NOW], NOW)).toEqual([NOW - 59 * MINUTE, NOW]);
});

describe('quiet hours', () => {
  const night = { from: 22 * 60, to: 7 * 60, zone: 'Europe/Berlin' };
  const noon = { from: 12 * 60, to: 13 * 60 + 30, zone: 'UTC' };
  test.each([
    ['an evening before them', night, '2026-11-28T20:59:59Z', null],
    ['as they begin', night, '2026-11-28T21:00:00Z', '2026-11-29T06:00:00Z'],
    ['after midnight', night, '2026-11-29T02:30:20Z', '2026-11-29T06:00:00Z'],
    ['as they end', night, '2026-11-29T06:00:00Z', null],
    ['in summer', night, '2026-07-01T20:30:00Z', '2026-07-02T05:00:00Z'],
    ['a night whose clocks are put forward', night, '2026-03-28T22:00:00Z', '2026-03-29T05:00:00Z'],
    ['a night whose clocks are put back', night, '2026-10-24T21:00:00Z', '2026-10-25T06:00:00Z'],
    ['within a day', noon, '2026-11-28T12:10:59Z', '2026-11-28T13:30:00Z'],
    ['a day after them', noon, '2026-11-28T13:30:00Z', null],
  ])('%s', (_says, quiet, now, until) => {
    expect(quietUntilMs(quiet, at(now))).toBe(until === null ? null : at(until));
  });

  test('who has none is never left in peace', () => {
    expect(quietUntilMs(undefined, NOW)).toBeNull();
  });
});

const person = (way: string): Person => ({ reach: [way], least: 'normal', atMost: 12 });

describe('people', () => {
  const people = { overseer: person('o'), 'crew/ann': person('a'), 'server/crew/ann': person('s') };
  const settings = { ways: {}, people };

  test.each([
    ['overseer', 'o'],
    ['server/crew/ann', 's'],
    ['web/crew/ann', 'a'],
    ['web/crew/bob', null],
    ['server/polecats/ann', null],
    ['mayor', null],
  ])('%s is named in full or without the rig', (address, way) => {
    expect(personAt(address, settings)?.reach[0] ?? null).toBe(way);
    expect(personAt(address, undefined)).toBeNull();
  });

  test('all who can be reached, in the rigs that there are', () => {
    expect(reachable(settings, ['server', 'web'])).toEqual(['overseer', 'server/crew/ann', 'web/crew/ann']);
  });
});

test('the variables that ways name are known as secrets', () => {
  const ways = {
    chat: { kind: 'slack' as const, url: 'env:SLACK_HOOK' },
    desk: { kind: 'webhook' as const, url: 'https://example.org' },
    own: { kind: 'command' as const, program: 'sh', args: ['env:NOT_LOOKED_INTO'] },
  };
  expect(variablesOf({ ways, people: {} })).toEqual(['SLACK_HOOK']);
  expect(variablesOf(undefined)).toEqual([]);
});
