/** `gt ready`, `gt mol current`, `gt prime`, `gt hook`, `gt explain`: what there is to do, and how things stand. */
import type { Client, WorkflowExecutionDescription, WorkflowHandle } from '@temporalio/client';
import { optionalTsToDate } from '@temporalio/common/lib/time.js';
import { explainQuery } from '../contract/messages.js';
import { currentQuery, type StepView } from '../contract/molecule.js';
import { hookQuery, lifecycleQuery } from '../contract/polecat.js';
import { attribute } from '../contract/search-attributes.js';
import { timeAt } from '../town/board.js';
import { townPaths } from '../town/paths.js';
import { readArguments, refuseMore, takeOne, UsageError, type Command } from './command.js';
import { print } from './print.js';
import { ofExecution, SERVER_OPTIONS, withServer } from './server.js';
import { molNamed } from './step.js';
import { townAround } from './town.js';

const SHOW_OPTIONS = { ...SERVER_OPTIONS, json: { type: 'boolean' } } as const;

type Waiting = {
  readonly molecule: string;
  readonly step: string;
  readonly title: string;
  readonly waitsFor: string;
  readonly why: string;
  /** ISO 8601. */
  readonly since: string;
};

export const ready: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, SHOW_OPTIONS);
    const [mol, ...more] = positionals;
    refuseMore('ready', more);
    await withServer(values, async (client) => {
      const mols = mol === undefined ? await waitingMolecules(client) : [mol];
      const waiting: Waiting[] = [];
      for (const id of mols) waiting.push(...(await ofExecution(id, () => waitingIn(client, id))));
      if (values.json === true) return print(JSON.stringify(waiting, null, 2));
      print(waiting.length === 0 ? 'No step waits for anybody' : waiting.map(lineOf).join('\n'));
    });
  },
};

export const current: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, SHOW_OPTIONS);
    const [mol, ...more] = positionals;
    refuseMore('mol current', more);
    const id = molNamed(mol);
    await withServer(values, (client) =>
      ofExecution(id, async () => {
        const steps = await client.workflow.getHandle(id).query(currentQuery);
        print(values.json === true ? JSON.stringify(steps, null, 2) : instructionsFor(id, steps));
      }),
    );
  },
};

export const prime: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, SERVER_OPTIONS);
    const [mol, ...more] = positionals;
    refuseMore('prime', more);
    const id = molNamed(mol);
    await withServer(values, (client) =>
      ofExecution(id, async () => {
        const handle = client.workflow.getHandle(id);
        print(`${await handle.query(explainQuery)}\n`);
        print(instructionsFor(id, await handle.query(currentQuery)));
      }),
    );
  },
};

export const hook: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, SHOW_OPTIONS);
    const [named, ...more] = positionals;
    refuseMore('hook', more);
    const agent = named ?? process.env['GT_AGENT'];
    if (agent === undefined || agent === '') throw new UsageError('whose hook? Name an agent, as RIG/polecats/NAME');
    await withServer(values, (client) =>
      ofExecution(agent, async () => {
        const handle = client.workflow.getHandle(agent);
        const on = { agent, ...(await handle.query(hookQuery)), ...(await handle.query(lifecycleQuery)) };
        print(values.json === true ? JSON.stringify(on, null, 2) : await handle.query(explainQuery));
      }),
    );
  },
};

/** A history alone says enough where nothing in it was too large. */
async function payloadsAround(town: string | undefined): Promise<string | null> {
  const dir = await townAround(town);
  return dir === null ? null : townPaths(dir).payloads;
}

export const explain: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...SERVER_OPTIONS, history: { type: 'string' } });
    if (values.history !== undefined) {
      refuseMore('explain --history FILE', positionals);
      const { explainHistory } = await import('./explain-history.js');
      return print(await explainHistory(values.history, await payloadsAround(values.town)));
    }
    const id = takeOne('explain', 'workflow id', positionals);
    await withServer(values, (client) => ofExecution(id, () => tell(client.workflow.getHandle(id), id)));
  },
};

async function tell(handle: WorkflowHandle, id: string): Promise<void> {
  const { status, type, raw } = await handle.describe();
  const again = triedAgain(raw.pendingActivities ?? []);
  print(`${id} · ${type} · ${status.name.toLowerCase()}${again === '' ? '' : `\n\n${again}`}\n`);
  // Asked last: with no worker there it is the rest that counts.
  print(await handle.query(explainQuery));
}

type Pending = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];

/** What failed and will be tried again, which the workflow itself does not hear of; '' when nothing did. */
function triedAgain(pending: readonly Pending[]): string {
  const lines = pending.flatMap(({ activityType, attempt, lastFailure, nextAttemptScheduleTime }) => {
    if (!lastFailure) return [];
    const at = optionalTsToDate(nextAttemptScheduleTime);
    const when = at === undefined ? 'now' : `at ${timeAt(at.getTime())}`;
    return [`- ${activityType?.name}, attempt ${attempt}, ${when}: ${lastFailure.message}`];
  });
  return lines.length === 0 ? '' : `Tried again:\n${lines.join('\n')}`;
}

/** Those whose search attributes say that somebody is waited for; the queries tell the steps. */
async function waitingMolecules(client: Client): Promise<readonly string[]> {
  const query = `WorkflowType="molecule" AND ExecutionStatus="Running" AND ${attribute.phase.name} IN ("waiting", "escalated")`;
  const found: string[] = [];
  for await (const { workflowId } of client.workflow.list({ query })) found.push(workflowId);
  return found.toSorted();
}

async function waitingIn(client: Client, molecule: string): Promise<readonly Waiting[]> {
  const steps = await client.workflow.getHandle(molecule).query(currentQuery);
  return steps.flatMap(({ id: step, title, state }) => {
    if (state.kind !== 'waiting') return [];
    const since = new Date(state.sinceMs).toISOString();
    return [{ molecule, step, title, waitsFor: state.for, why: state.why, since }];
  });
}

function lineOf({ molecule, step, title, waitsFor, since }: Waiting): string {
  return `${molecule}  ${step}  ${title} · waits for ${waitsFor} since ${timeAt(Date.parse(since))}`;
}

function instructionsFor(id: string, steps: readonly StepView[]): string {
  if (steps.length === 0) return 'No step waits for you now';
  return steps.map((step) => instructionOf(id, step)).join('\n\n');
}

function instructionOf(id: string, { id: step, title, description, acceptance, state }: StepView): string {
  const done = acceptance === '' ? [] : [`Done means: ${acceptance}`];
  const isGate = state.kind === 'waiting' && state.for === 'gate';
  const isAsked = state.kind === 'waiting' && state.for === 'escalation';
  const why = isGate || isAsked ? [`It waits: ${state.why}`] : [];
  const how = isGate ? 'approve' : isAsked ? 'retry' : 'close';
  const note = how === 'close' ? '--continue' : '--note "…"';
  return [
    `## ${step}: ${title}`,
    ...(description === '' ? [] : [description]),
    ...done,
    ...why,
    `When it is so: gt ${how} ${step} --mol ${id} ${note}`,
  ].join('\n\n');
}
