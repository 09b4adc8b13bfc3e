/** `gt up` as an operator meets it: in an odd environment, in a folder that will not do, with a worker that cannot start. */
import { createServer } from 'node:http2';
import type { IncomingHttpHeaders } from 'node:http2';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../src/dev/ports.js';
import { startGt } from '../support/gt.js';
import type { Running } from '../support/gt.js';
import { makeTownFolder } from '../support/live-town.js';
import { processesIn } from '../support/processes.js';
import { makeFolder } from '../support/repos.js';
import { drawn } from '../support/sample.js';

async function newTown(): Promise<string> {
  const dir = await makeTownFolder({ rigs: {} });
  onTestFinished(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));
  return dir;
}

function start(args: readonly string[], env: Readonly<Record<string, string | undefined>> = {}): Running {
  const running = startGt(args, env);
  onTestFinished(async () => void (await running.end('SIGTERM')));
  return running;
}

const it = drawn('odd surroundings of gt up', 4, 2);

it('settings for a Temporal somewhere else do not reach the own server', async () => {
  const file = join(await makeFolder(), 'temporal.toml');
  await writeFile(file, '[profile.default]\naddress = "cloud:7233"\n[profile.default.tls]\nserver_name = "cloud"\n');
  const elsewhere = { TEMPORAL_CONFIG_FILE: file, TEMPORAL_NAMESPACE: 'mine.cloud', TEMPORAL_API_KEY: 'secret' };
  const up = start(['up', await newTown()], elsewhere);
  expect((await up.says(/is up\./)).index).toBeGreaterThan(0);
});

it('a worker sends the headers of its Temporal profile with its calls', async () => {
  const port = await freePort();
  const heard = new Promise<IncomingHttpHeaders>((resolve) => {
    const server = createServer().on('stream', (stream, headers) => {
      resolve(headers);
      stream.close();
    });
    server.listen(port, '127.0.0.1');
    onTestFinished(() => void server.close());
  });
  const file = join(await makeFolder(), 'temporal.toml');
  await writeFile(file, '[profile.default.grpc_meta]\nx-hill = "seven"\n');
  const args = ['worker', '--town', await newTown(), '--address', `127.0.0.1:${port}`];
  start(args, { TEMPORAL_CONFIG_FILE: file });
  expect(await heard).toMatchObject({ 'x-hill': 'seven' });
});

test('a state folder that cannot be written is told in words, with its code', async () => {
  const dir = await newTown();
  await writeFile(join(dir, '.gt'), 'a file in the way');
  const up = start(['up', dir]);
  expect(await up.exited).toBe(1);
  expect(up.output()).toContain(`gt: ${join(dir, '.gt')} cannot be used (EEXIST)`);
  expect(up.output()).not.toContain('    at ');
});

it('a worker that cannot start any more is tried again ever later, and why is told', async () => {
  const dir = await newTown();
  const up = start(['up', dir]);
  const [, address] = await up.says(/export TEMPORAL_ADDRESS=(\S+)/);
  expect(address).toMatch(/^127\.0\.0\.1:\d+$/);
  const file = join(dir, 'town.toml');
  const good = await readFile(file, 'utf8');
  await writeFile(file, `${good}\nnonsense = = 1\n`);
  const [worker] = (await processesIn(dir)).filter((one) => one.includes('gt.js worker'));
  process.kill(Number.parseInt(worker ?? '', 10), 'SIGKILL');
  const [, first, problem] = await up.says(/tried again in (\d+) s: ([^]*this is not TOML)/);
  expect(problem).toContain('worker.log:\ngt: town.toml:');
  const [, second] = await up.says(/not TOML[^]*tried again in (\d+) s[^]*not TOML[^]*tried again in (?:\d+) s/);
  expect(Number(second)).toBeGreaterThanOrEqual(Number(first));
  expect(await up.end('SIGINT')).toBe(0);
  expect(await processesIn(dir)).toEqual([]);
});

it('a town whose usual ports are taken keeps the ports of its last start', async () => {
  const dir = await newTown();
  const [port, uiPort] = [await freePort(), await freePort()];
  const first = start(['up', dir, '--port', String(port), '--ui-port', String(uiPort)]);
  await first.says(/is up\./);
  expect(await first.end('SIGTERM')).toBe(0);
  const second = start(['up', dir]);
  await second.says(
    new RegExp(`http://127\\.0\\.0\\.1:${uiPort}[^]*/\\S*temporal --address 127\\.0\\.0\\.1:${port} workflow list`),
  );
});
