/** Real formulas of Gas Town, Beads and Gas City, when a copy of them lies beside the repository. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { cook, readFormula } from '../../src/formula/cook.js';
import { printProblems, type Problem } from '../../src/formula/problem.js';
import { parseToml } from '../../src/formula/toml.js';

const CORPUS = fileURLToPath(new URL('../../../shared/corpus', import.meta.url));
const present = existsSync(CORPUS);
if (!present) process.stderr.write('SKIPPED: no corpus of real formulas at ../shared/corpus, so none was cooked\n');

/** The only words a real workflow formula may be refused with: everything else in them is what this version executes. */
const NOT_YET = /^the (key|type) ".*" belongs to the formula language, but this version does not execute it yet$/;
const REFUSED_FOR_MORE: Readonly<Record<string, RegExp>> = {
  // Steps of a type that bd turns into task without a word.
  'mol-gastown-boot': /^unknown step type "parallel"$/,
  // {{date}} is declared nowhere; bd leaves it in the text that the agent reads.
  'mol-digest-generate': /^the placeholder \{\{date\}\} is no variable of the formula$/,
};

/** Where docs/formulas.md says that this differs from bd. */
const ON_PURPOSE: readonly string[] = [
  'c013-cycle-120',
  'c031-step-types',
  'c043-required-unused',
  'c055-default-outside-enum',
  'c061-substituted-fields',
  'c261-unicode-var',
  'c264-blank-title',
];

const Case = z.object({
  vars: z.record(z.string(), z.string()),
  bd_mol_pour: z.object({ verdict: z.string() }),
  bd_cook: z.object({
    verdict: z.string(),
    step_ids: z.array(z.string()).optional(),
    edges: z.array(z.object({ from: z.string(), to: z.string() })).optional(),
  }),
});

describe.skipIf(!present)('the corpus', () => {
  const files = present ? formulaFiles() : [];
  const verdicts = files.map((file) => ({ name: nameOf(file), ...verdict(file) }));

  test('every real workflow formula cooks, or is refused for a part of the language that is not executed yet', () => {
    const wrong = verdicts.flatMap(({ name, problems }) =>
      problems.filter(({ message }) => !NOT_YET.test(message) && REFUSED_FOR_MORE[name]?.test(message) !== true),
    );
    expect(printProblems(wrong)).toBe('');
  });

  test('half of them cook today', () => {
    const workflows = verdicts.filter(({ type }) => type === 'workflow');
    const good = workflows.filter(({ problems }) => problems.length === 0);
    process.stdout.write(
      `${good.length} of ${workflows.length} real workflow formulas cook; refused: ${reasons(verdicts)}\n`,
    );
    expect(good.length / workflows.length).toBeGreaterThanOrEqual(0.5);
  });
});

describe.skipIf(!present)('the cases', () => {
  const files = present ? readdirSync(join(CORPUS, 'cases')).filter((file) => file.endsWith('.formula.toml')) : [];

  const verdicts = files.map((file) => {
    const path = join(CORPUS, 'cases', file);
    const text = readFileSync(path, 'utf8');
    const bd = Case.parse(JSON.parse(readFileSync(path.replace('.formula.toml', '.expected.json'), 'utf8')));
    const cooked = cook({ name: nameOf(file), vars: bd.vars, load: () => ({ file, text }), names: [] });
    return { name: nameOf(file), bd, cooked };
  });

  test('what cooks has the steps and the edges that bd finds in it', () => {
    for (const { bd, cooked } of verdicts) {
      if (!cooked.ok || bd.bd_cook.verdict === 'reject') continue;
      const { steps } = cooked.protomolecule;
      expect(steps.map(({ id }) => id)).toEqual(bd.bd_cook.step_ids);
      const edges = steps.flatMap((step) => step.needs.map((need) => `${step.id} needs ${need}`));
      const wanted = bd.bd_cook.edges?.map(({ from, to }) => `${from} needs ${to}`);
      expect(edges.toSorted()).toEqual([...new Set(wanted)].toSorted());
    }
    expect(verdicts.filter(({ cooked }) => cooked.ok).length).toBeGreaterThan(0);
  });

  test('what bd can pour is refused only for what is not executed yet, or on purpose', () => {
    const wrong = verdicts.flatMap(({ name, bd, cooked }) => {
      if (cooked.ok || bd.bd_mol_pour.verdict === 'reject' || ON_PURPOSE.includes(name)) return [];
      return cooked.problems.some(({ message }) => NOT_YET.test(message)) ? [] : cooked.problems;
    });
    expect(printProblems(wrong)).toBe('');
  });

  test('what bd refuses is refused, but for a default beside required', () => {
    const taken = verdicts.filter(({ bd, cooked }) => bd.bd_cook.verdict === 'reject' && cooked.ok);
    expect(taken.map(({ name }) => name)).toEqual(['c040-required-and-default']);
  });
});

function formulaFiles(): readonly string[] {
  return readdirSync(CORPUS, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.toml') && !file.startsWith('cases'))
    .map((file) => join(CORPUS, file));
}

/** Reads the file and cooks it with a value for every variable that has no default. */
function verdict(file: string): { readonly type: string; readonly problems: readonly Problem[] } {
  const source = { file: basename(file), text: readFileSync(file, 'utf8') };
  const toml = parseToml(source.text);
  const written = toml.ok ? toml.value['type'] : null;
  const type = typeof written === 'string' ? written : 'workflow';
  const name = nameOf(file);
  const read = readFormula(name, source, []);
  if (!read.ok) return { type, problems: read.problems };
  const open = read.formula.vars.filter((variable) => variable.default === null);
  const vars = Object.fromEntries(open.map((variable) => [variable.name, '1.2.3']));
  const cooked = cook({ name, vars, load: () => source, names: [] });
  return { type, problems: cooked.ok ? [] : cooked.problems };
}

function nameOf(file: string): string {
  return basename(file).replace(/(\.formula)?\.toml$/, '');
}

/** `squash 8, extends 5, …`: how many files each thing stops. */
function reasons(verdicts: readonly { readonly problems: readonly Problem[] }[]): string {
  const counts = new Map<string, number>();
  for (const { problems } of verdicts)
    for (const what of new Set(
      problems.map(({ message }) => /^the (?:key|type) "(.*?)"/.exec(message)?.[1] ?? message),
    ))
      counts.set(what, (counts.get(what) ?? 0) + 1);
  return [...counts]
    .toSorted(([, a], [, b]) => b - a)
    .map(([what, count]) => `${what} ${count}`)
    .join(', ');
}
