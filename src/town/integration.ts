/**
 * A mission whose work comes to its targets as one, or not at all: in each rig its items land on a branch of the mission, and an item that is added lands
 * that branch once all the others of the rig have.
 */
import { isBranchName } from './branch.js';
import type { Item, MissionState } from './mission.js';
import type { Protomolecule } from './protomolecule.js';
import { own } from './own.js';
import type { RigSnapshot } from './rig.js';
import type { RuntimeKind } from './runtime.js';

const NAME_CHARS_MAX = 250;
const LANDING = 'land';

/** Null: no branch can be named for a mission of that id. */
export function integrationBranch(mission: string): string | null {
  // Git has no branch that is another one's folder.
  const name = `integration/${mission.replaceAll('/', '-')}`;
  return isBranchName(name) && name.length <= NAME_CHARS_MAX ? name : null;
}

/** Null: work in these rigs can land as one from that branch. */
export function whyNotAsOne(
  rigs: readonly Pick<RigSnapshot, 'name' | 'url' | 'branch'>[],
  branch: string,
): string | null {
  const own = rigs.find((rig) => rig.branch === branch);
  if (own !== undefined) return `${branch} is what work in rig "${own.name}" lands on; name another branch`;
  const twin = rigs.find((rig, at) => rigs.slice(0, at).some(({ url }) => url === rig.url));
  return twin === undefined
    ? null
    : `rig "${twin.name}" has the repository of another one of the mission: start one for each`;
}

type Planned = {
  readonly protos: Readonly<Record<string, Protomolecule>>;
  readonly rigs: Readonly<Record<string, Pick<RigSnapshot, 'branch'>>>;
};

/**
 * The items of a mission, each to land on `branch` if it is polecats' work, and one more for each rig that lands all of that, with the plan of it in `protos`.
 * Should that come back, it is mended as the work of the rig's first item would be. `isTogether`: none of them lands before all are verified; `isNamed`: there may be work on the branch already.
 */
export function withIntegration(
  items: readonly Item[],
  branch: string,
  { protos, rigs }: Planned,
  { isTogether = false, isNamed = false }: { readonly isTogether?: boolean; readonly isNamed?: boolean } = {},
): { readonly items: readonly Item[]; readonly protos: Planned['protos'] } {
  const names = [...new Set(items.map(({ rig }) => rig))];
  const taken = new Set(items.map(({ id }) => id));
  const landings = names.flatMap((rig): readonly (readonly [Item, Protomolecule])[] => {
    const all = items.filter((one) => one.rig === rig);
    const first = all.find(({ id }) => own(protos, id) !== undefined);
    const proto = own(protos, first?.id ?? '');
    if (first === undefined || proto === undefined) return [];
    const { agent: _agent, leg: _leg, ...plain } = first;
    const item: Item = {
      ...plain,
      id: freeId(names.length === 1 ? LANDING : `${LANDING}.${rig}`, taken),
      title: `Land ${branch} on ${own(rigs, rig)?.branch ?? 'its target'}`,
      formula: LANDING,
      needs: (isTogether ? items : all).map(({ id }) => id),
      priority: Math.min(...all.map(({ priority }) => priority)),
      from: branch,
      isWhole: true,
      ...(isTogether ? { isTogether } : {}),
      ...(isNamed ? { workedBy: UNKNOWN } : {}),
    };
    return [[item, { ...proto, formula: LANDING, steps: [], loops: [], bondPoints: [] }]];
  });
  const aimed = items.map((item) => (own(protos, item.id) === undefined ? item : { ...item, target: branch }));
  return {
    items: [...aimed, ...landings.map(([item]) => item)],
    protos: Object.fromEntries(landings.map(([{ id }, proto]) => [id, proto])),
  };
}

/** Whoever nobody knows of may have been one. */
const UNKNOWN: readonly RuntimeKind[] = ['command'];

/** The models that have worked on what an item is to land: their words are in it. */
export function modelsIn(
  { items }: Pick<MissionState, 'items'>,
  { rig, from, workedBy = [] }: Item,
): readonly RuntimeKind[] {
  const landed = items.filter((one) => one.rig === rig && one.target === from && one.state.kind === 'landed');
  return [...new Set([...workedBy, ...landed.flatMap((one) => one.workedBy ?? UNKNOWN)])];
}

/**
 * What may land now of those that belong together: one after the other, in their order, and none before all are verified. Once one that was let go has landed
 * there is no way back, and the others follow as they are verified.
 */
export function nextToLand({ items }: Pick<MissionState, 'items'>): Landing | null {
  const landings = items.filter(({ isTogether }) => isTogether === true);
  const open = landings.filter(({ state }) => state.kind !== 'landed' && state.kind !== 'skipped');
  const verified = open.flatMap(({ id, rig, state }): Landing[] => {
    const isReady = state.kind === 'working' && state.leaving === undefined && state.verified !== undefined;
    return isReady ? [{ item: id, rig, request: state.verified ?? '' }] : [];
  });
  const hasBegun = landings.some(({ state, isLetGo }) => state.kind === 'landed' && isLetGo === true);
  return hasBegun || verified.length === open.length ? (verified[0] ?? null) : null;
}

/**
 * Whether a slot may be asked for: each holds one until all are verified, so all missions ask in the same order, and none waits for what another one holds
 * that waits for it.
 */
export function mayAsk(items: readonly Item[], { rig, isTogether }: Item): boolean {
  return isTogether !== true || items.every((one) => one.isTogether !== true || one.rig >= rig || hasSlot(one));
}

const hasSlot = ({ state }: Item): boolean => ['working', 'landed', 'skipped'].includes(state.kind);

type Landing = { readonly item: string; readonly rig: string; readonly request: string };

function freeId(id: string, taken: ReadonlySet<string>): string {
  let free = id;
  for (let count = 2; taken.has(free); count += 1) free = `${id}-${count}`;
  return free;
}
