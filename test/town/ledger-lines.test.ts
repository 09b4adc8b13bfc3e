import { expect, test } from 'vitest';
import { checkLines } from '../../src/town/ledger-lines.js';

const line = (id: string) => `{"id":"${id}","kind":"notice","at":"2026-01-01T00:00:00Z"}\n`;

test.each<[string, string, readonly string[], readonly string[]]>([
  ['an empty ledger', '', [], []],
  ['whole records', line('a') + line('b'), ['a', 'b'], []],
  ['a last line that is being written', `${line('a')}{"id":"b"`, ['a'], []],
  ['what is no JSON', `${line('a')}{"id":\n${line('b')}`, ['a', 'b'], ['2: this is no record: {"id":']],
  ['what has no kind', '{"id":"a","at":"now"}\n', [], ['1: this is no record: {"id":"a","at":"now"}']],
  ['an empty line', `${line('a')}\n`, ['a'], ['2: this is no record: ']],
  ['the same id twice', line('a') + line('b') + line('a'), ['a', 'b'], ['3: the record a stands in line 1 already']],
])('%s', (_, text, ids, problems) => {
  expect(checkLines(text)).toEqual({ ids, problems });
});
