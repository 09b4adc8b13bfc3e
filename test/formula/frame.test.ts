import { expect, test } from 'vitest';
import { printFrame } from '../../src/formula/frame.js';
import type { Problem } from '../../src/formula/problem.js';

const at = (line: number, column: number, more: Partial<Problem> = {}): Problem => ({
  file: 'x.toml',
  line,
  column,
  step: null,
  message: 'wrong',
  hint: null,
  ...more,
});

const frame = (source: string | null, problem: Problem) => printFrame(problem, { severity: 'error', source });

test('shows the line before, the line, a mark under the word, and how to mend it', () => {
  expect(frame('a = 1\nneeds = ["b"]\n', at(2, 10, { step: 'build', hint: 'did you mean "c"?' }))).toBe(
    `error: wrong
 --> x.toml:2:10 · step "build"
  |
1 | a = 1
2 | needs = ["b"]
  |          ^^^
  = help: did you mean "c"?`,
  );
});

test('a problem without a place, or in a text that is not at hand, is told without one', () => {
  expect(frame(null, at(0, 0))).toBe('error: wrong\n --> x.toml');
  expect(frame(null, at(3, 1))).toBe('error: wrong\n --> x.toml:3:1');
  expect(frame('one line', at(9, 9))).toBe('error: wrong\n --> x.toml:9:9');
});

test.each([
  ['[steps.gate]', 1, '^^^^^^^^^^^^'],
  ['title = "a \\" b" # x', 9, '        ^^^^^^^^'],
  ['title = "Do {{it}} now"', 13, '            ^^^^^^'],
  ['title = ', 9, '        ^'],
  ['\tid = 3', 2, '\t^^'],
  ['t = "日本" x', 5, '    ^^^^^^'],
])('the mark under %j at column %i', (line, column, mark) => {
  expect(frame(line, at(1, column)).split('\n').at(-1)).toBe(`  | ${mark}`);
});

test('of a long line a window around the place is shown, and the mark is under it', () => {
  const lines = frame(`x = "${'a'.repeat(300)}" ${'b'.repeat(300)} bad`, at(1, 609)).split('\n');
  const [text = '', mark = ''] = lines.slice(-2);
  expect(text.length).toBeLessThan(140);
  expect(text.slice(mark.indexOf('^'), mark.lastIndexOf('^') + 1)).toBe('bad');
});

test('control characters of a torn file do not reach the terminal', () => {
  expect(frame('x = \u001b[31m', at(1, 1))).not.toContain('\u001b');
});
