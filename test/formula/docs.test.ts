import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { cook } from '../../src/formula/cook.js';
import { FORMULA_KEYS, STEP_KEYS, VAR_KEYS } from '../../src/formula/keys.js';
import { printProblems } from '../../src/formula/problem.js';
import { WORKFLOW_TYPES } from '../../src/town/workflow-types.js';

const page = readFileSync(new URL('../../docs/formulas.md', import.meta.url), 'utf8');
const examples = Array.from(page.matchAll(/^```toml\n(.*?)^```$/gms), ([, text = '']) => ({
  name: /^formula = "(.*)"$/m.exec(text)?.[1] ?? '',
  text,
}));
const VALUES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'fix-bug': { issue: 'the login loops' },
  tag: { version: '1.2.3' },
};

test.each(examples)('the example $name of docs/formulas.md cooks', ({ name, text }) => {
  const names = ['rework', ...examples.map((example) => example.name)];
  const file = 'docs/formulas.md';
  const cooked = cook({ name, vars: VALUES[name] ?? {}, load: () => ({ file, text }), names });
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
  const cooked = cook({ name: 'fix-bug', vars: {}, load: () => ({ file, text }), names: [] });
  const shown = page.split('\n').filter((line) => line.startsWith(file));
  expect(cooked.ok ? '' : printProblems(cooked.problems)).toBe(shown.join('\n'));
});

test('the page names every key and every forbidden name', () => {
  const words = [FORMULA_KEYS, STEP_KEYS, VAR_KEYS].flatMap(({ executed, known }) => [...executed, ...known]);
  expect([...words, ...WORKFLOW_TYPES].filter((word) => !page.includes(`\`${word}\``))).toEqual([]);
});
