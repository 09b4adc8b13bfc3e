/**
 * `npm run bench:sling`: from the moment in which a mission is accepted to the start of its first session, on a rig with free slots, against a plain
 * workflow that starts one activity. Acts do nothing, but for those that start roles; by turns, on one server, by the same kind of worker.
 */
import type { Client } from '@temporalio/client';
import { ensureRole } from '../../src/activities/roles.js';
import { findRigHolds } from '../../src/activities/town-hold.js';
import type { RoleRequest, WorkPlan } from '../../src/contract/activities.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import { DEFAULT_LIMITS, type RigSnapshot } from '../../src/town/rig.js';
import { NO_USAGE, type SessionResult, type SessionSpec } from '../../src/town/session.js';
import { cookText } from '../support/formula.js';
import { measuredBy, median, tell, tellJson } from './figures.js';
import { BENCH_HOST } from './bench-host.js';
import { PLAIN_QUEUE, withWorkers } from './bench-workers.js';

const RUNS = 20;
const HEAD = '0'.repeat(40);

const RIG: RigSnapshot = {
  name: 'bench',
  url: '/nowhere',
  branch: 'main',
  gates: [],
  names: ['Toast', 'Ash', 'Storm'],
  capacity: 3,
  prefix: 'be',
  runtime: { kind: 'anthropic', model: 'auto' },
};

function planned(): WorkPlan {
  const cooked = cookText('formula = "x"\n[[steps]]\nid = "work"\ntitle = "Work"\ndescription = "Do it."\n');
  if (!cooked.ok) throw new Error(JSON.stringify(cooked.problems));
  return { limits: DEFAULT_LIMITS, rigs: { bench: RIG }, protos: { work: cooked.protomolecule } };
}

const closed: SessionResult = { outcome: 'closed', verdict: 'done', summary: 'done', usage: NO_USAGE, notes: [] };

/** Told when the next session, of a polecat or of the plain workflow, starts. */
let began: (atMs: number) => void = () => undefined;

const actsOf = (client: Client) => ({
  planWork: () => Promise.resolve(planned()),
  ensureRole: (request: RoleRequest) => ensureRole(client, request),
  findRigHolds: (request: { readonly rig: string }) => findRigHolds(client, request),
  chooseHost: () => Promise.resolve(BENCH_HOST),
  areOpen: (executions: readonly unknown[]) => Promise.resolve(executions.map(() => true)),
  findPolecats: () => Promise.resolve({ polecats: [], incarnationMax: 0 }),
  record: () => Promise.resolve(),
  recordAll: () => Promise.resolve(),
  openSandbox: () => Promise.resolve({ path: '/nowhere', branch: 'polecat/x', base: HEAD }),
  runSession: (_spec?: SessionSpec) => {
    began(performance.now());
    return Promise.resolve(closed);
  },
  acceptStep: () => Promise.resolve({ kind: 'accepted', head: HEAD }),
  submit: () => Promise.resolve({ kind: 'nothing', head: HEAD }),
  nuke: () => Promise.resolve({ kind: 'gone', where: 'nowhere' }),
});

/** From what `start` has accepted to the session; it ends before the next is measured. */
async function msToSession(start: () => Promise<{ readonly result: () => Promise<unknown> }>): Promise<number> {
  const session = new Promise<number>((resolve) => (began = resolve));
  const handle = await start();
  const acceptedMs = performance.now();
  const ms = (await session) - acceptedMs;
  await handle.result();
  return Math.max(0, ms);
}

async function measure(client: Client): Promise<void> {
  let count = 0;
  const mission = () =>
    client.workflow.start('mission', {
      taskQueue: TOWN_QUEUE,
      workflowId: `slung-${(count += 1)}`,
      args: [{ work: [{ id: 'work', rig: 'bench', formula: 'x' }] }],
    });
  const plain = () =>
    client.workflow.start('plain', { taskQueue: PLAIN_QUEUE, workflowId: `plain-${(count += 1)}`, args: [1] });
  await msToSession(mission);
  await msToSession(plain);
  const turns: { readonly ours: number; readonly theirs: number }[] = [];
  for (let run = 0; run < RUNS; run += 1)
    turns.push(
      run % 2 === 0
        ? { ours: await msToSession(mission), theirs: await msToSession(plain) }
        : { theirs: await msToSession(plain), ours: await msToSession(mission) },
    );
  const [ours, theirs] = [median(turns.map((turn) => turn.ours)), median(turns.map((turn) => turn.theirs))];
  tell('plain workflow, to its activity', theirs, 'ms');
  tell('slung, to the first session', ours, 'ms');
  tell('slung, against plain', ours / theirs, 'times');
}

measuredBy('npm run bench:sling');
await withWorkers(actsOf, measure);
tellJson();
