import { spawn } from 'node:child_process';
import { Client, Connection } from '@temporalio/client';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { attribute, SEARCH_ATTRIBUTES } from '../../src/contract/search-attributes.js';
import { freePort } from '../../src/dev/ports.js';
import { registerSearchAttributes } from '../../src/dev/search-attributes.js';
import { temporalCli } from '../support/temporal.js';

const KEYWORD = 2;
const KEYWORDS_MAX = 10;
let cli: string;

beforeAll(async () => {
  cli = await temporalCli();
});

/** A cluster that is not ours: a server that nobody has told of our attributes, except those given as `Name=Type`. */
async function foreignCluster(...known: readonly string[]): Promise<Connection> {
  const port = await freePort();
  const attributes = known.flatMap((one) => ['--search-attribute', one]);
  const args = ['server', 'start-dev', '--headless', '--ip', '127.0.0.1', '--port', String(port), ...attributes];
  const child = spawn(cli, args, { stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  const connection = await Connection.connect({ address: `127.0.0.1:${port}`, connectTimeout: 20_000 });
  onTestFinished(() => connection.close());
  return connection;
}

async function namesIn(connection: Connection): Promise<readonly string[]> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace: 'default' });
  return Object.keys(customAttributes).toSorted();
}

test('what is missing is added, also by several workers at once, and can be used at once', async () => {
  const connection = await foreignCluster('GtPhase=Keyword');
  expect(await namesIn(connection)).toEqual(['GtPhase']);
  await Promise.all([1, 2, 3, 4].map(() => registerSearchAttributes(connection, 'default')));
  expect(await namesIn(connection)).toEqual(Object.keys(SEARCH_ATTRIBUTES).toSorted());
  const handle = await new Client({ connection }).workflow.start('anything', {
    taskQueue: 'nobody',
    workflowId: 'found',
    typedSearchAttributes: [
      { key: attribute.mission, value: 'm1' },
      { key: attribute.rig, value: ['server'] },
      { key: attribute.costUsd, value: 1.5 },
    ],
  });
  expect((await handle.describe()).typedSearchAttributes.get(attribute.costUsd)).toBe(1.5);
});

test('one that exists with another type is told with both types, and nothing is added', async () => {
  const connection = await foreignCluster('GtMission=Text', 'GtCostUsd=Int');
  await expect(registerSearchAttributes(connection, 'default')).rejects.toThrow(
    'search attributes of namespace default have another type: ' +
      'GtMission is Text and must be Keyword; GtCostUsd is Int and must be Double. Use another namespace',
  );
  expect(await namesIn(connection)).toEqual(['GtCostUsd', 'GtMission']);
});

test('a cluster without room for them says so, and the commands for each are told', async () => {
  const connection = await foreignCluster();
  const others = Array.from({ length: KEYWORDS_MAX }, (_, index) => [`Other${index}`, KEYWORD] as const);
  await connection.operatorService.addSearchAttributes({
    namespace: 'default',
    searchAttributes: Object.fromEntries(others),
  });
  const refusal = await registerSearchAttributes(connection, 'default').catch((error: Error) => error.message);
  expect(refusal).toMatch(/^search attributes of namespace default are missing and cannot be added: .*more than 10/);
  for (const [name, type] of Object.entries(SEARCH_ATTRIBUTES))
    expect(refusal).toContain(`--namespace default --name ${name} --type ${type}`);
});

test('a namespace that is not there is named', async () => {
  const connection = await foreignCluster();
  await expect(registerSearchAttributes(connection, 'elsewhere')).rejects.toThrow(
    /of namespace elsewhere cannot be listed: .*elsewhere is not found/,
  );
});
