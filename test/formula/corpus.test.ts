/** Real formulas of Gas Town, Beads and Gas City, and small hard cases, when a copy of them lies beside the repository. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { cook, readFormula, type Cooked } from '../../src/formula/cook.js';
import { printProblem } from '../../src/formula/problem.js';
import type { ProtoStep } from '../../src/town/protomolecule.js';
import { DIFFERENCES, MISSING } from './corpus-differences.js';

const CORPUS = fileURLToPath(new URL('../../../shared/corpus', import.meta.url));
const present = existsSync(CORPUS);
if (!present) process.stderr.write('SKIPPED: no corpus of real formulas at ../shared/corpus, so none was cooked\n');
const page = readFileSync(new URL('../../docs/formulas.md', import.meta.url), 'utf8').replaceAll(/\s+/g, ' ');

const Edges = z.array(z.object({ from: z.string(), to: z.string() })).optional();
const Ids = z.array(z.string()).optional();
const Parents = z.record(z.string(), z.string()).optional();
const Case = z.object({
  vars: z.record(z.string(), z.string()),
  bd_cook: z.object({ verdict: z.string(), step_ids: Ids, edges: Edges, parent: Parents }),
});
const Real = z.object({
  path: z.string(),
  facts: z.object({ step_ids: Ids, edges: Edges, parent: Parents }).nullish(),
});
type Facts = NonNullable<z.infer<typeof Real>['facts']>;

describe.skipIf(!present)('real formulas', () => {
  const files = present ? filesIn((file) => file.endsWith('.toml') && !file.startsWith('cases')) : [];
  const expected = present ? expectations() : new Map<string, Facts>();
  const results = files.map((file) => ({ file, ...cookReal(file, files) }));

  test('each cooks, or is refused for a reason that docs/formulas.md states', () => {
    const refused = results.flatMap(({ file, cooked }) =>
      cooked.ok ? [] : cooked.problems.map((problem) => `${nameOf(file)}: ${printProblem(problem)}`),
    );
    process.stdout.write(
      `${results.filter(({ cooked }) => cooked.ok).length} of ${results.length} real formulas cook; refused:\n${refused.join('\n')}\n`,
    );
    // Formulas that name others which are not beside them are all that is refused. What these need is not known, so not given.
    const unexplained = refused.filter(
      (line) =>
        !line.includes('has no value and no default') &&
        !MISSING.some((name) => line.endsWith(`there is no formula "${name}"`)),
    );
    expect(results.filter(({ cooked }) => !cooked.ok)).toHaveLength(4);
    expect(unexplained).toEqual([]);
    expect(page).toContain('A formula that names another which is not there is refused');
  });

  test('each can be read without values for its variables', () => {
    expect(results.filter(({ cooked, readable }) => cooked.ok !== readable).map(({ file }) => file)).toEqual([]);
  });

  test('what cooks has the steps, the parents and the edges that bd finds in it', () => {
    const wrong = results.flatMap(({ file, cooked }) => {
      const facts = expected.get(file);
      const differs = DIFFERENCES.some(({ names }) => names.includes(nameOf(file)));
      if (!cooked.ok || facts === undefined || differs) return [];
      return differencesOf(cooked.protomolecule.steps, facts).map((line) => `${nameOf(file)}: ${line}`);
    });
    expect(wrong).toEqual([]);
    expect(results.filter(({ file }) => expected.has(file)).length).toBeGreaterThan(30);
  });
});

describe.skipIf(!present)('cases', () => {
  const files = present ? filesIn((file) => /^cases[/\\]c[^/\\]*\.formula\.(toml|json)$/.test(file)) : [];
  const library = present ? filesIn((file) => /^cases[/\\]lib[/\\]/.test(file)) : [];
  const results = files.map((file) => {
    const text = readFileSync(join(CORPUS, file.replace(/\.formula\.(toml|json)$/, '.expected.json')), 'utf8');
    const bd = Case.parse(JSON.parse(text));
    return { name: nameOf(file), bd, cooked: cookFile(file, [...library, file], bd.vars) };
  });

  test('what bd accepts cooks to the same steps and edges, what it refuses is refused, but for what is told', () => {
    const wrong = results.flatMap(({ name, bd, cooked }) => {
      if (DIFFERENCES.some(({ names }) => names.includes(name))) return [];
      if (cooked.ok !== (bd.bd_cook.verdict === 'accept')) return [`${name}: bd says ${bd.bd_cook.verdict}`];
      return cooked.ok ? differencesOf(cooked.protomolecule.steps, bd.bd_cook).map((line) => `${name}: ${line}`) : [];
    });
    expect(wrong).toEqual([]);
  });

  test('what is told to differ does differ', () => {
    const told = DIFFERENCES.flatMap(({ names }) => names).filter((name) => /^c\d/.test(name));
    const same = results.filter(({ name, bd, cooked }) => {
      if (!told.includes(name) || cooked.ok !== (bd.bd_cook.verdict === 'accept')) return false;
      return !cooked.ok || differencesOf(cooked.protomolecule.steps, bd.bd_cook).length === 0;
    });
    expect(same.map(({ name }) => name)).toEqual([]);
    expect(told.filter((name) => !results.some((result) => result.name === name))).toEqual([]);
  });
});

test.each(DIFFERENCES)('docs/formulas.md says: $says', ({ says }) => {
  expect(page).toContain(says);
});

/** Edges may be more than bd's where one goes through another step; none of bd's may be lost. */
function differencesOf(steps: readonly ProtoStep[], facts: Facts): readonly string[] {
  const places = new Map(steps.map(({ id }, index) => [id, index]));
  const wanted = new Set(facts.step_ids ?? []);
  const edges = new Set((facts.edges ?? []).map(({ from, to }) => `${from} needs ${to}`));
  return [
    ...[...wanted].filter((id) => !places.has(id)).map((id) => `${id} is missing`),
    ...steps.filter(({ id }) => !wanted.has(id)).map(({ id }) => `${id} is new`),
    ...steps
      .filter(({ id, parent }) => facts.parent?.[id] !== parent)
      .map(({ id, parent }) => `${id} has the parent ${parent}`),
    ...(facts.edges ?? [])
      .filter(({ from, to }) => !reaches(steps, places, from, to))
      .map(({ from, to }) => `${from} does not need ${to}`),
    ...steps.flatMap(({ id, needs }) =>
      needs.filter((need) => !edges.has(`${id} needs ${need}`)).map((need) => `${id} needs ${need}`),
    ),
    ...steps.flatMap(({ id, needs }) =>
      needs
        .filter((need) => (places.get(need) ?? Infinity) >= (places.get(id) ?? 0))
        .map((need) => `${id} stands before ${need}`),
    ),
  ];
}

function reaches(steps: readonly ProtoStep[], places: ReadonlyMap<string, number>, from: string, to: string): boolean {
  const seen = new Set<string>();
  const open = [from];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    for (const need of steps[places.get(id) ?? -1]?.needs ?? []) {
      if (need === to) return true;
      if (!seen.has(need)) open.push(need);
      seen.add(need);
    }
  }
  return false;
}

function filesIn(wanted: (file: string) => boolean): readonly string[] {
  return readdirSync(CORPUS, { recursive: true, encoding: 'utf8' }).filter(wanted).toSorted();
}

function expectations(): Map<string, Facts> {
  const folder = join(CORPUS, 'expected');
  return new Map(
    readdirSync(folder).flatMap((file) => {
      const { path, facts } = Real.parse(JSON.parse(readFileSync(join(folder, file), 'utf8')));
      return facts === null || facts === undefined ? [] : [[path, facts] as const];
    }),
  );
}

/** Cooks with a value for every variable that has no default; formulas of the same folder are found first. */
function cookReal(file: string, files: readonly string[]): { readonly cooked: Cooked; readonly readable: boolean } {
  const near = [...files].toSorted((a, b) => Number(shared(b, file)) - Number(shared(a, file)));
  const { load, names } = shelf([file, ...near]);
  const source = load(nameOf(file));
  if (source === null) throw new Error(`${file} is not there`);
  const read = readFormula(nameOf(file), source, names, load);
  const open = read.ok ? read.formula.vars.filter((variable) => variable.default === null) : [];
  const vars = Object.fromEntries(open.map(({ name, type }) => [name, type === 'number' ? '12' : '1.2.3']));
  return { cooked: cook({ name: nameOf(file), vars, load, names }), readable: read.ok };
}

function shared(one: string, other: string): boolean {
  return one.split(/[/\\]/)[0] === other.split(/[/\\]/)[0];
}

function cookFile(file: string, files: readonly string[], vars: Readonly<Record<string, string>>): Cooked {
  return cook({ name: nameOf(file), vars, ...shelf(files) });
}

function shelf(files: readonly string[]) {
  const byName = new Map(files.toReversed().map((file) => [nameOf(file), file]));
  return {
    names: [...byName.keys()],
    load: (name: string) => {
      const file = byName.get(name);
      return file === undefined ? null : { file: basename(file), text: readFileSync(join(CORPUS, file), 'utf8') };
    },
  };
}

function nameOf(file: string): string {
  return basename(file).replace(/(\.formula)?\.(toml|json)$/, '');
}
