/** Every message and every query of a town at work, with what nobody should send: each is refused in words, and the work goes on. */
import type { WorkflowHandle } from '@temporalio/client';
import { QueryNotRegisteredError } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { crewMessages } from '../../src/contract/crew.js';
import { chainQuery, escalationMessages } from '../../src/contract/escalation.js';
import { mayorMessages } from '../../src/contract/mayor.js';
import {
  deaconMessages,
  inboxMessages,
  mailMessage,
  missionMessages,
  moleculeMessages,
  polecatMessages,
  refineryMessages,
  witnessMessages,
} from '../../src/contract/messages.js';
import type { Message } from '../../src/contract/message.js';
import type { Rejected } from '../../src/contract/messages.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { raiseBy, trouble } from '../support/raising.js';
import { some } from '../support/sample.js';
import { ASK, QUICK } from '../support/test-formulas.js';

let town: LiveTown;
let molecule: string;
let polecat: string;
let escalation: string;
beforeAll(async () => {
  town = await liveTown({ rigs: { server: { bare: true } }, formulas: { ask: ASK, quick: QUICK } });
  // The refinery begins with the first work that is handed in.
  const first = await town.startMission('first', {
    work: [{ id: 'a', rig: 'server', formula: 'quick', vars: { name: 'x' } }],
  });
  await first.result();
  await town.startMission('asked', { work: [{ id: 'a', rig: 'server', formula: 'ask' }] });
  await openOne('GtRole="mission" AND GtPhase="waiting"');
  molecule = await openOne('GtRole="molecule" AND GtPhase="waiting"');
  polecat = await openOne('GtRole="polecat"');
  await openOne('GtRole="deacon"');
  for (const [type, workflowId] of Object.entries({ mayor: 'mayor', crew: 'server/crew/ann' }))
    await town.client.workflow.start(type, { taskQueue: TOWN_QUEUE, workflowId, args: [{}] });
  escalation = await raiseBy(town.client, trouble({ category: 'emergency' }));
  await until('the overseer is asked', async () => {
    const links = await town.client.workflow.getHandle(escalation).query(chainQuery);
    return links.some(({ kind }) => kind === 'asked');
  });
});
afterAll(() => town.stop());

async function openOne(query: string): Promise<string> {
  return until(query, async () => {
    for await (const one of town.client.workflow.list({ query: `${query} AND ExecutionStatus="Running"` }))
      return one.workflowId;
    return null;
  });
}

type Any = Message<z.ZodType>;
const KINDS: Readonly<Record<string, () => { readonly id: string; readonly messages: readonly Any[] }>> = {
  mission: () => ({ id: 'asked', messages: Object.values(missionMessages) }),
  polecat: () => ({ id: polecat, messages: [...Object.values(polecatMessages), mailMessage] }),
  molecule: () => ({ id: molecule, messages: [...Object.values(moleculeMessages), mailMessage] }),
  witness: () => ({ id: 'server/witness', messages: [...Object.values(witnessMessages), mailMessage] }),
  refinery: () => ({ id: 'server/refinery', messages: [...Object.values(refineryMessages), mailMessage] }),
  deacon: () => ({ id: 'deacon', messages: [...Object.values(deaconMessages), mailMessage] }),
  mayor: () => ({ id: 'mayor', messages: [...Object.values(mayorMessages), ...INBOX] }),
  escalation: () => ({ id: escalation, messages: [...Object.values(escalationMessages), mailMessage] }),
  crew: () => ({ id: 'server/crew/ann', messages: [...Object.values(crewMessages), ...INBOX] }),
};
const INBOX: readonly Any[] = [...Object.values(inboxMessages), mailMessage];

/** As it comes over the wire: other clients write JSON that this one would not. */
type Bytes = { readonly shown: string; readonly encoding: string; readonly data: string };

const bytes = (data: string, encoding = 'json/plain'): Bytes => ({ shown: data.slice(0, 80), encoding, data });
const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

/** Of the wrong kind for every message there is. */
const WRONG: readonly (Bytes | null)[] = [
  null,
  bytes('null'),
  bytes('7'),
  bytes('true'),
  bytes('"think"'),
  bytes(JSON.stringify('{"step": "think"}')),
  bytes('[]'),
  bytes('[{"step": "think"}]'),
  bytes('{"id": 7}'),
  bytes('{"id": ""}'),
  bytes('{"by": {"name": "ann"}}'),
  bytes(
    '{"step": ["think"], "item": ["a"], "claim": ["c"], "request": 1, "usd": "1", "rig": "server", "why": null, "subject": {}}',
  ),
  bytes('{"__proto__": {"step": "think"}}'),
  bytes('{"constructor": {"step": "think"}}'),
  bytes('{"step": "think", "step": "think", "unknown": "\\u0000\\ud800"}'),
  bytes(nested(1_000)),
  bytes(nested(20_000)),
  bytes(`{"step": "think", "output": ${nested(20_000)}}`),
  bytes(`{"step": "think", "output": ${nested(2_000)}, "unknown": 1}`),
  bytes('{"step": '),
  bytes('\u0001\u0002', 'who/knows'),
  bytes('\u0001\u0002', 'binary/plain'),
  bytes('', 'binary/null'),
  bytes('{"step": "think"}', 'json/protobuf'),
];

/** Close to what the server lets through. */
const HUGE: readonly Bytes[] = [
  bytes(JSON.stringify(Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [`key${at}`, at])))),
  bytes(JSON.stringify({ by: 'x'.repeat(1_900_000) })),
  bytes(nested(900_000)),
];

/** Names that are no step, item or request, though every object has some of them. */
const NOBODY: readonly string[] = ['__proto__', 'constructor', 'toString', ' ', '\u0000', '../..', 'x'.repeat(10_000)];

/** What people say, well formed, about nobody; none for a message that is about nobody in particular. */
function aboutNobody({ schema }: Any): readonly Bytes[] {
  const { required = [], properties = {} } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  const about = ['step', 'item', 'request', 'formula'].filter((key) => required.includes(key));
  if (about.length === 0 || !('by' in properties)) return [];
  return NOBODY.map((word) => {
    const drawn = required.map((key) => {
      const property = properties[key];
      const isText = typeof property === 'object' && property.type === 'string';
      return [key, about.includes(key) ? word : isText ? 'x' : 0];
    });
    return bytes(JSON.stringify(Object.fromEntries(drawn)));
  });
}

/** What the workflow answered to the Update; null when it took it. */
async function refusalOf(workflowId: string, name: string, content: Bytes | null): Promise<string | null> {
  updates += 1;
  const { outcome } = await town.client.connection.workflowService.updateWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId },
    request: { meta: { updateId: `hostile-${updates}` }, input: { name, args: { payloads: payloadsOf(content) } } },
    waitPolicy: { lifecycleStage: COMPLETED },
  });
  return outcome?.failure?.message ?? null;
}

const COMPLETED =
  temporal.api.enums.v1.UpdateWorkflowExecutionLifecycleStage.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED;
let updates = 0;
/** The server lets ten Updates wait at a workflow. */
const AT_ONCE = 8;

async function signal(workflowId: string, signalName: string, content: Bytes | null): Promise<void> {
  updates += 1;
  await town.client.connection.workflowService.signalWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId },
    signalName,
    requestId: `hostile-${updates}`,
    input: { payloads: payloadsOf(content) },
  });
}

function payloadsOf(content: Bytes | null) {
  if (content === null) return [];
  return [{ metadata: { encoding: Buffer.from(content.encoding) }, data: Buffer.from(content.data) }];
}

test.each(some('kinds of workflows', Object.keys(KINDS), 2))('a %s refuses all of it, and stands', async (kind) => {
  const { id, messages } = KINDS[kind]?.() ?? { id: '', messages: [] };
  const handle = town.client.workflow.getHandle(id);
  const before = await handle.query<unknown>(LOOK[kind] ?? '');
  const taken: string[] = [];
  const all = messages.flatMap((message) =>
    [...WRONG, ...aboutNobody(message)].map((content) => ({ name: message.name, content })),
  );
  while (all.length > 0) {
    const next = all.splice(0, AT_ONCE).map(async ({ name, content }) => {
      const [why] = await Promise.all([refusalOf(id, name, content), signal(id, name, content)]);
      if (why === null) taken.push(`${name} ${content?.shown ?? 'nothing'}`);
    });
    await Promise.all(next);
  }
  for (const content of HUGE) {
    const [name = ''] = messages.map((message) => message.name);
    expect(await refusalOf(id, name, content), content.shown).not.toBeNull();
    await signal(id, name, content);
  }
  await signal(id, 'no-such-message', bytes('{"step": "think"}'));
  await expectWhole(handle);
  expect(taken).toEqual([]);
  expect(await handle.query<unknown>(LOOK[kind] ?? '')).toEqual(before);
  const rejected = await handle.query<readonly Rejected[]>('rejected');
  expect(rejected.at(-1)).toMatchObject({ message: 'no-such-message' });
  expect(rejected).toHaveLength(100);
  expect(Math.max(...rejected.map(({ reason }) => reason.length))).toBeLessThanOrEqual(1_000);
});

/** Where it is seen whether something has changed. */
const LOOK: Readonly<Record<string, string>> = {
  mission: 'progress',
  polecat: 'lifecycle',
  molecule: 'steps',
  witness: 'slots',
  refinery: 'queue',
  deacon: 'dead-letters',
  escalation: 'chain',
  mayor: 'wishes',
  crew: 'hook',
};

/** Open, and none of its tasks has failed. */
async function expectWhole(handle: WorkflowHandle): Promise<void> {
  expect((await handle.describe()).status.name).toBe('RUNNING');
  expect(await failedTasks(handle)).toEqual([]);
}

/** Page by page: all at once would be more than a client takes. */
async function failedTasks({ workflowId }: WorkflowHandle): Promise<readonly string[]> {
  const failures: string[] = [];
  let nextPageToken: Uint8Array | null | undefined;
  do {
    const page = await town.client.connection.workflowService.getWorkflowExecutionHistory({
      namespace: 'default',
      execution: { workflowId },
      maximumPageSize: 1,
      ...(nextPageToken ? { nextPageToken } : {}),
    });
    for (const { workflowTaskFailedEventAttributes: failed } of page.history?.events ?? [])
      if (failed) failures.push(failed.failure?.message ?? '');
    ({ nextPageToken } = page);
  } while (nextPageToken && nextPageToken.length > 0);
  return failures;
}

test('queries take what nobody asked for', async () => {
  const queries = {
    asked: ['progress', 'swarm', 'grants'],
    [polecat]: ['lifecycle', 'hook'],
    [molecule]: ['steps', 'ready', 'current'],
    'server/witness': ['slots', 'polecats'],
    'server/refinery': ['queue', 'landed'],
  };
  for (const [id, names] of some('workflows that are queried', Object.entries(queries), 2)) {
    const handle = town.client.workflow.getHandle(id);
    for (const name of [...names, 'explain', 'rejected']) {
      // A witness or a refinery may be about to do something: then what it answers is another thing in the midst of it.
      const { plain, others } = await until(`${id} stands still`, async () => {
        const before = await answerTo(id, name, null);
        const answers = await Promise.all(WRONG.map((content) => answerTo(id, name, content)));
        return (await answerTo(id, name, null)) === before ? { plain: before, others: answers } : null;
      });
      expect([...new Set(others)], `${id} ${name}`).toEqual([plain]);
    }
    await expect(handle.query('no-such-query')).rejects.toBeInstanceOf(QueryNotRegisteredError);
    await expectWhole(handle);
  }
});

async function answerTo(workflowId: string, queryType: string, content: Bytes | null): Promise<string> {
  const { queryResult } = await town.client.connection.workflowService.queryWorkflow({
    namespace: 'default',
    execution: { workflowId },
    query: { queryType, queryArgs: { payloads: payloadsOf(content) } },
  });
  return Buffer.from(queryResult?.payloads?.[0]?.data ?? []).toString();
}

test('after all of that the work lands', async () => {
  const handle = town.client.workflow.getHandle(molecule);
  await handle.executeUpdate(moleculeMessages.close.update, { args: [{ step: 'think' }] });
  await expect(town.client.workflow.getHandle('asked').result()).resolves.toMatchObject({ landed: 1 });
});
