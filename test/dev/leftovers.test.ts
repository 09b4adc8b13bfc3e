import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { expect, onTestFinished, test } from 'vitest';
import { endLeftover, endProcess, isAlive, recordServer, startedAt } from '../../src/dev/leftovers.js';
import { readRunningServer } from '../../src/running-server.js';
import { makeFolder } from '../support/repos.js';
import { connectTo, serve, temporalCli } from '../support/temporal.js';

const TOWN = fileURLToPath(new URL('../support/town-process.ts', import.meta.url));

type TownProcess = { readonly child: ChildProcess; readonly pid: number; readonly address: string };

/** A process that runs a server on a database in the folder. */
async function townProcess(folder: string): Promise<TownProcess> {
  const args = ['--import', import.meta.resolve('tsx'), TOWN, await temporalCli(), folder];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const line = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', resolve);
    child.once('exit', () => reject(new Error('it ended before its server was up')));
  });
  const { pid, address } = JSON.parse(line) as { pid: number; address: string }; // written by town-process.ts
  const server = { pid, started: startedAt(pid) ?? '' };
  onTestFinished(() => endProcess(server));
  return { child, pid, address };
}

function sleeper(): ChildProcess & { readonly pid: number } {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  if (child.pid === undefined) throw new Error('sleep cannot be started');
  return Object.assign(child, { pid: child.pid });
}

const ended = (child: ChildProcess) => new Promise((resolve) => child.once('exit', resolve));
const DEAD = { pid: 2 ** 22 + 1, started: 'long ago' };

test('the server of a killed town is ended by the next start, which goes on with its work', async () => {
  const folder = await makeFolder();
  const town = await townProcess(folder);
  const client = new Client({ connection: await connectTo(town.address) });
  await client.workflow.start('anything', { taskQueue: 'nobody', workflowId: 'kept' });
  town.child.kill('SIGKILL');
  await ended(town.child);
  expect(startedAt(town.pid)).not.toBeNull();
  const said: string[] = [];
  const server = await serve(folder, { say: (line) => said.push(line) });
  expect(said).toContain(`Ended the server that an earlier run left behind (process ${town.pid})`);
  expect(startedAt(town.pid)).toBeNull();
  const kept = new Client({ connection: await connectTo(server.address) }).workflow.getHandle('kept');
  expect((await kept.describe()).status.name).toBe('RUNNING');
});

test('a town that is up is not started a second time, and stays up', async () => {
  const folder = await makeFolder();
  const town = await townProcess(folder);
  await expect(serve(folder)).rejects.toThrow(
    `this town is up already: process ${town.child.pid} runs its server at ${town.address}`,
  );
  expect(startedAt(town.pid)).not.toBeNull();
});

test('a town that exits without a word takes its server with it', async () => {
  const town = await townProcess(await makeFolder());
  town.child.kill('SIGTERM');
  await ended(town.child);
  await expect.poll(() => startedAt(town.pid), { timeout: 10_000 }).toBeNull();
});

test('a process that only bears the id of a dead server is left alone', async () => {
  const record = join(await makeFolder(), 'temporal.db.server');
  const innocent = sleeper();
  const server = { pid: innocent.pid, started: 'at another time' };
  await writeFile(record, JSON.stringify({ server, owner: DEAD, address: '127.0.0.1:1', uiUrl: '' }));
  expect(await endLeftover(record)).toBeNull();
  expect(startedAt(innocent.pid)).not.toBeNull();
  expect(existsSync(record)).toBe(false);
});

test('a dead server of this very process makes room; a living one does not', async () => {
  const record = join(await makeFolder(), 'temporal.db.server');
  const server = sleeper();
  expect(recordServer(record, { pid: server.pid, address: '127.0.0.1:1', uiUrl: '' })).toBe(true);
  await expect(endLeftover(record)).rejects.toThrow('this town is up already');
  server.kill('SIGKILL');
  await ended(server);
  expect(await endLeftover(record)).toBeNull();
});

test('of two that record at once, one is told that it came late', async () => {
  const record = join(await makeFolder(), 'temporal.db.server');
  const [first, second] = [sleeper(), sleeper()];
  expect(recordServer(record, { pid: first.pid, address: '127.0.0.1:1', uiUrl: '' })).toBe(true);
  expect(recordServer(record, { pid: second.pid, address: '127.0.0.1:2', uiUrl: '' })).toBe(false);
  expect(readRunningServer(record)).toMatchObject({ server: { pid: first.pid }, owner: { pid: process.pid } });
});

test('a record that a crash has torn is forgotten', async () => {
  const record = join(await makeFolder(), 'temporal.db.server');
  await writeFile(record, '{"server":{"pid":1');
  expect(await endLeftover(record)).toBeNull();
  expect(existsSync(record)).toBe(false);
});

test('a process that obeys no SIGINT is killed', async () => {
  const deaf = spawn('sh', ['-c', 'trap "" INT; echo deaf; while :; do sleep 0.1; done'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => void deaf.kill('SIGKILL'));
  await new Promise((resolve) => deaf.stdout.once('data', resolve));
  const one = { pid: deaf.pid ?? 0, started: startedAt(deaf.pid ?? 0) ?? '' };
  expect(isAlive(one)).toBe(true);
  await endProcess(one);
  expect(isAlive(one)).toBe(false);
});
