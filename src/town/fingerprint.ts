/** A short mark of a content: whether what comes under a known id is the same again. Of those who mean well: it keeps nobody from making two alike. */

/** Of JSON: in whatever order it has its keys, without those whose values are undefined. */
export function fingerprint(content: unknown): string {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (const unit of sorted(content)) {
    const code = unit.codePointAt(0) ?? 0;
    a = Math.imul(a ^ code, 2_654_435_761);
    b = Math.imul(b ^ code, 1_597_334_677);
  }
  a = Math.imul(a ^ (a >>> 16), 2_246_822_507) ^ Math.imul(b ^ (b >>> 13), 3_266_489_909);
  b = Math.imul(b ^ (b >>> 16), 2_246_822_507) ^ Math.imul(a ^ (a >>> 13), 3_266_489_909);
  return (2 ** 32 * (b & 0x1f_ffff) + (a >>> 0)).toString(36);
}

/** What a person's message says, whoever repeats it and under which id; null of what the town tells itself, which is the latest in any case. */
export function saidIn(content: unknown): object | null {
  if (typeof content !== 'object' || content === null) return null;
  const { id: _id, by, ...said } = content as { readonly [key: string]: unknown }; // any object has keys
  return by === undefined && !('from' in said) ? null : said;
}

function sorted(content: unknown): string {
  return JSON.stringify(content, (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1)));
  });
}
