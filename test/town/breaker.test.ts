import { expect, test } from 'vitest';
import { afterDeaths, afterEnd, CLOSED, closed, openUntilMs, roomIn, type Breaker } from '../../src/town/breaker.js';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Deaths at these seconds after `atMs`, all heard of at the last. */
function died(breaker: Breaker, atMs: number, seconds: readonly number[], patience = 1): Breaker {
  const deaths = seconds.map((second) => {
    const key = `${atMs}+${second}`;
    return { key, cause: key, atMs: atMs + second * SECOND_MS };
  });
  return afterDeaths(breaker, deaths, Math.max(...deaths.map((one) => one.atMs)), patience);
}

test.each([
  [[0, 30, 60, 90], false],
  [[0, 1], false],
  [[0, 15, 30], true],
  [[0, 15, 31], false],
  [[0, 40, 50, 69], true],
])('deaths at the seconds %j open it: %s', (seconds, isOpen) => {
  expect(died(CLOSED, 0, seconds).open !== null).toBe(isOpen);
});

test('the same death told again is one death, also after it has opened it', () => {
  const two = died(CLOSED, 0, [0, 1]);
  expect(died(two, 0, [0, 1])).toBe(two);
  const open = died(two, 0, [0, 1, 2]);
  expect(open).toMatchObject({ opened: 1, open: { why: '3 polecats or workers died within 30 seconds' } });
  expect(afterDeaths(open, open.deaths, 2 * MINUTE_MS, 1)).toBe(open);
  // One more is not three.
  expect(died(open, MINUTE_MS, [0]).opened).toBe(1);
  // Of what is long past nobody learns.
  expect(afterDeaths(CLOSED, open.deaths, 2 * HOUR_MS, 1)).toBe(CLOSED);
});

test('each time in a row it stays open for twice as long, up to an hour', () => {
  let breaker = CLOSED;
  let nowMs = 0;
  const minutes: number[] = [];
  for (let time = 0; time < 9; time += 1) {
    breaker = died(breaker, nowMs, [0, 1, 2]);
    const { sinceMs = 0, untilMs = 0 } = breaker.open ?? {};
    minutes.push((untilMs - sinceMs) / MINUTE_MS);
    expect(openUntilMs(breaker, untilMs - 1)).toBe(untilMs);
    expect(openUntilMs(breaker, untilMs)).toBeNull();
    nowMs = untilMs;
  }
  expect(minutes).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
});

const cutOff = (count: number, cause: (at: number) => string) =>
  Array.from({ length: count }, (_, at) => ({ key: `claim ${at}`, cause: cause(at), atMs: at }));

test('sessions of one host that are cut off at once are one death: a worker that was killed, a machine that slept', () => {
  expect(
    afterDeaths(
      CLOSED,
      cutOff(40, (at) => `host ${at % 2}`),
      SECOND_MS,
      1,
    ).open,
  ).toBeNull();
  expect(
    afterDeaths(
      CLOSED,
      cutOff(40, (at) => `host ${at % 3}`),
      SECOND_MS,
      1,
    ).open,
  ).not.toBeNull();
});

test('whoever has begun since and ends in peace closes it, and it begins anew; so it does long after the last time', () => {
  const open = died(died(CLOSED, 0, [0, 1, 2]), 10 * SECOND_MS, [0, 1, 2]);
  expect(open.opened).toBe(2);
  // They were at work before: what kills those who begin has nothing to do with them.
  expect(afterEnd(open, 'old', 5 * SECOND_MS)).toBe(open);
  const after = afterEnd(open, 'new', MINUTE_MS);
  expect(openUntilMs(after, 0)).toBeNull();
  expect(died(after, MINUTE_MS, [0, 1, 2]).opened).toBe(1);
  expect(died(open, 2 * HOUR_MS, [0, 1, 2]).opened).toBe(1);
  expect(closed({ ...open, isTold: true })).toMatchObject({ open: null, opened: 0, isTold: false });
  expect([afterEnd(CLOSED, 'new', 0), closed(CLOSED)]).toEqual([CLOSED, CLOSED]);
});

test('one that is found dead gives its slot back, too: that is no end in peace', () => {
  const open = died(CLOSED, 0, [0, 1, 2]);
  const again = afterDeaths(open, [{ key: 'new', cause: 'new', atMs: 2 * MINUTE_MS }], 2 * MINUTE_MS, 1);
  expect(afterEnd(again, 'new', 2 * MINUTE_MS)).toBe(again);
});

test('when its time is over one slot is granted, and the others once that one has lived for a minute', () => {
  const open = died(CLOSED, 0, [0, 1, 2]);
  const untilMs = open.open?.untilMs ?? 0;
  const room = (nowMs: number, ...since: number[]) =>
    roomIn(
      open,
      since.map((sinceMs) => ({ sinceMs })),
      nowMs,
      1,
    );
  expect(roomIn(CLOSED, [], 0, 1)).toEqual({ max: Infinity, againMs: null });
  expect(room(untilMs - 1, 0)).toEqual({ max: 0, againMs: untilMs });
  expect(room(untilMs, 0)).toEqual({ max: 1, againMs: null });
  expect(room(untilMs + 1, 0, untilMs)).toEqual({ max: 0, againMs: untilMs + MINUTE_MS });
  expect(room(untilMs + MINUTE_MS, 0, untilMs).max).toBe(Infinity);
});

test('patience scales how long it is open, and not what counts as at once', () => {
  const open = died(CLOSED, 0, [0, 15, 30], 0.1).open;
  expect((open?.untilMs ?? 0) - (open?.sinceMs ?? 0)).toBe(6_000);
});
