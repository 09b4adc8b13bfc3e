/** What `npm run histories` records of the watchdog chain: boots that find nothing, start the deacon and send it on patrol; a deacon with work, mail and a worry. */
import type { WorkflowHandle } from '@temporalio/client';
import { perform } from '../../src/calls.js';
import { heartbeatQuery } from '../../src/contract/deacon.js';
import { inboxQuery } from '../../src/contract/inbox.js';
import { lifecycleQuery } from '../../src/contract/polecat.js';
import { agentsQuery } from '../../src/contract/witness.js';
import { DAEMON, DEACON, OVERSEER, witnessOf } from '../../src/town/address.js';
import { writePing } from '../../src/town/witness-ping.js';
import { until } from './live-town.js';
import type { LiveTown } from './live-town.js';

/** While work is open. */
export async function watchOver(town: LiveTown): Promise<void> {
  const { client } = town;
  const schedule = client.schedule.getHandle(DAEMON);
  await schedule.pause('as it is recorded');
  await schedule.trigger();
  const deacon = client.workflow.getHandle(DEACON);
  const isWatching = async () => (await deacon.query(heartbeatQuery)).nextByMs !== null;
  await until('the deacon is on patrol', isWatching);
  await schedule.trigger();
  await until(
    'two boots have looked',
    async () => (await client.workflow.count('WorkflowType="boot" AND ExecutionStatus="Completed"')).count >= 2,
  );
  const now = new Date().toISOString();
  const letter = { id: 'letter', from: 'server/crew/bob', to: DEACON, subject: 'a question', body: 'Is all well?' };
  const pings = [
    writePing('ping', { Rig: 'server', Held: 1, Waiting: 0, 'Pinged-At': now, 'Next-By': now }),
    { ...letter, id: 'forged', subject: 'WITNESS_PING: web' },
    { ...letter, id: 'answer', from: OVERSEER },
  ];
  for (const content of [letter, ...pings])
    await perform(client, { kind: 'update', workflow: DEACON, name: 'mail', content, updateId: content.id });
  await deacon.executeUpdate('patrol', { args: [{ afresh: true, by: 'Ada' }] });
  await stopAndThaw(town, deacon);
  await schedule.unpause('recorded');
  await until('it has looked', isWatching);
}

/** A mission and its polecat that are both terminated, whose work the witness brings to the remote. */
export async function leaveBehind(town: LiveTown): Promise<void> {
  const work = [{ id: 'a', rig: 'web', formula: 'slow', vars: { name: 'left' } }];
  const mission = await town.startMission('left', { work });
  const agent = await until('it works', async () => {
    const [polecat = ''] = Object.values(await mission.query<Record<string, string>>('swarm'));
    return (await town.client.workflow.getHandle(polecat).query(lifecycleQuery)).sandbox === null ? null : polecat;
  });
  await mission.terminate('as it is recorded');
  await town.client.workflow.getHandle(agent).terminate('as it is recorded');
  const overseer = town.client.workflow.getHandle(OVERSEER);
  const isTold = async () =>
    (await overseer.query(inboxQuery)).some(({ subject }) => subject.startsWith('HELP: recovered work of left'));
  await until('the overseer is told', isTold, 120);
}

/** All rigs are held, and let go; those at work are looked at; recovered work of nobody is told. */
async function stopAndThaw({ client }: LiveTown, deacon: WorkflowHandle): Promise<void> {
  await deacon.executeUpdate('pause', { args: [{ reason: 'fire', by: 'Ada' }] });
  await deacon.executeUpdate('cycle', { args: [{ by: 'Ada' }] });
  await deacon.executeUpdate('resume', { args: [{ by: 'Ada' }] });
  const witness = client.workflow.getHandle(witnessOf('server'));
  await witness.executeUpdate('look', { args: [{ by: 'Ada' }] });
  await until('it has looked at those at work', async () => (await witness.query(agentsQuery)).length > 0);
  const found = { rig: 'server', mission: 'nobody', item: 'one', branch: 'polecat/Toast/se-1', head: 'abc' };
  await deacon.executeUpdate('recovered', { args: [found] });
}
