/** Conditions of steps, gates and loops: read, their steps named as they are called in the end. */
import { compared, filesNamed, parseCondition, type Condition } from '../town/condition.js';
import type { StepCondition } from '../town/protomolecule.js';
import { referencesIn } from '../town/references.js';
import { INSTEAD_AT_WORK, INSTEAD_IN_STEP, isOneCondition } from './and-or.js';
import { checkSubject, formsFor } from './condition-subject.js';
import type { StepDraft } from './formula.js';
import { awaitedMoment } from './gate-circles.js';
import { leastClosed } from './gate-counts.js';
import { noOutputOf } from './no-output.js';
import { leadsOut } from './paths.js';
import { whichStep } from './plan.js';
import { quote, type Findings, type Origin } from './problem.js';
import type { Finish, References } from './step-references.js';
import { readStepCondition } from './step-condition.js';
import { fill, fillSubject, isOpen } from './template.js';
import { eachStep } from './tree.js';

/** The condition of a step; null when it has none of the forms, which is reported. */
export function readCondition(
  draft: StepDraft,
  { at, text }: { readonly at: Origin; readonly text: string },
  { kitchen, references }: Finish,
): StepCondition | null {
  const { findings, values } = kitchen;
  if (!isOneCondition(text, at, INSTEAD_IN_STEP, findings)) return null;
  const read = readStepCondition(text);
  if (read === null) {
    findings.refuse(at, `${quote(text)} is no condition`, { hint: formsFor(text) });
    return null;
  }
  const against = fill(read.against, draft.scope, values, () => at);
  if (against.includes('{{steps.')) {
    const message = `${quote(read.against)} is compared as it is written: an output stands before == and != only`;
    findings.refuse(at, message, { hint: 'let the step that leaves it compare, and leave the outcome as an output' });
    return null;
  }
  const filled = fillSubject(read.value, draft.scope, values, () => at);
  const condition = { ...read, value: filled, against };
  if (values.open && isOpen(filled)) return condition;
  const isStep = (id: string) => references.stepNamed(id, draft) !== null;
  if (!checkSubject({ written: read.value, value: filled, at }, isStep, findings)) return null;
  const value = references.settle(draft, filled, () => at);
  const settled = { ...condition, value };
  checkAgainst(settled, { at, written: read.against }, references);
  return settled;
}

type Compared = { readonly at: Origin; readonly written: string };

/** What is compared with an entry, or with a value that nobody has given yet, is not known. */
function checkAgainst({ value, op, against }: StepCondition, { at, written }: Compared, references: References): void {
  const [reference] = referencesIn(value);
  if (reference?.part !== 'output' || (op !== 'is' && op !== 'isNot') || against.includes('{')) return;
  const comparison = { op: op === 'is' ? '==' : '!=', right: against, written, exact: true } as const;
  references.checkComparison(reference.step, reference.path, comparison, at);
}

/** A text with its variables filled in, and as it was written. */
type Filled = { readonly text: string; readonly written: string };

/** A condition of a gate or a loop, its variables filled in already, as a text with the ids of the end. */
export function readUntil(
  { text, written }: Filled,
  at: Origin,
  draft: StepDraft,
  finish: Finish,
  loop: { readonly id: string; readonly last: string } | null = null,
): string {
  const { kitchen, references } = finish;
  const self = loop?.last ?? null;
  const condition = oneCondition(text, at, kitchen.findings);
  if (condition === null) return text;
  const least = self === null ? leastClosed(condition) : null;
  if (least !== null) references.counts({ from: draft.id, least, condition: text, at });
  const lookAt = (to: string | null) =>
    references.looksAt({ from: loop?.id ?? draft.id, by: loop === null ? 'step' : 'loop', to, condition, text, at });
  if (condition.kind === 'steps') lookAt(null);
  if (!('step' in condition)) return text;
  const named = condition.step;
  const moment = awaitedMoment(condition);
  const awaits = (to: string) => {
    // What stands in the body is over when `until` is asked.
    const inBody = loop !== null && references.draftOf(to)?.repeated?.id === loop.id;
    const by = loop === null ? 'step' : 'loop';
    if (moment !== null && !inBody)
      references.awaits({ from: loop?.id ?? draft.id, by, to, moment, condition: text, at });
    // A circle that is told so is not told twice.
    if (moment === null || condition.kind === 'among') lookAt(to);
  };
  const checkOutput = (of: string) => {
    if (condition.kind !== 'compare' || condition.value.kind !== 'output') return;
    references.checkPath(of, condition.value.path, text, at);
    const comparison = { ...condition, written: rightOf(written), exact: false };
    references.checkComparison(of, condition.value.path, comparison, at);
  };
  if (named === 'step') {
    if (condition.kind === 'among') checkChildren(condition, { text, at, of: self ?? draft.id, given: false }, finish);
    awaits(self ?? draft.id);
    checkOutput(self ?? draft.id);
    return self === null ? text : renamed(text, condition, self);
  }
  const meant = references.stepNamed(named, draft);
  const [only, second] = meant ?? [];
  if (only !== undefined && second === undefined) {
    if (condition.kind === 'compare' && references.namesLoop(named, draft, only)) {
      const message = `the condition names ${quote(named)}, which ends with a loop over the output of ${quote(only)}, and asks of ${quote(only)} alone`;
      const hint = `name ${quote(only)}; who has to wait for the loop, too, needs it: needs = [${JSON.stringify(named)}]`;
      kitchen.findings.refuse(at, message, { hint });
      return text;
    }
    awaits(only);
    checkOutput(only);
    const given = !references.isStep(named, draft);
    if (condition.kind === 'among') checkChildren(condition, { text, at, of: only, given }, finish);
    return only === named ? text : renamed(text, condition, only);
  }
  if (only === undefined && kitchen.library.gaps) return text;
  const message =
    only === undefined
      ? `the condition names unknown step ${quote(named)}`
      : `the condition names ${quote(named)}, in whose place now stand ${(meant ?? []).join(', ')}`;
  const one = condition.kind === 'among' ? AS_A_GROUP : 'name one of them';
  const hint = only === undefined ? () => whichStep(named, draft, references.ids) : one;
  kitchen.findings.refuse(at, message, { hint });
  return text;
}

/** Null when it cannot be asked, which is reported. */
function oneCondition(text: string, at: Origin, findings: Findings): Condition | null {
  if (!isOneCondition(text, at, INSTEAD_AT_WORK, findings)) return null;
  if (text.includes('{{steps.')) {
    const message = `${quote(text)} is asked as it is written: no output is put into it`;
    findings.refuse(at, message, { hint: 'name an output without braces, in front: ID.output.ok == true' });
    return null;
  }
  const parsed = parseCondition(text);
  if (!parsed.ok) {
    findings.refuse(at, parsed.message);
    return null;
  }
  for (const path of filesNamed(parsed.condition).filter(leadsOut)) {
    const message = `the path ${quote(path)} leads out of the sandbox, and files are looked for in it only`;
    findings.refuse(at, message, { hint: 'write it from the top of the sandbox, as go.mod' });
  }
  return parsed.condition;
}

/** What a condition compares with; the whole of one that is a variable. */
function rightOf(condition: string): string {
  return /(?:[=!<>]=|[<>])(.*)$/s.exec(condition)?.[1] ?? condition;
}

const AS_A_GROUP = 'put it into a step with children, and ask for those of that step';

type OfChildren = {
  readonly text: string;
  readonly at: Origin;
  readonly of: string;
  /** It stands where another step has given way, which the condition names. */
  readonly given: boolean;
};

type Among = Extract<Condition, { readonly kind: 'among' }>;

/** A condition on children is of a step that has some: a group, or one that fans out. Of others it could never hold. */
function checkChildren(condition: Among, { text, at, of, given }: OfChildren, { kitchen, references }: Finish): void {
  const draft = references.draftOf(of);
  if (draft === null || draft.hollow) return;
  if (draft.children.length > 0) checkOutputs(condition, draft, { text, at }, references);
  else if (draft.onComplete === null && !kitchen.library.gaps) {
    const why = given ? 'that step has given way to others, and is no group' : `the step ${quote(of)} has none`;
    kitchen.findings.refuse(at, `${quote(text)} asks for children: ${why}`, { hint: given ? AS_A_GROUP : null });
  }
}

/** What is asked of all children must be there to ask for, and what is asked of any in one of them. */
function checkOutputs(
  { inner: { value, op, right }, how, deep }: Among,
  { children }: StepDraft,
  { text, at }: Pick<OfChildren, 'text' | 'at'>,
  references: References,
): void {
  // What is not there meets some comparisons, too.
  if (value.kind !== 'output' || how.kind === 'count' || compared(null, op, right)) return;
  const asked = deep ? [...eachStep(children)] : children;
  if (how.kind === 'any' && asked.some((child) => noOutputOf(child) === null)) return;
  for (const child of asked) references.checkPath(child.id, value.path, text, at);
}

function renamed(text: string, condition: Condition, to: string): string {
  const written = text.trim();
  if (condition.kind === 'among') return written.replace(/\(\s*[\w.\uE000\uE001-]+\s*\)/, () => `(${to})`);
  if (condition.kind !== 'compare') return written;
  // `output.x` and `status` alone speak of the step itself.
  const alone = condition.step === 'step' && !written.startsWith('step.');
  return alone ? `${to}.${written}` : `${to}${written.slice(condition.step.length)}`;
}
