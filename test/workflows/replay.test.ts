/**
 * Histories recorded by this and earlier versions replay on the workflow code of now, and so does each of them cut off at any of its
 * workflow tasks: no upgrade breaks work in flight, wherever it stands.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import type { ReplayResult } from '@temporalio/worker';
import { beforeAll, expect, test } from 'vitest';
import { spareCallStacks } from '../../src/workflow-threads.js';
import * as workflows from '../../src/workflows/index.js';
import { NOBODY_LOOKS } from '../support/sinks.js';
import { random } from '../support/random.js';
import { IS_LONG, SEED } from '../support/sample.js';

const root = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const HISTORIES = root('test/histories');
const files = existsSync(HISTORIES)
  ? readdirSync(HISTORIES, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.json'))
  : [];

test('this version has recorded a history of every workflow type', () => {
  const { version } = JSON.parse(readFileSync(root('package.json'), 'utf8')) as { readonly version: string };
  // The default workflow runs any formula by its name.
  const types = new Set(Object.values(workflows).map(({ name }) => name));
  expect(types).toContain('mission');
  for (const type of types)
    expect(
      files.filter((file) => file.startsWith(join(version, type))),
      type,
    ).not.toEqual([]);
});

/** Of more than a thousand; all of them with `npm run test:long`. */
const CUT_MAX = IS_LONG ? Infinity : 40;

type History = ReturnType<typeof historyFromJSON>;
type Replayed = { readonly name: string; readonly error: ReplayResult['error'] };

const whole = files.map((file) => {
  const text = readFileSync(join(HISTORIES, file), 'utf8');
  const history = historyFromJSON(JSON.parse(text));
  // Its own: of a child the parent's stands there, too.
  const workflowId = history.events?.[0]?.workflowExecutionStartedEventAttributes?.workflowId ?? 'unknown';
  return { name: file, history, workflowId };
});

/** As a worker finds them that takes a workflow over at one of its tasks. */
const cutOff = whole.flatMap(({ name, history, workflowId }) =>
  (history.events ?? []).flatMap(({ workflowTaskStartedEventAttributes: task }, at, events) => {
    if (task === null || task === undefined) return [];
    return [{ name: `${name}, event ${at + 1}`, history: { ...history, events: events.slice(0, at + 1) }, workflowId }];
  }),
);

/** One worker replays them all: to make one takes longer than to replay. */
async function replay(
  histories: readonly { readonly name: string; readonly history: History; readonly workflowId: string }[],
): Promise<readonly Replayed[]> {
  // What `npm run build` made, as a worker loads it.
  const options = {
    workflowBundle: { codePath: root('dist/workflow-bundle.js') },
    dataConverter: { payloadConverterPath: root('dist/workflows/payload-converter.js') },
    sinks: NOBODY_LOOKS,
  };
  const replayed: Replayed[] = [];
  // They come back in the order in which they went.
  for await (const { error } of Worker.runReplayHistories(options, histories))
    replayed.push({ name: histories[replayed.length]?.name ?? '', error });
  return replayed;
}

const replayed = new Map<string, Replayed>();

beforeAll(async () => {
  // Of thousands of workers that come and go nobody wants to read.
  Runtime.install({ logger: new DefaultLogger('WARN') });
  spareCallStacks();
  for (const one of await replay(whole)) replayed.set(one.name, one);
}, 120_000);

test.each(files)('%s', (file) => {
  const result = replayed.get(file);
  expect(result, 'it was replayed').toBeDefined();
  expect(result?.error).toBeUndefined();
});

test(`cut off at any workflow task, too (seed ${SEED})`, async () => {
  const { below } = random(SEED);
  const some = [...cutOff];
  while (some.length > CUT_MAX) some.splice(below(some.length), 1);
  const results = await replay(some);
  expect(results).toHaveLength(some.length);
  expect(results.filter(({ error }) => error !== undefined)).toEqual([]);
}, 1_800_000);
