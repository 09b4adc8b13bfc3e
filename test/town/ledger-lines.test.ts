import { expect, test } from 'vitest';
import { LedgerLines } from '../../src/town/ledger-lines.js';

const line = (id: string) => `{"id":"${id}","kind":"notice","at":"2026-01-01T00:00:00Z"}\n`;

test.each<[string, string, readonly string[], readonly string[]]>([
  ['an empty ledger', '', [], []],
  ['whole records', line('a') + line('b'), ['a', 'b'], []],
  ['a last line that is being written', `${line('a')}{"id":"b"`, ['a'], []],
  [
    'what is no JSON',
    `${line('a')}{"id":\n${line('b')}`,
    ['a', 'b'],
    ['2: this is no record, so mend it or take it out: {"id":'],
  ],
  [
    'what has no kind',
    '{"id":"a","at":"now"}\n',
    [],
    ['1: this is no record, so mend it or take it out: {"id":"a","at":"now"}'],
  ],
  ['an empty line', `${line('a')}\n`, ['a'], ['2: this is no record, so mend it or take it out: ']],
  [
    'the same id twice',
    line('a') + line('b') + line('a'),
    ['a', 'b'],
    ['3: the record a stands in line 1 already, so take one of them out'],
  ],
])('%s', (_, text, ids, problems) => {
  for (const piece of [1, 7, 1_000]) {
    const lines = new LedgerLines();
    for (let at = 0; at < text.length; at += piece) lines.take(text.slice(at, at + piece));
    expect(lines.problems).toEqual(problems);
    expect(lines.records).toBe(ids.length);
    expect(ids.every((id) => lines.has(id))).toBe(true);
  }
});

test('of many problems some are told, and how many more there are', () => {
  const lines = new LedgerLines();
  lines.take('damaged\n'.repeat(1_000));
  expect(lines.problems).toHaveLength(51);
  expect(lines.problems.at(-1)).toBe('… and 950 more lines like these');
});
