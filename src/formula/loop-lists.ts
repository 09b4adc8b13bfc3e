/** The list that a loop goes round over: texts, a variable with their entries, or a step's output, which is known at run time only. */
import type { StepDraft } from './formula.js';
import { textIn, type Kitchen } from './kitchen.js';
import { outputNamed } from './output-loops.js';
import { didYouMean, Findings, quote, type Origin } from './problem.js';
import { isOpen, placeholderOf, withVariables } from './template.js';

const LISTS = 'a list is ["a", "b"], a variable, or ID.output.path';

/** The output that a loop is over, by its own word or by that of a variable; null when it is over texts. */
export function outputOf(
  step: StepDraft,
  list: string | readonly string[],
  kitchen: Kitchen,
): ReturnType<typeof outputNamed> {
  const written = outputNamed(list);
  if (written !== null || typeof list !== 'string') return written;
  const quiet = { ...kitchen.values, open: true, findings: new Findings() };
  const text = listText(step, list, { ...kitchen, values: quiet })?.trim() ?? '';
  return /^\{\{steps\.[^{}]*\}\}$/.test(text) ? outputNamed(text) : null;
}

/** A list as written, or the value of a variable, its entries between commas, on lines of their own, or in JSON. */
export function listOf(
  step: StepDraft,
  list: string | readonly string[],
  at: Origin,
  kitchen: Kitchen,
): readonly string[] {
  if (typeof list !== 'string')
    return list.map((entry, index) => textIn(step, entry, kitchen, 'loop', 'for_each', index));
  const { findings, values } = kitchen;
  const refuse = (message: string, hint: string | (() => string)) => {
    findings.refuse(at, message, { hint });
    return ['1'];
  };
  const text = listText(step, list, kitchen);
  if (text === null) {
    const hint = () => didYouMean(list.trim(), values.vars.keys()) ?? `a list of one text is [${quote(list.trim())}]`;
    return refuse(`there is no variable ${quote(list.trim())} to go round over`, hint);
  }
  if (values.open && isOpen(text)) return ['1'];
  if (ENTRY.test(text) || isOfEntry(step, list))
    return refuse(`the list is ${text}, of an entry that is known as the molecule runs`, FANS_OUT_ONCE);
  const unknown = unfilledIn(step, list, kitchen);
  if (unknown !== null)
    return refuse(`the list has ${unknown} in it, which is neither a variable nor an output`, LISTS);
  if (!list.includes('{') && !NAME.test(list.trim()))
    return refuse(`${quote(list)} is neither a variable nor an output to go round over`, meantBy(list));
  const output = outputNamed(text);
  if (output !== null)
    findings.warn(at, `the list is one text here: ${quote(text.trim())}`, {
      hint: `an output is given by {{steps.${output.step}.${output.path}}}`,
    });
  return entriesOf(text);
}

const ENTRY = /^\s*\{item(?:\.[\w-]+)*\}\s*$/;
const NAME = /^[A-Za-z_]\w*$/;
const PLACEHOLDER = /\{\{[^{}]*\}\}|\{[^{}]*\}/g;
const FANS_OUT_ONCE =
  'a step that is added fans out no further: let the step before leave one list of all that is to be done';

function entriesOf(text: string): readonly string[] {
  const entries = inJson(text) ?? text.split(/[,\n]/).map((entry) => entry.trim());
  return entries.filter((entry) => entry !== '');
}

/** The entries of a JSON list of texts and numbers; null for all else. */
function inJson(text: string): readonly string[] | null {
  if (!text.trim().startsWith('[')) return null;
  try {
    const list: unknown = JSON.parse(text);
    const isPlain =
      Array.isArray(list) && list.every((entry) => ['string', 'number', 'boolean'].includes(typeof entry));
    return isPlain ? list.map(String) : null;
  } catch {
    return null;
  }
}

/** The first thing in braces that nothing is put in the place of, or a brace that stands alone; null when there is none. */
function unfilledIn(step: StepDraft, list: string, kitchen: Kitchen): string | null {
  if (!list.includes('{')) return null;
  const quiet = { ...kitchen, values: { ...kitchen.values, findings: new Findings() } };
  for (const [written] of list.matchAll(PLACEHOLDER))
    if (textIn(step, withVariables(written, step.scope, kitchen.values), quiet) === written) return written;
  return /[{}]/.test(list.replaceAll(PLACEHOLDER, '')) ? quote(list) : null;
}

/** Whether the list begins with the variable of a loop over an output around, as `it.kids`. */
function isOfEntry(step: StepDraft, list: string): boolean {
  const [first, ...rest] = list.trim().split('.');
  if (rest.length === 0) return false;
  for (let here = step.scope; here !== null; here = here.outer)
    if (here.single.get(first ?? '')?.startsWith('{item') === true) return true;
  return false;
}

/** `a.ouput.l` and `a.outputs` mean `a.output.l` and `a.output`. */
function meantBy(list: string): string {
  const [step, ...path] = list
    .trim()
    .replace(/^steps\./, '')
    .split('.');
  const at = path.findIndex((part) => didYouMean(part, ['output']) !== null);
  const meant = [step, ...path.slice(0, at), 'output', ...path.slice(at + 1)].join('.');
  return at === -1 || outputNamed(meant) === null ? LISTS : `did you mean ${quote(meant)}?`;
}

/** The text with the entries, null for the name of no variable. */
function listText(step: StepDraft, list: string, kitchen: Kitchen): string | null {
  const bare = NAME.exec(list.trim())?.[0] ?? null;
  const named =
    bare === null ? withVariables(list, step.scope, kitchen.values) : placeholderOf(bare, step.scope, kitchen.values);
  return named === null ? null : textIn(step, named, kitchen, 'loop', 'for_each');
}
