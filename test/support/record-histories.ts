/**
 * Records test/histories/<version>: a mission with rework, one of a formula, one that was held, one that was cancelled, one with a person's step,
 * one with an item that was moved, one that was reset, one whose landing is told, people who write to each other, one who is reached outside of the town, a member of a crew at work, people who approve, the watchdog chain, the mayor with wishes, a channel, dogs, escalations, requests that land together, a molecule that was steered by hand, and the roles that served them. Run by `npm run histories` when a version is released; what is recorded stays.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { DEMO_MISSION, DEMO_REPOSITORIES } from '../../src/dev/demo-work.js';
import { currentQuery } from '../../src/contract/molecule.js';
import { lifecycleQuery } from '../../src/contract/polecat.js';
import { liveTown, until } from './live-town.js';
import type { LiveTown } from './live-town.js';
import { publishToAll } from './record-channel.js';
import { sendDogs } from './record-dogs.js';
import { escalateAll } from './record-escalation.js';
import { landTogether, TOGETHER } from './record-merges.js';
import { ANN, sendMail, writeToOnesBefore, writeToPeople, writeToRoles } from './record-mail.js';
import { APPROVED, approveTogether } from './record-people.js';
import { reachOverseer } from './record-reach.js';
import { ASSIGNED, slingAround } from './record-sling.js';
import { PLANNED, wishFor } from './record-mayor.js';
import { leaveBehind, watchOver } from './record-watchdog.js';
import { STEERED, steerMission, steerMolecule, takeBack, waitingIn } from './record-steered.js';
import { ASK, ONE, QUICK, SLOW, WHOLE } from './test-formulas.js';

const root = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

async function decideAtRunTime(town: LiveTown): Promise<void> {
  const handle = await town.startMission('whole', { work: [{ id: 'w', rig: 'server', formula: 'whole' }] });
  const molecule = await until('its gate is shut', async () => {
    const [polecat] = Object.values(await handle.query<Record<string, string>>('swarm'));
    if (polecat === undefined) return null;
    const { molecule: id } = await town.client.workflow.getHandle(polecat).query(lifecycleQuery);
    const waiting = await town.client.workflow.getHandle(id).query(currentQuery);
    return waiting.some((step) => step.id === 'ask') ? id : null;
  });
  await town.client.workflow.getHandle(molecule).executeUpdate('approve', { args: [{ step: 'ask', by: 'Ada' }] });
  await handle.result();
}

async function holdAndLetGo(town: LiveTown, mission: string): Promise<void> {
  const handle = town.client.workflow.getHandle(mission);
  await handle.executeUpdate('pause', { args: [{ reason: 'freeze', by: 'Ada' }] });
  await until('its molecule is held', async () => {
    const query = `GtMission="${mission}" AND GtRole="molecule" AND GtPhase="paused"`;
    for await (const one of town.client.workflow.list({ query })) return one.workflowId;
    return null;
  });
  await handle.executeUpdate('resume', { args: [{ by: 'Ada' }] });
}

async function record(town: LiveTown, folder: string): Promise<void> {
  await (await town.startMission('demo', DEMO_MISSION)).result();
  await town.temporal(
    'workflow',
    'start',
    '--task-queue',
    'gastown',
    '--type',
    'ask',
    '--workflow-id',
    'asked',
    '--input',
    '{"rig":"server"}',
  );
  const molecule = await waitingIn(town, 'asked');
  await watchOver(town);
  await holdAndLetGo(town, 'asked');
  await town.temporal('workflow', 'signal', '-w', molecule, '--name', 'close', '--input', '{"step":"nowhere"}');
  await town.temporal(
    'workflow',
    'update',
    'execute',
    '-w',
    molecule,
    '--name',
    'close',
    '--input',
    '{"step":"think"}',
  );
  await town.client.workflow.getHandle('asked').result();
  await decideAtRunTime(town);
  await landTogether(town);
  await steerMolecule(town);
  await steerMission(town);
  await takeBack(town);
  await writeToPeople(town);
  await publishToAll(town);
  await sendDogs(town);
  await escalateAll(town);
  await slingAround(town);
  await approveTogether(town);
  await wishFor(town);
  const work = [{ id: 'a', rig: 'server', formula: 'quick', vars: { name: 'told' } }];
  await (await town.startMission('told', { work, notify: ['overseer', ANN, 'server/crew/nobody'] })).result();
  const slow = await town.startMission('cut', {
    work: [{ id: 'a', rig: 'web', formula: 'slow', vars: { name: 'a' } }],
  });
  await until('it works', async () => {
    const [polecat] = Object.values(await slow.query<Record<string, string>>('swarm'));
    return polecat === undefined ? null : (await town.client.workflow.getHandle(polecat).query(lifecycleQuery)).sandbox;
  });
  const [agent = ''] = Object.values(await slow.query<Record<string, string>>('swarm'));
  await sendMail(town, 'overseer', agent, 'to-an-agent');
  await writeToRoles(town, 'cut');
  await writeToOnesBefore(town, agent);
  await slow.cancel();
  await slow.result().catch(() => undefined);
  await leaveBehind(town);
  await reachOverseer(town);
  for await (const { workflowId, runId, type } of town.client.workflow.list()) {
    const history = await town.client.workflow.getHandle(workflowId, runId).fetchHistory();
    const known = [
      'mission',
      'molecule',
      'polecat',
      'refinery',
      'witness',
      'crew',
      'overseer',
      'deacon',
      'boot',
      'mayor',
      'channel',
      'circular',
      'dog',
      'escalation',
    ].includes(type);
    const name = `${known ? type : 'formula'}-${workflowId.replaceAll('/', '_')}-${runId.slice(0, 8)}.json`;
    // Who polled is of no interest to a replay, and names the machine.
    const text = historyToJSON(history).replaceAll(/"identity":(\s*)"[^"]*"/g, '"identity":$1"recorded"');
    await writeFile(join(folder, name), `${text}\n`);
  }
}

const { version } = JSON.parse(await readFile(root('package.json'), 'utf8')) as { version: string };
const folder = root(`test/histories/${version}`);
await mkdir(folder, { recursive: true });
const rigs = Object.fromEntries(
  DEMO_REPOSITORIES.map(({ rig, files, gates }) => [
    rig,
    { files, gates: Object.fromEntries(gates.map((gate) => [gate.split('=')[0], gate.replace(/^[^=]*=/, '')])) },
  ]),
);
const town = await liveTown({
  rigs: { ...rigs, together: TOGETHER },
  formulas: {
    ask: ASK,
    assigned: ASSIGNED,
    approved: APPROVED,
    one: ONE,
    quick: QUICK,
    slow: SLOW,
    steered: STEERED,
    whole: WHOLE,
    'plan-mission': PLANNED,
  },
});
try {
  await record(town, folder);
} finally {
  await town.stop();
}
