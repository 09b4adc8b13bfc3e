import { expect, test } from 'vitest';
import { troublesMail } from '../../src/town/deacon-board.js';
import {
  hasStirred,
  heardIn,
  isQuiet,
  nextPatrolMs,
  patrolled,
  unheardOf,
  witnessesIn,
  withoutLadder,
} from '../../src/town/patrol.js';
import type { Survey, Trouble } from '../../src/town/patrol.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const CALM: Survey = {
  open: 2,
  rigs: ['server'],
  witnessed: ['server'],
  failing: [],
  escalated: [],
  daemon: { kind: 'runs' },
};

type More = {
  readonly before?: Survey;
  readonly unheard?: readonly string[];
  readonly unwitnessed?: Readonly<Record<string, string>>;
};

function look(survey: Partial<Survey>, known: readonly Trouble[] = [], nowMs = 0, more: More = {}) {
  return patrolled(
    { ...CALM, ...survey },
    { before: null, known, unheard: [], unwitnessed: {}, nowMs, patience: 1, ...more },
  );
}

test('a town in order has no orders', () => {
  expect(look({})).toEqual({ troubles: [], orders: [] });
});

test('a rig with work and no witness gets one; one that cannot be given any is told, once', () => {
  expect(look({ rigs: ['server', 'web'] }).orders).toEqual([{ kind: 'witness', rig: 'web' }]);
  const why = { unwitnessed: { web: 'town.toml has no rig "web"' } };
  const first = look({ rigs: ['server', 'web'] }, [], 0, why);
  expect(first.orders).toMatchObject([
    { kind: 'tell', troubles: [{ about: 'web', says: 'town.toml has no rig "web"' }] },
    { kind: 'witness' },
  ]);
  expect(look({ rigs: ['server', 'web'] }, first.troubles, HOUR_MS, why).orders).toEqual([
    { kind: 'witness', rig: 'web' },
  ]);
  expect(look({}, first.troubles, HOUR_MS, why)).toEqual({ troubles: [], orders: [] });
});

test('where polecats wait for a refinery that does not run, it is started', () => {
  expect(look({ unrefined: ['server'] })).toEqual({ troubles: [], orders: [{ kind: 'refinery', rig: 'server' }] });
  expect(isQuiet(CALM, { ...CALM, unrefined: ['server'] })).toBe(false);
});

test('the mayor hears once of each mission that was terminated, and of all from a deacon that begins', () => {
  const [one, other] = [
    { mission: 'hq-cv-1', run: 'r1' },
    { mission: 'hq-cv-2', run: 'r2' },
  ];
  const before = { ...CALM, ended: [one] };
  const told = [{ kind: 'ended', ...other }];
  expect(look({ ended: [one] }).orders).toEqual([{ kind: 'ended', ...one }]);
  expect(look({ ended: [one, other] }, [], 0, { before }).orders).toEqual(told);
  expect(look({ ended: [other] }, [], 0, { before: CALM })).toEqual({ troubles: [], orders: told });
  expect(look({ ended: [one] }, [], 0, { before }).orders).toEqual([]);
  expect(isQuiet(before, { ...CALM, ended: [one, other] })).toBe(false);
});

test('a witness that was not heard of in time is started again, and told of when that does not help', () => {
  const heard = {
    server: { atMs: 0, nextByMs: 0 },
    web: { atMs: 0, nextByMs: null },
    app: { atMs: 0, nextByMs: HOUR_MS },
  };
  const unheard = unheardOf(heard, 6 * MINUTE_MS, 1);
  expect(unheard).toEqual(['server']);
  const first = look({}, [], 6 * MINUTE_MS, { unheard: [...unheard, 'gone'] });
  expect(first.orders).toEqual([{ kind: 'witness', rig: 'server' }]);
  expect(look({}, first.troubles, 12 * MINUTE_MS, { unheard }).orders).toMatchObject([
    { kind: 'tell', troubles: [{ kind: 'unheard' }] },
    { kind: 'witness' },
  ]);
  expect(Object.keys(heardIn(CALM, heard))).toEqual(['server']);
});

test('the schedule of boot is made when it is missing; that it is paused, or its boots die, is told at once and once', () => {
  expect(look({ daemon: { kind: 'missing' } }).orders).toEqual([{ kind: 'daemon' }]);
  expect(look({ daemon: { kind: 'unseen' }, failing: null })).toEqual({ troubles: [], orders: [] });
  for (const daemon of [
    { kind: 'paused', note: 'for the night' },
    { kind: 'dying', last: 'boot-1' },
  ] as const) {
    const first = look({ daemon });
    expect(first.orders).toMatchObject([{ kind: 'tell', priority: 'normal' }]);
    expect(look({ daemon }, first.troubles, 24 * HOUR_MS).orders).toEqual([]);
  }
});

test('a mission that waits for a slot where slots are free is asked to ask again, and told of when that does not help', () => {
  let known: readonly Trouble[] = [];
  const said: string[] = [];
  for (let minute = 0; minute <= 120; minute += 5) {
    const { troubles, orders } = look({ stranded: ['login'] }, known, minute * MINUTE_MS);
    known = troubles;
    said.push(...orders.map((order) => `${minute} ${order.kind}`));
  }
  expect(said).toEqual(['20 feed', '25 feed', '30 tell', '30 feed']);
  expect(troublesMail(known).body).toContain('login waits for a slot where slots are free');
  expect(look({ stranded: [] }, known, 3 * HOUR_MS)).toEqual({ troubles: [], orders: [] });
});

test('witnesses do as they let themselves be heard', () => {
  const heard = {
    app: { atMs: 0, nextByMs: 0 },
    server: { atMs: 0, nextByMs: HOUR_MS },
    web: { atMs: 0, nextByMs: null },
  };
  expect(witnessesIn(heard, 6 * MINUTE_MS, 1)).toMatchObject([
    { agent: 'app/witness', kind: 'lost', fact: 'it was to be heard by 1970-01-01 00:00:00' },
    { agent: 'server/witness', kind: 'working' },
    { agent: 'web/witness', kind: 'waiting' },
  ]);
});

/** Patrols every minute; answers when something was told, with the urgency. */
function tellings(hours: number, surveyAt: (minute: number) => Partial<Survey>): readonly string[] {
  let known: readonly Trouble[] = [];
  const said: string[] = [];
  for (let minute = 0; minute <= hours * 60; minute += 1) {
    const { troubles, orders } = look(surveyAt(minute), known, minute * MINUTE_MS);
    known = troubles;
    said.push(...orders.flatMap((order) => (order.kind === 'tell' ? [`${minute} ${order.priority}`] : [])));
  }
  return said;
}

const escalated = [{ id: 'm1', waitsFor: 'overseer: build' }];
const failing = [{ id: 'm1', says: 'WorkflowTaskFailed' }];

test('an escalation that nobody answers is told after four hours, and twice more, each time more urgently', () => {
  expect(tellings(24, () => ({ escalated }))).toEqual(['240 normal', '480 high', '720 urgent']);
});

test.each([
  ['whose escalation it has raised itself', { parent: 'm1', mission: '' }],
  ['of whose mission an escalation is', { parent: 'se-1', mission: 'm1' }],
  ['who has joined that of another', { parent: 'm2', mission: 'm2', waits: ['se-2', 'm2', 'se-1', 'm1'] }],
])('one %s is told of by that', (_, by) => {
  const waitsFor = 'overseer: build';
  const waiting = [
    { id: 'm1', waitsFor },
    { id: 'm3', waitsFor },
  ];
  expect(withoutLadder(waiting, [{ id: 'hq-esc-0a1b2c3d', ...by }])).toEqual([waiting[1]]);
  expect(withoutLadder(waiting, [])).toEqual(waiting);
});

test('what was answered in time is not told; what goes wrong again counts anew, and so does another question', () => {
  expect(tellings(24, (minute) => ({ escalated: minute % 200 < 190 ? escalated : [] }))).toEqual([]);
  expect(tellings(12, (minute) => ({ escalated: minute === 250 ? [] : escalated }))).toEqual([
    '240 normal',
    '491 normal',
  ]);
  const all = tellings(24, (minute) => ({
    escalated: [{ id: 'm1', waitsFor: `overseer: step ${Math.floor(minute / 200)}` }],
  }));
  expect(all).toEqual([]);
});

test('a workflow whose tasks fail for a moment is nothing to tell; one that stands still is told once', () => {
  expect(tellings(1, (minute) => ({ failing: minute < 4 ? failing : [] }))).toEqual([]);
  expect(tellings(24, () => ({ failing }))).toEqual(['5 normal']);
});

test('a hundred at once are one mail, which says how many and names twenty', () => {
  const all = Array.from({ length: 100 }, (_, at) => ({ id: `m${at}`, says: 'WorkflowTaskFailed' }));
  const first = look({ failing: all });
  const [order, ...others] = look({ failing: all }, first.troubles, 5 * MINUTE_MS).orders;
  expect(others).toEqual([]);
  const mail = troublesMail(order?.kind === 'tell' ? order.troubles : []);
  expect(mail.subject).toBe('HELP: m0 and 99 more');
  expect(mail.body.match(/temporal workflow show/g)).toHaveLength(20);
  expect(mail.body).toContain('And 80 more');
});

test('a night of patrols: each twice as late as the one before, a quarter of an hour at most, and none without work', () => {
  let nowMs = 0;
  const at: number[] = [];
  for (let quiet = 0; nowMs < 8 * HOUR_MS; quiet += 1) {
    at.push(nowMs / MINUTE_MS);
    nowMs += nextPatrolMs(CALM, [], quiet, 1) ?? Infinity;
  }
  expect(at.slice(0, 7)).toEqual([0, 1, 3, 7, 15, 30, 45]);
  expect(at).toHaveLength(35);
  expect(nextPatrolMs({ ...CALM, open: 0 }, [], 0, 1)).toBeNull();
  expect(nextPatrolMs(CALM, [], 0, 0.01)).toBe(600);
});

test('while something is yet to be told there is another patrol, though no work is open', () => {
  const idle = { ...CALM, open: 0 };
  const first = look({ ...idle, failing });
  expect(nextPatrolMs(idle, first.troubles, 0, 1)).toBe(MINUTE_MS);
  expect(nextPatrolMs(idle, look({ ...idle, failing }, first.troubles, HOUR_MS).troubles, 0, 1)).toBeNull();
});

test('a patrol is quiet when it sees what the one before saw, whichever boot was the last to die', () => {
  expect(isQuiet(null, CALM)).toBe(false);
  expect(isQuiet(CALM, { ...CALM })).toBe(true);
  expect(isQuiet(CALM, { ...CALM, open: 3 })).toBe(false);
  const dying = (last: string): Survey => ({ ...CALM, daemon: { kind: 'dying', last } });
  expect(isQuiet(dying('boot-1'), dying('boot-2'))).toBe(true);
});

test.each<[string, Partial<Survey> | null, Partial<Survey>, boolean]>([
  [
    'nothing is open, and nothing was',
    { open: 0, stir: { working: 0, mark: '' } },
    { open: 0, stir: { working: 0, mark: '' } },
    false,
  ],
  ['what is open only waits', { stir: { working: 0, mark: 'a' } }, { stir: { working: 0, mark: 'a' } }, false],
  [
    'somebody is at work on the same step for hours',
    { stir: { working: 1, mark: 'a' } },
    { stir: { working: 1, mark: 'a' } },
    true,
  ],
  ['another step waits by now', { stir: { working: 0, mark: 'a' } }, { stir: { working: 0, mark: 'b' } }, true],
  ['work has begun', { open: 0, stir: { working: 0, mark: '' } }, { stir: { working: 0, mark: 'a' } }, true],
  ['the last work has ended', { stir: { working: 0, mark: 'a' } }, { open: 0, stir: { working: 0, mark: '' } }, true],
  ['it is the first look, at work that waits', null, { stir: { working: 0, mark: 'a' } }, true],
  ['it is the first look, at nothing', null, { open: 0, stir: { working: 0, mark: '' } }, false],
  ['an earlier version looked before', {}, { stir: { working: 0, mark: 'a' } }, true],
  ['an earlier version looks', {}, {}, true],
])('whether the chores of a town become due: %s', (_, before, now, has) => {
  expect(hasStirred(before === null ? null : { ...CALM, ...before }, { ...CALM, ...now })).toBe(has);
});

test('that steps close is no reason for more patrols', () => {
  expect(isQuiet({ ...CALM, stir: { working: 0, mark: 'a' } }, { ...CALM, stir: { working: 1, mark: 'b' } })).toBe(
    true,
  );
});
