const NOBODY = 65_534;

/** `work` as somebody who may not read what others keep to themselves. Root, who may read everything, becomes nobody for it. */
export async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return work();
  process.seteuid?.(NOBODY);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
}
