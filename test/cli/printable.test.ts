import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { printable } from '../../src/cli/printable.js';

const ESC = '\u001B';

test.each([
  ['colours', `${ESC}[1;31mred${ESC}[0m`, 'red'],
  ['what moves and wipes', `a${ESC}[2J${ESC}[1;1Hb${ESC}[?25l`, 'ab'],
  ['a title, and what is put into the clipboard', `${ESC}]0;you\u0007a${ESC}]52;c;cm0=${ESC}\\b`, 'ab'],
  ['a link, but not its text', `${ESC}]8;;http://x${ESC}\\here${ESC}]8;;${ESC}\\`, 'here'],
  ['commands of one letter, and of eight bits', `${ESC}c${ESC}(Ba\u009B31mb\u009D0;x\u009Cc`, 'abc'],
])('sequences of control are left out: %s', (_, text, shown) => {
  expect(printable(text)).toBe(shown);
});

test.each([
  ['a sequence that does not end', `a${ESC}[31`, 'a␛[31'],
  ['one that another one was put into', `a${ESC}${ESC}[m[2J`, 'a␛[2J'],
  ['a text for the terminal without an end stays in its line', `${ESC}]0;x\nb`, '␛]0;x\nb'],
  ['bell, backspace, delete', 'a\u0007b\bc\u007F', 'a␇b␈c␡'],
  ['what turns the direction of text', 'a\u202Eb\u2066', 'a<U+202E>b<U+2066>'],
])('other control characters are shown: %s', (_, text, shown) => {
  expect(printable(text)).toBe(shown);
});

test('a long line of nothing but beginnings is shown, too', () => {
  expect(printable('\u009D'.repeat(300_000))).toBe('<U+009D>'.repeat(300_000));
  expect(printable(`${ESC}]`.repeat(300_000))).toBe('␛]'.repeat(300_000));
});

test('lines, tabs and all other text stay; a return is a line of its own', () => {
  const text = 'one\n\ttwo – ü 😀 → ✗\n';
  expect(printable(text)).toBe(text);
  expect(printable('a\r\nb 1%\rb 2%\n')).toBe('a\nb 1%\nb 2%\n');
});

test('no text leaves anything that a terminal would take for a command', () => {
  const parts = [ESC, '[', ']', '2J', '\u009B', '\u0007', '\\', 'm', '0;', '\n', '\r', 'a', 'P', '\u009C'];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...parts)), (text) => {
      // oxlint-disable-next-line no-control-regex
      expect(printable(text.join(''))).not.toMatch(/[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/);
    }),
  );
});
