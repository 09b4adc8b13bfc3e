/** `gt export`: everything that is known of a mission or another workflow, of all that work for it and of its rigs, as one JSON document. */
import { WorkflowFailedError, type Client, type WorkflowExecutionInfo } from '@temporalio/client';
import { messageOf } from '../calls.js';
import type { Json } from '../town/act.js';
import { attribute } from '../contract/search-attributes.js';
import { refineryOf, witnessOf } from '../town/address.js';
import { readArguments, takeOne, type Command } from './command.js';
import { print } from './print.js';
import { ofExecution, unlessGone, withServer } from './server.js';
import { SERVER_OPTIONS } from './server-place.js';

/** What each role is asked, besides `explain` and `rejected`. */
const QUERIES: Readonly<Record<string, readonly string[]>> = {
  mission: ['state', 'progress', 'swarm', 'grants', 'purse'],
  polecat: ['hook', 'lifecycle', 'inbox', 'nudges', 'holds'],
  molecule: ['state', 'steps', 'current', 'session'],
  escalation: ['chain'],
  witness: ['slots'],
  refinery: ['queue'],
};

type Info = Omit<WorkflowExecutionInfo, 'raw'>;

type Exported = {
  readonly id: string;
  readonly runId: string;
  readonly type: string;
  readonly status: string;
  /** ISO 8601; `closedAt` is null while it is open. */
  readonly startedAt: string;
  readonly closedAt: string | null;
  /** Events, and bytes where the server tells them. */
  readonly history: { readonly events: number; readonly bytes: number | null };
  readonly attributes: Readonly<Record<string, Json>>;
  /** By query; a query that could not be answered says why. */
  readonly state: Readonly<Record<string, Json>>;
  /** Null while it is open, and of a run that another one goes on from. */
  readonly end: { readonly result: Json } | { readonly failure: string } | null;
};

export const exportState: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, SERVER_OPTIONS);
    const id = takeOne('export', 'workflow id', positionals);
    await withServer(values, (client) =>
      ofExecution(id, async () => {
        const own = await client.workflow.getHandle(id).describe();
        const all = [own, ...(await workingFor(client, id)), ...(await rolesOf(client, own))];
        const workflows: Exported[] = [];
        for (const one of all) workflows.push(await exported(client, one));
        print(JSON.stringify({ id, exportedAt: new Date().toISOString(), workflows }, null, 2));
      }),
    );
  },
};

/** The polecats, molecules and escalations of a mission, open and closed, the oldest first. */
async function workingFor(client: Client, mission: string): Promise<readonly Info[]> {
  const found: Info[] = [];
  // What has to be escaped the server's queries do not find: then all are looked through.
  const isPlain = JSON.stringify(mission) === `"${mission}"`;
  const query = isPlain
    ? `${attribute.mission.name}="${mission}"`
    : `${attribute.role.name} IN ("polecat", "molecule", "escalation")`;
  for await (const one of client.workflow.list({ query }))
    if (one.workflowId !== mission && one.typedSearchAttributes.get(attribute.mission) === mission) found.push(one);
  return found.toSorted((a, b) => a.startTime.getTime() - b.startTime.getTime());
}

/** The witnesses and refineries of a mission's rigs: who is in whose slot, what waits to be merged before it. */
async function rolesOf(client: Client, { typedSearchAttributes }: Info): Promise<readonly Info[]> {
  if (typedSearchAttributes.get(attribute.role) !== 'mission') return [];
  const rigs = typedSearchAttributes.get(attribute.rig) ?? [];
  const found = await Promise.all(
    rigs
      .flatMap((rig) => [witnessOf(rig), refineryOf(rig)])
      .map((role) => client.workflow.getHandle(role).describe().catch(unlessGone)),
  );
  return found.filter((one) => one !== null);
}

async function exported(client: Client, info: Info): Promise<Exported> {
  const { workflowId: id, runId, type, status, startTime, closeTime, historyLength, historySize } = info;
  const handle = client.workflow.getHandle(id, runId, { followRuns: false });
  const state: Record<string, Json> = {};
  const own = QUERIES[info.typedSearchAttributes.get(attribute.role) ?? ''] ?? [];
  for (const query of [...own, 'explain', 'rejected'])
    state[query] = await handle.query<Json>(query).catch((error: unknown) => ({ unanswered: messageOf(error) }));
  const end =
    closeTime === undefined || status.name === 'CONTINUED_AS_NEW'
      ? null
      : await handle.result().then(
          (result) => ({ result: result as Json }), // what a workflow returns is JSON
          (error: unknown) => ({ failure: error instanceof WorkflowFailedError ? messageOf(error) : String(error) }),
        );
  return {
    id,
    runId,
    type,
    status: status.name.toLowerCase(),
    startedAt: startTime.toISOString(),
    closedAt: closeTime?.toISOString() ?? null,
    history: { events: historyLength, bytes: historySize ?? null },
    attributes: attributesOf(info),
    state,
    end,
  };
}

function attributesOf({ typedSearchAttributes }: Info): Readonly<Record<string, Json>> {
  const pairs = typedSearchAttributes.getAll();
  return Object.fromEntries(
    pairs.map(({ key, value }) => [key.name, value instanceof Date ? value.toISOString() : (value as Json)]),
  );
}
