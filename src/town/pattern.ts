/**
 * Regular expressions that cannot run away: RE2's, which are Go's, and so what formulas were written for. The time to match is the
 * length of the value times the size of the pattern; what needs more (a back-reference, a look-around) is refused.
 */
import { RE2JS, RE2JSException } from 're2js';

const PATTERN_CHARS_MAX = 1000;

export type Pattern =
  | { readonly ok: true; readonly test: (value: string) => boolean }
  | { readonly ok: false; readonly message: string };

/** The pattern must match somewhere in a value; anchored by `^` and `$` it must match all of it. */
export function compilePattern(pattern: string): Pattern {
  if (pattern.length > PATTERN_CHARS_MAX)
    return { ok: false, message: `has ${pattern.length} characters, the most is ${PATTERN_CHARS_MAX}` };
  try {
    const compiled = RE2JS.compile(pattern);
    return { ok: true, test: (value) => compiled.matcher(value).find() };
  } catch (error) {
    if (error instanceof RE2JSException) return { ok: false, message: whyOf(error) };
    throw error;
  }
}

const WHY_CHARS_MAX = 200;

function whyOf({ message }: RE2JSException): string {
  const why = message.replace(/^error parsing regexp: /, '').slice(0, WHY_CHARS_MAX);
  const hint = /\(\?[=!<]|\\[1-9]/.test(why) ? '; look-arounds and back-references could run away' : '';
  return `is no pattern: ${why}${hint}`;
}
