/** The README's way with one's own repository: `gt init`, `gt rig add`, `gt up`, a mission from Temporal's own CLI. */
import { execFile } from 'node:child_process';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findTemporalCli } from '../../src/dev/temporal-cli.js';
import { machine } from '../../src/dev/machine.js';
import { gt, startGt } from '../support/gt.js';
import type { Running } from '../support/gt.js';
import { until } from '../support/live-town.js';
import { processesIn } from '../support/processes.js';
import { makeRepo } from '../support/repos.js';

const run = promisify(execFile);
let folder: string;
let temporal: (...args: string[]) => Promise<string>;
let up: Running;

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'gt-own-')));
  await makeRepo({ path: join(folder, 'project'), files: { 'README.md': 'mine\n', 'test.sh': 'test -f README.md\n' } });
});
afterAll(async () => {
  if (up.child.exitCode === null) await up.end('SIGKILL');
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

test('init, rig add, up', async () => {
  const init = await gt(['init', join(folder, 'town')]);
  expect(init.stderr).toBe('');
  expect(init.code).toBe(0);
  const rig = await gt([
    'rig',
    'add',
    'project',
    join(folder, 'project'),
    '--gate',
    'test=sh test.sh',
    '--town',
    join(folder, 'town'),
  ]);
  expect(rig.stderr).toBe('');
  expect(rig.code).toBe(0);
  up = startGt(['up', join(folder, 'town')]);
  const [, address] = await up.says(/--address (\S+) workflow list/);
  const cli = await findTemporalCli({ machine: machine(), say: () => undefined });
  temporal = async (...args) => (await run(cli.path, [...args, '--address', String(address)])).stdout;
});

test('a mission started with the plain Temporal CLI; a person does its step, and it can be listed, described, shown, queried', async () => {
  const input = JSON.stringify({
    title: 'Mine',
    work: [{ id: 'one', rig: 'project', formula: 'shiny', vars: { feature: 'a door' } }],
  });
  const started = await temporal(
    'workflow',
    'start',
    '--task-queue',
    'gastown',
    '--type',
    'mission',
    '--workflow-id',
    'mine',
    '--input',
    input,
  );
  expect(started).toContain('mine');
  // Without a key and without scripts the steps wait for a person, and say so.
  const molecule = await until('a molecule waits', async () => {
    const listed = await temporal(
      'workflow',
      'list',
      '-q',
      'GtMission="mine" AND GtRole="molecule" AND GtPhase="waiting"',
      '-o',
      'json',
    );
    return (JSON.parse(listed) as { execution: { workflowId: string } }[])[0]?.execution.workflowId;
  });
  expect(await temporal('workflow', 'query', '-w', 'mine', '--type', 'progress')).toContain('"total":1');
  expect(await temporal('workflow', 'describe', '-w', 'project/polecats/Toast')).toMatch(/ParentWorkflowId\s+mine/);
  expect(await temporal('workflow', 'show', '-w', 'mine')).toContain('WorkflowExecutionStarted');
  await readsAs(molecule);
  for (const step of ['design', 'implement', 'review', 'test']) {
    await temporal(
      'workflow',
      'signal',
      '-w',
      molecule,
      '--name',
      'close',
      '--input',
      JSON.stringify({ step, by: 'Ada' }),
    );
  }
  await until('the last step waits', async () =>
    (await temporal('workflow', 'query', '-w', molecule, '--type', 'ready')).includes('submit'),
  );
  // The person's work lies in the polecat's sandbox, and what it holds at the end is what lands.
  const lifecycle = await temporal(
    'workflow',
    'query',
    '-w',
    'project/polecats/Toast',
    '--type',
    'lifecycle',
    '-o',
    'json',
  );
  const path = /"path":\s*"([^"]+)"/.exec(lifecycle)?.[1] ?? '';
  await run('sh', ['-c', 'echo door > door.txt'], { cwd: path });
  await temporal('workflow', 'signal', '-w', molecule, '--name', 'close', '--input', '{"step": "submit", "by": "Ada"}');
  expect(await temporal('workflow', 'result', '-w', 'mine')).toContain('COMPLETED');
  const { stdout } = await run('git', ['-C', join(folder, 'project'), 'show', 'main:door.txt']);
  expect(stdout).toBe('door\n');
});

/** What an operator reads of the molecule that waits for a person's design, by Temporal's own CLI. */
async function readsAs(molecule: string): Promise<void> {
  const described = JSON.parse(await temporal('workflow', 'describe', '-w', molecule, '-o', 'json')) as Described;
  const { executionConfig, workflowExecutionInfo } = described;
  expect(executionConfig.userMetadata.summary).toBe('shiny · Toast · one');
  const fields = Object.entries(workflowExecutionInfo.searchAttributes.indexedFields);
  const values = fields.map(([name, { data }]) => [
    name,
    JSON.parse(Buffer.from(data, 'base64').toString()) as unknown,
  ]);
  expect(Object.fromEntries(values)).toMatchObject({
    GtRole: 'molecule',
    GtRig: ['project'],
    GtMission: 'mine',
    GtFormula: 'shiny',
    GtStep: ['design'],
    GtAgent: ['project/polecats/Toast'],
    GtPhase: 'waiting',
    GtWaitingFor: 'person: design',
    GtCostUsd: 0,
  });
  expect(await temporal('workflow', 'metadata', '-w', molecule)).toMatch(
    /Current Details:\s+\*\*shiny\*\*: 0\/5 steps[^]*`design` \| Design a door \| \*\*waits for a person\*\*/,
  );
  const history = await temporal('workflow', 'show', '-w', 'mine', '-o', 'json');
  const summaries = Array.from(history.matchAll(/"summary": \{[^}]*\},\s*"data": "([^"]*)"/g), ([, data = '']) =>
    textOf(data),
  );
  expect(summaries).toEqual(
    expect.arrayContaining(['check and cook the work', 'ensure project/witness', 'ask for slots again']),
  );
}

const textOf = (data: string): unknown => JSON.parse(Buffer.from(data, 'base64').toString());

type Described = {
  readonly executionConfig: { readonly userMetadata: { readonly summary: string } };
  readonly workflowExecutionInfo: {
    readonly searchAttributes: { readonly indexedFields: Readonly<Record<string, { readonly data: string }>> };
  };
};

test('Ctrl-C stops everything that was started', async () => {
  expect(await up.end('SIGINT')).toBe(0);
  expect(await processesIn(folder)).toEqual([]);
});
