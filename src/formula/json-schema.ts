/**
 * The language as a JSON Schema, for editors that complete and check TOML by one. The tables are the compiler's own; what is added
 * here is which table stands where, what a key means, and which words it takes. What a schema cannot say (names of steps, circles)
 * is left to `gt lint`.
 */
import * as z from 'zod';
import { Act } from '../town/act.js';
import type { Json } from '../town/act.js';
import { VALUE_TYPES } from '../town/value.js';
import { FORMULA_TYPES, STEP_TYPES } from './formula.js';
import { KEY_TEXTS, type TableName } from './key-texts.js';
import * as tables from './schemas.js';

type Schema = Readonly<Record<string, Json>>;
type Keys = Readonly<Record<string, Schema>>;

export function formulaJsonSchema(): Schema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Gas Town formula',
    description: 'Steps for agents, what each needs, and how it is known to be done.',
    ...tableOf('formula', tables.FormulaTable, FORMULA_KEYS),
    definitions: DEFINITIONS,
  };
}

const text: Schema = { type: 'string' };
const ref = (name: string): Schema => ({ $ref: `#/definitions/${name}` });
const list = (items: Schema): Schema => ({ type: 'array', items });
const either = (...anyOf: readonly Schema[]): Schema => ({ anyOf: [...anyOf] });
const named = (values: Schema): Schema => ({ type: 'object', additionalProperties: values });
const oneOf = (...words: readonly string[]): Schema => ({ type: 'string', enum: [...words] });
/** Completed with these words, and any other text is right, too: it may hold variables. */
const likely = (...words: readonly string[]): Schema => either(oneOf(...words), text);

const stepVars = named({ type: ['string', 'number', 'boolean'] });

const FORMULA_KEYS: Keys = {
  type: oneOf(...FORMULA_TYPES),
  vars: named(either(text, ref('variable'))),
  steps: list(ref('step')),
  template: list(ref('step')),
  advice: list(ref('advice')),
  pointcuts: list(ref('pointcut')),
  compose: ref('compose'),
  phase: oneOf('vapor', 'liquid'),
  squash: ref('squash'),
  inputs: named(either(text, ref('variable'))),
  prompts: ref('prompts'),
  output: ref('output'),
  legs: list(ref('leg')),
  synthesis: ref('synthesis'),
  presets: named(ref('preset')),
  contract: oneOf('graph.v2'),
  requires: ref('requires'),
  catalog: ref('catalog'),
  metadata: { type: 'object' },
};

const VARIABLE_KEYS: Keys = { type: oneOf(...VALUE_TYPES, 'text', 'str', 'integer', 'boolean') };

const STEP_KEYS: Keys = {
  type: oneOf('human', ...STEP_TYPES, 'parallel'),
  waits_for: likely('all-children', 'any-children'),
  acceptance: either(text, ref('acceptance')),
  script: list(ref('act')),
  metadata: { type: 'object' },
  confinement: ref('confinement'),
  gate: ref('gate'),
  output: ref('shape'),
  retry: ref('retry'),
  ralph: ref('check'),
  check: ref('check'),
  loop: ref('loop'),
  expand_vars: stepVars,
  on_complete: ref('on_complete'),
  children: list(ref('step')),
};

const SCRIPT_KEYS: Keys = { mode: oneOf('exec') };
const advised = either(ref('step'), list(ref('step')));

const DEFINITIONS: Readonly<Record<string, Schema>> = {
  variable: tableOf('variable', tables.VariableTable, VARIABLE_KEYS),
  step: tableOf('step', tables.StepTable, STEP_KEYS),
  acceptance: tableOf('acceptance', tables.AcceptanceTable),
  act: either(...Act.unwrap().options.map((act) => tableOf('act', () => act, { output: {} }))),
  confinement: tableOf('confinement', tables.ConfinementTable, { level: oneOf('bubblewrap'), network: oneOf('none') }),
  gate: tableOf('gate', tables.GateTable, {
    type: oneOf('timer', 'human', 'mail', 'bead', 'gh:run', 'gh:pr', 'condition', 'conditional'),
  }),
  retry: tableOf('retry', tables.RetryTable, { on_exhausted: oneOf('hard_fail', 'soft_fail') }),
  check: tableOf('check', tables.CheckTable, { ...SCRIPT_KEYS, check: ref('script') }),
  script: tableOf('check', tables.ScriptTable, SCRIPT_KEYS),
  loop: tableOf('loop', tables.LoopTable, { body: list(ref('step')) }),
  on_complete: tableOf('on_complete', tables.OnCompleteTable, { vars: stepVars }),
  shape: {
    description:
      'string, number, integer, boolean, any, a "?" behind it when it may be left out; [shape]; a table of shapes; { enum = […] }',
    anyOf: [text, { type: 'array', maxItems: 1, items: ref('shape') }, { type: 'object' }],
  },
  advice: tableOf('advice', tables.AdviceTable, { before: advised, after: advised, around: ref('around') }),
  around: tableOf('advice', tables.AroundTable, { before: advised, after: advised }),
  pointcut: tableOf('pointcut', tables.PointcutTable),
  compose: tableOf('compose', tables.ComposeTable, {
    expand: list(ref('compose_expand')),
    map: list(ref('compose_map')),
    branch: list(ref('branch')),
    gate: list(ref('compose_gate')),
    bond_points: list(ref('bond_point')),
  }),
  compose_expand: tableOf('compose_rule', tables.ComposeExpandTable, { vars: stepVars }),
  compose_map: tableOf('compose_rule', tables.ComposeMapTable, { vars: stepVars }),
  branch: tableOf('branch', tables.BranchTable),
  compose_gate: tableOf('compose_gate', tables.ComposeGateTable),
  bond_point: tableOf('bond_point', tables.BondPointTable),
  squash: tableOf('squash', tables.SquashTable, { trigger: oneOf('on_complete') }),
  leg: tableOf('leg', tables.LegTable),
  synthesis: tableOf('synthesis', tables.SynthesisTable),
  preset: tableOf('preset', tables.PresetTable),
  prompts: tableOf('prompts', tables.PromptsTable),
  output: tableOf('output', tables.OutputTable),
  requires: tableOf('requires', tables.RequiresTable),
  catalog: tableOf('catalog', tables.CatalogTable),
};

/** The table's own keys, those of `keys` in their place, and no other. */
function tableOf(name: TableName, table: tables.LazyTable, keys: Keys = {}): Schema {
  const { properties, required } = plain(table()) as {
    properties: Readonly<Record<string, Schema>>;
    required?: string[];
  };
  const texts: Readonly<Record<string, string>> = KEY_TEXTS[name];
  const described = Object.entries(properties).map(([key, own]) => {
    const told = texts[key];
    const value = keys[key] ?? own;
    // Beside a `$ref` draft 7 reads nothing else.
    const placed: Schema = told !== undefined && '$ref' in value ? { allOf: [value] } : value;
    return [key, told === undefined ? placed : { ...placed, description: told }] as const;
  });
  return {
    type: 'object',
    properties: Object.fromEntries(described),
    ...(required === undefined ? {} : { required }),
    additionalProperties: false,
  };
}

/** What zod says of a table by itself, without the frame around a schema. */
function plain(schema: z.ZodType): Schema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { target: 'draft-7', io: 'input' });
  return rest as Schema; // JSON Schema is plain data
}
