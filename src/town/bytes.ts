/** How many bytes a value takes as JSON. */
export const bytesOf = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value) ?? '').length;

/** Of a summary the server takes 400 bytes, with what stands around it. */
const SUMMARY_BYTES_MAX = 300;

/** As much of a text as the server takes for a summary; no character is cut in two. */
export function asSummary(text: string): string {
  let room = SUMMARY_BYTES_MAX;
  const characters = [...text];
  const end = characters.findIndex((one) => (room -= bytesOf(one) - 2) < 0);
  return end === -1 ? text : characters.slice(0, end).join('');
}
