/** Checks of a mission's work that need no disk: ids, needs, rigs. All problems at once, each with where it is. */
import { memberMeant } from './assigned.js';
import { findCycle } from './graph.js';
import { nearest } from './nearest.js';
import { own } from './own.js';

export type WorkItem = {
  readonly id: string;
  readonly rig: string;
  readonly needs: readonly string[];
  /** The one slot that will do. */
  readonly agent?: string | undefined;
  /** The person who does it. */
  readonly assignee?: string | undefined;
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

/** The people that items name, as far as they can be somebody. */
export function assigneesOf(work: readonly WorkItem[]): readonly string[] {
  return [...new Set(work.flatMap((item) => personOf(item) ?? []))];
}

/** `members`: addresses of all crews. */
export function checkAssignees(work: readonly WorkItem[], members: readonly string[]): readonly string[] {
  return work.flatMap((item, index) => {
    const { id, assignee } = item;
    if (assignee === undefined) return [];
    const at = `${placeOf(index, id, false)}assignee: `;
    const person = personOf(item);
    if (person === null)
      return [`${at}"${assignee}" is no person: crew/NAME of the rig, or RIG/crew/NAME, is expected`];
    if (members.includes(person)) return [];
    return [`${at}there is no ${person}; ${offer(person, members, 'the people are', 'gt crew add RIG/NAME')}`];
  });
}

function personOf({ assignee, rig }: WorkItem): string | null {
  return assignee === undefined ? null : memberMeant(assignee, rig);
}

function offer(word: string, known: readonly string[], all: string, add = 'gt rig add'): string {
  if (known.length === 0) return `${all} none: add one with \`${add}\``;
  const near = nearest(word, known);
  return near === null ? `${all} ${known.join(', ')}` : `did you mean "${near}"?`;
}
