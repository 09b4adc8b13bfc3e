/**
 * The item of a mission that is gone, started anew by what that one was given, from the branch that its work lies on: its input is the first event of its
 * history.
 */
import { WorkflowContinuedAsNewError, WorkflowNotFoundError } from '@temporalio/client';
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { withoutSecrets } from '../agents/secrets.js';
import type { MissionStart } from '../contract/activities.js';
import { FormulaInput, MissionInput } from '../contract/mission.js';
import { read } from '../contract/read.js';
import { TOWN_QUEUE } from '../contract/task-queues.js';
import { isOpenStatus } from '../contract/open.js';
import { own } from '../town/own.js';
import type { Recovered, Redispatch } from '../town/redispatch.js';
import { rigRef, type RigRef } from '../town/rig.js';
import { shellWord } from '../town/shell-text.js';
import { refuse } from './beating.js';
import { contentOf } from './polecats.js';
import type { ReadTown } from './remotes.js';

/** `key`: of it there is one mission, however often it is asked for. */
type Order = { readonly key: string; readonly input: MissionInput };
type Deps = {
  readonly readTown: ReadTown;
  readonly start: (order: Order) => Promise<MissionStart>;
  /** Of the rig's remote, as it is now. */
  readonly hasBranch: (rig: RigRef, branch: string) => Promise<boolean>;
};
type Found =
  | { readonly ok: true; readonly order: Order; readonly status: string }
  | { readonly ok: false; readonly why: string };

/** One that has ended otherwise was done with it, or is to be done with. */
const LOST: readonly string[] = ['terminated', 'failed', 'timed_out'];
/** A mail has room for it. */
const COMMAND_CHARS_MAX = 50_000;

export async function redispatch(
  client: Client,
  { readTown, start, hasBranch }: Deps,
  recovered: Recovered,
): Promise<Redispatch> {
  const town = await readTown();
  if (!town.ok) throw refuse('BadTown', town.problems);
  const rig = own(town.town.rigs, recovered.rig);
  if (rig !== undefined && !(await hasBranch(rigRef(rig), recovered.branch))) return { kind: 'gone' };
  const found = await orderFor(client, recovered);
  if (!found.ok) return { kind: 'impossible', why: found.why };
  const { status } = found;
  const isLost = LOST.includes(status);
  if (!isLost || town.town.deacon?.redispatch !== true)
    return byHand(found.order, (command) => (isLost ? { kind: 'off', command } : { kind: 'over', status, command }));
  const started = await start(found.order);
  return started.kind === 'started' ? started : { kind: 'impossible', why: started.why };
}

function byHand({ input }: Order, tell: (command: string) => Redispatch): Redispatch {
  const command = `temporal workflow start --task-queue ${TOWN_QUEUE} --type mission --input ${shellWord(JSON.stringify(input))}`;
  if (command.length > COMMAND_CHARS_MAX) return { kind: 'impossible', why: 'its input is too long for a mail' };
  // Mail goes to the ledger.
  if (withoutSecrets(command) !== command)
    return { kind: 'impossible', why: 'its input has what looks like a secret, which is not for a mail' };
  return tell(command);
}

async function orderFor(client: Client, { mission, run, item, branch }: Recovered): Promise<Found> {
  const begun = await begunAs(client, mission, run);
  if (typeof begun === 'string') return { ok: false, why: begun };
  const { work, notify, budget, title = mission, atomic = false, integration = false } = begun.input;
  if (integration !== false || atomic)
    return { ok: false, why: landsAsOne(typeof integration === 'string' ? integration : null) };
  const one = work.find(({ id }) => id === item);
  if (one === undefined) return { ok: false, why: `"${item}" is no item of its input, but a part of one` };
  const input = {
    title: `${title.slice(0, 80)}: ${item} again, after ${branch}`.slice(0, 200),
    work: [{ ...one, needs: [], from: branch }],
    notify,
    ...(budget === undefined ? {} : { budget }),
  };
  return { ok: true, status: begun.status, order: { key: `again ${mission}@${begun.run}/${item}`, input } };
}

const landsAsOne = (branch: string | null): string =>
  `its mission lands as one, and nothing of it by itself: start that again, with \`integration\` as ${branch === null ? 'the name of its branch' : `"${branch}"`} and what is still to be done`;

/** As it was started; why that cannot be known, in words. */
async function begunAs(
  client: Client,
  mission: string,
  named: string | undefined,
): Promise<{ readonly input: MissionInput; readonly run: string; readonly status: string } | string> {
  try {
    const { run, last } = await lastOf(client, mission, named);
    const { type, status } = last;
    if (isOpenStatus(status.name)) return `a workflow of the id ${mission} is open again`;
    const { history } = await client.workflowService.getWorkflowExecutionHistory({
      namespace: client.options.namespace,
      execution: { workflowId: mission, runId: run },
      maximumPageSize: 1,
    });
    const payload = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
    const content = payload === undefined ? undefined : await contentOf(client, payload);
    const input = type === 'mission' ? read(MissionInput, content) : byFormula(type, content);
    return input.ok
      ? { input: input.value, run, status: status.name.toLowerCase() }
      : `its input cannot be read: ${input.problems.join('; ')}`;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'the server does not have its history any more';
    throw error;
  }
}

/** The mission of an id that began with the run `named`, else the last one: that run, and the one in which it has ended. */
async function lastOf(
  client: Client,
  mission: string,
  named: string | undefined,
): Promise<{ readonly run: string; readonly last: WorkflowExecutionDescription }> {
  const last = await client.workflow.getHandle(mission).describe();
  const run = last.raw.workflowExecutionInfo?.firstRunId || last.runId;
  if (named === undefined || named === run) return { run, last };
  // Another one has the id since.
  for (let at: string | null = named; ;) {
    const one = await client.workflow.getHandle(mission, at).describe();
    at = one.status.name === 'CONTINUED_AS_NEW' ? await runAfter(client, mission, at) : null;
    if (at === null) return { run: named, last: one };
  }
}

async function runAfter(client: Client, mission: string, run: string): Promise<string | null> {
  const end: unknown = await client.workflow
    .result(mission, run, { followRuns: false })
    .catch((error: unknown) => error);
  return end instanceof WorkflowContinuedAsNewError ? end.newExecutionRunId : null;
}

/** A mission of one item, as a formula's name starts it. */
function byFormula(formula: string, content: unknown): ReturnType<typeof read<typeof MissionInput>> {
  const asked = read(FormulaInput, content);
  if (!asked.ok) return asked;
  const { rig, mission: own, ...rest } = asked.value;
  const vars = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, String(value)]));
  const { priority, origins, title, notify, budget, integration } = own ?? {};
  const work = [{ id: formula, rig, formula, vars, ...given({ priority, origins }) }];
  return read(MissionInput, { work, ...given({ title, notify, budget, integration }) });
}

function given(values: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(values).filter(([, one]) => one !== undefined));
}
