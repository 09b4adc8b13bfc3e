/** The JSON Schema that editors check formulas with agrees with the compiler, as far as a schema can. */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv, type ErrorObject } from 'ajv';
import { expect, test } from 'vitest';
import { formulaNameOf, formulaShelf, formulasIn, readFormulaFile } from '../../src/formula-shelf.js';
import { formulaJsonSchema } from '../../src/formula/json-schema.js';
import { lintFormula } from '../../src/formula/lint.js';
import { starter, STARTER_TYPES } from '../../src/formula/starter.js';
import { parseJson, parseToml } from '../../src/formula/toml.js';
import { here } from '../support/here.js';

const schema = formulaJsonSchema();
const validate = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true }).compile(schema);

function errorsOf(text: string, isJson = false): readonly string[] {
  const read = isJson ? parseJson(text) : parseToml(text);
  if (!read.ok) throw new Error(read.message);
  if (validate(structuredClone(read.value))) return [];
  return (validate.errors ?? []).map(({ instancePath, message, params }: ErrorObject) =>
    [instancePath, message, JSON.stringify(params)].join(' '),
  );
}

test.each(formulasIn(here('formulas')))('the shipped formula $name fits', ({ file }) => {
  expect(errorsOf(readFormulaFile(file).text)).toEqual([]);
});

test.each(STARTER_TYPES)('what gt formula new begins as %s fits, and cooks', (type) => {
  const text = starter('mine', type);
  expect(errorsOf(text)).toEqual([]);
  const { problems } = lintFormula({ name: 'mine', load: () => ({ file: 'mine', text }), names: ['mine', 'rework'] });
  expect(problems).toEqual([]);
});

const step = '[[steps]]\nid = "a"\ntitle = "A"\n';

test.each([
  ['a key that nobody knows', `formula = "x"\nformla = "x"\n${step}`],
  ['one in a step', `formula = "x"\n${step}need = ["b"]\n`],
  ['one in a gate', `formula = "x"\n${step}gate = { type = "human", who = "x" }\n`],
  ['one in a loop body', `formula = "x"\n${step}[steps.loop]\ncount = 2\n[[steps.loop.body]]\nid = "b"\ntitel = "B"\n`],
  ['a type that nobody knows', `formula = "x"\ntype = "recipe"\n${step}`],
  ['text where a list must be', `formula = "x"\n${step}needs = "b"\n`],
  ['a number as a shorthand of a variable', `formula = "x"\n[vars]\nn = 3\n${step}`],
  ['an act without a verb', `formula = "x"\n${step}script = [{ wrte = "a" }]\n`],
  ['no name', step],
])('%s does not fit', (_, text) => {
  expect(errorsOf(text)).not.toEqual([]);
});

test('every key says what it means', () => {
  const definitions = Object.entries(schema['definitions'] ?? {});
  const bare = [['formula', schema] as const, ...definitions].flatMap(([name, table]) =>
    Object.entries((table as { properties?: Record<string, object> }).properties ?? {}).flatMap(([key, value]) =>
      'description' in value ? [] : [`${name}.${key}`],
    ),
  );
  expect(bare).toEqual([]);
});

const CORPUS = fileURLToPath(new URL('../../../shared/corpus', import.meta.url));
const present = existsSync(CORPUS);
if (!present) process.stderr.write('SKIPPED: no corpus of real formulas at ../shared/corpus, so none met the schema\n');

test.skipIf(!present)('every formula of the corpus that the compiler takes fits', () => {
  const files = present ? readdirSync(CORPUS, { recursive: true, encoding: 'utf8' }) : [];
  const formulas = files.filter((file) => /\.toml$|\.formula\.json$/.test(file)).map((file) => join(CORPUS, file));
  let taken = 0;
  const wrong = formulas.flatMap((file) => {
    const name = formulaNameOf(file.slice(file.lastIndexOf('/') + 1)) ?? '';
    const shelf = formulaShelf([dirname(file), join(CORPUS, 'cases/lib'), here('formulas')]);
    const own = readFormulaFile(file);
    const load = (one: string) => (one === name ? own : shelf.load(one));
    if (!lintFormula({ name, load, names: shelf.names() }).ok) return [];
    taken += 1;
    return errorsOf(own.text, file.endsWith('.json')).map((error) => `${file}: ${error}`);
  });
  expect(wrong).toEqual([]);
  expect(taken).toBeGreaterThan(50);
});
