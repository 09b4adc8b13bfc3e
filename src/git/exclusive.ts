/** One at a time for each key, within this process: activities that run side by side do not fight over one mirror. */

const last = new Map<string, Promise<unknown>>();

/** Runs `act` when everything given before under the same key has ended. Not reentrant: never nest the same key. */
export async function exclusive<T>(key: string, act: () => Promise<T>): Promise<T> {
  const before = last.get(key) ?? Promise.resolve();
  const mine = before.then(act, act);
  last.set(key, mine);
  try {
    return await mine;
  } finally {
    if (last.get(key) === mine) last.delete(key);
  }
}
