/** Two versions of workers on one server: who stays with the old one, who moves, and the commands of docs/operating.md by which. */
import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, symlink } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from '@temporalio/client';
import { expect, onTestFinished, test } from 'vitest';
import { gt, startGt } from '../support/gt.js';
import { here } from '../support/here.js';
import { makeTownFolder, until } from '../support/live-town.js';
import { connectTo, serve, temporalCli } from '../support/temporal.js';
import { ASK } from '../support/test-formulas.js';

const page = (await readFile(here('docs/operating.md'), 'utf8')).split('## Upgrading a cluster')[1] ?? '';
const COMMANDS = Array.from(page.matchAll(/^```\n(.*?)^```$/gms), ([, block = '']) => block.trim().split('\n')).flat();

test('work in flight stays with its version, missions and roles move, and old workers can go', async () => {
  const town = await makeTownFolder({ rigs: { project: { bare: true } }, formulas: { ask: ASK } });
  onTestFinished(() => rm(town, { recursive: true, force: true, maxRetries: 5 }));
  const server = await serve(town);
  const client = new Client({ connection: await connectTo(server.address) });
  const bin = join(town, 'bin');
  await mkdir(bin);
  await symlink(await temporalCli(), join(bin, 'temporal'));
  const env = {
    TOWN: town,
    TEMPORAL_ADDRESS: server.address,
    PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}`,
  };
  const options = { env: { ...process.env, ...env } };
  const workers: ReturnType<typeof startGt>[] = [];
  onTestFinished(async () => {
    await Promise.all(workers.map((worker) => worker.end('SIGTERM')));
  });

  /** Runs the commands of the page up to the one that has this in it. */
  const left = [...COMMANDS];
  const follow = async (part: string): Promise<string> => {
    for (;;) {
      const command = left.shift() ?? '';
      if (command.startsWith('gt worker'))
        workers.push(startGt(command.replace('"$TOWN"', town).split(' ').slice(1), env));
      else {
        // The server hears of a version when its worker polls.
        const run = async () => (await promisify(execFile)('sh', ['-c', command], options)).stdout || ' ';
        const answer = await until(command, run, 60);
        const current = /set-current-version .*--build-id (\S+)/.exec(command)?.[1];
        if (current !== undefined) await until(`${current} takes what begins`, async () => (await probe()) === current);
        if (command.includes(part)) return answer;
      }
    }
  };
  const versionOf = async (id: string) => {
    const { raw } = await client.workflow.getHandle(id).describe();
    return raw.workflowExecutionInfo?.versioningInfo?.deploymentVersion?.buildId;
  };
  let probes = 0;
  /** The version that a workflow gets which begins now. */
  const probe = async () => {
    probes += 1;
    const options = { taskQueue: 'gastown', workflowId: `probe-${probes}`, args: [{ formula: 'ask' }] };
    const handle = await client.workflow.start('molecule', options);
    await handle.query('ready');
    const version = await versionOf(handle.workflowId);
    await handle.terminate('it was only to see');
    return version;
  };
  const moleculeOf = (mission: string) =>
    until(`the molecule of ${mission} waits`, async () => {
      const query = `GtMission="${mission}" AND GtRole="molecule" AND GtPhase="waiting"`;
      for await (const one of client.workflow.list({ query })) return one.workflowId;
      return null;
    });
  const close = async (id: string) =>
    client.workflow.getHandle(id).executeUpdate('close', { args: [{ step: 'think' }] });

  await follow('--workflow-id before');
  const before = await moleculeOf('before');
  expect(await Promise.all(['before', before, 'project/witness'].map(versionOf))).toEqual(['v1', 'v1', 'v1']);

  await follow('--workflow-id after');
  const after = await moleculeOf('after');
  await follow('wake-up');
  await until('mission and witness have moved', async () => {
    const versions = await Promise.all(['before', 'project/witness'].map(versionOf));
    return versions.every((version) => version === 'v2');
  });
  expect(await Promise.all([after, 'after', before].map(versionOf))).toEqual(['v2', 'v2', 'v1']);

  await close(before);
  await expect(client.workflow.getHandle('before').result()).resolves.toMatchObject({ landed: 1 });
  expect(await versionOf(before)).toBe('v1');
  expect(await follow('describe-version')).toContain('v1');
  await follow('update-options');

  await workers[0]?.end('SIGTERM');
  await close(after);
  await expect(client.workflow.getHandle('after').result()).resolves.toMatchObject({ landed: 1 });
  expect(left).toEqual([]);
});

test('half a version is none', async () => {
  const town = await makeTownFolder({ rigs: {} });
  onTestFinished(() => rm(town, { recursive: true, force: true }));
  const { code, stderr } = await gt(['worker', '--town', town, '--build-id', 'v1']);
  expect(code).not.toBe(0);
  expect(stderr).toContain('a version of workers is a deployment and a build id: --deployment is missing');
});
