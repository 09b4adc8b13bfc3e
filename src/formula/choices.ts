/** `choices` of a step that is a question to a person: its output is the one that is chosen. */
import { CHOICE_CHARS_MAX, CHOICES_MAX } from './limits.js';
import type { JsonSchema } from './output-shape.js';
import { quote, type Path, type Report } from './problem.js';
import { isBlank } from './shape.js';

/** The shape of the output; null when there is something wrong with them, which is reported. */
export function readChoices(choices: readonly string[], path: Path, report: Report): JsonSchema | null {
  const wrong = whyNot(choices);
  if (wrong === null) return { enum: [...choices] };
  report(path, wrong, { hint: 'write choices = ["yes", "no"]' });
  return null;
}

function whyNot(choices: readonly string[]): string | null {
  if (choices.length < 2 || choices.length > CHOICES_MAX)
    return `a question has 2 to ${CHOICES_MAX} choices, not ${choices.length}`;
  const unfit = choices.find((one) => isBlank(one) || one !== one.trim() || one.length > CHOICE_CHARS_MAX);
  if (unfit !== undefined)
    return `a choice is 1 to ${CHOICE_CHARS_MAX} characters without spaces around them, not ${quote(unfit)}`;
  const words = choices.map((one) => one.toLowerCase());
  const twin = choices.find((_, index) => words.indexOf(words[index] ?? '') !== index);
  return twin === undefined ? null : `the choice ${quote(twin)} stands twice`;
}
