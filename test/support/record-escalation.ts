/**
 * What `npm run histories` records of escalations: one that climbs to the overseer past roles that are there and are not, with those who join, are refused, take it up
 * and answer; one whose waiter refuses and is then answered; a second round; one that is cancelled.
 */
import { chainQuery, escalationQuery } from '../../src/contract/escalation.js';
import { currentQuery } from '../../src/contract/molecule.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import type { LinkKind } from '../../src/town/escalation-chain.js';
import type { Waiter } from '../../src/town/escalation-input.js';
import { until } from './live-town.js';
import type { LiveTown } from './live-town.js';
import { raiseBy, trouble } from './raising.js';

/** A molecule of it waits for a person. */
const FORMULA = 'ask';
const PATIENCE = 0.0001;

export async function escalateAll(town: LiveTown): Promise<void> {
  await answerMany(town);
  await answerStep(town);
  const { client } = town;
  const cancelled = client.workflow.getHandle(
    await raiseBy(client, trouble({ text: 'never mind', category: 'blocked' })),
  );
  await has(town, cancelled.workflowId, 'asked');
  await cancelled.cancel();
  await cancelled.result().catch(() => undefined);
}

/** `name` with `content`, whatever is answered. */
const say = async ({ client }: LiveTown, id: string, name: string, content: object) =>
  client.workflow
    .getHandle(id)
    .executeUpdate(name, { args: [content] })
    .catch(() => 'refused');

const has = (town: LiveTown, id: string, kind: LinkKind) =>
  until(`a link of ${id}: ${kind}`, async () => {
    const links = await town.client.workflow.getHandle(id).query(chainQuery);
    return links.some((one) => one.kind === kind);
  });

const telling = (at: string): Waiter => ({ kind: 'telling', at, answered: 0 });

async function answerMany(town: LiveTown): Promise<void> {
  const shared = { source: 'auth', text: 'the key is wrong', rig: 'server', category: 'lifecycle' } as const;
  const raised = ['a', 'b', 'c'].map((at) => trouble({ ...shared, waiter: telling(at) }));
  const ids: string[] = [];
  for (const one of raised) ids.push(await raiseBy(town.client, one, PATIENCE));
  const [id = ''] = ids;
  await has(town, id, 'asked');
  await until(
    'all wait',
    async () => (await town.client.workflow.getHandle(id).query(escalationQuery)).waiting.length === 3,
  );
  await say(town, id, 'resolve', { by: 'server/polecats/Toast', action: 'retry' });
  await say(town, id, 'ack', { by: 'Ada', note: 'I look' });
  await has(town, id, 'silent');
  await say(town, id, 'note', { by: 'Ada', text: 'a new key is on its way' });
  await until(
    'it is more urgent',
    async () => (await town.client.workflow.getHandle(id).query(escalationQuery)).severity !== 'MEDIUM',
  );
  await say(town, id, 'resolve', { by: 'Ada', action: 'retry', waiter: 'b' });
  await say(town, id, 'settled', { id: 'gone', waiter: telling('a'), by: 'Ada', how: 'retried' });
  await say(town, id, 'resolve', { by: 'Ada', action: 'retry', note: 'the key is there' });
  await town.client.workflow.getHandle(id).result();
}

async function answerStep(town: LiveTown): Promise<void> {
  const { client } = town;
  const args = [{ formula: FORMULA }];
  const molecule = await client.workflow.start('molecule', { taskQueue: TOWN_QUEUE, workflowId: 'asking', args });
  const token = await until('a step waits', async () => (await molecule.query(currentQuery))[0]?.token);
  const waiter: Waiter = { kind: 'step', at: 'asking', step: 'think', token, answered: 0 };
  const id = await raiseBy(client, trouble({ source: 'question', text: 'may I?', waiter }));
  await has(town, id, 'asked');
  await say(town, id, 'resolve', { by: 'Ada', action: 'retry' });
  await say(town, id, 'mail', { from: 'overseer', to: id, subject: 'Re: HELP', body: 'Think.' });
  // As long as one answer is on its way another is refused.
  const close = { by: 'Ada', action: 'close', note: 'yes' };
  await until('it is closed', async () => (await say(town, id, 'resolve', close)) !== 'refused');
  await client.workflow.getHandle(id).result();
}
