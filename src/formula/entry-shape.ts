/** Parts of an entry in the texts of a fan-out: of a list whose shape is declared, a part that is not in it would be empty each time. */
import type { OnComplete, StepDraft } from './formula.js';
import type { Kitchen } from './kitchen.js';
import { comparisonProblem } from './output-comparison.js';
import { partsIn, shapeAt } from './output-shape.js';
import { originOf } from './plan.js';
import { didYouMean, type Origin } from './problem.js';
import { readStepCondition } from './step-condition.js';
import { mapTexts } from './template.js';
import { eachStep } from './tree.js';

type Entry = { readonly name: string; readonly schema: NonNullable<StepDraft['output']>; readonly of: string };

export function checkEntries(step: StepDraft, { at, bond, forEach, vars }: OnComplete, kitchen: Kitchen): void {
  const schema = step.output === null ? null : shapeAt(step.output, [...forEach.split('.').slice(1), '0']);
  if (schema === null) return;
  if (bond.kind === 'body') {
    const { loop } = bond.loop;
    if (loop?.variable != null) checkBody(loop.body, { name: loop.variable, schema, of: forEach }, kitchen);
    return;
  }
  for (const [name, text] of Object.entries(vars))
    checkText(
      text,
      { source: at.source, path: [...at.path, 'vars', name] },
      { name: 'item', schema, of: forEach },
      kitchen,
    );
}

function checkBody(body: readonly StepDraft[], entry: Entry, kitchen: Kitchen): void {
  for (const draft of eachStep(body)) {
    mapTexts(draft, (text, path) => {
      checkText(text, originOf(draft, ...path), entry, kitchen);
      return text;
    });
    if (draft.condition !== null) {
      checkText(draft.condition.text, draft.condition.at, entry, kitchen);
      checkCompared(draft.condition, entry, kitchen);
    }
    for (const gate of draft.gates) checkText(gate.await, gate.at, entry, kitchen);
    if (draft.loop !== null && draft.loop.variable !== entry.name) checkBody(draft.loop.body, entry, kitchen);
  }
}

function checkText(text: string, at: Origin, { name, schema, of }: Entry, { findings }: Kitchen): void {
  if (!text.includes(`{${name}.`)) return;
  for (const [written, whole = ''] of text.matchAll(/\{(\w+(?:\.[\w-]+)+)\}/g)) {
    const [first, ...path] = whole.split('.');
    if (first !== name || shapeAt(schema, path) !== null) continue;
    const parts = partsIn(schema, name).map((part) => part.name);
    const hint = didYouMean(whole, parts.slice(1)) ?? `there is ${parts.map((part) => `{${part}}`).join(', ')}`;
    findings.refuse(at, `an entry of ${of} declares no ${path.join('.')}: ${written}`, { hint, text: written });
  }
}

/** What the condition compares with the entry or a part of it must be possible for that; nothing is said of a variable's value. */
function checkCompared(
  { text, at }: NonNullable<StepDraft['condition']>,
  { name, schema, of }: Entry,
  { findings }: Kitchen,
): void {
  const condition = readStepCondition(text);
  if (condition === null || condition.against.includes('{') || !['is', 'isNot'].includes(condition.op)) return;
  const [first, ...path] = condition.value.slice(1, -1).split('.');
  const part = first === name ? shapeAt(schema, path) : null;
  if (part === null) return;
  const { against: right } = condition;
  const problem = comparisonProblem(part, { op: '==', right, written: right, exact: true });
  if (problem === null) return;
  const what = path.length === 0 ? `an entry of ${of}` : `${path.join('.')} of an entry of ${of}`;
  findings.refuse(at, `${what} cannot be ${problem.never}`, { hint: problem.hint });
}
