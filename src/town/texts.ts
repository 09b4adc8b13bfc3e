/** The texts in plain data, each changed in its place. */
export function mapTexts<T>(value: T, to: (text: string) => string): T {
  return mapped(value, to) as T; // the same shape, only texts differ
}

function mapped(value: unknown, to: (text: string) => string): unknown {
  if (typeof value === 'string') return to(value);
  if (Array.isArray(value)) return value.map((one: unknown) => mapped(one, to));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, mapped(one, to)]));
}
