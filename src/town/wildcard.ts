/** Patterns in which `*` stands for any text, also for none, and every other character for itself. */

/** Each part is looked for behind the one before: no text makes this slow. */
export function fits(wanted: string, text: string): boolean {
  const first = wanted.indexOf('*');
  if (first === -1) return text === wanted;
  const last = wanted.lastIndexOf('*');
  const tail = wanted.length - last - 1;
  if (text.length < first + tail) return false;
  if (!text.startsWith(wanted.slice(0, first)) || !text.endsWith(wanted.slice(last + 1))) return false;
  let at = first;
  for (let star = first; star < last;) {
    const next = wanted.indexOf('*', star + 1);
    const part = wanted.slice(star + 1, next);
    const found = text.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
    star = next;
  }
  return at <= text.length - tail;
}
