import { expect, test } from 'vitest';
import { lineOf } from '../src/worker-log.js';

const entry = { level: 'ERROR', timestampNanos: 1_700_000_000_000_000_000n } as const;

test('an entry is one line with its time, its level and what belongs to it', () => {
  const said = { ...entry, message: 'no answer\n  from the server', meta: { workflowId: 'm-1', tries: 2 } };
  expect(lineOf(said)).toBe(
    "2023-11-14T22:13:20.000Z [ERROR] no answer from the server { workflowId: 'm-1', tries: 2 }",
  );
});

test('of an entry with a whole history the beginning stays, and how much was left out', () => {
  const line = lineOf({ ...entry, message: 'fetch failed', meta: { current_events: 'e'.repeat(1_000_000) } });
  expect(line).toMatch(/^2023-11-14T22:13:20\.000Z \[ERROR\] fetch failed \{ current_events: 'eee/);
  expect(line).toMatch(/e… \(\d+ more characters\)$/);
  expect(line.length).toBeLessThan(4_100);
});
