import { expect, test } from 'vitest';
import { commandMs, hostAct, sessionAct } from '../../src/workflows/patience.js';

const HOUR_MS = 3_600_000;

test.each([0.02, 1, 10, 100])('with a patience of %d an act outlasts the commands it runs', (patience) => {
  const most = commandMs(patience);
  expect(Number(hostAct(patience, 'h', most).startToCloseTimeout)).toBeGreaterThanOrEqual(most + HOUR_MS);
  const gates = 20;
  expect(Number(sessionAct(patience, 'h').startToCloseTimeout)).toBeGreaterThanOrEqual(gates * most + HOUR_MS);
  expect(Number(sessionAct(patience, 'h', 3_000).startToCloseTimeout)).toBeGreaterThan(50 * HOUR_MS);
});
