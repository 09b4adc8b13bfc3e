/**
/**
 * `gt status` and `gt agents`: the town at a glance, from one list of the server, so that no worker need be there. How polecats do, and who waits for slots,
 * their witnesses are asked, where they answer soon.
 */
import type { Client } from '@temporalio/client';
import { TOWN_QUEUE } from '../contract/task-queues.js';
import { agentsQuery, type AgentSeen } from '../contract/witness.js';
import { DEACON, MAYOR } from '../town/address.js';
import { columns } from './columns.js';
import { readArguments, refuseMore, type Command } from './command.js';
import { asksSomebody, listed, type Listed } from './listing.js';
import { print } from './print.js';
import { queuesOf, queuesText } from './queues.js';
import { withServer } from './server.js';
import { findServer, SERVER_OPTIONS } from './server-place.js';

const OPTIONS = { ...SERVER_OPTIONS, json: { type: 'boolean' } } as const;
const OPEN = 'ExecutionStatus="Running" AND GtRole IS NOT NULL';
const AGENTS = 'ExecutionStatus="Running" AND GtRole IN ("polecat", "witness", "refinery", "deacon", "dog", "mayor")';
/** In the order in which they are told. */
const KINDS = [
  ['missions', 'mission'],
  ['polecats', 'polecat'],
  ['molecules', 'molecule'],
  ['escalations', 'escalation'],
] as const;
const SHOWN_MAX = 20;
/** A worker asks for work again at least as often. */
const SILENT_MS_MAX = 2 * 60_000;

export const status: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, OPTIONS);
    refuseMore('status', positionals);
    const { address, namespace } = await findServer(values);
    await withServer(values, async (client) => {
      const [open, workers] = await Promise.all([listed(client, OPEN), workersOf(client)]);
      const waits = whoWaits(open);
      if (values.json === true) return print(JSON.stringify({ address, namespace, workers, open, waits }, null, 2));
      const held = heldText(open);
      if (held !== '') print(`${held}\n`);
      print(`Town at ${address}, namespace ${namespace}; ${workersText(workers.length)}\n\n${countsText(open)}`);
      if (waits.length > 0) print(`\n${waitsText(waits)}`);
    });
  },
};

export const agents: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...OPTIONS, rig: { type: 'string' } });
    refuseMore('agents', positionals);
    await withServer(values, async (client) => {
      const all = await listed(client, AGENTS);
      const ofRig = all.filter(({ rigs }) => values.rig === undefined || rigs.includes(values.rig));
      const sorted = ofRig.toSorted((a, b) => a.id.localeCompare(b.id));
      const seen = await seenBy(client, sorted);
      const told = sorted.map((one) => ({ ...one, health: seen.find(({ agent }) => agent === one.id) ?? null }));
      if (values.json === true) return print(JSON.stringify(told, null, 2));
      print(agentsText(told));
      const rigs = sorted.filter(({ role }) => role === 'witness').flatMap((one) => one.rigs);
      const queues = queuesText(await queuesOf(client, rigs));
      if (queues !== '') print(`\nWait for a slot, in their order\n${queues}`);
    });
  },
};

const isPaused = ({ phase }: Pick<Listed, 'phase'>): boolean => phase === 'paused';

/** The deacon holds the town; one that has just come, or that is to come, does not show it yet, but those who are held do. */
export function heldText(open: readonly Pick<Listed, 'id' | 'role' | 'phase'>[]): string {
  if (open.some((one) => one.id === DEACON && isPaused(one)))
    return `The town is held: gt explain ${DEACON} says by whom and why, gt thaw lets it go on`;
  const witnesses = open.filter(({ role }) => role === 'witness');
  const [first] = witnesses;
  if (first === undefined || !witnesses.every(isPaused)) return '';
  return `All rigs are held: gt explain ${first.id} says by whom and why`;
}

/** Identities of those who take tasks of workflows, of which the server tells where no type is named. */
async function workersOf(client: Client): Promise<readonly string[]> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: TOWN_QUEUE },
  });
  const here = pollers.filter(
    ({ lastAccessTime }) => Date.now() - Number(lastAccessTime?.seconds ?? 0) * 1_000 < SILENT_MS_MAX,
  );
  return [...new Set(here.flatMap(({ identity }) => identity ?? []))].toSorted();
}

function workersText(count: number): string {
  if (count === 0) return 'no worker takes its tasks: gt up starts one';
  return count === 1 ? '1 worker' : `${count} workers`;
}

function countsText(open: readonly Listed[]): string {
  const rows = KINDS.map(([name, role]) => [name, phasesText(open.filter((one) => one.role === role))]);
  const roles = open.filter(({ role }) => !KINDS.some(([, known]) => known === role));
  return columns([...rows, ...roles.map(({ id, phase, waitingFor }) => [id, standText(phase, waitingFor)])]);
}

function phasesText(all: readonly Listed[]): string {
  const counts = new Map<string, number>();
  for (const { phase } of all) counts.set(phase, (counts.get(phase) ?? 0) + 1);
  const most = [...counts].toSorted(([, a], [, b]) => b - a);
  return most.map(([phase, count]) => `${count} ${phase}`).join(' · ') || 'none open';
}

function standText(phase: string, waitingFor: string): string {
  return waitingFor === '' ? phase : `${phase}, for ${waitingFor}`;
}

/** What a polecat waits for, its molecule waits for. */
function whoWaits(open: readonly Listed[]): readonly Listed[] {
  return open.filter((one) => one.role !== 'polecat' && asksSomebody(one));
}

function waitsText(waits: readonly Listed[]): string {
  const rows = waits.slice(0, SHOWN_MAX).map(({ id, waitingFor }) => [`  ${id}`, waitingFor]);
  const left = waits.length - SHOWN_MAX;
  const more = left <= 0 ? [] : [`  … and ${left} more`];
  return ['Waits for somebody; gt explain ID says for what, and how to answer', columns(rows), ...more].join('\n');
}

const ANSWER_MS_MAX = 3_000;

/** As witnesses have seen polecats last, the deacon witnesses, and the mayor who plans; one that does not answer soon hides its own and no others. */
async function seenBy(client: Client, all: readonly Listed[]): Promise<readonly AgentSeen[]> {
  const watchers = all.filter(({ role }) => role === 'witness' || role === DEACON || role === MAYOR);
  const ask = async ({ id }: Listed) =>
    client
      .withDeadline(Date.now() + ANSWER_MS_MAX, () => client.workflow.getHandle(id).query(agentsQuery))
      .catch(() => []);
  return (await Promise.all(watchers.map(ask))).flat();
}

type Agent = Listed & { readonly health: AgentSeen | null };

function agentsText(all: readonly Agent[]): string {
  if (all.length === 0) return 'No agent is at work: a mission, or gt mol pour --rig, gives work to one';
  return columns(
    all.map(({ id, phase, mission, usd, waitingFor, health }) => [
      id,
      phase,
      mission,
      usd > 0 ? `$${usd.toFixed(2)}` : '',
      waitingFor,
      health === null ? '' : `${health.kind}: ${health.fact}`,
    ]),
  );
}
