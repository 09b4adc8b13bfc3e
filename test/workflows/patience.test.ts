import { expect, test } from 'vitest';
import { commandMs, deliverAgainMs, hostAct, hostAnswersMs, sessionAct } from '../../src/workflows/patience.js';

const HOUR_MS = 3_600_000;

test.each([0.02, 1, 10, 100])('with a patience of %d an act outlasts the commands it runs', (patience) => {
  const most = commandMs(patience);
  expect(Number(hostAct(patience, 'h', most).startToCloseTimeout)).toBeGreaterThanOrEqual(most + HOUR_MS);
  const gates = 20;
  expect(Number(sessionAct(patience, 'h').startToCloseTimeout)).toBeGreaterThanOrEqual(gates * most + HOUR_MS);
  expect(Number(sessionAct(patience, 'h', 3_000).startToCloseTimeout)).toBeGreaterThan(50 * HOUR_MS);
});

test.each([0.001, 0.02, 1, 1_000])(
  'with a patience of %d a host is waited for ever longer, and never for ever',
  (patience) => {
    const waits = Array.from({ length: 30 }, (_, looks) => hostAnswersMs(patience, looks));
    for (const [at, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(waits[at - 1] ?? 10_000);
      expect(wait).toBeLessThanOrEqual(24 * HOUR_MS);
    }
    // Longer than a worker that is there may be silent.
    expect(waits[1]).toBeGreaterThan(60_000);
  },
);

test('an inbox that cannot be reached is tried again later each time, up to an hour', () => {
  const waits = [0, 1, 2, 3, 4, 5, 6].map((tries) => deliverAgainMs(1, tries) / 1_000);
  expect(waits).toEqual([10, 40, 160, 640, 2_560, 3_600, 3_600]);
});
