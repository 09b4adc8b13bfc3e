import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from '@temporalio/client';
import { expect, onTestFinished, test } from 'vitest';
import {
  claimRecord,
  endLeftover,
  endProcess,
  forgetServer,
  isAlive,
  recordServer,
  startedAt,
} from '../../src/dev/leftovers.js';
import { readRunningServer } from '../../src/running-server.js';
import { programOf } from '../support/program.js';
import { makeFolder } from '../support/repos.js';
import { drawn } from '../support/sample.js';
import { connectTo, serve, temporalCli } from '../support/temporal.js';

const TOWN = await programOf('test/support/town-process.ts');

type TownProcess = { readonly child: ChildProcess; readonly pid: number; readonly address: string };

/** A process that runs a server on a database in the folder. */
async function townProcess(folder: string): Promise<TownProcess> {
  const args = [TOWN, await temporalCli(), folder];
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
const PLACE = { address: '127.0.0.1:1', uiUrl: 'http://127.0.0.1:2' };
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

const it = drawn('towns that were left', 4, 2);

it('a town that is up is not started a second time, and stays up', async () => {
  const folder = await makeFolder();
  const town = await townProcess(folder);
  await expect(serve(folder)).rejects.toThrow(
    `this town is up already: process ${town.child.pid} runs its server at ${town.address}`,
  );
  expect(startedAt(town.pid)).not.toBeNull();
});

it('of two starts at once one is up, and the other never opens the database', async () => {
  const folder = await makeFolder();
  const launches = join(folder, 'launches');
  const clis = await Promise.all(
    ['first', 'second'].map(async (name) => {
      const cli = join(folder, name);
      await writeFile(cli, `#!/bin/sh\necho ${name} >> '${launches}'\nexec '${await temporalCli()}' "$@"\n`, {
        mode: 0o755,
      });
      return { name, cli };
    }),
  );
  const starts = await Promise.allSettled(clis.map(({ cli }) => serve(folder, { cli })));
  expect(starts.map((start) => start.status).toSorted()).toEqual(['fulfilled', 'rejected']);
  const refused = starts.flatMap((start) => (start.status === 'rejected' ? [String(start.reason)] : []));
  expect(refused).toEqual([expect.stringMatching(/already|at this very moment/)]);
  // One that loses a port to somebody else is launched again.
  const launched = new Set((await readFile(launches, 'utf8')).trim().split('\n'));
  expect([...launched]).toEqual(
    clis.filter((_, place) => starts[place]?.status === 'fulfilled').map(({ name }) => name),
  );
});

it('a town that exits without a word takes its server with it', async () => {
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
  recordServer(record, { pid: server.pid, ...PLACE });
  await expect(endLeftover(record)).rejects.toThrow('this town is up already');
  server.kill('SIGKILL');
  await ended(server);
  expect(await endLeftover(record)).toBeNull();
});

test('one claims and any other comes late, until the first has gone', async () => {
  const folder = await makeFolder();
  const record = join(folder, 'temporal.db.server');
  expect(claimRecord(record, PLACE)).toBe(true);
  expect(claimRecord(record, { ...PLACE, address: '127.0.0.1:2' })).toBe(false);
  await expect(endLeftover(record)).rejects.toThrow('this town is up already');
  const server = sleeper();
  recordServer(record, { pid: server.pid, ...PLACE });
  expect(readRunningServer(record)).toMatchObject({
    ...PLACE,
    server: { pid: server.pid },
    owner: { pid: process.pid },
  });
  forgetServer(record, server.pid);
  expect(await readdir(folder)).toEqual([]);
  expect(claimRecord(record, PLACE)).toBe(true);
});

test('a server that was replaced does not take the record of its successor with it', async () => {
  const record = join(await makeFolder(), 'temporal.db.server');
  const [first, second] = [sleeper(), sleeper()];
  recordServer(record, { pid: second.pid, ...PLACE });
  forgetServer(record, first.pid);
  expect(readRunningServer(record)).toMatchObject({ server: { pid: second.pid } });
});

test('a record that was made while the leftover ended is left alone', async () => {
  const record = join(await makeFolder(), 'temporal.db.server');
  const leftover = sleeper();
  const server = { pid: leftover.pid, started: startedAt(leftover.pid) ?? '' };
  await writeFile(record, JSON.stringify({ server, owner: DEAD, ...PLACE }));
  const ending = endLeftover(record);
  const successor = sleeper();
  recordServer(record, { pid: successor.pid, ...PLACE });
  expect(await ending).toBe(leftover.pid);
  expect(readRunningServer(record)).toMatchObject({ server: { pid: successor.pid } });
});

test('a record that a crash has torn is forgotten', async () => {
  const record = join(await makeFolder(), 'temporal.db.server');
  await writeFile(record, '{"server":{"pid":1');
  expect(await endLeftover(record)).toBeNull();
  expect(existsSync(record)).toBe(false);
});

it('a process that obeys no SIGINT is killed', async () => {
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
