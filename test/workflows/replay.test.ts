/** Histories recorded by this and earlier versions replay on the workflow code of now: no upgrade breaks work in flight. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import type { ReplayResult } from '@temporalio/worker';
import { beforeAll, expect, test } from 'vitest';
import * as workflows from '../../src/workflows/index.js';

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

/** By file. One worker replays them all: to make one takes longer than to replay. */
const replayed = new Map<string, ReplayResult>();

beforeAll(async () => {
  // What `npm run build` made, as a worker loads it.
  const options = {
    workflowBundle: { codePath: root('dist/workflow-bundle.js') },
    dataConverter: { payloadConverterPath: root('dist/workflows/payload-converter.js') },
  };
  const histories = files.map((file) => {
    const text = readFileSync(join(HISTORIES, file), 'utf8');
    const history = historyFromJSON(JSON.parse(text));
    const workflowId = /"workflowId":\s*"([^"]+)"/.exec(text)?.[1] ?? 'unknown';
    return { file, history, workflowId, runId: runOf(history) };
  });
  for await (const result of Worker.runReplayHistories(options, histories)) {
    const { file } = histories.find(({ runId }) => runId === result.runId) ?? { file: result.runId };
    replayed.set(file, result);
  }
}, 120_000);

function runOf(history: ReturnType<typeof historyFromJSON>): string {
  return history.events?.[0]?.workflowExecutionStartedEventAttributes?.originalExecutionRunId ?? '';
}

test.each(files)('%s', (file) => {
  const result = replayed.get(file);
  expect(result, 'it was replayed').toBeDefined();
  expect(result?.error).toBeUndefined();
});
