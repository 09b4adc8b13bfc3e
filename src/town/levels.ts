/**
 * How deep plain data nests. What goes through a value level by level, as schemas and JSON do, runs out of stack where there are some
 * thousands of them, and in a workflow that breaks its task for ever.
 */
export function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  const inner: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  return inner.some((one) => isDeeper(one, levels - 1));
}
