/** What the legs of a convoy leave to its synthesis, and how much of it is kept on the way. */
import { OUTPUT_CHARS_MAX } from './output.js';
import type { Json } from './act.js';
import type { Left } from './references.js';

/** The most of one leg's output that its report carries. */
export const FINDINGS_CHARS_MAX = OUTPUT_CHARS_MAX;
/** The most that a mission keeps of all its legs together: they share it evenly. */
const MISSION_FINDINGS_CHARS_MAX = 200_000;
const SUMMARY_CHARS_MAX = 2_000;

/** The text, or its head with a word that says how much is missing. */
export function cut(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  const head = text.slice(0, charsMax);
  // Half of a surrogate pair is no character.
  const whole = /[\uD800-\uDBFF]$/.test(head) ? head.slice(0, -1) : head;
  return `${whole}\n[cut here: ${text.length - whole.length} more characters]`;
}

/** Output that is no text keeps its form where it fits; too long, it becomes text that is cut. */
export function bounded({ summary, output }: Left, charsMax: number): Left {
  return { summary: cut(summary, SUMMARY_CHARS_MAX), output: output === null ? null : shortened(output, charsMax) };
}

function shortened(output: Json, charsMax: number): Json {
  if (typeof output === 'string') return cut(output, charsMax);
  const text = JSON.stringify(output);
  return text.length <= charsMax ? output : cut(text, charsMax);
}

export function shareOf(legs: number): number {
  return Math.min(FINDINGS_CHARS_MAX, Math.floor(MISSION_FINDINGS_CHARS_MAX / Math.max(1, legs)));
}
