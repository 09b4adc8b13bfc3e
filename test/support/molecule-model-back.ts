/** Going back in the model of a molecule: what cannot stay as it is when a step is done again. */
import type { Node } from './molecule-model.js';

type Back = {
  /** Pending once more. */
  readonly again: ReadonlySet<Node>;
  /** Groups and loops around one that is done again: open once more, and pending those that were skipped and may never have opened. */
  readonly open: ReadonlySet<Node>;
  readonly anew: ReadonlySet<Node>;
  /** What had been added since. */
  readonly gone: ReadonlySet<Node>;
  /** By the id of a loop the iteration that it is at then. */
  readonly iterations: ReadonlyMap<string, number>;
};

/** Null when nobody can go back to before the step. */
export function backFrom(nodes: readonly Node[], from: string, isSandboxed: boolean): Back | null {
  const first = nodes.find(({ id }) => id === from);
  if (first === undefined || first.stand === 'pending') return null;
  const again = new Set([first]);
  // Everything that follows is looked for anew until nothing is found any more.
  for (;;) {
    const back = whatCameOf(nodes, again);
    const more = isSandboxed ? behindIn(nodes, { ...back, again }) : [];
    const found = [...back.again, ...more].filter((node) => !again.has(node) && !back.gone.has(node));
    if (found.length === 0) return isPossible(nodes, back) ? { ...back, again: minus(again, back.gone) } : null;
    for (const node of found) again.add(node);
  }
}

/** The next steps of the way back: who needs one that is done again, what is in it, what it has added, what is around it. */
function whatCameOf(nodes: readonly Node[], again: ReadonlySet<Node>): Back {
  const iterations = new Map<string, number>();
  const touched = touchedBy(nodes, again);
  for (const { kind, id, loop, iteration } of touched) {
    if (loop !== null) iterations.set(loop, Math.min(iteration, iterations.get(loop) ?? iteration));
    if (kind === 'loop' && [...again].some((one) => one.id === id)) iterations.set(id, 1);
  }
  const isGone = (node: Node): boolean => {
    const source = nodes.find(({ id }) => id === node.from);
    return (
      node.iteration > (node.loop === null ? Infinity : (iterations.get(node.loop) ?? Infinity)) ||
      (source !== undefined && (again.has(source) || isGone(source)))
    );
  };
  const gone = new Set(nodes.filter(isGone));
  const next = new Set<Node>();
  const around = [...touched]
    .filter(({ kind }) => kind === 'group' || kind === 'loop')
    .filter((node) => !again.has(node));
  for (const node of nodes) {
    const isInside = [...again].some(({ id, kind }) =>
      kind === 'loop' ? node.loop === id && node.iteration === 1 : kind === 'group' && node.parent === id,
    );
    const isAfter = node.stand !== 'pending' && node.needs.some((need) => isIn(touched, meant(nodes, node, need)));
    if (isInside || isAfter) next.add(node);
  }
  const open = around.filter(({ stand }) => ['open', 'done', 'escalation'].includes(stand));
  const anew = around.filter(({ stand }) => stand === 'skipped');
  return { again: next, open: minus(open, gone), anew: minus(anew, gone), gone, iterations };
}

/** Those that are done again, and the groups, loops and fans that one of them is of. */
function touchedBy(nodes: readonly Node[], again: ReadonlySet<Node>): ReadonlySet<Node> {
  const touched = new Set(again);
  for (const node of touched)
    for (const other of nodes)
      if (other.id === node.parent || other.id === node.loop || other.id === node.from) touched.add(other);
  return touched;
}

/** To whoever is not in the loop itself a step of it stands for the whole loop. */
function meant(nodes: readonly Node[], node: Node, need: string): Node | undefined {
  const found = nodes.find(({ id }) => id === need);
  const isInside = found?.loop == null || node.loop === found.loop || node.id === found.loop;
  return isInside ? found : nodes.find(({ id }) => id === found.loop);
}

/** In one sandbox: every step whose commit comes after one that goes, and what lies there half done. */
function behindIn(nodes: readonly Node[], { again, gone }: Back): readonly Node[] {
  const goes = (node: Node) => again.has(node) || gone.has(node);
  const first = Math.min(...nodes.filter(goes).map(({ commit }) => commit ?? Infinity));
  const isMoved = first < Infinity || nodes.some((node) => node.isHalfDone && goes(node));
  return isMoved ? nodes.filter((node) => node.isHalfDone || (node.commit ?? 0) >= first) : [];
}

/** Nobody is left behind who needs what went, and nothing is gone back to that is forgotten. */
function isPossible(nodes: readonly Node[], { gone, iterations }: Back): boolean {
  const isLeft = nodes.some(
    (node) => !gone.has(node) && node.needs.some((need) => [...gone].some(({ id }) => id === need)),
  );
  const isForgotten = [...iterations].some(
    ([loop, first]) => !nodes.some((node) => node.loop === loop && node.iteration === first),
  );
  return !isLeft && !isForgotten;
}

function isIn(nodes: ReadonlySet<Node>, node: Node | undefined): boolean {
  return node !== undefined && nodes.has(node);
}

function minus(all: Iterable<Node>, some: ReadonlySet<Node>): ReadonlySet<Node> {
  return new Set([...all].filter((node) => !some.has(node)));
}
