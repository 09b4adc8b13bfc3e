/** "Did you mean": the candidate that a mistyped word most likely stands for. */

/** Longer words are not typed by hand, and comparing them would cost more than a hint is worth. */
const WORD_CHARS_MAX = 100;
const PREFIX_CHARS_MIN = 3;

/**
 * The nearest candidate by edit distance (a swap of two neighbours counts once, case not at all), at most one edit for every
 * three characters; failing that, the first that begins with the word or that the word begins with. Null when nothing is near: a wrong hint is
 * worse than none. Among equally near ones the first wins.
 */
export function nearest(word: string, candidates: Iterable<string>): string | null {
  if (word.length > WORD_CHARS_MAX) return null;
  const typed = word.toLowerCase();
  let best: { readonly candidate: string; readonly edits: number } | null = null;
  let begun: string | null = null;
  for (const candidate of candidates) {
    const meant = candidate.toLowerCase();
    const editsMax = Math.floor(Math.max(typed.length, meant.length) / 3);
    if (
      Math.min(typed.length, meant.length) >= PREFIX_CHARS_MIN &&
      (meant.startsWith(typed) || typed.startsWith(meant))
    )
      begun ??= candidate;
    if (Math.abs(typed.length - meant.length) > editsMax) continue;
    const edits = editDistance(typed, meant);
    if (edits <= editsMax && (best === null || edits < best.edits)) best = { candidate, edits };
  }
  return best?.candidate ?? begun;
}

/** Optimal string alignment, three rows at a time. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1];
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      current.push(
        Math.min(
          at(last, column) + 1,
          at(current, column - 1) + 1,
          at(last, column - 1) + (same ? 0 : 1),
          swapped ? at(beforeLast, column - 2) + 1 : Infinity,
        ),
      );
    }
    beforeLast = last;
    last = current;
  }
  return at(last, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Infinity;
}
