/**
 * Formula → protomolecule: the one door of this folder. All that is wrong comes back at once; what comes back as right holds no
 * open placeholder, no unknown name and no circle of needs.
 */
import { Act, type ProtoStep, type Protomolecule } from '../town/protomolecule.js';
import { canonicalHash } from './canonical.js';
import { checkSteps, checkTexts, checkVariables } from './check.js';
import { DEFAULT_REWORK, type Formula, type StepDraft } from './formula.js';
import { nameProblem, parseFormula } from './parse.js';
import { didYouMean, inOrder, quote, reportInto, type Problem, type Report } from './problem.js';
import { fillIn, mapTexts } from './template.js';
import { parseToml, type Toml } from './toml.js';
import { resolveVariables } from './vars.js';

export type FormulaFile = {
  /** As it should stand in front of a problem: `formulas/shiny.formula.toml`. */
  readonly file: string;
  readonly text: string;
};

export type Order = {
  readonly name: string;
  readonly vars: Readonly<Record<string, string | number | boolean>>;
  /** The file of a formula of this name, null when there is none. */
  readonly load: (name: string) => FormulaFile | null;
  /** All names there are, for "did you mean" and to check names of other formulas. */
  readonly names: readonly string[];
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
  const unfit = nameProblem(name);
  if (unfit !== null)
    return { ok: false, problems: [nowhere(name, `no formula can have this name: it ${unfit}`, null)] };
  const source = load(name);
  if (source === null)
    return {
      ok: false,
      problems: [nowhere(name, `there is no such formula`, didYouMean(name, names) ?? known(names))],
    };
  const read = readFormula(name, source, names);
  if (!read.ok) return read;
  const problems: Problem[] = [];
  const report = reportInto(problems, source.file, read.toml);
  const values = resolveVariables(read.formula, vars, read.used, report);
  if (problems.length > 0) return { ok: false, problems: inOrder(problems), onlyValues: true };
  const steps = read.formula.steps.map((step) => finish(step, values, report));
  if (problems.length > 0) return { ok: false, problems: inOrder(problems) };
  const content = {
    formula: name,
    description: fillIn(read.formula.description, values),
    vars: Object.fromEntries(values),
    rework: read.formula.rework ?? DEFAULT_REWORK,
    steps,
  };
  return { ok: true, protomolecule: { ...content, hash: canonicalHash(content) }, warnings: read.warnings };
}

export type FormulaResult =
  | {
      readonly ok: true;
      readonly formula: Formula;
      readonly warnings: readonly Problem[];
      /** Names of the variables that its texts use. */
      readonly used: ReadonlySet<string>;
      readonly toml: Toml;
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Reads and checks a formula without values for its variables. */
export function readFormula(name: string, { file, text }: FormulaFile, names: readonly string[]): FormulaResult {
  const toml = parseToml(text);
  if (!toml.ok) {
    const { line, column, message } = toml;
    return { ok: false, problems: [{ file, line, column, step: null, message: `not TOML: ${message}`, hint: null }] };
  }
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const report = reportInto(problems, file, toml);
  const warn = reportInto(warnings, file, toml);
  const { formula, understood } = parseFormula(toml.value, name, report);
  // Parents, children and expansions bring names of their own: without them, every "unknown" would be a guess.
  if (!understood) return { ok: false, problems: inOrder(problems) };
  checkSteps(formula.steps, report);
  checkRework(formula, names, report);
  const used = checkTexts(formula, report, warn);
  checkVariables(formula, used, warn);
  if (problems.length > 0) return { ok: false, problems: inOrder(problems) };
  return { ok: true, formula, warnings: inOrder(warnings), used, toml };
}

function checkRework({ rework }: Formula, names: readonly string[], report: Report): void {
  if (rework === null || nameProblem(rework) !== null || names.includes(rework)) return;
  report(['rework'], `rework names unknown formula ${quote(rework)}`, { hint: didYouMean(rework, names) });
}

/** The step with its texts filled in. Empty texts of `acceptance` are left out: "no command given" means none is run. */
function finish(draft: StepDraft, values: ReadonlyMap<string, string>, report: Report): ProtoStep {
  const step = mapTexts(draft, (text) => fillIn(text, values));
  const path = ['steps', step.index];
  const refuse = (key: string, ...more: (string | number)[]) =>
    report([...path, key, ...more], `${key} is empty once its variables are filled in`);
  if (isBlank(step.title)) refuse('title');
  if (step.run !== null && isBlank(step.run)) refuse('run');
  const script = step.script?.flatMap((draft, index) => {
    const act = Act.safeParse(draft);
    if (!act.success) refuse('script', index);
    return act.success ? [act.data] : [];
  });
  const { text, command } = step.acceptance;
  return {
    id: step.id,
    title: step.title,
    description: withNotes(step.description, step.notes),
    kind: step.kind,
    needs: [...new Set(step.needs.map(({ id }) => id))],
    acceptance: {
      ...(text === null || isBlank(text) ? {} : { text }),
      ...(command === null || isBlank(command) ? {} : { command }),
    },
    run: step.run,
    script: script ?? null,
  };
}

function withNotes(description: string, notes: string | null): string {
  if (notes === null || isBlank(notes)) return description;
  return `${isBlank(description) ? '' : `${description.trimEnd()}\n\n`}## Notes\n\n${notes}`;
}

function isBlank(text: string): boolean {
  return text.trim() === '';
}

function known(names: readonly string[]): string | null {
  return names.length === 0 ? null : `there are ${names.toSorted().join(', ')}`;
}

function nowhere(name: string, message: string, hint: string | null): Problem {
  return { file: name, line: 0, column: 0, step: null, message, hint };
}
