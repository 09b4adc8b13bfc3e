/** The prefix of a rig's molecules, as in `gt-0a1b2c3d`: two to four lower-case letters that no other rig has. */

export const PREFIX = /^[a-z]{2,4}$/;

/** Ids of the town itself begin so. */
export const RESERVED_PREFIXES: readonly string[] = ['hq'];

const LETTERS = Array.from('abcdefghijklmnopqrstuvwxyz');

/** The first free one that the name suggests (`server`: se, sr, sv …), failing that the first free one at all. */
export function derivePrefix(rig: string, taken: readonly string[]): string {
  const letters = Array.from(rig.replaceAll(/[^a-z]/g, ''));
  const first = letters[0] ?? 'r';
  const suggested = [...letters.slice(1), ...LETTERS].map((letter) => first + letter);
  const longer = LETTERS.flatMap((a) => LETTERS.map((b) => first + a + b));
  const free = [...suggested, ...longer].find((prefix) => !taken.includes(prefix));
  if (free === undefined) throw new Error(`no prefix is left for the rig ${rig}`);
  return free;
}
