import { expect, test } from 'vitest';
import { judgeByTarget, judgeGate } from '../../src/town/gate-verdict.js';

test.each([
  [{ kind: 'exited', code: 0 }, 'passed'],
  [{ kind: 'exited', code: 1 }, 'failed'],
  [{ kind: 'timed-out' }, 'failed'],
  [{ kind: 'exited', code: 126 }, 'could-not-run'],
  [{ kind: 'exited', code: 127 }, 'could-not-run'],
  [{ kind: 'not-started' }, 'could-not-run'],
  [{ kind: 'signalled' }, 'could-not-run'],
] as const)('a gate that ended with %j has %s', (end, verdict) => {
  expect(judgeGate('test', end, 'log').kind).toBe(verdict);
});

test.each([
  [{ kind: 'exited', code: 0 }, 'failed'],
  [{ kind: 'exited', code: 1 }, 'failed'],
  [{ kind: 'timed-out' }, 'failed'],
  [{ kind: 'exited', code: 127 }, 'could-not-run'],
  [{ kind: 'signalled' }, 'could-not-run'],
  [{ kind: 'not-started' }, 'could-not-run'],
] as const)('a gate that could not run, and ends on the target alone with %j, has %s', (end, verdict) => {
  const before = { kind: 'could-not-run', gate: 'test', log: 'log' } as const;
  expect(judgeByTarget(before, 'main', end, 'there').kind).toBe(verdict);
});
