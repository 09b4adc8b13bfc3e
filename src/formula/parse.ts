/**
 * TOML text → formula. Everything that can be said of a key by itself is said here, all of it at once; what one part says of
 * another (needs, variables) is `check.ts`.
 */
import { z } from 'zod';
import { WORKFLOW_TYPES } from '../town/workflow-types.js';
import type { Formula, Need, StepDraft } from './formula.js';
import { readScript } from './acts.js';
import { ACCEPTANCE_KEYS, FORMULA_KEYS, reportKeys, STEP_KEYS } from './keys.js';
import { didYouMean, quote, type Path, type Report } from './problem.js';
import { isTable, kindOf, readTable, type Table } from './shape.js';
import { readVariables } from './vars.js';

/** Names and ids become workflow ids, file names and branch names. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const NAME_CHARS_MAX = 100;
const NAME_RULE = `must begin with a letter or digit and hold letters, digits, "-", "_" and "." only, ${NAME_CHARS_MAX} at most`;

const FORMULA_TYPES = ['workflow', 'expansion', 'aspect', 'convoy'];
const STEP_TYPES = ['task', 'bug', 'feature', 'epic', 'chore', 'human'];

const FormulaTable = z.object({
  formula: z.string(),
  description: z.string().optional(),
  version: z.int().min(1).optional(),
  type: z.string().optional(),
  rework: z.string().optional(),
  vars: z.looseObject({}).optional(),
  steps: z.array(z.unknown()).optional(),
});

const StepTable = z.object({
  id: z.string(),
  title: z.string(),
  description: z.string().optional(),
  notes: z.string().optional(),
  type: z.string().optional(),
  needs: z.array(z.string()).optional(),
  depends_on: z.array(z.string()).optional(),
  run: z.string().optional(),
  script: z.array(z.unknown()).optional(),
});

const AcceptanceTable = z.object({ text: z.string().optional(), command: z.string().optional() });

export type Parsed = {
  readonly formula: Formula;
  /** False when parts of the language that are not executed yet bring names of steps and variables from elsewhere. */
  readonly understood: boolean;
};

/** `document` is the value of the TOML, `name` what it was looked up as. What is wrong is reported and left out. */
export function parseFormula(document: Table, name: string, report: Report): Parsed {
  const ahead = reportKeys(document, FORMULA_KEYS, [], report);
  const table = readTable(document, FormulaTable, [], report) ?? {};
  if (table.formula !== undefined) checkName(table.formula, name, report);
  if (table.rework !== undefined && nameProblem(table.rework) !== null)
    report(['rework'], `rework names no formula: it ${nameProblem(table.rework)}`);
  const plain = checkType(table.type ?? 'workflow', report);
  const stepTables = table.steps ?? [];
  const steps = stepTables.map((raw, index) => parseStep(raw, index, report));
  const understood = plain && !ahead && steps.every((step) => step.understood);
  if (steps.length === 0 && understood && !('steps' in document && table.steps === undefined))
    report([], 'the formula has no steps', { hint: 'add one: [[steps]] with an id and a title' });
  return {
    formula: {
      name,
      description: table.description ?? '',
      rework: table.rework ?? null,
      vars: readVariables(table.vars ?? {}, report),
      steps: steps.flatMap(({ step }) => (step === null ? [] : [step])),
    },
    understood,
  };
}

/** Why no formula can bear this name, null when one can. */
export function nameProblem(name: string): string | null {
  if (!NAME.test(name) || name.length > NAME_CHARS_MAX) return NAME_RULE;
  return WORKFLOW_TYPES.some((type) => type === name) ? 'must not be the name of a workflow type' : null;
}

function checkName(written: string, name: string, report: Report): void {
  const problem = nameProblem(written);
  if (problem !== null) report(['formula'], `the name ${quote(written)} ${problem}`);
  else if (written !== name)
    report(['formula'], `the formula calls itself ${quote(written)} but its file is looked up as ${quote(name)}`, {
      hint: 'make the two the same',
    });
}

/** Whether the steps and variables of the file are all there are, as in a workflow. */
function checkType(type: string, report: Report): boolean {
  if (type === 'workflow') return true;
  const ahead = FORMULA_TYPES.includes(type);
  const message = ahead
    ? `the type ${quote(type)} belongs to the formula language, but this version does not execute it yet`
    : `unknown formula type ${quote(type)}`;
  report(['type'], message, { hint: didYouMean(type, ['workflow']) ?? 'this version executes "workflow"' });
  return !ahead;
}

function parseStep(raw: unknown, index: number, report: Report): { step: StepDraft | null; understood: boolean } {
  const path = ['steps', index];
  if (!isTable(raw)) {
    report(path, `a step must be a table, not ${kindOf(raw)}`);
    return { step: null, understood: true };
  }
  const understood = !reportKeys(raw, STEP_KEYS, path, report);
  const table = readTable(raw, StepTable, path, report) ?? {};
  if (table.id !== undefined && (!NAME.test(table.id) || table.id.length > NAME_CHARS_MAX))
    report([...path, 'id'], `the id ${quote(table.id)} ${NAME_RULE}`);
  if (table.title !== undefined && table.title.trim() === '') report([...path, 'title'], 'title must not be empty');
  const step: StepDraft = {
    index,
    id: table.id ?? '',
    title: table.title ?? '',
    description: table.description ?? '',
    notes: table.notes ?? null,
    kind: table.type === 'human' ? 'human' : table.run === undefined ? 'agent' : 'run',
    needs: [...needsOf(table.needs, 'needs'), ...needsOf(table.depends_on, 'depends_on')],
    acceptance: parseAcceptance(raw['acceptance'], [...path, 'acceptance'], report),
    run: table.run ?? null,
    script: table.script === undefined ? null : readScript(table.script, [...path, 'script'], report),
  };
  checkKind(raw, table.type, path, report);
  return { step, understood };
}

/** One step is worked in one way. */
function checkKind(raw: Table, type: string | undefined, path: Path, report: Report): void {
  if (type !== undefined && !STEP_TYPES.includes(type)) {
    const hint = didYouMean(type, STEP_TYPES) ?? `the types are ${STEP_TYPES.join(', ')}`;
    report([...path, 'type'], `unknown step type ${quote(type)}`, { hint });
  }
  if ('run' in raw && 'script' in raw)
    report([...path, 'script'], 'a step has either run or script, not both', {
      hint: 'an act of a script may be { run = "…" }',
    });
  for (const key of ['run', 'script'])
    if (type === 'human' && key in raw) report([...path, key], `a human step is closed by a person and has no ${key}`);
}

function needsOf(ids: readonly string[] | undefined, key: Need['key']): readonly Need[] {
  return (ids ?? []).map((id, index) => ({ id, key, index }));
}

function parseAcceptance(raw: unknown, path: Path, report: Report): StepDraft['acceptance'] {
  if (typeof raw === 'string') return { text: raw, command: null, shorthand: true };
  if (raw !== undefined && !isTable(raw))
    report(path, `acceptance must be text, or a table with text and command, not ${kindOf(raw)}`);
  if (!isTable(raw)) return { text: null, command: null, shorthand: false };
  reportKeys(raw, ACCEPTANCE_KEYS, path, report);
  const table = readTable(raw, AcceptanceTable, path, report) ?? {};
  return { text: table.text ?? null, command: table.command ?? null, shorthand: false };
}
