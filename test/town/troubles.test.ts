/** What missions, merge queues and witnesses bring before the ladder, and when it is over: as tables. */
import { describe, expect, test } from 'vitest';
import type { Breaker } from '../../src/town/breaker.js';
import { escalationOf } from '../../src/town/escalation-id.js';
import { Raised } from '../../src/town/escalation-input.js';
import type { Care } from '../../src/town/health.js';
import { missionTrouble } from '../../src/town/mission-trouble.js';
import type { Item, ItemState, MissionState } from '../../src/town/mission.js';
import { refineryTrouble, triedAnew } from '../../src/town/refinery-trouble.js';
import type { Queued } from '../../src/town/refinery.js';
import { NO_USAGE } from '../../src/town/session.js';
import { breakerTrouble, careTrouble } from '../../src/town/witness-trouble.js';
import { request as plain } from '../support/requests.js';

const HOLDER = { claim: 'c', name: 'Toast', incarnation: 1, host: 'h', molecule: 'se-1', sinceMs: 0 };
const item = (id: string, state: ItemState, more: Partial<Item> = {}): Item => ({
  id,
  state,
  title: `Write ${id}`,
  rig: 'server',
  formula: 'f',
  needs: [],
  priority: 2,
  attempt: 1,
  lost: 0,
  usage: NO_USAGE,
  sessions: 0,
  reworks: 0,
  ...more,
});
const mission = (items: readonly Item[], budgetUsd: number | null = null): MissionState => ({
  title: 'M',
  items,
  budgetUsd,
});
const FAILED: ItemState = { kind: 'failed', reason: 'no such branch', atMs: 7 };

const spent = (usd: number, budgetUsd: number | null) =>
  missionTrouble(mission([item('a', { kind: 'waiting' }, { usage: { ...NO_USAGE, usd } })], budgetUsd), 'm');

describe('of a mission', () => {
  test('an item that has failed waits, under the time at which it has', () => {
    const [one, ...more] = missionTrouble(mission([item('a', FAILED), item('b', { kind: 'waiting' })]), 'm');
    expect(more).toEqual([]);
    expect(one).toEqual({
      key: 'a 7',
      raised: {
        category: 'failed',
        severity: 'HIGH',
        source: 'item',
        text: 'the item a (Write a) has failed: no such branch',
        choices: ['retry', 'skip'],
        rig: 'server',
        mission: 'm',
        waiter: { kind: 'item', at: 'm', item: 'a', answered: 0 },
      },
    });
    expect(Raised.safeParse(one?.raised).success).toBe(true);
  });

  test('one that was given to several says so', () => {
    const [one] = missionTrouble(mission([item('a', FAILED, { attempt: 3 })]), 'm');
    expect(one?.raised.tried).toBe('it was given to 3 polecats, one after the other');
  });

  const wait = { molecule: 'se-1', for: 'overseer: build', why: 'w', sinceMs: 0, escalated: true };
  test.each<readonly [string, ItemState]>([
    ['waits', { kind: 'waiting' }],
    ['waits for a slot', { kind: 'queued', claim: 'c', sinceMs: 0 }],
    ['is worked', { kind: 'working', ...HOLDER }],
    // Its molecule brings it there itself.
    ['waits in its molecule', { kind: 'working', ...HOLDER, wait }],
    ['was skipped', { kind: 'skipped', reason: 'r' }],
    ['was cancelled', { kind: 'cancelled', reason: 'r' }],
  ])('an item that %s is no trouble of it', (_, state) => {
    expect(missionTrouble(mission([item('a', state)]), 'm')).toEqual([]);
  });

  test('a spent budget is a decision, until there is another', () => {
    expect(spent(5, 5)).toMatchObject([
      { key: 'budget 5', raised: { category: 'decision', severity: 'HIGH', source: 'budget', choices: ['budget'] } },
    ]);
    expect(spent(5, 5)[0]?.raised.text).toContain('$5.00 of the $5 of M are spent');
    expect(spent(5, 10)).toEqual([]);
    expect(spent(5, null)).toEqual([]);
    expect(spent(10, 10)[0]?.key).toBe('budget 10');
  });

  test('one that is over waits for nothing', () => {
    const over = mission([item('a', { kind: 'skipped', reason: 'r' }, { usage: { ...NO_USAGE, usd: 9 } })], 5);
    expect(missionTrouble(over, 'm')).toEqual([]);
  });
});

const request = (more: Partial<Queued> = {}): Queued => ({
  ...plain('se-1.0', { branch: 'polecat/Toast/se-1', issue: 'a' }),
  hold: null,
  ...more,
});
const refused = (refusals: number, isTried = false) =>
  request({ refusals, hold: isTried ? null : { why: 'protected', sinceMs: refusals, againAtMs: 99 } });

describe('of a merge queue', () => {
  test('a request that is held waits, under the time since which it is', () => {
    const [one, ...more] = refineryTrouble(
      [request({ hold: { why: 'npm: not found', sinceMs: 4 } }), request({ id: 'se-2.0' })],
      'server',
    );
    expect(more).toEqual([]);
    expect(one).toMatchObject({
      key: 'se-1.0 4',
      raised: {
        category: 'failed',
        severity: 'HIGH',
        source: 'merge',
        text: 'polecat/Toast/se-1 does not land: npm: not found',
        choices: ['retry', 'skip'],
        rig: 'server',
        mission: 'm',
        waiter: { kind: 'request', at: 'server/refinery', request: 'se-1.0' },
      },
    });
    expect(Raised.safeParse(one?.raised).success).toBe(true);
  });

  test('one of no mission names none', () => {
    const [one] = refineryTrouble([request({ mission: '', hold: { why: 'w', sinceMs: 4 } })], 'server');
    expect(one?.raised).not.toHaveProperty('mission');
  });

  test('a push that is refused may have a passing reason: the third time it waits for somebody, also while it is tried again', () => {
    expect([1, 2, 3, 4].map((times) => refineryTrouble([refused(times)], 'server').map(({ key }) => key))).toEqual([
      [],
      [],
      ['se-1.0 refused'],
      ['se-1.0 refused'],
    ]);
    expect(refineryTrouble([refused(4, true)], 'server').map(({ key }) => key)).toEqual(['se-1.0 refused']);
  });

  test('after an answer it is refused for the first time again', () => {
    const after = triedAnew([refused(4, true), refused(3)], ['se-1.0']);
    expect(refineryTrouble(after, 'server')).toEqual([]);
    expect(refineryTrouble(triedAnew([refused(4)], ['se-2.0']), 'server')).toHaveLength(1);
  });
});

const open = { sinceMs: 0, untilMs: 60_000, why: '3 polecats or workers died within 30 seconds' };
const breaker = (more: Partial<Breaker> = {}): Breaker => ({ deaths: [], opened: 1, open, ...more });
const care = (kind: Care['kind'], done: Care['done'] = 'tell', claim = 'c'): Care => ({
  claim,
  kind,
  sinceMs: 0,
  done,
  doneMs: 0,
});

const all = (kind: Care['kind']) =>
  Array.from({ length: 30 }, (_, at) => ({
    name: `p${at}`,
    mission: `m${at}`,
    care: { ...care(kind), claim: `${at}`, sinceMs: at * 1_000 },
    fact: `runSession was tried ${at + 5} times in vain: connection refused`,
  }));

const count = (kind: Care['kind']) =>
  new Set(careTrouble('web', all(kind)).map(({ raised }) => escalationOf(raised))).size;

describe('of a witness', () => {
  test('mass death is one trouble for as long as its breaker is open, however often that opens', () => {
    const [one] = breakerTrouble('server', breaker());
    expect(one).toMatchObject({
      key: 'deaths',
      raised: {
        category: 'failed',
        severity: 'HIGH',
        source: 'deaths',
        rig: 'server',
        waiter: { kind: 'telling', at: 'server/witness' },
      },
    });
    expect(one?.raised.text).toContain('`gt resume server/witness`');
    const [again] = breakerTrouble('server', breaker({ opened: 2, open: { ...open, untilMs: 180_000 } }));
    expect(again?.key).toBe('deaths');
    expect(breakerTrouble('server', breaker({ open: null }))).toEqual([]);
  });

  test('of what was told by mail, before there was a ladder, nobody is told twice', () => {
    expect(breakerTrouble('server', breaker({ isTold: true }))).toEqual([]);
  });

  test.each<readonly [Care['kind'], string, string]>([
    ['quiet', 'quiet', 'lifecycle'],
    ['stuck', 'stuck', 'lifecycle'],
    ['lost', 'host', 'lifecycle'],
    ['limited', 'limits', 'blocked'],
  ])('a polecat that is %s, whatever was done for it, is a trouble of %s', (kind, source, category) => {
    const patient = { name: 'Toast', mission: 'm', care: care(kind), fact: 'it has said nothing' };
    expect(careTrouble('server', [patient])).toMatchObject([
      {
        key: `c ${kind}`,
        raised: {
          category,
          severity: 'HIGH',
          source,
          rig: 'server',
          mission: 'm',
          waiter: { kind: 'telling', at: 'server/polecats/Toast' },
        },
      },
    ]);
  });

  test.each(['nudge', 'cycle', null] as const)('one for whom something else was done (%s) is none yet', (done) => {
    expect(careTrouble('server', [{ name: 'Toast', mission: 'm', care: care('quiet', done), fact: '' }])).toEqual([]);
  });

  test('an outage is one escalation, however many it stops, and those who are quiet are one each', () => {
    expect([count('stuck'), count('lost'), count('limited'), count('quiet')]).toEqual([1, 1, 1, 30]);
  });
});
