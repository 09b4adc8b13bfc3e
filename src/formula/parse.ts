/** A document → a formula as its file has it. What is wrong is reported and left out. */
import type { Advice, Compose, FormulaType, Pointcut, Written } from './formula.js';
import { FORMULA_TYPES } from './formula.js';
import { ADVICE_KEYS, AROUND_KEYS, FORMULA_KEYS, POINTCUT_KEYS, reportKeys, SQUASH_KEYS } from './keys.js';
import { compileGlob } from './glob.js';
import { nameProblem } from './names.js';
import { checkDeclarations } from './parse-declarations.js';
import { readCompose } from './parse-compose.js';
import { readConvoy } from './parse-convoy.js';
import { readSteps } from './parse-step.js';
import { didYouMean, quote, type Findings, type Path, type Report, type Source } from './problem.js';
import { AdviceTable, AroundTable, FormulaTable, PointcutTable, SquashTable } from './schemas.js';
import { asJson, isTable, kindOf, readTable, type Table } from './shape.js';
import type { StepReader } from './step-reader.js';
import { readVariables } from './vars.js';

/** `name` is what the file was looked up as. */
export function parseFormula(
  name: string,
  source: Source,
  readBeside: StepReader['readBeside'],
  findings: Findings,
): Written {
  const report = findings.reporter(source);
  const document = source.toml.value;
  const warn = findings.warner(source);
  reportKeys(document, FORMULA_KEYS, [], report, warn);
  const table = readTable(document, FormulaTable, [], report);
  if (table.formula !== undefined) checkName(table.formula, name, report);
  if (table.rework !== undefined && nameProblem(table.rework) !== null)
    report(['rework'], `rework names no formula: it ${nameProblem(table.rework)}`);
  checkDeclarations(table, report);
  for (const variable of Object.keys(table.inputs ?? {}))
    if (Object.hasOwn(table.vars ?? {}, variable))
      report(['inputs', variable], `the variable ${quote(variable)} is declared under [vars], too`, {
        hint: 'inputs are variables: put all that is said of it into one',
      });
  const reader = { source, report, warn, readBeside, looped: false, depth: 0 };
  const steps = readSteps(table.steps ?? [], ['steps'], { ...reader, within: 'formula' });
  const template = readSteps(table.template ?? [], ['template'], { ...reader, within: 'template' });
  return {
    name,
    source,
    extends: (table.extends ?? []).map((parent, index) => ({ at: { source, path: ['extends', index] }, name: parent })),
    description: table.description ?? null,
    type: table.type === undefined ? null : readType(table.type, report),
    version: table.version ?? null,
    rework: table.rework ?? null,
    vars: [
      ...readVariables('vars', table.vars ?? {}, source, findings),
      ...readVariables('inputs', table.inputs ?? {}, source, findings),
    ],
    steps,
    template,
    advice: readAdvice(table.advice ?? [], { ...reader, within: 'advice' }),
    pointcuts: readPointcuts(table.pointcuts ?? [], source, report),
    compose: table.compose === undefined ? NO_COMPOSE : readCompose(table.compose, source, report, reader.warn),
    phase: readPhase(table.phase, report),
    pour: table.pour ?? null,
    squash: readSquash(table.squash, report),
    agent: table.agent ?? null,
    reviewOnly: table.review_only ?? null,
    convoy: readConvoy(table, source, report),
  };
}

const NO_COMPOSE: Compose = { expand: [], map: [], branch: [], gate: [], aspects: [], bondPoints: [] };

function checkName(written: string, name: string, report: Report): void {
  const problem = nameProblem(written);
  if (problem !== null) report(['formula'], `the name ${quote(written)} ${problem}`);
  else if (written !== name)
    report(['formula'], `the formula calls itself ${quote(written)} but its file is looked up as ${quote(name)}`, {
      hint: 'make the two the same',
    });
}

function readType(type: string, report: Report): FormulaType | null {
  const known = FORMULA_TYPES.find((one) => one === type);
  if (known !== undefined) return known;
  const hint = didYouMean(type, FORMULA_TYPES) ?? `the types are ${FORMULA_TYPES.join(', ')}`;
  report(['type'], `unknown formula type ${quote(type)}`, { hint });
  return null;
}

const PHASES = ['vapor', 'liquid'];

function readPhase(phase: string | undefined, report: Report): string | null {
  if (phase === undefined || PHASES.includes(phase)) return phase ?? null;
  const hint = didYouMean(phase, PHASES) ?? 'vapor is a wisp, liquid a molecule';
  report(['phase'], `unknown phase ${quote(phase)}`, { hint });
  return null;
}

function readSquash(raw: Table | undefined, report: Report): Written['squash'] {
  if (raw === undefined) return null;
  reportKeys(raw, SQUASH_KEYS, ['squash'], report);
  const table = readTable(raw, SquashTable, ['squash'], report);
  if (table.trigger !== undefined && table.trigger !== 'on_complete')
    report(['squash', 'trigger'], `nothing squashes at ${quote(table.trigger)}`, {
      hint: 'the trigger is on_complete',
    });
  return asJson(table, ['squash'], report);
}

function readAdvice(list: readonly unknown[], reader: StepReader): readonly Advice[] {
  const { report, source } = reader;
  return list.flatMap((raw, index) => {
    const path = ['advice', index];
    if (!isTable(raw)) {
      report(path, `an advice must be a table, not ${kindOf(raw)}`);
      return [];
    }
    reportKeys(raw, ADVICE_KEYS, path, report);
    const table = readTable(raw, AdviceTable, path, report);
    const around = table.around ?? {};
    reportKeys(around, AROUND_KEYS, [...path, 'around'], report);
    const inner = readTable(around, AroundTable, [...path, 'around'], report);
    const before = [
      ...readAdviceSteps(table.before, [...path, 'before'], reader),
      ...readAdviceSteps(inner.before, [...path, 'around', 'before'], reader),
    ];
    const after = [
      ...readAdviceSteps(table.after, [...path, 'after'], reader),
      ...readAdviceSteps(inner.after, [...path, 'around', 'after'], reader),
    ];
    if (before.length === 0 && after.length === 0 && !('before' in raw || 'after' in raw || 'around' in raw))
      report(path, 'the advice has no steps', { hint: 'write before, after or around' });
    if (table.target !== undefined && compileGlob(table.target) === null)
      report([...path, 'target'], `${quote(table.target)} is no glob`);
    return [{ at: { source, path }, target: table.target ?? null, before, after }];
  });
}

/** One step, or a list of them. */
function readAdviceSteps(raw: unknown, path: Path, reader: StepReader): Advice['before'] {
  if (raw === undefined) return [];
  if (Array.isArray(raw)) return readSteps(raw, path, reader);
  const wrapped = { ...reader, report: shifted(reader.report), warn: shifted(reader.warn) };
  // Read as a list of one, and reported without the place in it.
  return readSteps([raw], path, wrapped).map((step) => ({ ...step, at: { source: step.at.source, path } }));

  function shifted(report: Report): Report {
    return (at, message, more) => report([...path, ...at.slice(path.length + 1)], message, more);
  }
}

function readPointcuts(list: readonly unknown[], source: Source, report: Report): readonly Pointcut[] {
  return list.flatMap((raw, index) => {
    const path = ['pointcuts', index];
    if (!isTable(raw)) {
      report(path, `a pointcut must be a table, not ${kindOf(raw)}`);
      return [];
    }
    reportKeys(raw, POINTCUT_KEYS, path, report);
    const { glob = null, type = null, label = null } = readTable(raw, PointcutTable, path, report);
    if (glob === null && type === null && label === null)
      report(path, 'the pointcut says nothing', { hint: 'write glob, type or label' });
    if (glob !== null && compileGlob(glob) === null) report([...path, 'glob'], `${quote(glob)} is no glob`);
    return [{ at: { source, path }, glob, type, label }];
  });
}
