import { expect, test } from 'vitest';
import { isQuiet, nextPatrolMs, patrolled, told, unheardOf } from '../../src/town/patrol.js';
import type { Order, Survey, Trouble } from '../../src/town/patrol.js';

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

const look = (survey: Partial<Survey>, known: readonly Trouble[] = [], nowMs = 0) =>
  patrolled({ ...CALM, ...survey }, { known, unheard: [], nowMs, patience: 1 });

test('a town in order has no orders', () => {
  expect(look({})).toEqual({ troubles: [], orders: [] });
});

test('a rig with work and no witness gets one; so does one whose witness was not heard of in time', () => {
  expect(look({ rigs: ['server', 'web'] }).orders).toEqual([{ kind: 'witness', rig: 'web' }]);
  const unheard = unheardOf(
    { server: { atMs: 0, nextByMs: 0 }, web: { atMs: 0, nextByMs: null }, app: { atMs: 0, nextByMs: HOUR_MS } },
    6 * MINUTE_MS,
    1,
  );
  expect(unheard).toEqual(['server']);
  const { orders } = patrolled(CALM, { known: [], unheard: [...unheard, 'gone'], nowMs: 0, patience: 1 });
  expect(orders).toEqual([{ kind: 'witness', rig: 'server' }]);
});

test('the schedule of boot is made when it is missing; that it is paused, or its boots die, is told at once and once', () => {
  expect(look({ daemon: { kind: 'missing' } }).orders).toEqual([{ kind: 'daemon' }]);
  for (const daemon of [
    { kind: 'paused', note: 'for the night' },
    { kind: 'dying', last: 'boot-1' },
  ] as const) {
    const first = look({ daemon });
    expect(first.orders).toMatchObject([{ kind: 'tell', priority: 'normal' }]);
    expect(look({ daemon }, toldAll(first.troubles, first.orders), 24 * HOUR_MS).orders).toEqual([]);
  }
});

function toldAll(troubles: readonly Trouble[], orders: readonly Order[]): readonly Trouble[] {
  return orders.reduce((all, order) => (order.kind === 'tell' ? told(all, order.trouble) : all), troubles);
}

/** Patrols every minute; answers when something was told, with the urgency. */
function tellings(hours: number, surveyAt: (minute: number) => Partial<Survey>): readonly string[] {
  let known: readonly Trouble[] = [];
  const said: string[] = [];
  for (let minute = 0; minute <= hours * 60; minute += 1) {
    const { troubles, orders } = look(surveyAt(minute), known, minute * MINUTE_MS);
    known = toldAll(troubles, orders);
    said.push(...orders.flatMap((order) => (order.kind === 'tell' ? [`${minute} ${order.priority}`] : [])));
  }
  return said;
}

test('an escalation that nobody answers is told after four hours, and twice more, each time more urgently', () => {
  const escalated = [{ id: 'm1', waitsFor: 'overseer: build' }];
  expect(tellings(24, () => ({ escalated }))).toEqual(['240 normal', '480 high', '720 urgent']);
});

test('what was answered in time is not told, and what goes wrong again counts anew', () => {
  const escalated = [{ id: 'm1', waitsFor: 'overseer: build' }];
  expect(tellings(24, (minute) => ({ escalated: minute % 200 < 190 ? escalated : [] }))).toEqual([]);
  expect(tellings(12, (minute) => ({ escalated: minute === 250 ? [] : escalated }))).toEqual([
    '240 normal',
    '491 normal',
  ]);
});

test('a workflow whose tasks fail for a moment is nothing to tell; one that stands still is told once', () => {
  const failing = [{ id: 'm1', says: 'WorkflowTaskFailed' }];
  expect(tellings(1, (minute) => ({ failing: minute < 4 ? failing : [] }))).toEqual([]);
  expect(tellings(24, () => ({ failing }))).toEqual(['5 normal']);
});

test('a telling that nobody has heard is told on the next patrol', () => {
  const failing = [{ id: 'm1', says: 'WorkflowTaskFailed' }];
  const first = look({ failing });
  const second = look({ failing }, first.troubles, 5 * MINUTE_MS);
  expect(second.orders).toHaveLength(1);
  expect(look({ failing }, second.troubles, 6 * MINUTE_MS).orders).toHaveLength(1);
});

test('a night of patrols: each twice as late as the one before, a quarter of an hour at most, and none without work', () => {
  let nowMs = 0;
  const at: number[] = [];
  for (let quiet = 0; nowMs < 8 * HOUR_MS; quiet += 1) {
    at.push(nowMs / MINUTE_MS);
    nowMs += nextPatrolMs(CALM, quiet, 1) ?? Infinity;
  }
  expect(at.slice(0, 7)).toEqual([0, 1, 3, 7, 15, 30, 45]);
  expect(at).toHaveLength(35);
  expect(nextPatrolMs({ ...CALM, open: 0 }, 0, 1)).toBeNull();
  expect(nextPatrolMs(CALM, 0, 0.01)).toBe(600);
});

test('a patrol is quiet when it sees what the one before saw', () => {
  expect(isQuiet(null, CALM)).toBe(false);
  expect(isQuiet(CALM, { ...CALM })).toBe(true);
  expect(isQuiet(CALM, { ...CALM, open: 3 })).toBe(false);
});
