/** Something with an id that needs others: a step of a formula, an item of a mission. */
export type Node = { readonly id: string; readonly needs: readonly string[] };

/** A cycle as the ids along it, first and last the same, or null. Needs that name nobody are not followed. */
export function findCycle(nodes: readonly Node[]): readonly string[] | null {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const done = new Set<string>();
  for (const start of nodes) {
    // An explicit stack: a chain of a million steps must not overflow the call stack.
    const path: { readonly id: string; next: number }[] = [];
    const onPath = new Set<string>();
    const enter = (id: string) => {
      path.push({ id, next: 0 });
      onPath.add(id);
    };
    if (!done.has(start.id)) enter(start.id);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const need = byId.get(top.id)?.needs[top.next];
      top.next += 1;
      if (need === undefined) {
        done.add(top.id);
        onPath.delete(top.id);
        path.pop();
      } else if (onPath.has(need)) {
        const ids = path.map((entry) => entry.id);
        return [...ids.slice(ids.indexOf(need)), need];
      } else if (byId.has(need) && !done.has(need)) {
        enter(need);
      }
    }
  }
  return null;
}
