/** Much of the same, not all at once. */

/** The results in the order of the list; rejects as soon as one does. */
export async function atMost<T, R>(
  max: number,
  all: readonly T[],
  work: (one: T) => Promise<R>,
): Promise<readonly R[]> {
  const results = new Map<number, R>();
  const queue = all.entries();
  const lane = async () => {
    for (const [at, one] of queue) results.set(at, await work(one));
  };
  await Promise.all(Array.from({ length: Math.min(max, all.length) }, lane));
  return all.flatMap((_, at) => (results.has(at) ? [results.get(at) as R] : []));
}
