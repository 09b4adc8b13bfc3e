/**
 * Formula → protomolecule: the one door of this folder. All that is wrong comes back at once; what comes back as right holds no
 * open variable, no unknown name and no circle of needs.
 */
import type { BondPoint, ProtoLoop, ProtoStep, Protomolecule } from '../town/protomolecule.js';
import { checkAgent } from './agents.js';
import { checkAspect } from './aspect-alone.js';
import { bondPointsOf } from './bond-points.js';
import { canonicalHash } from './canonical.js';
import { composeSteps } from './compose.js';
import { finishAll } from './finish-all.js';
import { DEFAULT_REWORK, type Formula } from './formula.js';
import { Budget, noTraces, type Kitchen } from './kitchen.js';
import { Library, type FormulaFile, type Shelf } from './library.js';
import { nameProblem } from './names.js';
import { planSteps } from './plan.js';
import { didYouMean, Findings, quote, type Problem } from './problem.js';
import { References, type Finish } from './step-references.js';
import { fill } from './template.js';
import { resolveVariables } from './vars.js';

export type { FormulaFile } from './library.js';
export type { Beside } from './step-reader.js';

type Given = Readonly<Record<string, string | number | boolean>>;

export type Order = Shelf & {
  readonly name: string;
  readonly vars: Given;
};

export type Cooked =
  | { readonly ok: true; readonly protomolecule: Protomolecule; readonly warnings: readonly Problem[] }
  | {
      readonly ok: false;
      readonly problems: readonly Problem[];
      /** True when the formula is sound, and only the values given for its variables do not fit. */
      readonly onlyValues?: true;
    };

export function cook({ name, vars, load, names }: Order): Cooked {
  const shelf = { load, names };
  const findings = new Findings();
  const done = compile(name, vars, shelf, findings, false);
  if (done === null || findings.failed) {
    const problems = findings.problems();
    return isSound(name, shelf) ? { ok: false, problems, onlyValues: true } : { ok: false, problems };
  }
  const { formula, values, steps, loops, bondPoints, description } = done;
  const content = {
    formula: name,
    description,
    type: formula.type,
    version: formula.version ?? 1,
    vars: Object.fromEntries(values),
    rework: formula.rework ?? DEFAULT_REWORK,
    steps: [...steps],
    ...(loops.length === 0 ? {} : { loops: [...loops] }),
    ...(bondPoints.length === 0 ? {} : { bondPoints: [...bondPoints] }),
    ...(formula.vapor ? { vapor: true } : {}),
    ...(formula.squash === null ? {} : { squash: { ...formula.squash } }),
  };
  return {
    ok: true,
    protomolecule: { ...content, hash: canonicalHash(content) },
    warnings: findings.warnings(),
  };
}

/** Whether the formula cooks as long as nobody asks for the values of its variables. */
function isSound(name: string, shelf: Shelf): boolean {
  const findings = new Findings();
  return compile(name, {}, shelf, findings, true) !== null && !findings.failed;
}

export type FormulaResult =
  | {
      readonly ok: true;
      readonly formula: Formula;
      /** Its steps as they would be cooked, with the variables that have no value left open. */
      readonly steps: readonly ProtoStep[];
      readonly loops: readonly ProtoLoop[];
      readonly warnings: readonly Problem[];
      /** Names of the variables that its texts use. */
      readonly used: ReadonlySet<string>;
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Reads and checks a formula without values for its variables; `load` finds the formulas that it names. */
export function readFormula(
  name: string,
  file: FormulaFile,
  names: readonly string[],
  load: Shelf['load'] = () => null,
): FormulaResult {
  const findings = new Findings();
  const shelf = { names, load: (one: string) => (one === name ? file : load(one)) };
  const done = compile(name, {}, shelf, findings, true);
  if (done === null || findings.failed) return { ok: false, problems: findings.problems() };
  const { formula, steps, loops, used } = done;
  return { ok: true, formula, steps, loops, used, warnings: findings.warnings() };
}

type Compiled = {
  readonly formula: Formula;
  readonly description: string;
  readonly values: ReadonlyMap<string, string>;
  readonly used: ReadonlySet<string>;
  readonly steps: readonly ProtoStep[];
  readonly loops: readonly ProtoLoop[];
  readonly bondPoints: readonly BondPoint[];
};

/** `open`: nobody has given values yet, so that those which are missing are nobody's mistake. */
function compile(name: string, given: Given, shelf: Shelf, findings: Findings, open: boolean): Compiled | null {
  const library = new Library(shelf, findings);
  const formula = library.formula(name, null);
  if (formula === null) return null;
  checkRework(formula, shelf.names, findings);
  if (formula.agent !== null) checkAgent(formula.agent, { source: formula.source, path: ['agent'] }, findings);
  // Which variables there are is not known while a parent is missing.
  const isOpen = open || library.gaps;
  const values = isOpen ? defaultsOf(formula) : resolveVariables(formula, given, findings);
  const vars = new Map(formula.vars.map((variable) => [variable.name, variable]));
  const used = new Set(formula.usedByTemplates);
  const kitchen: Kitchen = {
    findings,
    library,
    values: { vars, values, declares: formula.declares, open: isOpen, used, findings },
    budget: new Budget(findings),
    mayCount: isPlain(formula),
    ...noTraces(),
  };
  const at = { source: formula.source, path: ['description'] };
  const description = fill(formula.description, null, kitchen.values, () => at);
  const plan = planSteps(composeSteps(formula, kitchen), kitchen);
  if (kitchen.budget.spent) return null;
  const finish: Finish = {
    kitchen,
    references: new References(plan.ids, kitchen),
    agent: formula.agent,
    chars: description.length,
  };
  const { steps, loops } = finishAll(plan, finish);
  if (plan.order !== null) finish.references.checkCounts(plan);
  if (formula.type === 'aspect') checkAspect(formula, { ...kitchen, library: withGaps(shelf, findings) });
  const bondPoints = bondPointsOf(formula, plan, kitchen);
  if (!library.gaps) warnOfUnused(formula, used, findings);
  return { formula, description, values, used, steps, loops, bondPoints };
}

function isPlain({ type, advice, compose: { expand, map, aspects } }: Formula): boolean {
  return type === 'workflow' && [advice, expand, map, aspects].every((parts) => parts.length === 0);
}

/** For formulas of which a part is not there. */
function withGaps(shelf: Shelf, findings: Findings): Library {
  const library = new Library(shelf, findings);
  library.gaps = true;
  return library;
}

function defaultsOf({ vars }: Formula): ReadonlyMap<string, string> {
  return new Map(vars.flatMap(({ name, default: value }) => (value === null ? [] : [[name, value] as const])));
}

function checkRework({ rework, source }: Formula, names: readonly string[], findings: Findings): void {
  if (rework === null || nameProblem(rework) !== null || names.includes(rework)) return;
  findings.refuse({ source, path: ['rework'] }, `rework names unknown formula ${quote(rework)}`, {
    hint: didYouMean(rework, names),
  });
}

function warnOfUnused({ vars }: Formula, used: ReadonlySet<string>, findings: Findings): void {
  for (const { name, at, requiredUnless } of vars)
    if (!used.has(name) && requiredUnless === null) findings.warn(at, `the variable ${quote(name)} is never used`);
}
