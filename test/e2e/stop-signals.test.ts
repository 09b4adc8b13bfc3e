/** `gt up` and `gt demo` end in order whenever they are told to: nothing of theirs runs on, not even when they were only starting. */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { townPaths } from '../../src/town/paths.js';
import { startGt } from '../support/gt.js';
import { makeTownFolder, until } from '../support/live-town.js';
import { processesIn } from '../support/processes.js';
import { drawn, some } from '../support/sample.js';

let dir: string;
beforeAll(async () => {
  dir = await makeTownFolder({ rigs: {} });
});
afterAll(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));

const isServerThere = () => existsSync(townPaths(dir).server);
const isWorkerThere = async () => (await processesIn(dir)).some((one) => /gt\.js worker/.test(one));

async function nothingIsLeft(): Promise<void> {
  await until('nothing runs any more', async () => (await processesIn(dir)).length === 0, 20);
  expect(isServerThere()).toBe(false);
}

const SIGNALS = some('signals', ['SIGINT', 'SIGTERM', 'SIGHUP'] as const, 1);

test.each(SIGNALS)('%s while the server starts', async (signal) => {
  const up = startGt(['up', dir]);
  await until('the server is being started', async () => isServerThere(), 30);
  expect(await up.end(signal)).toBe(130);
  expect(up.output()).toContain('gt: stopped');
  await nothingIsLeft();
});

const it = drawn('moments to stop', 5, 2);

it('Ctrl-C before anything was started', async () => {
  const slow = await slowProgram();
  const up = startGt(['up', dir], { TEMPORAL_CLI: slow });
  await until('the program is asked for its version', async () => existsSync(`${slow}.asked`), 30);
  expect(await up.end('SIGINT')).toBe(130);
  await nothingIsLeft();
});

it('Ctrl-C while the worker starts', async () => {
  const up = startGt(['up', dir]);
  await until('the worker is being started', isWorkerThere, 30);
  expect(await up.end('SIGINT')).toBe(130);
  await nothingIsLeft();
});

it('kill -9 while the worker starts: the worker ends the server, and itself', async () => {
  const up = startGt(['up', dir]);
  await until('the worker is being started', isWorkerThere, 30);
  expect(await up.end('SIGKILL')).toBeNull();
  await nothingIsLeft();
});

it('Ctrl-C twice, and SIGHUP on top, are one stop in order', async () => {
  const up = startGt(['up', dir]);
  await up.says(/is up/);
  up.child.kill('SIGINT');
  await pause(50);
  up.child.kill('SIGINT');
  await pause(50);
  expect(await up.end('SIGHUP')).toBe(0);
  await nothingIsLeft();
});

it('a demo that is stopped on its way says where its town is and how it goes on', async () => {
  const folder = join(await newFolder(), 'demo');
  const demo = startGt(['demo', '--dir', folder]);
  await demo.says(/\[0\/5\] .*session 1/);
  expect(await demo.end('SIGINT')).toBe(130);
  expect(demo.output()).toMatch(
    new RegExp(`stopped; the town is in ${folder}\\. To go on with its mission: .*gt.* up ${folder}`),
  );
  expect(await processesIn(folder)).toEqual([]);
  expect(existsSync(townPaths(folder).server)).toBe(false);
});

test.each([
  ['stopped before its town was up', 'SIGINT', 130],
  ['without a Temporal CLI', null, 1],
] as const)('a demo %s leaves no folder behind', async (_, signal, code) => {
  const temp = await newFolder();
  const cli = signal === null ? '/no/such/temporal' : await slowProgram();
  const demo = startGt(['demo'], { TMPDIR: temp, TEMPORAL_CLI: cli });
  if (signal !== null) await demo.says(/A town in/);
  expect(await (signal === null ? demo.exited : demo.end(signal))).toBe(code);
  expect(await readdir(temp)).toEqual([]);
});

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gt-stop-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** Takes as long to tell its version as a download would. */
async function slowProgram(): Promise<string> {
  const file = join(await newFolder(), 'temporal');
  await writeFile(file, '#!/bin/sh\ntouch "$0.asked"\nexec sleep 15\n', { mode: 0o755 });
  return file;
}
