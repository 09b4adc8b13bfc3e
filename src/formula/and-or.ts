/** A condition is one: "and" and "or" in it would be taken for a part of the text that it compares with. */
import { parseCondition } from '../town/condition.js';
import { quote, type Findings, type Origin } from './problem.js';

/** A text in quotes, where a condition may have one. */
const QUOTED = /([=<>(]\s*)('[^']*'|"[^"]*")/g;
const JOINT = /&&|\|\||(?<=\s)(?:and|or)(?=\s)/i;

type Joint = { readonly word: string; readonly before: string };

/** The first "and" or "or" outside of quotes with what stands before it, null for a condition that is one. */
function jointIn(text: string): Joint | null {
  const outside = text.replace(QUOTED, (_, sign: string, quoted: string) => sign + ' '.repeat(quoted.length));
  const found = JOINT.exec(outside);
  return found === null ? null : { word: found[0], before: text.slice(0, found.index) };
}

export const INSTEAD_IN_STEP =
  'for and, put the step into a group and one condition on the group; for or, let a variable or the output of a step before say it; a compared text with such a word in it stands in quotes';
export const INSTEAD_AT_WORK =
  'let the output of one step say it, as output.ok == true; for and, a second gate goes on a step before; a compared text with such a word in it stands in quotes';

/** Whether the condition is one; if not, it is reported with what to write `instead`. */
export function isOneCondition(text: string, at: Origin, instead: string, findings: Findings): boolean {
  const joint = jointIn(text);
  if (joint === null) return true;
  findings.refuse(at, `${quote(text)} is more than one condition: there is no ${quote(joint.word)}`, {
    hint: instead,
    text: joint.word,
  });
  return false;
}

/** Whether a text is a condition on a molecule at work, or begins with one that another is joined to. */
export function meansCondition(text: string): boolean {
  return parseCondition(jointIn(text)?.before ?? text).ok;
}
