import { expect, test } from 'vitest';
import { areAlike, DEFAULT_NAMES, settingsAfter } from '../../src/town/rig.js';
import type { RoleSettings } from '../../src/town/rig.js';

const NOW_MS = 1_000;
const settings = (capacity: number, readAtMs?: number): RoleSettings => ({
  patience: 1,
  rig: {
    name: 'server',
    url: '/server',
    branch: 'main',
    gates: [],
    names: [...DEFAULT_NAMES],
    capacity,
    prefix: 'se',
    runtime: { kind: 'script', model: 'none' },
    ...(readAtMs === undefined ? {} : { readAtMs }),
  },
});
const capacityAfter = (known: RoleSettings, told: RoleSettings) => settingsAfter(known, told, NOW_MS)?.rig.capacity;

test('the settings that were read last hold, in whatever order they are told', () => {
  expect(capacityAfter(settings(1, 100), settings(2, 200))).toBe(2);
  expect(capacityAfter(settings(2, 200), settings(1, 100))).toBeUndefined();
  expect(capacityAfter(settings(1, 100), settings(2, 100))).toBe(2);
});

test('settings without a time are of now, and known ones without a time are the oldest', () => {
  expect(capacityAfter(settings(1, 100), settings(2))).toBe(2);
  expect(settingsAfter(settings(1, 100), settings(2), NOW_MS)?.rig.readAtMs).toBe(NOW_MS);
  expect(capacityAfter(settings(1), settings(2, 0))).toBe(2);
});

test('a clock that was ahead does not keep out what is told later', () => {
  const known = settingsAfter(settings(1, 100), settings(2, NOW_MS + 5_000), NOW_MS) ?? settings(1);
  expect(known.rig.capacity).toBe(2);
  expect(settingsAfter(known, settings(3, NOW_MS + 1), NOW_MS + 1)?.rig.capacity).toBe(3);
});

test('settings are alike whenever they were read', () => {
  expect(areAlike(settings(1, 100), settings(1, 200))).toBe(true);
  expect(areAlike(settings(1, 100), settings(2, 100))).toBe(false);
});
