import { execFileSync } from 'node:child_process';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { fillCommand } from '../../src/town/shell-text.js';

const NASTY = '$(touch no); `x` "q" \'s\' \\ $HOME * & | # \n end';
const fill = (command: string, value: string) => fillCommand(command, () => value, /@@/g);
const shell = (command: string) => execFileSync('/bin/sh', ['-c', command], { encoding: 'utf8' });

test.each([
  ['bare', "printf '%s' @@", (value: string) => value],
  ['in double quotes', 'printf \'%s\' "<@@>"', (value: string) => `<${value}>`],
  ['in single quotes', "printf '%s' '<@@>'", (value: string) => `<${value}>`],
  ['in a substitution in quotes', "printf '%s' \"$(printf '%s.' @@)\"", (value: string) => `${value}.`],
  ['after quotes that are closed', "true 'it''s' \"it's\" ; printf '%s' @@", (value: string) => value],
])('a value %s comes out of the shell as it went in', (_where, command, expected) => {
  expect(shell(fill(command, NASTY))).toBe(expected(NASTY));
});

test('whatever the value, the shell sees one word', () => {
  fc.assert(
    fc.property(
      fc.string({ maxLength: 20 }).filter((text) => !text.includes('\0')),
      (value) => {
        expect(shell(fill("printf '%s' @@", value))).toBe(value);
      },
    ),
    { numRuns: 50 },
  );
});
