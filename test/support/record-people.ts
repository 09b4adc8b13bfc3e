/** What `npm run histories` records of people who approve: two who must, one who is not there, a reminder, a rejection, and a question with choices. */
import { currentQuery } from '../../src/contract/molecule.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import { until } from './live-town.js';
import type { LiveTown } from './live-town.js';

export const APPROVED = `
formula = "approved"
[[steps]]
id = "colour"
title = "Which colour?"
type = "human"
choices = ["red", "blue"]
[[steps]]
id = "ship"
title = "Ship it"
type = "human"
needs = ["colour"]
gate = { type = "human", approvers = ["overseer", "server/crew/nobody", "Ada"], quorum = 2, remind = "1s", timeout = "1d" }
`;

export async function approveTogether({ client }: LiveTown): Promise<void> {
  const args = [{ formula: 'approved' }];
  const molecule = await client.workflow.start('molecule', { taskQueue: TOWN_QUEUE, workflowId: 'approved', args });
  const say = (name: string, content: object) => molecule.executeUpdate(name, { args: [content] });
  await until('it asks', async () => (await molecule.query(currentQuery)).length > 0);
  await say('answer', { text: 'green', by: 'Ada' }).catch(() => undefined);
  await say('answer', { text: 'blue', by: 'Ada' });
  await say('approve', { by: 'eve' }).catch(() => undefined);
  await say('approve', { by: 'Ada', note: 'looks good' });
  await until('a reminder is sent', async () => {
    const { events } = await molecule.fetchHistory();
    return events?.some((event) => event.timerFiredEventAttributes != null);
  });
  await say('reject', { by: 'overseer', reason: 'not on a Friday' });
  await say('answer', { text: 'it is Monday', by: 'Ada' });
  await say('approve', { by: 'Ada' });
  await say('approve', { by: 'overseer' });
  await say('answer', { text: 'shipped', by: 'Ada' });
  await molecule.result();
}
