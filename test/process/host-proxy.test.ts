import { createServer, request as ask } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
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

/** What who is shut in, or the host, writes as it likes: an error that nobody catches would end the worker, and this test. */
test('what cannot be passed on is told, whoever wrote it, and the proxy goes on', async () => {
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (asked) => {
      const path = asked.toString().split(' ')[1];
      const status = path === '/below' ? '099 Odd' : path === '/upgrade' ? '101 Switching Protocols' : '200 OK';
      const upgrade = path === '/upgrade' ? 'Upgrade: x\r\nConnection: upgrade\r\n' : '';
      const body = /\r\nHost: (.*)\r\n/i.exec(asked.toString())?.[1] ?? '';
      socket.end(`HTTP/1.1 ${status}\r\n${upgrade}Content-Length: ${body.length}\r\n\r\n${body}`);
    });
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
  const asked = (place: string) =>
    new Promise<string>((resolve) => {
      const client = connect(socketPath);
      client.on('error', () => undefined);
      client.write(`GET http://${place} HTTP/1.1\r\nHost: elsewhere\r\nConnection: close\r\n\r\n`);
      void text(client).then(resolve, () => resolve(''));
    });
  expect(await asked(`%ff:x@127.0.0.1:${port}/`)).toMatch(/^HTTP\/1\.1 400 [^]*this is not passed on: URI malformed/);
  expect(await asked(`127.0.0.1:${port}/below`)).toMatch(/^HTTP\/1\.1 502 [^]*this is not passed on: Invalid status/);
  expect(await asked(`127.0.0.1:${port}/upgrade`)).toBe('');
  // No other host of the same address can be named beside it.
  expect(await asked(`127.0.0.1:${port}/`)).toMatch(new RegExp(`^HTTP/1\\.1 200 [^]*127\\.0\\.0\\.1:${port}$`));
});
