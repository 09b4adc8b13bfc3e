import { execFileSync } from 'node:child_process';
import { createServer, type Server as Listener } from 'node:net';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from '@temporalio/client';
import { tsToMs } from '@temporalio/common/lib/time.js';
import { expect, onTestFinished, test } from 'vitest';
import { SEARCH_ATTRIBUTES } from '../../src/contract/search-attributes.js';
import { startedAt } from '../../src/dev/leftovers.js';
import { freePort } from '../../src/dev/ports.js';
import { readRunningServer } from '../../src/running-server.js';
import { makeFolder } from '../support/repos.js';
import { drawn } from '../support/sample.js';
import { connectTo, serve, temporalCli } from '../support/temporal.js';

const DAY_MS = 24 * 60 * 60 * 1_000;

/** Listens on the port, or on any free one; null when somebody else does already. */
async function occupy(port: number): Promise<number | null> {
  const listener = await new Promise<Listener | null>((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
  if (listener === null) return null;
  onTestFinished(() => void listener.close());
  const address = listener.address();
  return typeof address === 'object' ? (address?.port ?? null) : null;
}

test('a new server answers, keeps closed workflows for 30 days, and knows every search attribute', async () => {
  const server = await serve(await makeFolder());
  const connection = await connectTo(server.address);
  const { config } = await connection.workflowService.describeNamespace({ namespace: 'default' });
  expect(tsToMs(config?.workflowExecutionRetentionTtl)).toBe(30 * DAY_MS);
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace: 'default' });
  expect(Object.keys(customAttributes ?? {}).toSorted()).toEqual(Object.keys(SEARCH_ATTRIBUTES).toSorted());
  expect((await fetch(`${server.uiUrl}/api/v1/settings`)).status).toBe(200);
});

test('a server on the database of an earlier one goes on with its workflows', async () => {
  const folder = await makeFolder();
  const first = await serve(folder);
  const started = await new Client({ connection: await connectTo(first.address) }).workflow.start('anything', {
    taskQueue: 'nobody',
    workflowId: 'kept',
    searchAttributes: { GtPhase: ['queued'], GtRig: ['server', 'web'] },
  });
  await first.stop();
  const second = await serve(folder);
  const again = new Client({ connection: await connectTo(second.address) }).workflow.getHandle('kept');
  const { runId, status, searchAttributes } = await again.describe();
  expect({ runId, status: status.name }).toEqual({ runId: started.firstExecutionRunId, status: 'RUNNING' });
  expect(searchAttributes).toMatchObject({ GtPhase: ['queued'], GtRig: ['server', 'web'] });
});

test('after stop no process and no record is left, and stopping twice is stopping once', async () => {
  const folder = await makeFolder();
  const server = await serve(folder);
  const record = join(folder, 'state', 'temporal.db.server');
  expect(readRunningServer(record)).toMatchObject({ address: server.address, server: { pid: server.pid } });
  await Promise.all([server.stop(), server.stop()]);
  await server.stop();
  expect(startedAt(server.pid)).toBeNull();
  expect(existsSync(record)).toBe(false);
  expect(await server.stopped).toEqual({ code: 0, signal: null });
});

const it = drawn('odd starts of a server', 8, 3);

it('a server that was killed is told, and comes back on the same ports with its work and its clients', async () => {
  const folder = await makeFolder();
  const first = await serve(folder);
  const client = new Client({ connection: await connectTo(first.address) });
  await client.workflow.start('anything', { taskQueue: 'nobody', workflowId: 'kept' });
  process.kill(first.pid, 'SIGKILL');
  expect(await first.stopped).toEqual({ code: null, signal: 'SIGKILL' });
  const ports = { port: Number(first.address.split(':')[1]), uiPort: Number(new URL(first.uiUrl).port) };
  const second = await serve(folder, ports);
  expect(second).toMatchObject({ address: first.address, uiUrl: first.uiUrl });
  expect(second.pid).not.toBe(first.pid);
  // The connection of before, not a new one: workers and commands hold theirs across a restart.
  const status = async () => (await client.workflow.getHandle('kept').describe()).status.name;
  await expect.poll(() => status().catch(String), { timeout: 20_000 }).toBe('RUNNING');
});

it('a port that another program takes between the look and the start is given up for a free one', async () => {
  const folder = await makeFolder();
  const [slow, wanted, taken] = ['slow', 'wanted', 'taken'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  // The real CLI, but it says which UI port it was given and waits until somebody is there before it.
  await writeFile(
    slow,
    `#!/bin/sh
case "$*" in *start-dev*) echo "$*" | sed 's/.*--ui-port \\([0-9]*\\).*/\\1/' > '${wanted}.part' && mv '${wanted}.part' '${wanted}' ;; esac
while [ ! -e '${taken}' ]; do sleep 0.05; done
exec '${await temporalCli()}' "$@"
`,
  );
  await chmod(slow, 0o755);
  const starting = serve(folder, { cli: slow });
  await expect.poll(() => existsSync(wanted), { timeout: 20_000 }).toBe(true);
  const lost = Number(await readFile(wanted, 'utf8'));
  expect(await occupy(lost)).toBe(lost);
  await writeFile(taken, '');
  const server = await starting;
  expect(Number(new URL(server.uiUrl).port)).not.toBe(lost);
  expect((await fetch(`${server.uiUrl}/api/v1/settings`)).status).toBe(200);
});

/** The real CLI, but that it does this, in a shell, when it is to start a server. */
async function cliThat(folder: string, does: string): Promise<string> {
  const file = join(folder, 'temporal');
  const script = `#!/bin/sh\ncase "$*" in *start-dev*)\n${does}\n;; esac\nexec '${await temporalCli()}' "$@"\n`;
  await writeFile(file, script);
  await chmod(file, 0o755);
  return file;
}

const STACK = 'for line in $(seq 40); do echo "goroutine $line" >&2; done';

it.each([
  [
    'a port that somebody held for the moment of the start is tried again',
    "echo 'listen tcp 127.0.0.1:7233: bind: address already in use' >&2; exit 1",
  ],
  [
    'a port of its own choice that the server loses before it listens is tried again, however much it says after that',
    `echo 'panic: listen tcp 127.0.0.1:34567: bind: address already in use' >&2; ${STACK}; exit 2`,
  ],
])('%s', async (_, fails) => {
  const folder = await makeFolder();
  const tried = join(folder, 'tried');
  const cli = await cliThat(folder, `[ -e '${tried}' ] || { touch '${tried}'; ${fails}; }`);
  const server = await serve(folder, { cli });
  expect(existsSync(tried)).toBe(true);
  expect((await fetch(`${server.uiUrl}/api/v1/settings`)).status).toBe(200);
});

test('a panic of the server is shown by its words, not by the end of its stack', async () => {
  const folder = await makeFolder();
  const cli = await cliThat(folder, `echo "panic: no shard" >&2; ${STACK}; exit 2`);
  await expect(serve(folder, { cli })).rejects.toThrow(
    /ended before it answered \(exit 2\)[^]*panic: no shard\ngoroutine 1\n/,
  );
});

it('towns on one machine come up at the same moment and do not meet', async () => {
  const folders = await Promise.all([makeFolder(), makeFolder(), makeFolder()]);
  const servers = await Promise.all(folders.map((folder) => serve(folder, { port: 0, uiPort: 0 })));
  const clients = await Promise.all(
    servers.map(async ({ address }) => new Client({ connection: await connectTo(address) })),
  );
  for (const [index, client] of clients.entries())
    await client.workflow.start('anything', { taskQueue: 'nobody', workflowId: `of-town-${index}` });
  for (const [index, client] of clients.entries()) {
    const statuses = await Promise.all(
      clients.map((_, other) =>
        client.workflow
          .getHandle(`of-town-${other}`)
          .describe()
          .then(() => 'known', String),
      ),
    );
    expect(statuses.map((status) => status === 'known')).toEqual(clients.map((_, other) => other === index));
  }
});

it('it sits in a process group of its own, out of reach of Ctrl-C', async () => {
  const { pid } = await serve(await makeFolder());
  const group = execFileSync('ps', ['-o', 'pgid=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  expect(group).toBe(String(pid));
});

it('asked ports are used', async () => {
  const [port, uiPort] = [await freePort(), await freePort()];
  const server = await serve(await makeFolder(), { port, uiPort });
  expect(server).toMatchObject({ address: `127.0.0.1:${port}`, uiUrl: `http://127.0.0.1:${uiPort}` });
});

test('an asked port that is taken is an error that names it', async () => {
  const folder = await makeFolder();
  const taken = (await occupy(0)) ?? 0;
  await expect(serve(folder, { port: taken })).rejects.toThrow(`the port ${taken} is taken`);
  await expect(serve(folder, { uiPort: taken })).rejects.toThrow(`the UI port ${taken} is taken`);
});

it('when the usual ports are taken, free ones are used and told', async () => {
  // Not 7233 and 8233: a server of another test may hold and leave those meanwhile.
  const usual = { port: (await occupy(0)) ?? 0, uiPort: (await occupy(0)) ?? 0 };
  const said: string[] = [];
  const server = await serve(await makeFolder(), { usual, say: (line) => said.push(line) });
  const [port, uiPort] = [server.address.split(':')[1], new URL(server.uiUrl).port];
  expect(said).toEqual([
    `The usual port ${usual.port} is taken: using ${port}`,
    `The usual UI port ${usual.uiPort} is taken: using ${uiPort}`,
  ]);
});

test('a server that does not come up is told with the end of its log, and leaves nothing', async () => {
  const folder = await makeFolder();
  await mkdir(join(folder, 'state'));
  await writeFile(join(folder, 'state', 'temporal.db'), 'this is no database, and long enough to be seen as none');
  await expect(serve(folder)).rejects.toThrow(/did not come up: it ended before it answered[^]*not a database/);
  expect(existsSync(join(folder, 'state', 'temporal.db.server'))).toBe(false);
});

test('a program that cannot be started is told', async () => {
  await expect(serve(await makeFolder(), { cli: '/nowhere/temporal' })).rejects.toThrow(
    '/nowhere/temporal could not be started',
  );
});

test('a server that is killed while it comes up is told with what it had said', async () => {
  const folder = await makeFolder();
  const silent = join(folder, 'silent');
  await writeFile(silent, '#!/bin/sh\necho "coming up"\nexec sleep 1000\n');
  await chmod(silent, 0o755);
  // Not the usual ports: when a server of another test takes those meanwhile, this one is started again.
  const starting = serve(folder, { cli: silent, port: 0, uiPort: 0 }).catch((error: Error) => error.message);
  const log = join(folder, 'logs', 'server.log');
  await expect.poll(() => readFile(log, 'utf8').catch(() => ''), { timeout: 20_000 }).toContain('coming up');
  const record = readRunningServer(join(folder, 'state', 'temporal.db.server'));
  process.kill(record?.server.pid ?? 0, 'SIGKILL');
  expect(await starting).toMatch(/it ended before it answered \(SIGKILL\)[^]*coming up/);
});

it('a server that does not obey is killed after five seconds', async () => {
  const server = await serve(await makeFolder());
  process.kill(server.pid, 'SIGSTOP');
  await server.stop();
  expect(await server.stopped).toEqual({ code: null, signal: 'SIGKILL' });
});
