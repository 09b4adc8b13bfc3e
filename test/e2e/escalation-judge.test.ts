/** Roles of a real town decide about trouble: by rules of town.toml, by a session of a scripted model over HTTP, or not at all, and then the next tier does. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chainQuery } from '../../src/contract/escalation.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import { startModelServer, type ModelServer } from '../../src/dev/model-server.js';
import type { Rule, Turn } from '../../src/dev/model-script.js';
import { DAEMON, DEACON, MAYOR, OVERSEER, refineryOf } from '../../src/town/address.js';
import { linkText } from '../../src/town/escalation-chain.js';
import { escalationOf } from '../../src/town/escalation-id.js';
import type { Progress } from '../../src/contract/mission.js';
import type { Raised } from '../../src/town/escalation-input.js';
import { recordsOf } from '../support/ledger-records.js';
import { liveTown, until, type LiveTown } from '../support/live-town.js';
import { httpReceiver, type Receiver } from '../support/receivers.js';
import { QUICK } from '../support/test-formulas.js';

const WAITS = `
formula = "waits"
[[steps]]
id = "answer"
title = "Answer"
type = "human"
`;
const escalation = (url: string) => `
[reach.desk]
kind = "webhook"
url = "${url}/desk"
[people.overseer]
reach = ["desk"]
[escalation.within]
critical = "20s"
high = "10h"
[[escalation.rules]]
tier = "deacon"
text = "a known one"
at_most = 1
then = "retry"
note = "known by the rules"
[[escalation.rules]]
source = ["merge"]
then = "forward"
note = "gates are for people"
`;

const close = (output: object): Turn => ({
  tools: [{ name: 'close', input: { summary: 'decided', output } }],
  usage: { input_tokens: 1_000, output_tokens: 10 },
});
const says = (role: string, about: string, ...turns: readonly Turn[]): Rule => ({
  when: [`You are ${role}.`, about],
  turns: [...turns],
});
const sure = {
  decision: 'resolve',
  action: 'retry',
  note: 'Take the second way.',
  reason: 'It is the smaller one.',
  confidence: 0.9,
};
const RULES = [
  // What others have said of it is fenced.
  says(DEACON, '<untrusted from="clear">', close(sure)),
  says(DEACON, 'half known', close({ ...sure, confidence: 0.4 })),
  says(MAYOR, 'half known', close({ ...sure, reason: 'The mayor knows.' })),
  // What does not fit is refused by its tool, and the script has no other.
  says(DEACON, 'purple', close({ colour: 'purple' })),
  says(MAYOR, 'purple', close({ decision: 'forward', reason: 'It is a matter of taste.', confidence: 1 })),
  says(DEACON, 'it hangs', { fault: { kind: 'no-answer', seconds: 600, times: 9 } }),
  says(MAYOR, 'it hangs', { fault: { kind: 'no-answer', seconds: 600, times: 9 } }),
  says(DEACON, 'its worker dies', { fault: { kind: 'no-answer', seconds: 600, times: 1 }, ...close(sure) }),
];

let model: ModelServer;
let desk: Receiver;
let town: LiveTown;
/** It is not there yet. */
let gate: string;
beforeAll(async () => {
  gate = join(await mkdtemp(join(tmpdir(), 'gt-gate-')), 'gate.sh');
  desk = await httpReceiver({});
  model = await startModelServer({ script: { rules: RULES } });
  town = await liveTown({
    rigs: { server: { runtime: { kind: 'script' } }, web: { runtime: { kind: 'script' }, gates: { own: gate } } },
    formulas: { waits: WAITS, quick: QUICK },
    runtime: { kind: 'anthropic', model: 'scripted', base_url: model.url },
    prices: { scripted: { input: 10, output: 50 } },
    escalation: escalation(desk.url),
    env: { ANTHROPIC_API_KEY: 'scripted' },
  });
  // Who is not there is passed over.
  for (const role of [DEACON, MAYOR])
    await town.client.workflow.start(role, { workflowId: role, taskQueue: TOWN_QUEUE, args: [{ patience: 0.1 }] });
});
afterAll(async () => {
  await town.stop();
  await model.stop();
  await desk.stop();
  await rm(dirname(gate), { recursive: true, force: true });
});

const chainOf = async (id: string): Promise<string> =>
  (await town.client.workflow.getHandle(id).query(chainQuery)).map(linkText).join('\n');

/** An item whose only step somebody fails with this reason. */
async function failed(mission: string, reason: string): Promise<string> {
  const handle = await town.startMission(mission, { work: [{ id: 'a', rig: 'server', formula: 'waits' }] });
  await failAgain(mission, reason);
  // Its rule may have answered before anybody looks: its mission's history has it.
  return until('it is before the ladder', async () => {
    const { events } = await handle.fetchHistory();
    const ids = events?.map(
      ({ startChildWorkflowExecutionInitiatedEventAttributes: child }) => child?.workflowId ?? '',
    );
    return ids?.find((id) => id.startsWith('hq-esc-'));
  });
}

async function failAgain(mission: string, reason: string): Promise<void> {
  const molecule = await until('its step waits', async () => {
    const [item] = (await progress(mission)).items;
    return item?.state.kind === 'working' && item.state.wait?.for === 'person: answer' ? item.state.molecule : null;
  });
  await town.client.workflow
    .getHandle(molecule)
    .executeUpdate('fail', { args: [{ step: 'answer', reason, by: 'Ada' }] });
}

const progress = (mission: string) => town.client.workflow.getHandle(mission).query<Progress>('progress');
const isTriedAgain = (mission: string, attempt: number) =>
  until(`attempt ${attempt} of ${mission}`, async () => {
    const [item] = (await progress(mission)).items;
    return item?.attempt === attempt && item.state.kind === 'working';
  });

test('a session of the deacon resolves, and what it has cost stands in the chain; one that is not sure forwards, and the mayor resolves', async () => {
  const [clear, half] = await Promise.all([failed('clear', 'the way is unclear'), failed('half', 'half known')]);
  await Promise.all([isTriedAgain('clear', 2), isTriedAgain('half', 2)]);
  const [ofClear, ofHalf] = await Promise.all([chainOf(clear), chainOf(half)]);
  expect(ofClear).toMatch(/^deacon answered: .*It is the smaller one\. \(\$0\.01\)/m);
  expect(ofClear).not.toContain('mayor was asked');
  expect(ofHalf).toContain('deacon passed it on: its session is not sure (0.4)');
  expect(ofHalf).toContain('The mayor knows.');
  const records = await recordsOf<{ readonly escalation: string; readonly usage: { readonly usd: number } }>(
    town,
    'escalation',
  );
  expect(records.find(({ escalation }) => escalation === clear)?.usage.usd).toBeCloseTo(0.0105);
});

test('a rule of town.toml is obeyed as often as it says, and then it is for the others', async () => {
  const id = await failed('known', 'a known one, purple');
  await isTriedAgain('known', 2);
  expect(await chainOf(id)).toContain('rule 1 of town.toml: known by the rules');
  await failAgain('known', 'a known one, purple');
  // Its rule is used up, its session makes no sense, and the mayor's leaves it to a person.
  await until('the overseer is asked', async () => (await chainOf(id)).includes(`${OVERSEER} was asked`));
  const chain = await chainOf(id);
  expect(chain).toContain('deacon passed it on: its session');
  expect(chain).toContain('mayor passed it on: It is a matter of taste.');
  const resolve = { action: 'skip', note: 'not wanted', by: OVERSEER };
  await town.client.workflow.getHandle(id).executeUpdate('resolve', { args: [resolve] });
  expect(await town.client.workflow.getHandle('known').result()).toMatchObject({ landed: 0 });
});

test('a merge request that cannot be verified is brought there by its refinery, and lands once somebody has answered', async () => {
  const work = [{ id: 'a', rig: 'web', formula: 'quick', vars: { name: 'a' } }];
  const mission = await town.startMission('lands', { work });
  const refinery = town.client.workflow.getHandle(refineryOf('web'));
  const id = await until('it is before the ladder', async () => {
    return /hq-esc-[0-9a-z]{8}/.exec(await refinery.query<string>('explain'))?.[0];
  });
  await until('the overseer is asked', async () => (await chainOf(id)).includes(`${OVERSEER} was asked`));
  expect(await chainOf(id)).toContain('mayor passed it on: rule 2 of town.toml: gates are for people');
  await writeFile(gate, '#!/bin/sh\n', { mode: 0o755 });
  const escalation = town.client.workflow.getHandle(id);
  await escalation.executeUpdate('resolve', { args: [{ action: 'retry', by: OVERSEER }] });
  expect(await mission.result()).toMatchObject({ landed: 1 });
  expect(await escalation.result()).toMatchObject({ id, by: OVERSEER });
  expect(await refinery.query<string>('explain')).not.toContain(id);
});

/** By hand, with nobody who waits. */
const start = async (one: Raised) => {
  const workflowId = escalationOf(one);
  const args = [{ patience: 0.1, raised: one }];
  await town.client.workflow.start('escalation', { workflowId, taskQueue: TOWN_QUEUE, args });
  return workflowId;
};

/** How often a session was asked that has the last of the rules. */
const askedLast = () => model.requests().filter(({ rule }) => rule === RULES.length - 1).length;

test('a worker that dies while a session of a role decides keeps nobody from the answer, which is given once', async () => {
  const waiter = { kind: 'item', at: 'nobody', item: 'a', answered: 0 } as const;
  const id = await start({ category: 'failed', severity: 'MEDIUM', source: 'item', text: 'its worker dies', waiter });
  await until('its session is asked', async () => askedLast() === 1);
  const pid = town.raised.workerPid();
  if (pid !== null) process.kill(pid, 'SIGKILL');
  expect(await town.client.workflow.getHandle(id).result()).toMatchObject({ by: DEACON });
  const said = (await chainOf(id)).split('\n').filter((line) => line.startsWith('deacon answered'));
  expect(said).toEqual([expect.stringContaining('It is the smaller one. ($0.01)')]);
  expect(askedLast()).toBe(2);
});

test('an emergency has reached the overseer outside of the town while every session hangs and the deacon is dead; other trouble goes on when the clocks of its tiers have struck', async () => {
  const waiter = { kind: 'item', at: 'nobody', item: 'a', answered: 0 } as const;
  const raised = (category: Raised['category']): Raised => ({
    category,
    severity: 'CRITICAL',
    source: 'item',
    text: `it hangs: ${category}`,
    waiter,
  });
  const hanging = await start(raised('failed'));
  await until('a session hangs', async () => model.requests().some(({ rule }) => rule === 5));
  // Boot would start it again.
  await until('the schedule is paused', async () => {
    await town.client.schedule.getHandle(DAEMON).pause();
    return true;
  });
  const boots = 'WorkflowType="boot" AND ExecutionStatus="Running"';
  await until('no boot is under way', async () => (await town.client.workflow.count(boots)).count === 0);
  const deacon = town.client.workflow.getHandle(DEACON);
  await deacon.terminate();
  const sinceMs = Date.now();
  const emergency = await start(raised('emergency'));
  const said = await until('he is told in an emergency', async () =>
    desk.taken('/desk').find(({ body }) => body.includes('it hangs: emergency')),
  );
  console.warn(`the emergency was told outside of the town after ${((Date.now() - sinceMs) / 1_000).toFixed(1)} s`);
  expect(said.body).toContain(emergency);
  expect((await deacon.describe()).status.name).toBe('TERMINATED');
  await until('the overseer is asked', async () => (await chainOf(hanging)).includes(`${OVERSEER} was asked`));
  const chain = await chainOf(hanging);
  expect(chain).toContain('deacon has not answered in time');
  expect(chain).toContain('mayor has not answered in time');
});
