/** Who is shut in: a pure rule. */
import { expect, test } from 'vitest';
import { confined, DEFAULT_CONFINEMENT } from '../../src/town/confinement.js';
import type { RuntimeKind } from '../../src/town/runtime.js';

const SHUT = { ...DEFAULT_CONFINEMENT, level: 'bubblewrap' };

test.each<[readonly (RuntimeKind | 'auto')[], boolean]>([
  [['script'], false],
  [['human'], false],
  [['auto'], false],
  [['anthropic'], true],
  [['command'], true],
  // A script that comes after a model runs what that one made.
  [['script', 'anthropic'], true],
  [[], false],
])('where nothing is said, %j is shut in: %s', (workers, isShutIn) => {
  expect(confined({}, workers)).toEqual(isShutIn ? { confinement: SHUT } : {});
});

test('what is said goes before that, for better and for worse', () => {
  expect(confined({ confinement: { level: 'none' } }, ['anthropic'])).toEqual({});
  expect(confined({ confinement: { level: 'bubblewrap' } }, ['script'])).toEqual({ confinement: SHUT });
  expect(confined({ confinement: { network: 'host' } }, ['script'])).toEqual({});
  expect(confined({ confinement: { memoryMbMax: 5 } }, ['command'])).toEqual({
    confinement: { ...SHUT, memoryMbMax: 5 },
  });
});
