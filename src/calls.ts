/** A call of `gt`, made to the server. */
import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import {
  isGrpcServiceError,
  QueryNotRegisteredError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WithStartWorkflowOperation,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import type { Client } from '@temporalio/client';
import type { Priority, SearchAttributePair, Workflow } from '@temporalio/common';
import * as z from 'zod';
import type { Answer, Call } from './contract/calls.js';
import { circularQuery } from './contract/circular.js';
import { crewMessages } from './contract/crew.js';
import { channelMessages } from './contract/channel.js';
import { escalationMessages } from './contract/escalation.js';
import {
  inboxMessages,
  mailMessage,
  missionMessages,
  moleculeMessages,
  polecatMessages,
  deaconMessages,
  refineryMessages,
  witnessMessages,
} from './contract/messages.js';
import { mayorMessages } from './contract/mayor.js';
import { reachMessages } from './contract/reach.js';
import { startOfEscalation, startOfRole } from './contract/search-attributes.js';
import { TOWN_QUEUE } from './contract/task-queues.js';
import type { Json } from './town/act.js';
import { channelOf, circularAt, DEACON, isEscalationId, MAYOR, OVERSEER } from './town/address.js';
import { asSummary } from './town/bytes.js';
import { isGroup, outcomeText, type Outcome } from './town/group.js';
import { forOlderReader, type Mail } from './town/mail.js';

const TRIES_MAX = 10;
const PAUSE_MS = 100;
/** Codes of gRPC. */
const TOO_LATE = 4;
const NOT_NOW = 9;
const UNREACHABLE = 14;

/** Hears that an Update has been accepted: its answer may take long, and comes without being asked for again. */
type WhenAccepted = () => void;

/** Rejects with what is neither the workflow's answer nor the server's: a connection that is lost, a fault of ours. */
export async function perform(client: Client, call: Call, whenAccepted?: WhenAccepted): Promise<Answer> {
  try {
    return { kind: 'result', value: await resultOf(client, call, whenAccepted) };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { kind: 'missing' };
    if (error instanceof WorkflowUpdateFailedError) return { kind: 'refused', why: await whyNot(client, call, error) };
    if (error instanceof WorkflowFailedError) return { kind: 'refused', why: messageOf(error) };
    if (error instanceof Refusal) return { kind: 'refused', why: error.message };
    const why = 'workflow' in call ? unanswered(call.workflow, error) : null;
    const rpc = rpcOf(error);
    if (why !== null) return { kind: rpc?.code === TOO_LATE ? 'unanswered' : 'refused', why };
    if (rpc === null || rpc.code === UNREACHABLE) throw error;
    return { kind: 'failed', why: rpc.details };
  }
}

/** What is asked for cannot be done, and no workflow has to say so. */
class Refusal extends Error {}

/** Why a workflow does not answer a query, and what to do, in a sentence; null for any other trouble. */
export function unanswered(id: string, error: unknown): string | null {
  if (error instanceof QueryNotRegisteredError) return queryRefusal(id, error.message);
  const rpc = rpcOf(error);
  if (rpc?.code === TOO_LATE)
    return `${id} has not answered in time: no worker takes its tasks, or none of its version, or they have too much to do; gt up starts the town's worker, and \`temporal workflow describe -w ${id}\` shows what it waits for`;
  // While an Update is refused so, it is taken back, and sent again.
  if (rpc?.code === NOT_NOW && error instanceof Error && error.message.includes('query'))
    return `${id} cannot answer now: a task of its workflow failed, and is tried again until it passes (${rpc.details}); \`temporal workflow show -w ${id}\` shows why, as its last WorkflowTaskFailed`;
  return null;
}

const UNKNOWN_QUERY = /did not register a handler for (\S+)\. Registered queries: \[(.*)\]/;

function queryRefusal(id: string, message: string): string {
  const [, query, known = ''] = UNKNOWN_QUERY.exec(message) ?? [];
  if (query === undefined)
    return `${id} could not answer: ${message}; \`temporal workflow show -w ${id}\` shows its history`;
  const names = known.split(' ').filter((name) => name !== '' && !name.startsWith('__'));
  if (!names.includes('explain'))
    return `${id} has no "${query}": it is no workflow of a town; \`temporal workflow describe -w ${id}\` says what it is`;
  return `${id} has no "${query}": it answers ${names.join(', ')}; gt explain ${id} shows how it stands`;
}

/** By the types of workflows. */
const TAKEN: Readonly<Record<string, object>> = {
  molecule: { ...moleculeMessages, mail: mailMessage },
  mission: { ...missionMessages, ...inboxMessages, mail: mailMessage },
  polecat: { ...polecatMessages, ...inboxMessages, mail: mailMessage },
  'member of a crew': { ...crewMessages, ...reachMessages },
  'person of the town': { ...inboxMessages, ...reachMessages, mail: mailMessage },
  channel: { ...channelMessages, mail: mailMessage },
  escalation: { ...escalationMessages, mail: mailMessage },
  witness: { ...witnessMessages, ...inboxMessages, mail: mailMessage },
  refinery: refineryMessages,
  deacon: { ...deaconMessages, mail: mailMessage },
  mayor: { ...mayorMessages, ...inboxMessages, mail: mailMessage },
};

/** In the workflow's words; those of the SDK do not say to whom the message should have gone. */
async function whyNot(client: Client, call: Call, error: WorkflowUpdateFailedError): Promise<string> {
  const why = messageOf(error);
  if (call.kind !== 'update' || !why.startsWith('No registered handler for update')) return why;
  const { workflow: id, name } = call;
  const { type } = await client.workflow.getHandle(id).describe();
  const takers = Object.entries(TAKEN).flatMap(([kind, messages]) => (name in messages ? [`a ${kind}`] : []));
  const does = takers.length < 2 ? takers.join() : `${takers.slice(0, -1).join(', ')} or ${takers.at(-1)}`;
  return `${id} is a ${type}, which takes no "${name}": ${does} does; gt explain ${id} shows how it stands`;
}

async function resultOf(client: Client, call: Call, whenAccepted?: WhenAccepted): Promise<unknown> {
  if (call.kind === 'update') return isToGroup(call) ? circulated(client, call) : updated(client, call, whenAccepted);
  if (call.kind === 'query') return client.workflow.getHandle(call.workflow).query(call.name);
  const found: string[] = [];
  for await (const { workflowId } of client.workflow.list({ query: call.filter })) found.push(workflowId);
  return found;
}

type Update = Extract<Call, { kind: 'update' }>;

const isToGroup = ({ workflow, name }: Update): boolean => isGroup(workflow) && name === mailMessage.name;

/** Of a mail whose id is longer a hash is the workflow's. */
const ID_CHARS_MAX = 200;

/**
 * One workflow brings the mail to all of the group, and ends with what came of it. Under an id there is one: who sends it again hears
 * what came of the first. One that failed, as nobody was there, or was ended by hand, may be sent once more.
 */
async function circulated(client: Client, { workflow: to, content, updateId }: Update): Promise<string> {
  const { id = updateId, ...mail } = Circulated.parse(content);
  const key = id.length > ID_CHARS_MAX ? createHash('sha256').update(id).digest('hex') : id;
  const workflowId = circularAt(key);
  const isFirst = await client.workflow
    .start('circular', {
      workflowId,
      taskQueue: TOWN_QUEUE,
      args: [{ ...mail, id }],
      workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
      workflowIdConflictPolicy: 'FAIL',
      staticSummary: asSummary(`mail to ${to}`),
    })
    .then(
      () => true,
      (error: unknown) => {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
        return false;
      },
    );
  const circular = client.workflow.getHandle<() => Promise<Outcome>>(workflowId);
  if (!isFirst) mustBeSame(await circular.query(circularQuery), { ...mail, id, to });
  return outcomeText(await circular.result());
}

const Circulated = z.looseObject({ id: z.string().optional(), from: z.string().optional() });

type Sent = { readonly id: string; readonly from?: string | undefined; readonly to: string };

/** Whoever sends it again means the same; another mail would be taken for sent. */
function mustBeSame(first: Pick<Mail, 'from' | 'to'>, { id, from = first.from, to }: Sent): void {
  if (first.from === from && first.to === to) return;
  throw new Refusal(
    `${id} is the id of a mail of ${first.from} to ${first.to}, which was sent before: nothing was sent from ${from} to ${to}; take another id`,
  );
}

/**
 * A signal that comes just as a run ends or goes on in a next one makes the server take that task back, and with it every Update that
 * it had: it was not taken, and is sent again.
 */
async function updated(client: Client, call: Update, whenAccepted?: WhenAccepted) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await updatedOnce(client, call, whenAccepted);
    } catch (error) {
      if (!wasTakenBack(error) || tries === TRIES_MAX) throw error;
      await pause(PAUSE_MS * tries);
    }
  }
}

/** A reader of an earlier version knows fewer keys of a mail: without those that it can do without it has the rest. */
async function updatedOnce(client: Client, call: Update, whenAccepted?: WhenAccepted): Promise<unknown> {
  try {
    return await updatedAsItIs(client, call, whenAccepted);
  } catch (error) {
    const isRefused = error instanceof WorkflowUpdateFailedError && call.name === mailMessage.name;
    const content = isRefused ? forOlderReader(call.content, messageOf(error)) : null;
    if (content === null) throw error;
    return updatedAsItIs(client, { ...call, content }, whenAccepted);
  }
}

async function updatedAsItIs(
  client: Client,
  { workflow, name, content, updateId }: Update,
  whenAccepted?: WhenAccepted,
): Promise<unknown> {
  const update = { args: [content] as [unknown], updateId };
  const role = roleBegunBy(workflow, name) ?? troubleBegunBy(workflow, name, content);
  if (role === null) {
    const handle = client.workflow.getHandle(workflow);
    if (whenAccepted === undefined) return handle.executeUpdate<unknown, [unknown]>(name, update);
    // Costs a second call of the server where the answer comes at once.
    const accepted = await handle.startUpdate<unknown, [unknown]>(name, { ...update, waitForStage: 'ACCEPTED' });
    whenAccepted();
    return accepted.result();
  }
  return client.workflow.executeUpdateWithStart<Workflow, unknown, [unknown]>(name, {
    ...update,
    startWorkflowOperation: new WithStartWorkflowOperation(role.type, {
      workflowId: workflow,
      taskQueue: TOWN_QUEUE,
      args: [role.input ?? {}],
      workflowIdConflictPolicy: 'USE_EXISTING',
      staticSummary: role.summary,
      typedSearchAttributes: role.attributes ?? startOfRole(role.type),
      ...(role.memo === undefined ? {} : { memo: role.memo }),
      ...(role.priority === undefined ? {} : { priority: role.priority }),
    }),
  });
}

type Begun = {
  readonly type: string;
  readonly summary: string;
  readonly input?: object;
  readonly memo?: Record<string, unknown>;
  readonly priority?: Priority;
  readonly attributes?: SearchAttributePair[];
};

/** Who is there with the first mail, by address and the type of its workflow. */
const BEGUN_BY_MAIL: readonly string[] = [OVERSEER, MAYOR, DEACON];

/**
 * Whoever writes to the overseer, or waits for an answer there, finds one: with the first mail he is there. So it is with the mayor and what is said
 * of wishes, which it has from the one before, with the deacon, whom one asks for a dog,
 * too, and to hold the town or let it go, and with a channel and what is said to it as to one; a mail to its address may be mistyped.
 */
function roleBegunBy(workflow: string, name: string): Begun | null {
  const isMail =
    (BEGUN_BY_MAIL.includes(workflow) && name === mailMessage.name) ||
    (workflow === OVERSEER && name === inboxMessages.await.name);
  const isReached = workflow === OVERSEER && name === reachMessages.reach.name;
  const isWish = workflow === MAYOR && Object.values(mayorMessages).some((one) => one.name === name);
  const { send, pause, resume } = deaconMessages;
  if (isMail || isReached || isWish || (workflow === DEACON && [send.name, pause.name, resume.name].includes(name)))
    return { type: workflow, summary: `the ${workflow} of the town` };
  const { publish, subscribe, retain } = channelMessages;
  const begins = [publish, subscribe, retain].some((one) => one.name === name);
  return begins && channelOf(workflow) !== null ? { type: 'channel', summary: workflow } : null;
}

/** Whoever has a trouble joins its escalation, which is there with the first who has it. */
function troubleBegunBy(workflow: string, name: string, content: Json): Begun | null {
  const { join } = escalationMessages;
  const asked = isEscalationId(workflow) && name === join.name ? join.schema.safeParse(content) : null;
  if (asked?.success !== true) return null;
  const { raised } = asked.data;
  return { type: 'escalation', input: { raised }, ...startOfEscalation(raised) };
}

function wasTakenBack(error: unknown): boolean {
  const rpc = rpcOf(error);
  return rpc !== null && rpc.code === NOT_NOW && rpc.details.includes('workflow task failure');
}

/** What the server said, by itself or behind an error of the client. */
function rpcOf(error: unknown): { readonly code: number; readonly details: string } | null {
  // The connection of a worker gives the server's words as the message alone.
  if (isGrpcServiceError(error)) return { code: error.code, details: error.details || error.message };
  return error instanceof Error && error.cause !== undefined ? rpcOf(error.cause) : null;
}

/** What is behind an error of the client, whose own message says only that a call has failed. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? messageOf(error.cause) : error.message;
}
