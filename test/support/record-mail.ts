/** What `npm run histories` records of mail: inboxes that are written to, read, answered, put away and full, a group, and a member that leaves. */
import { perform } from '../../src/calls.js';
import { deadLettersQuery, inboxQuery } from '../../src/contract/inbox.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import { slotsQuery } from '../../src/contract/witness.js';
import { writeMail } from '../../src/town/mail.js';
import { MAILS_MAX } from '../../src/town/inbox.js';
import { until } from './live-town.js';
import type { LiveTown } from './live-town.js';

export const ANN = 'server/crew/ann';
const BOB = 'server/crew/bob';

export async function sendMail({ client }: LiveTown, from: string, to: string, id: string): Promise<void> {
  const content = { id, from, to, subject: `about ${id}`, body: 'a word' };
  const answer = await perform(client, { kind: 'update', workflow: to, name: 'mail', content, updateId: id });
  if (answer.kind !== 'result') throw new Error(`${to} took no mail: ${JSON.stringify(answer)}`);
}

export async function writeToPeople(town: LiveTown): Promise<void> {
  const { client } = town;
  for (const workflowId of [ANN, BOB])
    await client.workflow.start('crew', { taskQueue: TOWN_QUEUE, workflowId, args: [{ patience: 0.1 }] });
  const ann = client.workflow.getHandle(ANN);
  await sendMail(town, 'overseer', ANN, 'first');
  await ann.executeUpdate('read', { args: [{ mail: 'first' }] });
  await ann.executeUpdate('reply', { args: [{ id: 'answer', mail: 'first', body: 'yes' }] });
  await ann.executeUpdate('archive', { args: [{ mail: 'first' }] });
  for (let at = 0; at < MAILS_MAX + 5; at += 1) await ann.signal('mail', mailOf(`m${at}`));
  await until('some had to make room', async () => (await ann.query(inboxQuery)).some(({ id }) => id === 'm104'));
  await sendMail(town, ANN, BOB, 'last');
  await sendMail(town, 'overseer', '@rig/server', 'to-all');
  const bob = client.workflow.getHandle(BOB);
  const answered = ann.executeUpdate('await', { args: [{ mail: 'last', seconds: 60 }] });
  await bob.executeUpdate('reply', { args: [{ id: 'answer-of-bob', mail: 'last', body: 'yes' }] });
  await answered;
  await bob.cancel();
  await bob.result().catch(() => undefined);
}

/** A witness that keeps a word for its reader, and a verdict that reaches nobody; a mission that is written to. */
export async function writeToRoles(town: LiveTown, mission: string): Promise<void> {
  await sendMail(town, 'overseer', '*/witness', 'to-witnesses');
  await sendMail(town, 'overseer', mission, 'to-a-mission');
  const witness = town.client.workflow.getHandle('server/witness');
  const { names } = await witness.query(slotsQuery);
  const Polecat = names.at(-1) ?? '';
  const about = { Request: 'se-1.0', Branch: 'b', Head: 'h', Target: 'main', Issue: 'a', Mission: 'm' };
  const keys = { ...about, Polecat, Incarnation: 1, Rig: 'server', 'Merge-Commit': 'c', 'Merged-At': 'now' };
  const envelope = { id: 'late', from: 'server/refinery', to: 'server/witness' };
  await witness.signal('mail', writeMail(envelope, Polecat, { type: 'MERGED', keys, text: '' }));
  await until('it is a dead letter', async () => (await witness.query(deadLettersQuery)).length > 0);
}

/** A hand-in of one who is gone, and an answer to one who had the slot before: dead letters of whoever they reach. */
export async function writeToOnesBefore({ client }: LiveTown, agent: string): Promise<void> {
  const refinery = client.workflow.getHandle('server/refinery');
  await refinery.executeUpdate('abandon', { args: [{ molecule: 'se-gone' }] });
  const about = { Request: 'se-gone.0', Branch: 'b', Head: 'h', Target: 'main', Issue: 'a', Mission: 'm' };
  const keys = { ...about, Polecat: 'Toast', Incarnation: 1, Rig: 'server', Priority: 2, Round: 0 };
  const envelope = { id: 'too-late', from: 'server/witness', to: 'server/refinery' };
  await refinery.signal('mail', writeMail(envelope, 'Toast', { type: 'MERGE_READY', keys, text: '' }));
  const polecat = client.workflow.getHandle(agent);
  await polecat.signal('mail', { ...mailOf('for-another'), to: agent, toIncarnation: 0 });
  for (const one of [refinery, polecat])
    await until('it is a dead letter', async () => (await one.query(deadLettersQuery)).length > 0);
}

const mailOf = (id: string) => ({ id, from: BOB, to: ANN, subject: id, body: '' });
