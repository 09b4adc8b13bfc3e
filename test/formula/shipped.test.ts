import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { cook, readFormula } from '../../src/formula/cook.js';
import { printProblems } from '../../src/formula/problem.js';

const FOLDER = new URL('../../formulas/', import.meta.url);
const SUFFIX = '.formula.toml';
const names = readdirSync(FOLDER)
  .filter((file) => file.endsWith(SUFFIX))
  .map((file) => file.slice(0, -SUFFIX.length));

/** Where a pattern asks for more than a word. */
const VALUES: Readonly<Record<string, string>> = { version: '1.2.3' };

test.each(names)('the shipped formula %s cooks, without a warning, from its required variables alone', (name) => {
  const read = readFormula(name, load(name), names, load);
  if (!read.ok) throw new Error(printProblems(read.problems));
  expect(printProblems(read.warnings)).toBe('');
  const needed = read.formula.vars.filter((variable) => variable.default === null);
  const isAsked = ({ required, requiredUnless, description }: (typeof needed)[number]) =>
    (required || requiredUnless !== null) && description !== '';
  expect(needed.filter((variable) => !isAsked(variable)).map(({ name: variable }) => variable)).toEqual([]);
  const vars = Object.fromEntries(
    needed.map((variable) => [variable.name, variable.enum?.[0] ?? VALUES[variable.name] ?? 'something']),
  );
  const cooked = cook({ name, vars, load, names });
  expect(cooked.ok ? '' : printProblems(cooked.problems)).toBe('');
});

test('the formulas that the engine starts by itself are there', () => {
  expect(names).toEqual(expect.arrayContaining(['polecat-work', 'rework', 'shiny']));
});

test.each([
  ['deacon-patrol', 'patrol-trouble'],
  ['witness-patrol', 'polecat-health'],
  ['refinery-patrol', 'refinery-patrol'],
])('%s, which is slung by hand or by a plugin, is a round whose steps follow from its first', (name, bonded) => {
  const needed = {
    facts: 'Toast is silent',
    rig: 'server',
    polecats: 'Toast: no output for an hour',
    queue: 'gt-1: 4',
  };
  const read = readFormula(name, load(name), names, load);
  const wanted = read.ok ? read.formula.vars.filter(({ required }) => required).map((variable) => variable.name) : [];
  const vars = Object.fromEntries(Object.entries(needed).filter(([key]) => wanted.includes(key)));
  const cooked = cook({ name, vars, load, names });
  if (!cooked.ok) throw new Error(printProblems(cooked.problems));
  const [first, ...others] = cooked.protomolecule.steps;
  expect(others.every(({ needs }) => first !== undefined && needs.includes(first.id))).toBe(true);
  // What an agent may not write: the town alone does.
  expect(JSON.stringify(cooked.protomolecule)).not.toMatch(/WITNESS_PING|RECOVERED_BEAD/);
  expect(JSON.stringify(cooked.protomolecule)).toContain(bonded);
});

test('rework asks for what the refinery tells and nothing more', () => {
  const vars = { failure_type: 'conflict', failure: 'CONFLICT in a.txt', branch: 'polecat/Toast/gt-1' };
  const cooked = cook({ name: 'rework', vars, load, names });
  expect(cooked).toMatchObject({ ok: true, protomolecule: { vars: { ...vars, files: '', target: 'main' } } });
});

function load(name: string) {
  const file = `${name}${SUFFIX}`;
  return { file: `formulas/${file}`, text: readFileSync(new URL(file, FOLDER), 'utf8') };
}
