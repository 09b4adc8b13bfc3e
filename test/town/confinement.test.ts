/** Who is shut in: a pure rule. */
import { expect, test } from 'vitest';
import { confined, DEFAULT_CONFINEMENT, stricter } from '../../src/town/confinement.js';
import type { StepConfinement } from '../../src/town/confinement.js';
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

const NO_NETWORK = { network: 'none' as const, hosts: [] };

test('what a step asks for takes from what its rig has, and adds nothing', () => {
  const rig = { confinement: { hosts: ['a.b', '*.c.d'], read: ['/srv'], memoryMbMax: 100 } };
  const has = { ...SHUT, hosts: ['a.b', '*.c.d'], read: ['/srv'], memoryMbMax: 100, ofStep: true };
  const { hosts: _, ...withoutHosts } = has;
  const asked = (step: StepConfinement) => confined(rig, ['anthropic'], step).confinement;
  expect(asked({})).toEqual(has);
  expect(asked(NO_NETWORK)).toEqual(withoutHosts);
  expect(asked({ network: 'none', hosts: ['x.c.d', 'other.org'] })).toEqual({ ...has, hosts: ['x.c.d'] });
  expect(asked({ network: 'none', hosts: ['other.org'] })).toEqual(withoutHosts);
  expect(asked({ read: ['/srv/data', '/home'], memoryMbMax: 9_000, processesMax: 3 })).toEqual({
    ...has,
    read: ['/srv/data'],
    processesMax: 3,
  });
  expect(confined({ confinement: { network: 'host' } }, ['anthropic'], NO_NETWORK).confinement).toEqual({
    ...SHUT,
    ofStep: true,
  });
});

test('a step is shut in by its own word where its rig, or its molecule, is not', () => {
  const shut = { ...SHUT, ofStep: true };
  expect(confined({ confinement: { level: 'none' } }, ['anthropic'], {}).confinement).toEqual(shut);
  expect(confined({}, ['script'], {}).confinement).toEqual(shut);
  const step = { network: 'none' as const, hosts: ['a.b'], memoryMbMax: 20_000 };
  expect(confined({ confinement: { level: 'none' } }, ['script'], step).confinement).toEqual({ ...shut, ...step });
});

test.each([
  ['a.b', 'a.b', ['a.b']],
  ['A.b', 'a.B', ['a.b']],
  ['a.b', 'c.d', []],
  ['*.b', 'a.b', ['a.b']],
  ['*.b', 'b', []],
  ['*.b', 'ab', []],
  ['*.b', '*.a.b', ['*.a.b']],
  ['a.b', 'a.b:443', ['a.b:443']],
  ['*.b:80', 'a.b', ['a.b:80']],
  ['a.b', 'a.b:99', []],
  ['a.b:99', '*.b:99', ['a.b:99']],
  ['a.b:99', 'a.b:98', []],
])('of %s and %s both reach %j', (one, other, hosts) => {
  const said = [one, other].map((host) => ({ network: 'none' as const, hosts: [host] }));
  for (const [first = {}, second = {}] of [said, said.toReversed()])
    expect(stricter(first, second)).toEqual({ network: 'none', hosts });
});

test.each([
  ['/srv', '/srv/data', ['/srv/data']],
  ['/srv/', '/srv', ['/srv/']],
  ['/srv', '/srvx', []],
  ['/srv', '/srv/../etc', []],
  ['/', '/srv', ['/srv']],
])('of %s and %s both read %j', (one, other, read) => {
  expect(stricter({ read: [one] }, { read: [other] })).toEqual({ read });
});

test('where neither says anything nothing is limited, and where one does that holds', () => {
  expect(stricter({}, {})).toEqual({});
  expect(stricter({ memoryMbMax: 5 }, NO_NETWORK)).toEqual({ ...NO_NETWORK, memoryMbMax: 5 });
  expect(stricter({ cpuMinutesMax: 2, processesMax: 5 }, { cpuMinutesMax: 3, processesMax: 4 })).toEqual({
    cpuMinutesMax: 2,
    processesMax: 4,
  });
});
