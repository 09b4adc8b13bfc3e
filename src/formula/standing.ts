/** What stands where steps stood that have given way to others, and what who needs those waits for. */
import type { Need } from './formula.js';
import type { Kitchen } from './kitchen.js';
import { stepMeant } from './template.js';

/** The steps that stand where a step of this id stood; null when there never was one. */
export function standIns(
  id: string,
  ids: Pick<ReadonlySet<string>, 'has'>,
  became: Pick<ReadonlyMap<string, readonly string[]>, 'has' | 'get'>,
): readonly string[] | null {
  if (ids.has(id)) return [id];
  if (!became.has(id)) return null;
  const found = new Set<string>();
  const seen = new Set<string>([id]);
  const open = [...(became.get(id) ?? [])].toReversed();
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (ids.has(next)) found.add(next);
    else if (!seen.has(next)) {
      seen.add(next);
      open.push(...(became.get(next) ?? []).toReversed());
    }
  }
  return [...found];
}

/** The steps that who needs this id waits for: those in its place, and what a loop over an output needs. */
export function waitedFor(
  id: string,
  ids: Pick<ReadonlySet<string>, 'has'>,
  { became, alsoNeeded, namesakes, overOutputs }: Standing,
): readonly string[] | null {
  if (alsoNeeded.size === 0 && namesakes.size === 0) return standIns(id, ids, became);
  const isThere = (one: string) => ids.has(one) || became.has(one);
  const more = (one: string) => nameNeeds(alsoNeeded.get(one) ?? [], isThere).map((need) => need.id);
  const ends = (one: string) => {
    const all = became.get(one) ?? [];
    return overOutputs.has(one) ? all : withNamesakes(all, namesakes);
  };
  return standIns(id, ids, {
    has: (one) => became.has(one),
    get: (one) => [...ends(one), ...more(one)],
  });
}

/** Of each id what who needs that waits for: where others stand beside one of the same id, they may have given way so, too. */
function withNamesakes(ids: readonly string[], namesakes: Kitchen['namesakes']): readonly string[] {
  const all = new Set<string>();
  const open = [...ids].toReversed();
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const stand = namesakes.get(id) ?? [id];
    if (stand.includes(id)) all.add(id);
    for (const other of stand.toReversed()) if (other !== id && !all.has(other)) open.push(other);
  }
  return [...all];
}

/** What has become of steps. */
export type Standing = Pick<Kitchen, 'became' | 'alsoNeeded' | 'namesakes' | 'overOutputs'>;

/** What loops over outputs that stand where `id` was need of steps that are still to come into being. */
export function neededLater(
  id: string,
  ids: Pick<ReadonlySet<string>, 'has'>,
  { became, alsoNeeded }: Standing,
): readonly Need[] {
  if (alsoNeeded.size === 0) return [];
  const isThere = (one: string) => ids.has(one) || became.has(one);
  const later: Need[] = [];
  const gone = new Set([id]);
  for (const one of gone) {
    const needs = nameNeeds(alsoNeeded.get(one) ?? [], isThere);
    later.push(...needs.filter((need) => !isThere(need.id)));
    for (const next of [...(became.get(one) ?? []), ...needs.map((need) => need.id)])
      if (!ids.has(next)) gone.add(next);
  }
  return later;
}

/** Needs by the ids of what has come into being, where they were written in the body of a loop. */
export function nameNeeds(needs: readonly Need[], isThere: (id: string) => boolean): readonly Need[] {
  if (!needs.some(({ scope }) => scope !== undefined)) return needs;
  return needs.map((need) => ({ ...need, id: stepMeant(need.id, need.scope ?? null, isThere) }));
}
