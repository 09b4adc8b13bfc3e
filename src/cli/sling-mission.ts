/** Work that is slung to a rig: a mission of one item. It is accepted once the server has it; a polecat begins when a slot is free, and nobody asks for that again. */
import { setTimeout as pause } from 'node:timers/promises';
import { WorkflowExecutionAlreadyStartedError, WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import type { Client, WorkflowExecutionDescription, WorkflowHandle } from '@temporalio/client';
import { CancelledFailure, rootCause } from '@temporalio/common';
import { missionMessages } from '../contract/messages.js';
import { progressQuery } from '../contract/mission.js';
import { TOWN_QUEUE } from '../contract/task-queues.js';
import { slotsQuery } from '../contract/witness.js';
import { polecatAt, witnessOf } from '../town/address.js';
import { asSummary } from '../town/bytes.js';
import { grantSlots } from '../town/slots.js';
import { queueWords } from '../town/slots-words.js';
import { CliError, UsageError } from './command.js';
import { slotsOf } from './queues.js';
import { withServer } from './server.js';
import type { ServerValues } from './server-place.js';
import type { Sling } from './sling-order.js';

/** Of the mission, by which one that was slung is told from any other. */
const SLUNG = 'slung';
/** A free slot is given in a moment; who waits for one is told where it stands. */
const HOOKED_MS = 1_000;
const HOOKED_MS_MAX = 5_000;

type Place = { readonly address: string; readonly rig: string; readonly agent: string | null };

export async function slingMission(
  { id, formula, vars, title, priority }: Sling,
  { address, rig, agent }: Place,
  values: ServerValues,
): Promise<string> {
  if (formula === null) throw new UsageError(`${address} is slung a formula, by its name`);
  const item = { id: 'work', rig, formula, vars, priority, ...(agent === null ? {} : { agent }) };
  const input = { title: title ?? formula, work: [item] };
  const slung = asSlung(formula, address, vars);
  return answered(values, async (client) => {
    try {
      await client.workflow.start('mission', {
        taskQueue: TOWN_QUEUE,
        workflowId: id,
        workflowIdReusePolicy: 'REJECT_DUPLICATE',
        workflowIdConflictPolicy: 'FAIL',
        staticSummary: asSummary(input.title),
        memo: { [SLUNG]: slung },
        args: [input],
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      const { memo } = await client.workflow.getHandle(id).describe();
      if (memo?.[SLUNG] !== slung) throw new CliError(`${id} is another workflow: choose another --id`);
    }
    // What is asked for and not waited for any more would keep this process.
    const over = new AbortController();
    return client.withAbortSignal(over.signal, () => whereItIs(client, id, rig)).finally(() => over.abort());
  });
}

/** The same work has the same words, in whatever order its variables were given. */
function asSlung(formula: string, address: string, vars: Sling['vars']): string {
  const given = Object.entries(vars).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `${formula} to ${address}${given.map(([name, value]) => ` ${name}=${JSON.stringify(value)}`).join('')}`;
}

async function whereItIs(client: Client, id: string, rig: string): Promise<string> {
  const mission = client.workflow.getHandle(id);
  const accepted = `${id} is accepted, and begins when a slot is free`;
  const hooked = mission
    .executeUpdate(missionMessages.hooked.update, { args: [{ by: 'gt sling' }] })
    .then((says) => `${id}: ${says}`)
    // It may end before it answers: refused in words, or long ago under the same id.
    .catch(() => null);
  const ended = mission.result().then(
    () => `${id} has ended: gt explain ${id} tells how`,
    (error: unknown) => endOf(id, error),
  );
  ended.catch(() => undefined);
  let says = accepted;
  for (const ms of [HOOKED_MS, HOOKED_MS_MAX]) {
    const first = await Promise.race([hooked, ended, pause(ms, undefined, { ref: false })]);
    // Refused, or not reached, it may be open for days.
    if (first === null) return (await Promise.race([ended, pause(ms, null, { ref: false })])) ?? accepted;
    if (first !== undefined) return first;
    const slots = await slotsOf(client, rig);
    const place = slots === null ? null : queueWords(slots, id);
    if (slots === null || place === null) continue;
    says = `${accepted}: ${place}`;
    // One for whom a slot is free is about to have it.
    if (!grantSlots(slots, Date.now(), true).grants.some(({ mission: of }) => of === id)) break;
  }
  return says;
}

/** Throws CliError for a mission that was refused. */
function endOf(id: string, error: unknown): string {
  if (!(error instanceof WorkflowFailedError)) throw error;
  if (error.cause instanceof CancelledFailure) return `${id} was taken off: gt explain ${id} tells more`;
  throw new CliError(rootCause(error.cause) ?? error.message);
}

/** A mission that was slung: queued it is withdrawn, at work its polecat ends in order. */
export async function unslingMission(id: string, values: ServerValues): Promise<string> {
  return answered(values, (client) => takeOff(client, id));
}

/** Whatever is slung to a slot: what works there, or the one that waits for it. */
export async function unslingSlot(rig: string, agent: string | null, values: ServerValues): Promise<string> {
  if (agent === null)
    throw new UsageError(`which of the missions in ${rig}? Name it by its id: gt agents --rig ${rig} lists them`);
  return answered(values, async (client) => {
    const slots = await client.workflow.getHandle(witnessOf(rig)).query(slotsQuery).catch(goneAsNull);
    const waiting = slots?.queue.filter(({ name }) => name === agent) ?? [];
    const held = slots?.leases.find(({ name }) => name === agent);
    const [mission, ...more] = held === undefined ? waiting : [held];
    if (mission === undefined) throw new CliError(`nothing is slung to ${polecatAt(rig, agent)}`);
    if (more.length === 0) return takeOff(client, mission.mission);
    const ids = waiting.map((claim) => claim.mission).join(', ');
    throw new CliError(`${waiting.length} missions wait for ${polecatAt(rig, agent)}: name one by its id, ${ids}`);
  });
}

async function takeOff(client: Client, id: string): Promise<string> {
  const mission = client.workflow.getHandle(id);
  const { memo, status } = await described(mission, id);
  if (memo?.[SLUNG] === undefined)
    throw new CliError(`${id} was not slung, and other work may go with it: temporal workflow cancel -w ${id} ends it`);
  if (status.name !== 'RUNNING') throw new CliError(`${id} has ended: gt explain ${id} tells how`);
  await mission.cancel();
  const end: unknown = await mission.result().catch((error: unknown) => error);
  const cause = end instanceof WorkflowFailedError ? end.cause : null;
  if (!(cause instanceof CancelledFailure)) return `${id} had ended in the same moment: gt explain ${id} tells how`;
  const { items } = await mission.query(progressQuery);
  return `${id} is off the hook: ${items.map(({ state }) => ('reason' in state ? state.reason : state.kind)).join('; ')}`;
}

async function described(mission: WorkflowHandle, id: string): Promise<WorkflowExecutionDescription> {
  try {
    return await mission.describe();
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    throw new CliError(
      `there is no mission ${id}; a task on somebody's hook is taken off there: gt unsling ADDRESS ${id}`,
    );
  }
}

function goneAsNull(error: unknown): null {
  if (error instanceof WorkflowNotFoundError) return null;
  throw error;
}

async function answered(values: ServerValues, work: (client: Client) => Promise<string>): Promise<string> {
  let answer = '';
  await withServer(values, async (client) => {
    answer = await work(client);
  });
  return answer;
}
