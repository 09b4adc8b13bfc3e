/**
 * A mission whose work comes to its targets as one, or not at all: in each rig its items land on a branch of the mission, and an item that is added lands
 * that branch once all the others of the rig have.
 */
import { isBranchName } from './branch.js';
import type { Item } from './mission.js';
import type { Protomolecule } from './protomolecule.js';
import { own } from './own.js';
import type { RigSnapshot } from './rig.js';

const NAME_CHARS_MAX = 250;
const LANDING = 'land';

/** Null: no branch can be named for a mission of that id. */
export function integrationBranch(mission: string): string | null {
  // Git has no branch that is another one's folder.
  const name = `integration/${mission.replaceAll('/', '-')}`;
  return isBranchName(name) && name.length <= NAME_CHARS_MAX ? name : null;
}

type Planned = {
  readonly protos: Readonly<Record<string, Protomolecule>>;
  readonly rigs: Readonly<Record<string, Pick<RigSnapshot, 'branch'>>>;
};

/**
 * The items of a mission, each to land on `branch` if it is polecats' work, and one more for each rig that lands all of that, with the plan of it in `protos`.
 * Should that come back, it is mended as the work of the rig's first item would be.
 */
export function withIntegration(
  items: readonly Item[],
  branch: string,
  { protos, rigs }: Planned,
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
      needs: all.map(({ id }) => id),
      priority: Math.min(...all.map(({ priority }) => priority)),
      from: branch,
      isWhole: true,
    };
    return [[item, { ...proto, formula: LANDING, steps: [], loops: [], bondPoints: [] }]];
  });
  const aimed = items.map((item) => (own(protos, item.id) === undefined ? item : { ...item, target: branch }));
  return {
    items: [...aimed, ...landings.map(([item]) => item)],
    protos: Object.fromEntries(landings.map(([{ id }, proto]) => [id, proto])),
  };
}

function freeId(id: string, taken: ReadonlySet<string>): string {
  let free = id;
  for (let count = 2; taken.has(free); count += 1) free = `${id}-${count}`;
  return free;
}
