import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { askRelay, openRelay } from '../src/relay.js';
import type { Relay } from '../src/relay.js';

let dir: string;
let file: string;
const relays: Relay[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gt-relay-'));
  file = join(dir, 'relay.sock');
});
afterEach(async () => {
  for (const relay of relays.splice(0)) relay.close();
  await rm(dir, { recursive: true, force: true });
});

async function opened(answer: (sent: unknown) => Promise<unknown>): Promise<Relay> {
  const relay = await openRelay(file, answer);
  relays.push(relay);
  return relay;
}

const echo = async (sent: unknown) => Promise.resolve({ heard: sent });
const saying = (text: string) => async () => Promise.resolve(text);

test('what is asked is answered, many at once and however long, to nobody but this user', async () => {
  await opened(echo);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const texts = Array.from({ length: 20 }, (_, n) => `${n} ‘ü’ `.repeat(20_000 * (n % 3) + 1));
  expect(await Promise.all(texts.map((text) => askRelay(file, { text })))).toEqual(
    texts.map((text) => ({ heard: { text } })),
  );
});

test('whoever is not answered hears null: no socket, no word for it, a fault, what is no JSON', async () => {
  expect(await askRelay(file, 'a')).toBe(null);
  await opened(async (sent) => (sent === 'fault' ? Promise.reject(new Error('a fault')) : Promise.resolve(null)));
  expect(await askRelay(file, 'a')).toBe(null);
  expect(await askRelay(file, 'fault')).toBe(null);
  const garbage = connect(file);
  garbage.end('{"a": ');
  const heard: unknown[] = [];
  garbage.on('data', (part) => heard.push(part));
  await once(garbage, 'close');
  expect(heard).toEqual([]);
  // One who goes before it is answered harms nobody.
  connect(file).end('"a"').destroy();
  expect(await askRelay(file, 'a')).toBe(null);
});

test('a relay that closes hangs up on those whom it has not answered', async () => {
  const bell = new EventEmitter();
  const relay = await opened(async () => {
    bell.emit('asked');
    await once(bell, 'never');
  });
  const asked = once(bell, 'asked');
  const answer = askRelay(file, 'a');
  await asked;
  relay.close();
  expect(await answer).toBe(null);
  expect(await readdir(dir)).toEqual([]);
});

test('a second one leaves the first alone, and takes the place of one that was killed', async () => {
  const listen = 'require("node:net").createServer().listen(process.argv[1], () => console.log("listens"))';
  const first = spawn(process.execPath, ['-e', listen, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(first.stdout, 'data');
  const second = await opened(saying('the second'));
  second.close();
  expect(await readdir(dir)).toEqual(['relay.sock']);
  first.kill('SIGKILL');
  await once(first, 'exit');
  expect(await askRelay(file, 'a')).toBe(null);
  await opened(saying('the third'));
  expect(await askRelay(file, 'a')).toBe('the third');
});

test('where a path is too long for a socket, or its folder is missing, there is none', async () => {
  await rm(dir, { recursive: true });
  await opened(echo);
  expect(await askRelay(file, 'a')).toBe(null);
  file = join(dir, 'x'.repeat(100), 'relay.sock');
  await mkdir(join(file, '..'), { recursive: true });
  await opened(echo);
  expect(await askRelay(file, 'a')).toBe(null);
  expect(await readdir(join(file, '..'))).toEqual([]);
});
