/**
 * The `condition` of a step: `{{v}}`, `!{{v}}`, `{{v}} == text` or `{{v}} != text`, where `v` is a variable or `steps.ID.output.path`; `{v}` is
 * the variable of a loop, a template or an advice. There is no and, no or: a step of its own says it better.
 */
import type { StepCondition } from '../town/protomolecule.js';

const SUBJECT = String.raw`\{\{[A-Za-z_][\w.{}-]*?\}\}|\{[A-Za-z_][\w.-]*\}`;
const TRUTHY = new RegExp(`^(!?)\\s*(${SUBJECT})$`);
const COMPARED = new RegExp(`^(${SUBJECT})\\s*(==|!=)\\s*(.*)$`, 's');

/** The condition with its braces still open, null when it has none of the forms. */
export function readStepCondition(text: string): StepCondition | null {
  const written = text.trim();
  const truthy = TRUTHY.exec(written);
  if (truthy?.[2] !== undefined)
    return { text: written, value: truthy[2], op: truthy[1] === '!' ? 'falsy' : 'truthy', against: '' };
  const compared = COMPARED.exec(written);
  if (compared?.[1] === undefined) return null;
  const against = unquoted((compared[3] ?? '').trim());
  return { text: written, value: compared[1], op: compared[2] === '==' ? 'is' : 'isNot', against };
}

function unquoted(text: string): string {
  return /^(['"]).*\1$/s.test(text) && text.length >= 2 ? text.slice(1, -1) : text;
}
