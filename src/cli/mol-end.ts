/** `gt mol squash` and `gt mol burn`: a wisp ends as its digest, anything else without a trace. Nothing is left on the server. */
import { WorkflowFailedError, type Client } from '@temporalio/client';
import { setTimeout as pause } from 'node:timers/promises';
import { messageOf } from '../calls.js';
import { deleteExecution } from '../activities/forgetting.js';
import { stepsQuery, type MoleculeResult } from '../contract/molecule.js';
import { isOpenStatus } from '../contract/open.js';
import { CliError, readArguments, takeOne, type Command } from './command.js';
import { print } from './print.js';
import { ofExecution, unlessGone, withServer } from './server.js';
import { SERVER_OPTIONS } from './server-place.js';

/** The server forgets a moment after it was told to. */
const FORGET_MS_MAX = 30_000;

export const molSquash: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, SERVER_OPTIONS);
    const id = takeOne('mol squash', 'molecule', positionals);
    await withServer(values, (client) => squash(client, id));
  },
};

export const molBurn: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...SERVER_OPTIONS, yes: { type: 'boolean' } });
    const id = takeOne('mol burn', 'molecule', positionals);
    await withServer(values, (client) => burn(client, id, values.yes === true));
  },
};

async function squash(client: Client, id: string): Promise<void> {
  const found = await look(client, id);
  // A wisp that was squashed has left nothing by which to tell it from one that never was.
  if (found === null) throw new CliError(`${gone(id)}; gt mol list --all shows those that are`);
  if (found.isOpen)
    throw new CliError(
      `${id} is still open, ${await openSteps(client, id)}; close its steps, or end it: gt mol burn ${id}`,
    );
  const ended = await endOf(client, id);
  if (ended.digest === null) {
    throw new CliError(
      ended.isWisp
        ? `${id} has no digest (${ended.how}): look at it with gt mol show ${id}, then gt mol burn ${id}`
        : `${id} is no wisp: its digest is in the town's ledger, and its history stays. To delete it: gt mol burn ${id} --yes`,
    );
  }
  await forget(client, id, found.firstRunId);
  print(JSON.stringify(ended.digest, null, 2));
}

async function burn(client: Client, id: string, isSure: boolean): Promise<void> {
  const found = await look(client, id);
  if (found === null) return print(gone(id));
  if (found.parent !== null && found.isOpen)
    throw new CliError(
      `${id} is on the hook of ${found.parent}, which would start it again: cancel what ${found.parent} works for`,
    );
  const closed = isWispId(id) ? [] : await closedSteps(client, id);
  if (closed.length > 0 && !isSure)
    throw new CliError(
      `${id} is a mol with closed steps (${closed.join(', ')}): with --yes it is ended and deleted all the same`,
    );
  if (found.isOpen) {
    const handle = client.workflow.getHandle(id, undefined, { firstExecutionRunId: found.firstRunId });
    await handle.terminate('burned: gt mol burn').catch(unlessGone);
  }
  await forget(client, id, found.firstRunId);
  print(`${id} is burned: nothing of it is left`);
}

function gone(id: string): string {
  return `${id} is not there: it was squashed or burned before, or never poured`;
}

type Seen = { readonly isOpen: boolean; readonly firstRunId: string; readonly parent: string | null };

async function look(client: Client, id: string): Promise<Seen | null> {
  const described = await client.workflow.getHandle(id).describe().catch(unlessGone);
  if (described === null) return null;
  if (described.type !== 'molecule') throw new CliError(`${id} is no molecule but a ${described.type}`);
  const info = described.raw.workflowExecutionInfo;
  return {
    isOpen: isOpenStatus(described.status.name),
    firstRunId: info?.firstRunId || described.runId,
    parent: info?.parentExecution?.workflowId || null,
  };
}

type End = { readonly isWisp: boolean; readonly digest: unknown; readonly how: string };

async function endOf(client: Client, id: string): Promise<End> {
  try {
    const { digest } = (await client.workflow.getHandle(id).result()) as MoleculeResult; // what a molecule returns
    return { isWisp: digest !== undefined || isWispId(id), digest: digest ?? null, how: 'completed' };
  } catch (error) {
    if (error instanceof WorkflowFailedError) return { isWisp: isWispId(id), digest: null, how: messageOf(error) };
    throw error;
  }
}

/** The ids that the town itself makes say it. */
function isWispId(id: string): boolean {
  return id.includes('-wisp-');
}

async function openSteps(client: Client, id: string): Promise<string> {
  const steps = await ofExecution(id, () => client.workflow.getHandle(id).query(stepsQuery));
  const open = steps
    .filter(({ state }) => state.kind !== 'closed')
    .map(({ id: step, state }) => `${step} is ${state.kind}`);
  return open.length === 0 ? 'about to close' : open.slice(0, 10).join(', ');
}

/** Ids of the steps that have closed. A history that no worker can read any more has nothing to lose. */
async function closedSteps(client: Client, id: string): Promise<readonly string[]> {
  const steps = await ofExecution(id, () => client.workflow.getHandle(id).query(stepsQuery));
  return steps.filter(({ state }) => state.kind === 'closed').map((step) => step.id);
}

async function forget(client: Client, workflowId: string, firstRunId: string): Promise<void> {
  const end = Date.now() + FORGET_MS_MAX;
  await deleteExecution(client, { workflowId, firstRunId });
  while ((await client.workflow.getHandle(workflowId).describe().catch(unlessGone)) !== null) {
    if (Date.now() > end)
      throw new CliError(`the server was told to delete ${workflowId}, but still has it after 30 s: try again`);
    await pause(100);
  }
}
