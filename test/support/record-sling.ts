/** What `npm run histories` records of hooks and of crews: work slung to one slot, a person's hook and worktree, a step that waits for a person who joins later, and an item for that person. */
import { askAssigned, tasksQuery } from '../../src/contract/crew.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import { until } from './live-town.js';
import type { LiveTown } from './live-town.js';

export const ASSIGNED = `
formula = "assigned"
[[steps]]
id = "look"
title = "Look at it"
type = "human"
assignee = "crew/carl"
[[steps]]
id = "weigh"
title = "Weigh it"
type = "human"
assignee = "server/crew/carl"
needs = ["look"]
`;

const CARL = 'server/crew/carl';

export async function slingAround(town: LiveTown): Promise<void> {
  const { client } = town;
  const agent = 'Toast';
  const work = [{ id: 'work', rig: 'server', formula: 'assigned', agent }];
  const slung = await town.startMission('slung', { work });
  await slung.executeUpdate('hooked', { args: [{ by: 'Ada' }] });
  await until('a step waits for carl', async () => {
    const query = 'GtMission="slung" AND GtRole="molecule" AND GtPhase="waiting"';
    return (await client.workflow.count(query)).count === 1;
  });
  await client.workflow.start('crew', { taskQueue: TOWN_QUEUE, workflowId: CARL, args: [{ patience: 0.1 }] });
  const carl = client.workflow.getHandle(CARL);
  for (const [id, formula] of [
    ['one', undefined],
    ['two', 'ask'],
    ['three', undefined],
  ] as const)
    await carl.executeUpdate('sling', { args: [{ id, title: id, ...(formula === undefined ? {} : { formula }) }] });
  await carl.executeUpdate('done', { args: [{ note: 'well done' }] });
  await carl.executeUpdate('unsling', { args: [{ task: 'three' }] });
  await carl.executeUpdate('at', { args: [{}] });
  await carl.executeUpdate('leave', { args: [{}] });
  const [told] = await until('carl is told', async () => {
    const all = await carl.query(tasksQuery);
    return all.length > 0 ? all : null;
  });
  const molecule = client.workflow.getHandle(told?.molecule ?? '');
  await molecule.signal(askAssigned.signal, { id: 'asked', person: CARL });
  await molecule.executeUpdate('close', { args: [{ step: 'look', note: 'seen' }] });
  await until('carl is told of the next', async () => (await carl.query(tasksQuery))[0]?.steps[0]?.step === 'weigh');
  await molecule.executeUpdate('close', { args: [{ step: 'weigh', note: 'light' }] });
  await slung.result();
  const signed = await town.startMission('signed', { work: [{ id: 'sign', rig: 'server', assignee: 'crew/carl' }] });
  for (const verb of ['fail', 'close']) {
    await until('carl has the item', async () => (await carl.query(tasksQuery))[0]?.steps[0]?.step === 'sign');
    await signed.executeUpdate(verb, { args: [{ item: 'sign', ...(verb === 'fail' ? { reason: 'no ink' } : {}) }] });
    if (verb === 'fail') await signed.executeUpdate('retry', { args: [{ item: 'sign' }] });
  }
  await signed.result();
  await carl.cancel();
  await carl.result().catch(() => undefined);
}
