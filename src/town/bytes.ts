/** How many bytes a value takes as JSON. */
export const bytesOf = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value) ?? '').length;

/** Of a summary the server takes 400 bytes, with what stands around it. */
const SUMMARY_BYTES_MAX = 300;
const QUOTES_BYTES = 2;

/** As much of a text as the server takes for a summary; no character is cut in two. */
export function asSummary(text: string): string {
  let room = SUMMARY_BYTES_MAX;
  let summary = '';
  for (const character of text) {
    room -= bytesOf(character) - QUOTES_BYTES;
    if (room < 0) break;
    summary += character;
  }
  return summary;
}
