/** Missions that Temporal starts by itself, again and again: by a schedule, or by a cron line of their own. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { IS_LONG, some } from '../support/sample.js';
import { LONGER, QUICK } from '../support/test-formulas.js';

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({
    rigs: { server: { bare: true } },
    formulas: { quick: QUICK, longer: LONGER },
    patience: 0.02,
    dynamicConfig: ['limit.historyCount.suggestContinueAsNew=15'],
  });
});
afterAll(() => town.stop());

const mission = (name: string) => ({ work: [{ id: 'long', rig: 'server', formula: 'longer', vars: { name } }] });
const options = (type: string, id: string, ...inputs: readonly unknown[]) => [
  '--type',
  type,
  '--workflow-id',
  id,
  '--task-queue',
  'gastown',
  ...inputs.flatMap((input) => ['--input', JSON.stringify(input)]),
];

/** The executions of an id, or of ids that begin with it, once as many have come to an end. */
const ended = (query: string, times: number) =>
  until(
    `${times} of ${query} have ended`,
    async () => {
      const seen = [];
      for await (const one of town.client.workflow.list({ query })) seen.push(one);
      const over = seen.filter(({ status }) => status.name === 'COMPLETED' || status.name === 'FAILED');
      return over.length >= times ? over : null;
    },
    120,
  );

/** The result of a run, or its failure. */
async function endOf(id: string, runId: string): Promise<string> {
  const { events } = await town.client.workflow.getHandle(id, runId).fetchHistory();
  const last = events?.at(-1);
  const result = last?.workflowExecutionCompletedEventAttributes?.result?.payloads?.[0]?.data;
  const failure = last?.workflowExecutionFailedEventAttributes?.failure?.message;
  return failure ?? Buffer.from(result ?? []).toString();
}

const SCHEDULED = [
  ['mission', mission('night')],
  ['quick', { rig: 'server', name: 'day' }],
] as const;
const SOME = some('types that a schedule starts', SCHEDULED, 1);

test.each(SOME)('a %s that a schedule starts lands each time', async (type, input) => {
  const id = `scheduled-${type}`;
  await town.temporal('schedule', 'create', '--schedule-id', id, '--interval', '1d', ...options(type, id, input));
  for (const times of [1, 2]) {
    await town.temporal('schedule', 'trigger', '--schedule-id', id);
    const over = await ended(`WorkflowId STARTS_WITH "${id}"`, times);
    expect(over.map(({ status }) => status.name)).toEqual(Array.from({ length: times }, () => 'COMPLETED'));
  }
  await town.temporal('schedule', 'delete', '--schedule-id', id);
});

test('a mission with a cron line does its work each time, however long its history grows', async () => {
  const args = ['workflow', 'start', '--cron', '@every 1s', ...options('mission', 'cron', mission('cron'))];
  expect((await town.temporal(...args)).code).toBe(0);
  const over = await ended('WorkflowId="cron"', IS_LONG ? 3 : 2);
  await town.client.workflow.getHandle('cron').terminate('a test');
  expect(over.every(({ historyLength }) => historyLength > 15)).toBe(true);
  const ends = await Promise.all(over.map(({ runId }) => endOf('cron', runId)));
  const branches = ends.map((end) => /polecat\/\w+\/[\w-]+/.exec(end)?.[0]);
  expect(branches).not.toContain(undefined);
  expect(new Set(branches).size).toBe(branches.length);
});

test('a second input is refused each time that a cron line fires', async () => {
  const args = ['workflow', 'start', '--cron', '@every 1s', ...options('mission', 'two', mission('two'), {})];
  expect((await town.temporal(...args)).code).toBe(0);
  const over = await ended('WorkflowId="two"', 2);
  for (const { runId } of over) expect(await endOf('two', runId)).toContain('a second one was given');
  await town.client.workflow.getHandle('two').terminate('a test');
});
