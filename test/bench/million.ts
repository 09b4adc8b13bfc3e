/**
 * `npm run bench:million`: the towers of Hanoi with 20 disks, 1,048,575 moves and two steps around them, closed to the end by one agent that
 * knows their ids and closes a thousand at a time. What must not grow is measured on the way: the worker's memory, and the
 * history of each run. `DISKS=14 npm run bench:million` for a shorter one.
 */
import { readFile } from 'node:fs/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { moleculeMessages } from '../../src/contract/messages.js';
import { stepsQuery } from '../../src/contract/molecule.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import { liveTown } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { measuredBy, tell, tellJson } from './figures.js';

const DISKS = Number(process.env['DISKS'] ?? 20);
const MOVES = 2 ** DISKS - 1;
const BATCH = 1_000;
/** How far the agent is when what must not grow is looked at, as parts of the whole. */
const LOOKS = 20;

type Look = { readonly megabytes: number; readonly events: number; readonly bytes: number };

async function lookAt(town: LiveTown, handle: WorkflowHandle): Promise<Look> {
  const status = await readFile(`/proc/${town.raised.workerPid() ?? 0}/status`, 'utf8');
  const { historyLength: events, historySize: bytes = 0 } = await handle.describe();
  return { megabytes: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024, events, bytes };
}

async function bench(town: LiveTown): Promise<void> {
  const input = { formula: 'towers-of-hanoi', vars: { disks: String(DISKS) } };
  const how = { taskQueue: TOWN_QUEUE, workflowId: 'te-million', args: [input] };
  const handle = await town.client.workflow.start('molecule', how);
  while ((await handle.query(stepsQuery)).length === 0);
  const close = async (step: string | string[]) =>
    handle.executeUpdate(moleculeMessages.close.update, { args: [{ step, continue: true }] });
  const begun = performance.now();
  const looks: Look[] = [];
  await close('pegs');
  for (let from = 1; from <= MOVES; from += BATCH) {
    const count = Math.min(BATCH, MOVES - from + 1);
    await close(Array.from({ length: count }, (_, at) => `solve.iter${from + at}.move`));
    if (from >= ((looks.length + 1) / LOOKS) * MOVES) looks.push(await lookAt(town, handle));
  }
  await close('check');
  const { passed = 0, steps } = (await handle.result()) as {
    readonly passed?: number;
    readonly steps: readonly object[];
  };
  const seconds = (performance.now() - begun) / 1_000;
  // The loop itself is a step of the molecule, and none of the formula's.
  if (passed + steps.length - 1 !== MOVES + 2)
    throw new Error(`${passed} and ${steps.length} steps are not ${MOVES + 2}`);
  tell(`Hanoi with ${DISKS} disks, steps`, MOVES + 2, 'steps');
  tell('closed by one agent, in batches', seconds, 's');
  tell('a step', (seconds / (MOVES + 2)) * 1_000_000, 'µs');
  tellFlat(looks);
}

/** Halves are compared: what grows with each step would be larger in the second. */
function tellFlat(looks: readonly Look[]): void {
  const most = (some: readonly Look[], of: (look: Look) => number) => Math.max(0, ...some.map(of));
  const [first, second] = [looks.slice(0, looks.length / 2), looks.slice(looks.length / 2)];
  tell(
    'most memory of the worker',
    most(looks, (look) => look.megabytes),
    'MB',
  );
  const growth = most(second, (look) => look.megabytes) / most(first, (look) => look.megabytes);
  tell('the second half against the first', growth, 'times', 'flat: at most 1.2', growth <= 1.2);
  tell(
    'longest history of a run',
    most(looks, (look) => look.events),
    'events',
  );
  const bytes = most(looks, (look) => look.bytes);
  tell('largest history of a run', bytes / 2 ** 20, 'MiB', 'under the server’s limit of 50', bytes < 50 * 2 ** 20);
}

measuredBy(`DISKS=${DISKS} npm run bench:million`);
const town = await liveTown({ rigs: {} });
try {
  await bench(town);
} finally {
  await town.stop();
}
tellJson();
