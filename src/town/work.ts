/** Checks of a mission's work that need no disk: ids, needs, rigs. All problems at once, each with where it is. */
import { findCycle } from './graph.js';
import { nearest } from './nearest.js';
import { own } from './own.js';

export type WorkItem = {
  readonly id: string;
  readonly rig: string;
  readonly needs: readonly string[];
  /** The one slot that will do. */
  readonly agent?: string | undefined;
};
type Names = Readonly<Record<string, { readonly names: readonly string[] }>>;

/** Where an item stands in what the author wrote. Started by a formula's name, a mission has no list of work to point into. */
export function placeOf(index: number, id: string, byFormula: boolean): string {
  return byFormula ? '' : `work[${index}] (${id}).`;
}

export function checkWork(work: readonly WorkItem[], rigs: readonly string[], byFormula = false): readonly string[] {
  const ids = work.map((item) => item.id);
  const problems = work.flatMap((item, index) => {
    const at = placeOf(index, item.id, byFormula);
    const twice =
      ids.indexOf(item.id) === index ? [] : [`${at}id: "${item.id}" is taken by work[${ids.indexOf(item.id)}]`];
    const rig = rigs.includes(item.rig)
      ? []
      : [`${at}rig: there is no rig "${item.rig}"; ${offer(item.rig, rigs, 'the rigs are')}`];
    const needs = item.needs
      .filter((need) => !ids.includes(need))
      .map((need) => `${at}needs: there is no item "${need}"; ${offer(need, ids, 'the items are')}`);
    return [...twice, ...rig, ...needs];
  });
  const cycle = findCycle(work);
  return cycle === null ? problems : [...problems, `work: these items need each other: ${cycle.join(' → ')}`];
}

/** That a slot which is waited for is one of the rig's; a rig that is none was named by `checkWork`. */
export function checkAgents(work: readonly WorkItem[], rigs: Names, byFormula = false): readonly string[] {
  return work.flatMap(({ id, rig, agent }, index) => {
    const names = own(rigs, rig)?.names ?? [];
    if (agent === undefined || names.length === 0 || names.includes(agent)) return [];
    const meant = offer(agent, names, 'its polecats are');
    return [`${placeOf(index, id, byFormula)}agent: rig "${rig}" has no polecat "${agent}"; ${meant}`];
  });
}

function offer(word: string, known: readonly string[], all: string): string {
  if (known.length === 0) return `${all} none: add one with \`gt rig add\``;
  const near = nearest(word, known);
  return near === null ? `${all} ${known.join(', ')}` : `did you mean "${near}"?`;
}
