/** Work that people steer, for the histories of a version: every way in which what is decided is taken back, and a loop of very many iterations. */
import { moleculeMessages, missionMessages } from '../../src/contract/messages.js';
import { stepsQuery } from '../../src/contract/molecule.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import { until } from './live-town.js';
import type { LiveTown } from './live-town.js';

/** Its loop is not unrolled. */
export const STEERED = `
formula = "steered"
[vars.how]
default = "slowly"
[[steps]]
id = "a"
title = "One of three"
[[steps]]
id = "b"
title = "Another"
[[steps]]
id = "c"
title = "The third"
[[steps]]
id = "wait"
title = "Wait for a moment"
gate = { type = "timer", timeout = "1s" }
[[steps]]
id = "many"
title = "Very often"
needs = ["a", "b", "c"]
[steps.loop]
range = "1..6000"
var = "i"
[[steps.loop.body]]
id = "turn"
title = "Turn {i}"
[[steps]]
id = "end"
title = "End it {{how}}"
needs = ["many"]
`;

/** Ends with steps open, as most histories that a new version meets. */
export async function steerMolecule(town: LiveTown): Promise<void> {
  const handle = await town.client.workflow.start('molecule', {
    taskQueue: TOWN_QUEUE,
    workflowId: 'steered',
    args: [{ formula: 'steered' }],
  });
  const tell = async (name: keyof typeof moleculeMessages, content: object) =>
    handle.executeUpdate(moleculeMessages[name].update, { args: [{ by: 'Ada', ...content }] }).catch(() => 'refused');
  await until('it has begun', async () => (await handle.query(stepsQuery)).length > 0);
  await tell('close', { step: ['a', 'b'], note: 'both', id: 'once' });
  await tell('close', { step: ['a', 'b'], note: 'both', id: 'once' });
  await tell('pause', { reason: 'lunch' });
  await tell('close', { step: 'c', outcome: 'failed', note: 'too slow' });
  await tell('retry', { step: 'c', note: 'once more', vars: { how: 'fast' } });
  await tell('close', { step: 'c', outcome: 'no-changes', continue: true });
  await tell('resume', {});
  await tell('retry', { step: 'b', from: true, note: 'not yet' });
  await handle.signal(moleculeMessages.close.signal, { step: 'b', note: 'now' });
  await tell('bond', { formula: 'ask', after: 'b' });
  await tell('skip', { step: 'ask.1.think', reason: 'known' });
  await until('its gate has opened', async () => {
    const steps = await handle.query(stepsQuery);
    return steps.some(({ id, state }) => id === 'wait' && state.kind === 'waiting' && state.for === 'human');
  });
  await tell('close', { step: 'wait' });
  for (let turn = 1; turn <= 12; turn += 1) await tell('close', { step: `many.iter${turn}.turn`, continue: true });
  await tell('retry', { step: 'many.iter12.turn', from: true });
  await tell('close', { step: Array.from({ length: 40 }, (_, n) => `many.iter${n + 12}.turn`) });
}

/** The molecule of the mission that waits for a person. */
export async function waitingIn(town: LiveTown, mission: string): Promise<string> {
  return until('a person is waited for', async () => {
    const query = `GtMission="${mission}" AND GtRole="molecule" AND GtPhase="waiting" AND ExecutionStatus="Running"`;
    for await (const one of town.client.workflow.list({ query })) return one.workflowId;
    return null;
  });
}

/** An item that goes to another polecat half-way, and lands. */
export async function steerMission(town: LiveTown): Promise<void> {
  const handle = await town.startMission('moved', { work: [{ id: 'w', rig: 'web', formula: 'ask' }] });
  const first = await waitingIn(town, 'moved');
  await handle.executeUpdate(missionMessages.budget.update, { args: [{ usd: 5, by: 'Ada' }] });
  await handle.executeUpdate(missionMessages.reassign.update, { args: [{ item: 'w', reason: 'stuck', by: 'Ada' }] });
  const second = await until('another molecule waits', async () => {
    const now = await waitingIn(town, 'moved');
    return now === first ? null : now;
  });
  const molecule = town.client.workflow.getHandle(second);
  await molecule.executeUpdate(moleculeMessages.close.update, { args: [{ step: 'think', by: 'Ada' }] });
  await handle.result();
}

/** A mission that is taken back to its first task while its polecat is at work, and takes that over. */
export async function takeBack(town: LiveTown): Promise<void> {
  const handle = await town.startMission('taken-back', { work: [{ id: 'w', rig: 'web', formula: 'ask' }] });
  const molecule = await waitingIn(town, 'taken-back');
  await town.temporal('workflow', 'reset', '-w', 'taken-back', '--type', 'FirstWorkflowTask', '--reason', 'recorded');
  await until('it has its polecat', async () => Object.keys(await handle.query<object>('swarm')).length > 0);
  await town.temporal('workflow', 'reset', '-w', molecule, '--type', 'LastWorkflowTask', '--reason', 'recorded');
  await waitingIn(town, 'taken-back');
  await town.client.workflow.getHandle(molecule).executeUpdate('close', { args: [{ step: 'think', by: 'Ada' }] });
  await town.client.workflow.getHandle('taken-back').result();
}
