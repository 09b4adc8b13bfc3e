/** Whoever reads a history in the Temporal UI is told by every activity, timer and child what it is for. */
import { defaultPayloadConverter } from '@temporalio/common';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { moleculeMessages } from '../../src/contract/messages.js';
import { lifecycleQuery } from '../../src/contract/polecat.js';
import { currentQuery } from '../../src/contract/molecule.js';
import { runsOf } from '../support/said-history.js';
import type { Event } from '../support/said-history.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { STEERED, steerMission, steerMolecule } from '../support/record-steered.js';
import { ASK, ONE, QUICK, SLOW, STRIP, STRIP_REWORK, WHOLE } from '../support/test-formulas.js';

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({
    rigs: {
      server: { bare: true, files: { 'README.md': 'server\n' }, gates: { test: 'true' } },
      web: { bare: true, files: { 'check.sh': 'true\n' }, gates: { check: 'sh check.sh' } },
    },
    formulas: {
      ask: ASK,
      one: ONE,
      quick: QUICK,
      slow: SLOW,
      steered: STEERED,
      strip: STRIP,
      'strip-rework': STRIP_REWORK,
      whole: WHOLE,
    },
    patience: 0.05,
  });
});
afterAll(() => town.stop());

/** What is done at run time, and one item after another, by way of the merge queue. */
async function land(): Promise<void> {
  const work = [
    { id: 'w', rig: 'server', formula: 'whole' },
    // As long as a title may be, in letters of three bytes.
    { id: 'q', title: '道'.repeat(200), rig: 'server', formula: 'quick', vars: { name: 'q' }, needs: ['w'] },
    { id: 's', rig: 'web', formula: 'strip' },
  ];
  const mission = await town.startMission('whole', { work });
  const molecule = await until('its gate is shut', async () => {
    const { w: polecat } = await mission.query<Record<string, string>>('swarm');
    if (polecat === undefined) return null;
    const { molecule: id } = await town.client.workflow.getHandle(polecat).query(lifecycleQuery);
    const handle = town.client.workflow.getHandle(id);
    return (await handle.query(currentQuery)).some(({ id: step }) => step === 'ask') ? handle : null;
  });
  await molecule.executeUpdate(moleculeMessages.approve.update, { args: [{ step: 'ask', by: 'Ada' }] });
  expect(await mission.result()).toMatchObject({ landed: 3 });
}

async function cancel(): Promise<void> {
  const mission = await town.startMission('cut', {
    work: [{ id: 'a', rig: 'web', formula: 'slow', vars: { name: 'a' } }],
  });
  await until('it is worked on', async () => {
    const [polecat] = Object.values(await mission.query<Record<string, string>>('swarm'));
    return polecat !== undefined && (await town.client.workflow.getHandle(polecat).query(lifecycleQuery)).sandbox;
  });
  await mission.cancel();
  await expect(mission.result()).rejects.toThrow('cancelled');
}

type Told = { readonly workflow: string; readonly what: string; readonly summary: string };

function toldBy(workflow: string, { userMetadata, ...event }: Event): readonly Told[] {
  const act = event.activityTaskScheduledEventAttributes?.activityType?.name;
  const child = event.startChildWorkflowExecutionInitiatedEventAttributes?.workflowType?.name;
  const what = act ?? child ?? (event.timerStartedEventAttributes ? 'timer' : null);
  if (what === null) return [];
  const summary = userMetadata?.summary ? defaultPayloadConverter.fromPayload<string>(userMetadata.summary) : '';
  return [{ workflow, what, summary }];
}

/** A few words on one line, with nothing of the program in them. */
const READABLE = /^(?=.*\p{L})(?!.*(?:undefined|null|NaN|\[object|\n|[{}])).{3,300}$/u;

test('every activity, timer and child in the histories of a town has a summary that a person can read', async () => {
  await Promise.all([land(), steerMolecule(town)]);
  await Promise.all([steerMission(town), cancel()]);
  const ids = new Set<string>();
  for await (const { workflowId } of town.client.workflow.list()) ids.add(workflowId);
  const runs = await Promise.all(
    [...ids].map(async (id) => (await runsOf(town.client, id)).flat().flatMap((event) => toldBy(id, event))),
  );
  const told = runs.flat();
  expect(told.filter(({ what, summary }) => !READABLE.test(summary) || summary === what)).toEqual([]);
  // Otherwise it is not what it should look at.
  const acts = [
    'planWork',
    'cook',
    'openSandbox',
    'runSession',
    'acceptStep',
    'submit',
    'prepareMerge',
    'landMerge',
    'salvage',
  ];
  const kinds = [...new Set(told.map(({ what }) => what))];
  expect(kinds).toEqual(expect.arrayContaining([...acts, 'record', 'molecule', 'polecat', 'timer']));
});
