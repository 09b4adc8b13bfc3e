/**
 * Globs over ids: `*` any text, `?` one character, `[ab-z]` or `[^a]` one of these, `\` takes the sign behind it as it is. Time is the
 * length of the glob times that of the id, whatever the glob.
 */

type Part = { readonly kind: 'any' } | { readonly kind: 'one'; readonly fits: (character: string) => boolean };

export type Glob = (id: string) => boolean;

/** Whether it is more than one id. */
export function isGlob(text: string): boolean {
  return /[*?[\\]/.test(text);
}

/** Null when it is no glob. */
export function compileGlob(text: string): Glob | null {
  if (!isGlob(text)) return (id) => id === text;
  const parts: Part[] = [];
  for (let at = 0; at < text.length;) {
    const character = text.charAt(at);
    if (character === '*') {
      if (parts.at(-1)?.kind !== 'any') parts.push({ kind: 'any' });
      at += 1;
    } else if (character === '?') {
      parts.push({ kind: 'one', fits: () => true });
      at += 1;
    } else if (character === '[') {
      const set = /^\[(\^?)((?:\\.|[^\]\\])+)\]/.exec(text.slice(at));
      if (set === null) return null;
      parts.push({ kind: 'one', fits: oneOf(set[2] ?? '', set[1] === '^') });
      at += set[0].length;
    } else {
      const literal = character === '\\' ? text.charAt(at + 1) : character;
      if (literal === '') return null;
      parts.push({ kind: 'one', fits: (other) => other === literal });
      at += character === '\\' ? 2 : 1;
    }
  }
  return (id) => matches(parts, id);
}

/** On a misfit the last `*` takes one character more: each id is walked once for each of its characters at most. */
function matches(parts: readonly Part[], id: string): boolean {
  let part = 0;
  let at = 0;
  let star = -1;
  let starAt = 0;
  while (at < id.length) {
    const now = parts[part];
    if (now?.kind === 'one' && now.fits(id.charAt(at))) {
      part += 1;
      at += 1;
    } else if (now?.kind === 'any') {
      star = part;
      starAt = at;
      part += 1;
    } else if (star >= 0) {
      part = star + 1;
      starAt += 1;
      at = starAt;
    } else return false;
  }
  return parts.slice(part).every(({ kind }) => kind === 'any');
}

function oneOf(set: string, negated: boolean): (character: string) => boolean {
  const ranges: (readonly [string, string])[] = [];
  const signs = Array.from(set.matchAll(/\\?(.)/gs), ([, sign = '']) => sign);
  for (let at = 0; at < signs.length; at += 1) {
    const [from, dash, to] = [signs[at] ?? '', signs[at + 1], signs[at + 2]];
    if (dash === '-' && to !== undefined) {
      ranges.push([from, to]);
      at += 2;
    } else ranges.push([from, from]);
  }
  return (character) => ranges.some(([from, to]) => from <= character && character <= to) !== negated;
}
