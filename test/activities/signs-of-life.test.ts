/** What a session shows of itself by its heartbeats. */
import { expect, test } from 'vitest';
import { Pulse } from '../../src/agents/pulse.js';
import type { Journal } from '../../src/agents/journal.js';
import { SignsOfLife } from '../../src/activities/signs-of-life.js';

type Entries = Journal['entries'];
const limits = { quietSecondsMax: 600 } as ConstructorParameters<typeof SignsOfLife>[1]['limits'];
const spec = { limits, runtime: { kind: 'command', model: 'any' } } as const;

test('one that waits for us is busy: for room at its provider, for an answer at its door', () => {
  const signs = new SignsOfLife({ entries: [] }, spec);
  const pulse = new Pulse({ sign: () => signs.sign(), hold: () => signs.hold() });
  const isBusy = () => signs.told().isBusy;
  expect(isBusy()).toBe(false);
  const [room, answer] = [pulse.hold(), pulse.hold()];
  expect(isBusy()).toBe(true);
  room();
  room();
  expect(isBusy()).toBe(true);
  answer();
  expect(isBusy()).toBe(false);
});

test('what attempts before have done is no effect of this one', () => {
  const entry = { kind: 'nothing' } as unknown as Entries[number];
  const journal = { entries: [entry, entry] };
  const signs = new SignsOfLife(journal, spec);
  expect(signs.told().effects).toBe(0);
  journal.entries.push(entry);
  expect(signs.told().effects).toBe(1);
});
