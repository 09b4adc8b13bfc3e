/** Molecules on a live town whose steps are given as they are cooked, each on the hook of a polecat of its own. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { readTown } from '../../src/config.js';
import { stepsQuery } from '../../src/contract/molecule.js';
import type { MoleculeResult } from '../../src/contract/molecule.js';
import type { PolecatInput } from '../../src/contract/polecat.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import type { Step } from '../../src/town/molecule-state.js';
import type { Protomolecule } from '../../src/town/protomolecule.js';
import type { LiveTown } from './live-town.js';
import { until } from './live-town.js';

export type LiveMolecule = {
  readonly id: string;
  readonly handle: WorkflowHandle;
  readonly polecat: WorkflowHandle;
  readonly result: () => Promise<MoleculeResult>;
  /** Waits until a step stands so: the kind of its state, for what it waits, or how it was closed. */
  readonly reach: (step: string, stand: string) => Promise<Step>;
  /** An Update by Temporal's own CLI; answers what it printed. */
  readonly update: (name: string, input: unknown) => Promise<string>;
};

let polecats = 0;

export async function liveMolecule(town: LiveTown, rig: string, proto: Protomolecule): Promise<LiveMolecule> {
  polecats += 1;
  const name = `Test${polecats}`;
  const id = `te-${proto.formula}-${polecats}`;
  const input = await polecatInput(town, rig, { id, name, proto });
  const polecat = await town.client.workflow.start('polecat', {
    taskQueue: TOWN_QUEUE,
    workflowId: `${rig}/polecats/${name}`,
    args: [input],
  });
  const handle = town.client.workflow.getHandle(id);
  const steps = () => handle.query(stepsQuery);
  return {
    id,
    handle,
    polecat,
    result: async () => {
      await until(`${id} has begun`, () => handle.describe());
      return handle.result() as Promise<MoleculeResult>;
    },
    reach: (step, stand) =>
      until(`${step} is ${stand}`, async () => {
        const found = (await steps()).find((one) => one.id === step);
        return found !== undefined && standOf(found) === stand ? found : null;
      }),
    update: async (message, content) => {
      const args = ['-w', id, '--name', message, '--input', JSON.stringify(content)];
      return (await town.temporal('workflow', 'update', 'execute', ...args)).output;
    },
  };
}

/** The kind of a step's state, for what it waits, or how it was closed. */
export function standOf({ state }: Step): string {
  return state.kind === 'closed' ? state.outcome : state.kind === 'waiting' ? state.for : state.kind;
}

async function polecatInput(
  town: LiveTown,
  rigName: string,
  { id, name, proto }: { readonly id: string; readonly name: string; readonly proto: Protomolecule },
): Promise<PolecatInput> {
  const read = await readTown(town.dir);
  if (!read.ok) throw new Error(read.problems.join('\n'));
  const { snapshot, paths } = read.town;
  const rig = snapshot.rigs[rigName];
  if (rig === undefined) throw new Error(`there is no rig ${rigName}`);
  const host = (await readFile(join(paths.state, 'host-id'), 'utf8')).trim();
  return {
    mission: 'nobody',
    claim: `nobody/${id}/1`,
    item: { id: proto.formula, title: proto.formula, priority: 2 },
    name,
    incarnation: 1,
    host,
    molecule: id,
    rig,
    limits: snapshot.limits,
    proto,
  };
}
