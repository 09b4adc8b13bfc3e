/** A file whose lines end with CRLF says what the same file with LF says. */
import { expect, test } from 'vitest';
import { cook } from '../../src/formula/cook.js';
import { printProblem } from '../../src/formula/problem.js';
import { parseToml } from '../../src/formula/toml.js';

const TEXT = `formula = "x"
[[steps]]
id = "a"
title = "A"
run = """
set -eu
npm test
"""
[[steps]]
id = "b"
title = "B"
description_file = "b.md"
`;
const withReturns = (text: string) => text.replaceAll('\n', '\r\n');

function cookFile(file: string, text: string, beside: string) {
  return cook({ name: 'x', vars: {}, load: () => ({ file, text, readBeside: () => beside }), names: [] });
}

function problemsOf(file: string, text: string): readonly string[] {
  const cooked = cookFile(file, text, '');
  return cooked.ok ? [] : cooked.problems.map(printProblem);
}

test('texts of many lines and description files lose their carriage returns', () => {
  const cooked = cookFile('x.toml', withReturns(TEXT), 'One.\r\nTwo.\r\n');
  expect(cooked).toEqual(cookFile('x.toml', TEXT, 'One.\nTwo.\n'));
  expect(cooked).toMatchObject({
    protomolecule: { steps: [{ run: 'set -eu\nnpm test\n' }, { description: 'One.\nTwo.\n' }] },
  });
});

test('problems stand where they stood', () => {
  const wrong = TEXT.replace('title = "B"', 'title = "B"\nneeds = ["a", "c"]');
  expect(problemsOf('x.toml', withReturns(wrong))).toEqual(['x.toml:12:15 · step "b": needs unknown step "c"']);
  const json = JSON.stringify({ formula: 'x', steps: [{ id: 'b', title: 'B', needs: ['c'] }] }, null, 2);
  expect(problemsOf('x.json', withReturns(json))).toEqual(problemsOf('x.json', json));
  expect(problemsOf('x.json', json)).toHaveLength(1);
});

test('a carriage return that is written as an escape is kept', () => {
  expect(parseToml('a = "\\r\\n"\r\n')).toMatchObject({ value: { a: '\r\n' } });
});
