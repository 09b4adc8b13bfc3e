import { createServer, request as ask } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { openHostProxy } from '../../src/process/host-proxy.js';

test('an answer that breaks off breaks off for who waits for it', async () => {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/plain' });
    response.write('begun', () => setTimeout(() => response.destroy(), 50));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const folder = await mkdtemp(join(tmpdir(), 'gt-host-proxy-'));
  const socketPath = join(folder, 'proxy');
  const close = await openHostProxy(socketPath, [`127.0.0.1:${port}`]);
  onTestFinished(async () => {
    close();
    server.close();
    await rm(folder, { recursive: true });
  });
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    ask({ socketPath, path: `http://127.0.0.1:${port}/` }, resolve)
      .on('error', reject)
      .end();
  });
  await expect(text(answer)).rejects.toThrow('aborted');
});
