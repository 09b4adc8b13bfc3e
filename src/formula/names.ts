/** What formulas, steps and legs may be called: names become workflow ids, file names and branch names. */
import { WORKFLOW_TYPES } from '../town/workflow-types.js';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const NAME_CHARS_MAX = 100;
export const NAME_RULE = `must begin with a letter or digit and hold letters, digits, "-", "_" and "." only, ${NAME_CHARS_MAX} at most`;

/** Braces of a template's ids aside, which are filled in later. */
const BRACES = /\{[A-Za-z_][A-Za-z0-9_.]*\}/g;

/** Why no formula can bear this name, null when one can. */
export function nameProblem(name: string): string | null {
  if (!NAME.test(name) || name.length > NAME_CHARS_MAX) return NAME_RULE;
  return WORKFLOW_TYPES.some((type) => type === name) ? 'must not be the name of a workflow type' : null;
}

/** `open`: of a template, a loop's body or an advice, whose braces are not filled in yet. */
export function isId(id: string, open: boolean): boolean {
  const written = open && id.includes('{') ? id.replace(BRACES, 'x') : id;
  return written.length <= NAME_CHARS_MAX && NAME.test(written);
}

export function isFinalId(id: string, charsMax: number): boolean {
  return id.length <= charsMax && NAME.test(id);
}
