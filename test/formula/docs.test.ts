import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { cook } from '../../src/formula/cook.js';
import * as keys from '../../src/formula/keys.js';
import { printProblems } from '../../src/formula/problem.js';
import { WORKFLOW_TYPES } from '../../src/town/workflow-types.js';

const page = readFileSync(new URL('../../docs/formulas.md', import.meta.url), 'utf8');
const examples = Array.from(page.matchAll(/^```toml\n(.*?)^```$/gms), ([, text = '']) => ({
  name: /^formula = "(.*)"$/m.exec(text)?.[1] ?? '',
  text,
}));
const codes = Array.from(page.matchAll(/`([^`\n]+)`/g), ([, code = '']) => code);
const VALUES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'fix-bug': { issue: 'the login loops' },
  'fix-bug-fast': { issue: 'the login loops' },
  'review-one': { file: 'a.txt' },
  'two-eyes': { change: 'the branch topic' },
  tag: { version: '1.2.3' },
};

test.each(examples)('the example $name of docs/formulas.md cooks', ({ name, text }) => {
  const names = ['rework', ...examples.map((example) => example.name)];
  const file = 'docs/formulas.md';
  const load = (one: string) => {
    const other = one === name ? text : examples.find((example) => example.name === one)?.text;
    return other === undefined ? null : { file, text: other };
  };
  const cooked = cook({ name, vars: VALUES[name] ?? {}, load, names });
  expect(cooked.ok ? printProblems(cooked.warnings) : printProblems(cooked.problems)).toBe('');
});

test('the escape that the page promises works', () => {
  const text = examples.find(({ name }) => name === 'braces')?.text ?? '';
  const cooked = cook({ name: 'braces', vars: {}, load: () => ({ file: '', text }), names: [] });
  expect(cooked).toMatchObject({
    protomolecule: { steps: [{ description: 'Write {{name}} where the name should stand.' }] },
  });
});

test('the problems that the page shows are those of its first example, mistyped', () => {
  const right = examples.find(({ name }) => name === 'fix-bug')?.text ?? '';
  const text = right.replace('"reproduce"]', '"reprodcue"]').replace('acceptance =', 'acceptence =');
  const file = 'formulas/fix-bug.formula.toml';
  const cooked = cook({ name: 'fix-bug', vars: { issue: 'it fails' }, load: () => ({ file, text }), names: [] });
  const shown = page.split('\n').filter((line) => line.startsWith(file));
  expect(cooked.ok ? '' : printProblems(cooked.problems)).toBe(shown.join('\n'));
});

test('the page names every key and every forbidden name', () => {
  const tables = Object.values(keys).filter((one) => typeof one === 'object');
  const words = tables.flatMap(({ schema, refused, idle }) => Object.keys({ ...schema().shape, ...refused, ...idle }));
  expect(words.length).toBeGreaterThan(100);
  expect([...words, ...WORKFLOW_TYPES].filter((word) => !names(word))).toEqual([]);
});

/** In code, alone or among others: `word`, `table.word`, `{ word, other }`. */
function names(word: string): boolean {
  return codes.some((code) => code.split(/[^A-Za-z_-]+/).includes(word));
}
