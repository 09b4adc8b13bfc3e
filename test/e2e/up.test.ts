/** `gt up` as an operator meets it: in an odd environment, in a folder that will not do, with a worker that cannot start. */
import { createServer } from 'node:http2';
import type { IncomingHttpHeaders } from 'node:http2';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../src/dev/ports.js';
import { startGt } from '../support/gt.js';
import type { Running } from '../support/gt.js';
import { makeTownFolder } from '../support/live-town.js';
import { makeFolder } from '../support/repos.js';

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

test('settings for a Temporal somewhere else do not reach the own server', async () => {
  const file = join(await makeFolder(), 'temporal.toml');
  await writeFile(file, '[profile.default]\naddress = "cloud:7233"\n[profile.default.tls]\nserver_name = "cloud"\n');
  const elsewhere = { TEMPORAL_CONFIG_FILE: file, TEMPORAL_NAMESPACE: 'mine.cloud', TEMPORAL_API_KEY: 'secret' };
  const up = start(['up', await newTown()], elsewhere);
  await up.says(/is up\./);
});

test('a worker sends the headers of its Temporal profile with its calls', async () => {
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
