/** What becomes of a wish, as a table: what was said and what came of it, and where it stands then. */
import { expect, test } from 'vitest';
import type { Json } from '../../src/town/act.js';
import { MAYOR, OVERSEER } from '../../src/town/address.js';
import { NO_USAGE, type SessionResult } from '../../src/town/session.js';
import {
  after,
  byUrgency,
  heard,
  leftFor,
  newWish,
  orderOf,
  TRIES_MAX,
  PLAN_CHARS_MAX,
  whyNoRoom,
  whyNot,
  WISH_CHARS_MAX,
  withoutPlan,
  WORDS_MAX,
  type Outcome,
  type Said,
  type Wish,
} from '../../src/town/wish.js';
import { lettersAbout, lettersOfEnd, mayorBoard, plannersOf, wishText } from '../../src/town/wish-board.js';
import { missionKeyOf, missionOf, tellsEndOf } from '../../src/town/wish-mission.js';

const usage = { ...NO_USAGE, turns: 1, usd: 0.5 };
const wish = (more: Partial<Parameters<typeof newWish>[0]> = {}): Wish =>
  newWish({ id: 'w', by: 'Ada', text: 'Let people log in.', rig: null, budget: null, approve: 'ask', ...more }, 1_000);

const item = { id: 'a', title: 'Write\na', rig: 'server', formula: 'quick', vars: { name: 'a', size: 3 }, reason: 'r' };
type End<Result> = Result extends SessionResult ? Omit<Result, 'usage' | 'notes'> : never;
const answer = (end: End<SessionResult>): Outcome => ({ kind: 'answered', result: { usage, notes: [], ...end } });
const planned = (...work: Json[]) =>
  answer({ outcome: 'closed', verdict: 'done', summary: 's', output: { title: 'Login', reason: 'why', work } });
const fits: Outcome = { kind: 'fits', preview: [{ id: 'a', steps: 2 }] };
const begun: Outcome = { kind: 'begun' };
const approve: Said = { kind: 'approve', by: 'Ada' };
const change: Said = { kind: 'change', by: 'Ada', text: 'smaller' };
const reject: Said = { kind: 'reject', by: 'Ada', reason: 'no' };
const own: Said = { kind: 'plan', by: 'Bob', mission: { work: [{ ...item, vars: {} }], notify: ['server/crew/ann'] } };
const started: Outcome = { kind: 'started', mission: 'hq-cv-1' };

type Event = Outcome | Said;
const isSaid = (event: Event): event is Said => ['approve', 'change', 'reject', 'plan'].includes(event.kind);

/** What is said must be possible. */
function through(first: Wish, ...events: readonly Event[]): Wish {
  return events.reduce<Wish>((now, event) => {
    if (!isSaid(event)) return after(now, now.turn, event, 2_000);
    expect(whyNot(now, event)).toBeNull();
    return heard(now, event, 2_000);
  }, first);
}

test.each<readonly [string, readonly Event[], kind: string, order: string | null]>([
  ['is planned at once', [], 'planning', 'plan'],
  ['has a plan, which is checked', [begun, planned(item)], 'checking', 'check'],
  ['waits for approval', [begun, planned(item), fits], 'proposed', null],
  ['is started', [begun, planned(item), fits, approve], 'starting', 'start'],
  ['is worked on', [begun, planned(item), fits, approve, started], 'started', null],
  [
    'is looked at when its mission tells',
    [begun, planned(item), fits, approve, started, { kind: 'told' }],
    'started',
    'look',
  ],
  ['is planned anew', [begun, planned(item), fits, change], 'planning', 'plan'],
  ['is given up', [begun, planned(item), fits, reject], 'closed', 'record'],
  ['is given up while its mission goes on', [begun, planned(item), fits, approve, started, reject], 'closed', 'record'],
  ['is over, and recorded', [reject, { kind: 'recorded' }], 'closed', null],
  ['has a faulty plan', [begun, planned(item), { kind: 'faulty', why: 'x' }], 'planning', 'plan'],
  ['has a plan without its parts', [begun, planned({ id: 'a' })], 'planning', 'plan'],
  ['goes on after a handoff', [begun, answer({ outcome: 'handoff', note: 'n', reason: 'turns' })], 'planning', 'plan'],
  ['is asked about', [begun, answer({ outcome: 'blocked', detail: 'which?' })], 'unplanned', null],
  ['cannot be done', [begun, answer({ outcome: 'closed', verdict: 'failed', summary: 'no' })], 'unplanned', null],
  ['nobody can plan', [{ kind: 'stuck', why: 'no model', usage: NO_USAGE }], 'unplanned', null],
  ['is planned by a person', [{ kind: 'stuck', why: 'no model', usage: NO_USAGE }, own], 'checking', 'check'],
  ['has a faulty plan of a person', [own, { kind: 'faulty', why: 'x' }], 'unplanned', null],
  [
    'cannot be started any more',
    [begun, planned(item), fits, approve, { kind: 'faulty', why: 'x' }],
    'unplanned',
    null,
  ],
  [
    'cannot be started for want of a town.toml, and is approved again',
    [begun, planned(item), fits, approve, { kind: 'stuck', why: 'no town.toml', usage: NO_USAGE }, approve],
    'starting',
    'start',
  ],
  [
    'could not be checked, and is approved: it is checked again',
    [begun, planned(item), { kind: 'stuck', why: 'no town.toml', usage: NO_USAGE }, approve],
    'checking',
    'check',
  ],
  ['was approved before it could be checked', [own, { kind: 'faulty', why: 'x' }, approve, fits], 'starting', 'start'],
  [
    'was approved, then changed: it is shown again',
    [own, fits, approve, { kind: 'faulty', why: 'x' }, own, fits],
    'proposed',
    null,
  ],
  ['begins anew on another host', [begun, { kind: 'lost', usage }], 'planning', 'plan'],
])('a wish that %s', (_, events, kind, order) => {
  const now = through(wish(), ...events);
  expect(now.state.kind).toBe(kind);
  expect(orderOf(now)).toBe(order);
});

test('so many faulty plans, and a person is asked; what a person says begins the count anew', () => {
  const faulty = [begun, planned(item), { kind: 'faulty', why: 'no formula "quick"' }] as const;
  const tries = Array.from({ length: TRIES_MAX }, () => faulty).flat();
  const last = through(wish(), ...tries.slice(0, -faulty.length));
  expect(last).toMatchObject({ state: { kind: 'planning' }, note: expect.stringContaining('no formula "quick"') });
  const stuck = through(last, ...faulty);
  expect(stuck.state).toMatchObject({ kind: 'unplanned', why: expect.stringContaining(`${TRIES_MAX} sessions`) });
  expect(through(stuck, change)).toMatchObject({ state: { kind: 'planning' }, tries: 0, sessions: TRIES_MAX });
  expect(through(wish(), begun, { kind: 'lost', usage }, ...tries).sessions).toBe(TRIES_MAX + 1);
});

test('what comes of an act of an earlier turn counts for its cost alone', () => {
  const working = through(wish(), begun);
  const changed = heard(working, change, 2_000);
  const late = after(changed, working.turn, planned(item), 3_000);
  expect(late).toMatchObject({ state: { kind: 'planning' }, plan: null, usage: { usd: 0.5 } });
  expect(after(changed, working.turn, { kind: 'stuck', why: 'x', usage }, 3_000).usage.usd).toBe(0.5);
});

test('one that need not be shown is started as it is planned, unless somebody had something to say', () => {
  const soon = wish({ approve: 'start' });
  expect(through(soon, begun, planned(item), fits).state.kind).toBe('starting');
  expect(through(soon, begun, change, begun, planned(item), fits).state.kind).toBe('proposed');
  expect(through(soon, own, fits).state.kind).toBe('proposed');
});

test.each<readonly [string, readonly Event[], Said, RegExp]>([
  ['before there is a plan', [], approve, /no plan to approve: the wish w is planning/],
  ['twice', [own, fits, approve, started], approve, /approved already: hq-cv-1/],
  ['while it is started', [own, fits, approve], reject, /being started/],
  ['once it is worked on', [own, fits, approve, started], change, /hq-cv-1 works on the wish w already/],
  ['once it is over', [reject], own, /the wish w is over: rejected by Ada: no/],
  ['too often', Array.from({ length: WORDS_MAX }, () => change), change, new RegExp(`^${WORDS_MAX} times`)],
])('nothing can be said %s', (_, events, said, why) => {
  expect(whyNot(through(wish(), ...events), said)).toMatch(why);
});

test('its mission is what was shown: whoever asked hears of it, and the budget is that of the wish', () => {
  const ann = wish({ by: 'server/crew/ann', budget: { usd: 5 } });
  const mission = missionOf(through(ann, begun, planned(item), fits));
  expect(mission).toEqual({
    title: 'Login',
    work: [{ id: 'a', title: 'Write a', rig: 'server', formula: 'quick', vars: { name: 'a', size: '3' }, needs: [] }],
    notify: [MAYOR, 'server/crew/ann'],
    budget: { usd: 5 },
  });
  expect(missionOf(wish())).toBeNull();
  expect(missionOf(through(wish(), own))).toMatchObject({
    title: 'Let people log in.',
    notify: [MAYOR, 'server/crew/ann'],
  });
});

test('what a model wrote, and nobody has read, is told as words of others; names are only names', () => {
  const words = { ...item, vars: { name: 'a.txt', text: 'now; rm -rf /' } };
  const unread = through(wish({ approve: 'start' }), begun, planned(words), fits);
  expect(missionOf(unread)?.work[0]?.origins).toEqual({ text: 'the plan of the wish w' });
  const read = through(wish(), begun, planned(words), fits, approve);
  expect(missionOf(read)?.work[0]).not.toHaveProperty('origins');
});

test('there is one mission of a plan, and another of the next', () => {
  const first = through(wish(), begun, planned(item), fits);
  const keys = [first, through(first, approve), through(first, change, begun, planned(item), fits)].map(missionKeyOf);
  expect(keys[0]).toBe(keys[1]);
  expect(keys[2]).not.toBe(keys[0]);
});

test.each<readonly [string, string, string, boolean]>([
  ['its notice', 'hq-cv-1', 'landed/hq-cv-1@run/mayor', true],
  ['an answer from its inbox', 'hq-cv-1', 'r1 of hq-cv-1', false],
  ['the notice of another', 'hq-cv-2', 'landed/hq-cv-2@run/mayor', false],
  ['what another says of it', 'hq-cv-2', 'landed/hq-cv-1@run/mayor', false],
])('a mission tells of its end by its notice alone: %s', (_, from, id, tells) => {
  expect(tellsEndOf('hq-cv-1', { from, id })).toBe(tells);
});

test('wishes have room for so much together; a plan that has none is none, and one that is too long is made anew', () => {
  const long = (id: string) => wish({ id, text: 'é'.repeat(WISH_CHARS_MAX) });
  const some = Array.from({ length: 38 }, (_, at) => long(`w${at}`));
  expect(whyNoRoom(some, long('last'))).toBeNull();
  expect(whyNoRoom([...some, long('last')], long('last'))).toBeNull();
  expect(whyNoRoom([...some, long('last')], long('more'))).toMatch(/approve or reject some/);
  const full = withoutPlan(through(wish(), begun, planned(item)), 'full', 3_000);
  expect(full).toMatchObject({ plan: null, state: { kind: 'unplanned', why: 'full' } });
  const huge = { ...item, vars: { name: 'a'.repeat(PLAN_CHARS_MAX) } };
  expect(through(wish(), begun, planned(huge))).toMatchObject({
    state: { kind: 'planning' },
    plan: null,
    note: expect.stringContaining(`${PLAN_CHARS_MAX}`),
  });
});

test('planning costs at most what its mission may', () => {
  expect(leftFor(wish())).toBeNull();
  const some = wish({ budget: { usd: 0.6 } });
  expect(leftFor(through(some, begun, { kind: 'lost', usage }))).toBeCloseTo(0.1);
  expect(leftFor(through(some, begun, { kind: 'lost', usage }, begun, { kind: 'lost', usage }))).toBe(0);
});

test('people are shown the plan, what its agents are told, and the commands that fit', () => {
  const shown = through(wish(), begun, planned(item), fits);
  const text = wishText(shown);
  for (const part of ['| a | Write a | server | quick | 2 steps |', '- a: name = a', 'gt wish approve w', '$0.5'])
    expect(text).toContain(part);
  expect(wishText(through(shown, approve, started))).toContain('gt explain hq-cv-1');
  expect(wishText(through(shown, approve))).not.toContain('gt wish approve');
  expect(mayorBoard([shown], 0, 0)).toContain('A person is asked about `w`.');
  const dead = { id: 'd', from: MAYOR, to: 'server/crew/bob', subject: 'WISH w', body: '', why: 'nobody is there' };
  expect(mayorBoard([], 0, 0, [dead])).toMatch(/server\/crew\/bob .*WISH w .*nobody is there/);
  expect(mayorBoard([], 2, 1)).toBe(
    'No wish is open. Mails unread: 2 (gt mail inbox --as mayor). Letters on their way to the overseer: 1.',
  );
});

test('a plan says which rigs nobody has looked into, and why, in a line, until there is another', () => {
  const unread = [{ rig: 'web', why: `git fetch\nfailed${'.'.repeat(5_000)}` }];
  const blind = planned(item);
  if (blind.kind !== 'answered') throw new Error('it is an answer');
  const shown = through(wish(), begun, { ...blind, result: { ...blind.result, unread } }, fits);
  expect(wishText(shown)).toContain('Planned without the code of web, which could not be read: git fetch failed...');
  expect(wishText(shown).length).toBeLessThan(2_000);
  expect(wishText(through(shown, change, begun, planned(item), fits))).not.toContain('without the code');
});

test('the overseer is written to, and whoever asked; not twice of the same', () => {
  const shown = through(wish({ by: 'server/crew/ann' }), begun, planned(item), fits);
  const mails = lettersAbout(shown);
  expect(mails.map(({ to }) => to)).toEqual([OVERSEER, 'server/crew/ann']);
  expect(lettersAbout(through(wish({ by: OVERSEER }), own)).map(({ to }) => to)).toEqual([OVERSEER]);
  const next = lettersAbout(through(shown, change, begun, planned(item), fits));
  expect(new Set([...mails, ...next].map(({ id }) => id)).size).toBe(4);
});

test('of a mission that was ended from outside those hear whom it would have told, and the overseer', () => {
  const at = through(wish({ by: 'server/crew/bob' }), own, fits, approve, started, { kind: 'told' });
  expect(lettersOfEnd(at)).toEqual([]);
  const mails = lettersOfEnd(through(at, { kind: 'ended', end: 'failed', says: 'hq-cv-1: terminated' }));
  expect(mails.map(({ to }) => to)).toEqual([OVERSEER, 'server/crew/bob', 'server/crew/ann']);
  expect(new Set(mails.map(({ id }) => id)).size).toBe(3);
  expect(mails[0]).toMatchObject({ subject: 'WISH w: failed', body: expect.stringMatching(/^hq-cv-1: terminated\. /) });
});

test('who plans is told by wish, and which wish waits for that', () => {
  const first = through(wish({ id: 'a' }), begun, { kind: 'lost', usage }, begun);
  const proposed = through(wish({ id: 'c' }), begun, planned(item), fits);
  expect(plannersOf([first, wish({ id: 'b' }), proposed], ['a', 'c'], 9)).toEqual([
    { agent: MAYOR, item: 'a', seenMs: 9, kind: 'working', fact: expect.stringContaining('session 2 plans a,') },
    { agent: MAYOR, item: 'b', seenMs: 9, kind: 'waiting', fact: 'b is planned once another consultation has ended' },
  ]);
});

test('the more urgent wish is planned first, and of those the older', () => {
  const wishes = [
    wish({ id: 'old' }),
    wish({ id: 'late', priority: 2 }),
    wish({ id: 'least', priority: 4 }),
    wish({ id: 'urgent', priority: 0 }),
  ];
  expect(byUrgency(wishes).map(({ id }) => id)).toEqual(['urgent', 'old', 'late', 'least']);
});
