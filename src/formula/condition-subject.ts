/** What the `condition` of a step asks for: a variable or what another step left. Braces of any other form would never be filled in. */
import { referencesIn } from '../town/references.js';
import { nearest } from '../town/nearest.js';
import { meansCondition } from './and-or.js';
import { quote, type Findings, type Origin } from './problem.js';

const VARIABLE = /^(?:\{\{[A-Za-z_]\w*\}\}|\{[A-Za-z_][\w.-]*\})$/;
const SPACED = /\{\{\s*([\w.{}-]+?)\s*\}\}/;

const CONDITION_FORMS = 'the forms are {{v}}, !{{v}}, {{v}} == text and {{v}} != text';
const AT_WORK = 'a gate asks that, and waits for it: gate = { type = "condition", condition = "…" }';

/** What to write instead of a condition that has none of the forms. */
export function formsFor(text: string): string {
  const spaced = SPACED.exec(text);
  if (spaced !== null && /\s/.test(spaced[0])) return `write it without spaces: {{${spaced[1]}}}`;
  return meansCondition(text) ? `${CONDITION_FORMS}; ${AT_WORK}` : CONDITION_FORMS;
}

type Subject = {
  readonly written: string;
  /** With its variables filled in. */
  readonly value: string;
  readonly at: Origin;
};

/** Refuses what would stay as it is when the condition is asked; `isStep` knows the steps by the names that it may use. */
export function checkSubject(
  { written, value, at }: Subject,
  isStep: (id: string) => boolean,
  findings: Findings,
): boolean {
  const left = VARIABLE.test(written) ? value.startsWith('{{steps.') : value.includes('{{');
  if (!left || referencesIn(value)[0]?.written === value) return true;
  findings.refuse(at, `the condition asks for ${quote(value)}, which is neither a variable nor an output`, {
    hint: () => meantBy(value, isStep),
    text: written,
  });
  return false;
}

/** `a.output.ok`, `steps.a.outputs.ok` and `a.ok` all mean `{{steps.a.output.ok}}`. Ids may have dots in them. */
function meantBy(value: string, isStep: (id: string) => boolean): string {
  const parts = value
    .replace(/^\{\{(steps?\.)?/, '')
    .replace(/\}\}$/, '')
    .split('.');
  for (let length = parts.length; length > 0; length -= 1) {
    const id = parts.slice(0, length).join('.');
    if (isStep(id)) return partMeant(id, parts.slice(length));
  }
  return 'write {{name}} for a variable, {{steps.ID.output.path}} for an output';
}

function partMeant(id: string, path: readonly string[]): string {
  const [part = 'output', ...rest] = path;
  if (part === 'status')
    return `a status is asked by a gate or until: gate = { type = "condition", condition = "${id}.status == complete" }`;
  const near = nearest(part, ['output', 'summary']);
  const meant = near === null ? ['output', ...path] : [near, ...rest];
  return `did you mean {{${['steps', id, ...meant].join('.')}}}?`;
}
