import { expect, test } from 'vitest';
import { deadLines, withDead, type DeadLetter } from '../../src/town/dead-letters.js';

const letter = (id: string, why = 'nobody is there'): DeadLetter => ({
  id,
  from: 'server/refinery',
  to: 'server/polecats/Toast',
  subject: `MERGED: ${id}`,
  body: '',
  atMs: 0,
  why,
});

test('the last hundred are kept, each once, with why it came back last', () => {
  let letters: readonly DeadLetter[] = [];
  for (let at = 0; at < 120; at += 1) letters = withDead(letters, letter(`${at}`));
  expect(letters).toHaveLength(100);
  expect(letters[0]?.id).toBe('20');
  letters = withDead(letters, letter('50', 'too many signals'));
  expect(letters).toHaveLength(100);
  expect(letters.at(-1)).toMatchObject({ id: '50', why: 'too many signals' });
  const [long] = withDead([], { ...letter('long'), body: 'x'.repeat(100_000) });
  expect(long?.body).toBe('x'.repeat(500));
});

test('a board names the newest and says how many more there are', () => {
  expect(deadLines([])).toEqual([]);
  const lines = deadLines(Array.from({ length: 12 }, (_, at) => letter(`${at}`)));
  expect(lines.join('\n')).toMatch(/MERGED: 11 [^]*MERGED: 2 /);
  expect(lines.join('\n')).not.toContain('MERGED: 1 ');
  expect(lines.at(-1)).toBe('\n2 more: the query `dead-letters`.');
});
