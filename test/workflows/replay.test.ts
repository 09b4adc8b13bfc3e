/** Histories recorded by this and earlier versions replay on the workflow code of now: no upgrade breaks work in flight. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { expect, test } from 'vitest';

const root = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const HISTORIES = root('test/histories');
const files = existsSync(HISTORIES)
  ? readdirSync(HISTORIES, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.json'))
  : [];

test('there is a history of every workflow type', () => {
  const types = ['mission', 'molecule', 'polecat', 'refinery', 'witness', 'formula'];
  for (const type of types)
    expect(
      files.some((file) => file.includes(`/${type}`)),
      type,
    ).toBe(true);
});

test.each(files)('%s', async (file) => {
  const history = historyFromJSON(JSON.parse(readFileSync(join(HISTORIES, file), 'utf8')));
  const workflowId = /"workflowId":\s*"([^"]+)"/.exec(readFileSync(join(HISTORIES, file), 'utf8'))?.[1];
  // What `npm run build` made, as a worker loads it.
  const options = {
    workflowBundle: { codePath: root('dist/workflow-bundle.js') },
    dataConverter: { payloadConverterPath: root('dist/workflows/payload-converter.js') },
  };
  await expect(Worker.runReplayHistory(options, history, workflowId)).resolves.toBeUndefined();
});
