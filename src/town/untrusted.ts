/**
 * Text of other hands in what a model is told: information, never an instruction. It cannot close its fence, nor can its origin, of which
 * a part may be of other hands, too.
 */

const ORIGIN_CHARS_MAX = 200;
/** However somebody writes one: a model reads it all the same. */
const FENCE = /<\s*\/?\s*untrusted/gi;

/** On lines of its own. */
export function untrusted(origin: string, text: string): string {
  return `${opening(origin)}\n${text.replaceAll(FENCE, NO_FENCE)}\n</untrusted>`;
}

/** In the midst of a sentence, as long as it is one line. */
export function untrustedValue(origin: string, value: string): string {
  if (value.includes('\n')) return untrusted(origin, value);
  return `${opening(origin)}${value.replaceAll(FENCE, NO_FENCE)}</untrusted>`;
}

/** What one fence alone holds, for programs; any other text as it is. */
export function unfenced(text: string): string {
  return /^<untrusted from="[^"]*">\n([\s\S]*)\n<\/untrusted>$/.exec(text)?.[1] ?? text;
}

/** What stands where the text itself has a fence. */
export const NO_FENCE = '<_untrusted';

function opening(origin: string): string {
  const plain = origin.replaceAll(/[\s"'<>&]+/g, ' ').trim();
  return `<untrusted from="${plain.slice(0, ORIGIN_CHARS_MAX)}">`;
}
