/** Molecules of any size: thousands of steps that wait at once, loops of very many iterations, more gates than a workflow may have timers. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { WorkflowHandle } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { perform } from '../../src/calls.js';
import type { Answer } from '../../src/contract/calls.js';
import { explainQuery, moleculeMessages } from '../../src/contract/messages.js';
import { currentQuery, readyQuery, stepsQuery } from '../../src/contract/molecule.js';
import { attribute } from '../../src/contract/search-attributes.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import { townPaths } from '../../src/town/paths.js';
import { gt } from '../support/gt.js';
import { here } from '../support/here.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import type { Event } from '../support/said-history.js';
import { runsOf } from '../support/said-history.js';
import { drawn, IS_LONG } from '../support/sample.js';

const WIDE = IS_LONG ? 10_000 : 1_000;
const ROUNDS = IS_LONG ? 50_000 : 6_000;
/** Of thousands of timers, while other tests run beside. */
const PATIENCE_S = 240;
const GATES = IS_LONG ? 2_500 : 600;
/** As many as the widest of them closes in one message. */
const BATCH = Math.min(500, 1_000_000 / WIDE);

const step = (id: string, more = '', table = 'steps') => `[[${table}]]\nid = "${id}"\ntitle = "Step ${id}"\n${more}\n`;
const numbered = (count: number, one: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => one(n)).join('');

const ROW = Array.from({ length: 30 }, (_, n) => `r${n}`);
/** As long as an id of a formula may be. */
const LONG = 'a'.repeat(97);
const FORMULAS = {
  'long-ids': numbered(60, (n) => step(`${LONG}${100 + n}`)),
  row: ROW.map((id, n) => step(id, n === 0 ? '' : `needs = ["${ROW[n - 1]}"]`)).join(''),
  wide: numbered(WIDE, (n) =>
    step(`s${n}`, 'description = "Long enough that all together are too much for one payload, and for the server."'),
  ),
  rounds: `${step('begin')}${step('l', 'needs = ["begin"]')}[steps.loop]\nrange = "1..${ROUNDS}"\nvar = "i"\n${step('move', 'description = "Move {i}"', 'steps.loop.body')}${step('end', 'needs = ["l"]\ndescription = "after {{steps.l.iter1.move.summary}}"')}`,
  gated: numbered(GATES, (n) => step(`g${n}`, `gate = { type = "timer", timeout = "${1 + (n % 3)}s" }`)),
};

let town: LiveTown;
beforeAll(async () => {
  const formulas = Object.entries(FORMULAS).map(([name, text]) => [name, `formula = "${name}"\n${text}`] as const);
  town = await liveTown({
    rigs: {},
    formulas: Object.fromEntries(formulas),
    dynamicConfig: ['limit.historyCount.suggestContinueAsNew=200'],
  });
});
afterAll(() => town.stop());

async function started(formula: string): Promise<WorkflowHandle> {
  const how = { taskQueue: TOWN_QUEUE, workflowId: formula, args: [{ formula }] };
  const handle = await town.client.workflow.start('molecule', how);
  await until(`${formula} begins`, async () => (await handle.query(stepsQuery)).length > 0);
  return handle;
}

/** As `gt` does it: an Update that was taken back, since a signal came just as a run went on in the next one, is sent again. */
async function closing({ workflowId }: WorkflowHandle, step: string | string[]): Promise<Answer> {
  const content = { step, note: 'seen', continue: true };
  const { name } = moleculeMessages.close;
  return perform(town.client, { kind: 'update', workflow: workflowId, name, content, updateId: randomUUID() });
}

async function close(handle: WorkflowHandle, step: string | string[]): Promise<string> {
  const answer = await closing(handle, step);
  if (answer.kind !== 'result') throw new Error(JSON.stringify(answer));
  return String(answer.value);
}

const batches = (ids: readonly string[]) =>
  Array.from({ length: Math.ceil(ids.length / BATCH) }, (_, n) => ids.slice(n * BATCH, (n + 1) * BATCH));

test('thousands of steps that wait at once are closed by many messages and by one, while the molecule continues as new', async () => {
  const handle = await started('wide');
  expect(await handle.query(readyQuery)).toHaveLength(WIDE);
  expect(await handle.query(currentQuery)).toHaveLength(100);
  const ids = Array.from({ length: WIDE }, (_, n) => `s${n}`);
  const refused = JSON.stringify(await closing(handle, ['s0', 's1', 's0']));
  expect(refused).toContain('"kind":"refused"');
  expect(refused).toContain(String.raw`step \"s0\" is closed already`);
  expect(refused).toContain('none of the 3 is closed');
  expect(await handle.query(readyQuery)).toHaveLength(WIDE);
  const [single, many] = [ids.slice(0, 300), ids.slice(300)];
  const storm = (async () => {
    for (const id of single) await handle.signal(moleculeMessages.close.signal, { step: id, note: 'signalled' });
  })();
  for (const batch of batches(many)) await close(handle, batch);
  await storm;
  const { steps } = (await handle.result()) as { steps: { id: string; outcome: string; summary: string }[] };
  expect(steps.map(({ id }) => id)).toEqual(ids);
  expect(steps.every(({ outcome }) => outcome === 'done')).toBe(true);
  expect(steps.filter(({ summary }) => summary === 'signalled')).toHaveLength(300);
  expect((await runsOf(town.client, 'wide')).length).toBeGreaterThan(1);
});

test('what is too large for a history is a file that the history names: the commands of docs/operating.md', async () => {
  const page = await readFile(here('docs/operating.md'), 'utf8');
  const [, section = ''] = page.split('## What is too large for a history');
  const commands = (/^```\n(.*?)^```$/ms.exec(section)?.[1] ?? '').trim().split('\n');
  expect(commands).toHaveLength(3);
  const outputs: string[] = [];
  for (const [program, ...args] of commands.map((command) => command.split(' '))) {
    const asGt = async () => {
      const { code, stdout } = await gt(args, { GT_TOWN: town.dir });
      return { code, output: stdout };
    };
    const { code, output } = await (program === 'gt' ? asGt() : town.temporal(...args));
    expect(code, output).toBe(0);
    outputs.push(output);
  }
  const [shown = '', asked = '', exported = ''] = outputs;
  const state = JSON.parse(exported) as { workflows: { id: string; state: { steps: object[] } }[] };
  expect(state.workflows.find(({ id }) => id === 'wide')?.state.steps).toHaveLength(WIDE);
  for (const output of [shown, asked]) {
    const sha256 = /sha256"?: ?"?([0-9a-f]{64})/.exec(output)?.[1] ?? 'none';
    const file = join(townPaths(town.dir).payloads, sha256.slice(0, 2), sha256);
    expect(JSON.parse(await readFile(file, 'utf8'))).toBeTypeOf('object');
  }
});

const it = drawn('large molecules', 4, 2);

it('a loop of very many iterations is as small at its end as at its beginning', async () => {
  const handle = await started('rounds');
  expect(await close(handle, 'begin')).toContain('Next: "l.iter1.move", Step move\n\nMove 1');
  const ids = Array.from({ length: ROUNDS }, (_, n) => `l.iter${n + 1}.move`);
  for (const batch of batches(ids)) {
    const answer = await close(handle, batch);
    const next = Number(/iter(\d+)/.exec(batch.at(-1) ?? '')?.[1]) + 1;
    const fence = /<untrusted from="step l\.iter\d+\.move">(.*?)<\/untrusted>/;
    expect(fence.test(answer)).toBe(next > ROUNDS);
    expect(answer.replace(fence, '$1')).toContain(
      next > ROUNDS ? 'after seen' : `Next: "l.iter${next}.move", Step move\n\nMove ${next}`,
    );
    // More than there is room for would be thrown away, or carried for nothing.
    expect((await handle.query(stepsQuery)).length).toBeLessThanOrEqual(6);
  }
  expect(await handle.query(explainQuery)).toContain(`${ROUNDS + 2}/${ROUNDS + 3} steps`);
  await close(handle, 'end');
  expect(await handle.result()).toMatchObject({ passed: ROUNDS - 2 });
  const runs = await runsOf(town.client, 'rounds');
  expect(Math.max(...runs.map((events) => events.length))).toBeLessThan(400);
});

it('an agent that closes many steps a second has not each of them written to where workflows are found', async () => {
  const handle = await started('row');
  for (const id of ROW.slice(0, -1)) await close(handle, id);
  const last = ROW.at(-1) ?? '';
  await until('the last step is found', async () => {
    const { typedSearchAttributes: shown } = await handle.describe();
    return isDeepStrictEqual(shown.get(attribute.step), [last]);
  });
  const events = (await runsOf(town.client, 'row')).flat();
  expect(events.filter((event) => event.workflowExecutionUpdateCompletedEventAttributes != null)).toHaveLength(
    ROW.length - 1,
  );
  const [cooked, first, ...later] = events
    .flatMap(written)
    .filter(({ keys }) => !keys.includes('TemporalChangeVersion'));
  expect(cooked?.keys.toSorted()).toEqual(['GtFormula', 'GtPhase', 'GtRole']);
  expect(first?.keys.toSorted()).toEqual(['GtCostUsd', 'GtPhase', 'GtStep', 'GtWaitingFor']);
  expect(later.length).toBeGreaterThan(0);
  // Tasks of the workflow may take longer than others to be answered.
  const gaps = later.map(({ atMs }, n) => Math.round((atMs - ([first, ...later][n]?.atMs ?? 0)) / 1_000));
  expect(gaps.filter((seconds) => seconds < 4)).toEqual([]);
  await close(handle, last);
  expect(await handle.result()).toMatchObject({ formula: 'row' });
});

it('of steps whose ids are more than a search attribute holds the first are found', async () => {
  const handle = await started('long-ids');
  const { typedSearchAttributes: shown, status } = await until('they are found', async () => {
    const now = await handle.describe();
    return now.status.name !== 'RUNNING' || now.typedSearchAttributes.get(attribute.step) !== undefined ? now : null;
  });
  expect(status.name).toBe('RUNNING');
  const first = shown.get(attribute.step) ?? [];
  expect(first).toEqual(Array.from({ length: first.length }, (_, n) => `${LONG}${100 + n}`));
  expect(first.length).toBeGreaterThan(15);
  for (const batch of batches(await handle.query(readyQuery))) await close(handle, batch);
  expect(await handle.result()).toMatchObject({ formula: 'long-ids' });
});

/** Search attributes that an event writes, and when. */
function written({ eventTime, upsertWorkflowSearchAttributesEventAttributes: upsert }: Event) {
  if (upsert === null || upsert === undefined) return [];
  const keys = Object.keys(upsert.searchAttributes?.indexedFields ?? {});
  return [{ keys, atMs: Number(eventTime?.seconds) * 1_000 + Number(eventTime?.nanos) / 1_000_000 }];
}

it('of more gates than a workflow may have timers all open, and never more than 500 timers are under way', async () => {
  const handle = await started('gated');
  await until(
    'all gates are open',
    async () => (await handle.query(readyQuery)).length === GATES && (await isAllHuman(handle)),
    PATIENCE_S,
  );
  let most = 0;
  for (const events of await runsOf(town.client, 'gated')) {
    const open = new Set<unknown>();
    for (const event of events) {
      const summary = event.userMetadata?.summary;
      // One more timer is for what the molecule shows of itself.
      if (summary != null && !/search attributes/.test(defaultPayloadConverter.fromPayload(summary)))
        open.add(event.timerStartedEventAttributes?.timerId);
      open.delete(event.timerFiredEventAttributes?.timerId ?? event.timerCanceledEventAttributes?.timerId);
      most = Math.max(most, open.size);
    }
  }
  expect(most).toBe(500);
  for (const batch of batches(Array.from({ length: GATES }, (_, n) => `g${n}`))) await close(handle, batch);
  expect(await handle.result()).toMatchObject({ formula: 'gated' });
});

/** None waits for its gate any more. */
async function isAllHuman(handle: WorkflowHandle): Promise<boolean> {
  const steps = await handle.query(stepsQuery);
  return steps.every(({ state }) => state.kind === 'waiting' && state.for === 'human');
}
