/**
 * What `npm run histories` records of a channel: inboxes that are there, come late and are not there, hooks whose missions land and are refused, messages
 * that make room, and its end.
 */
import { messagesQuery, subscribersQuery } from '../../src/contract/channel.js';
import type { SubscriberView } from '../../src/contract/channel.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import { until } from './live-town.js';
import type { LiveTown } from './live-town.js';
import { ANN } from './record-mail.js';

export async function publishToAll({ client }: LiveTown): Promise<void> {
  const workflowId = 'channel/news';
  const args = [{ patience: 0.005, messages: 5 }];
  await client.workflow.start('channel', { taskQueue: TOWN_QUEUE, workflowId, args });
  const news = client.workflow.getHandle(workflowId);
  const say = (name: string, content: object) => news.executeUpdate(name, { args: [content] });
  const seen = (what: string, isSo: (one: SubscriberView) => boolean) =>
    until(what, async () => (await news.query(subscribersQuery)).some(isSo));
  const mission = { formula: 'quick', rig: 'server', take: { name: 'key:Name' } };
  await say('subscribe', { subscriber: ANN });
  await say('subscribe', { subscriber: 'server/crew/nobody' });
  await say('subscribe', { subscriber: 'write', match: { keys: { Name: '*' } }, hook: mission });
  await say('subscribe', {
    subscriber: 'wrong',
    match: { keys: { Name: '*' } },
    hook: { ...mission, formula: 'none' },
  });
  await say('publish', { id: 'n1', subject: 'first', keys: { Name: 'news' } });
  await seen('a mission has begun', ({ id, last }) => id === 'write' && last !== null);
  await seen('another is refused', ({ id, refused }) => id === 'wrong' && refused !== null);
  await seen('nobody is away', ({ id, missed }) => id === 'server/crew/nobody' && missed > 0);
  await say('unsubscribe', { subscriber: 'wrong' });
  for (let at = 2; at < 40; at += 1) await news.signal('publish', { id: `n${at}`, subject: `${at}` });
  await until('some had to make room', async () => (await news.query(messagesQuery)).at(-1)?.id === 'n39');
  await say('subscribe', { subscriber: 'overseer', since: 2 });
  await seen('who came late has two', ({ id, had }) => id === 'overseer' && had === 2);
  await say('retain', { messages: 2, hours: 1 });
  await news.signal('mail', { id: 'n40', from: ANN, to: workflowId, subject: 'by mail', body: '' });
  await news.signal('publish', { subject: '' });
  await until('it is published', async () => (await news.query(messagesQuery)).at(-1)?.id === 'n40');
  await news.cancel();
  await news.result().catch(() => undefined);
}
