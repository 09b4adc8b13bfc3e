import { createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { choosePort, freePort } from '../../src/dev/ports.js';

async function taken(): Promise<number> {
  const port = await freePort();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return port;
}

test('the preferred port is given when it is free', async () => {
  const preferred = await freePort();
  expect(await choosePort({ asked: null, preferred })).toBe(preferred);
});

test('another one is given, and told, when it is taken', async () => {
  const preferred = await taken();
  const said: string[] = [];
  const port = await choosePort({ asked: null, preferred, what: 'UI port', say: (line) => said.push(line) });
  expect(port).not.toBe(preferred);
  expect(said).toEqual([`The usual UI port ${preferred} is taken: using ${port}`]);
});

test('an asked port is given or refused, never replaced', async () => {
  const [free, used] = [await freePort(), await taken()];
  expect(await choosePort({ asked: free, preferred: used })).toBe(free);
  await expect(choosePort({ asked: used, preferred: free })).rejects.toThrow(`the port ${used} is taken`);
});

test('0 stands for any free port', async () => {
  expect(await choosePort({ asked: null, preferred: 0 })).toBeGreaterThan(0);
});
