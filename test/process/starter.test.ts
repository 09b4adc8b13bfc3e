import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { afterEach, expect, test } from 'vitest';
import { plainEnvironment } from '../../src/process/environment.js';
import { findMarked, killMarked, readMarksBy } from '../../src/process/mark.js';
import { runShell, startProgramsBy } from '../../src/process/run.js';
import type { Stream } from '../../src/process/run.js';
import { startProgramsElsewhere } from '../../src/process/starter.js';
import { programOf } from '../support/program.js';

const STARTER = await programOf('src/process/starter-process.ts');
const STARTING = await programOf('test/support/starting.ts');

const options = { cwd: '/', env: plainEnvironment() };
const markOf = (name: string) => `test-starter-${name}-${process.pid}`;
const running = (mark: string) => findMarked((one) => one === mark);

/** Empty when there is no such process. */
const parentOf = async (pid = 0) => (await runShell(`ps -o ppid= -p ${pid}`, options)).stdout.trim();

/** The shell's parent is what started it. */
const starterPid = async () => Number((await runShell('echo $PPID', options)).stdout);

afterEach(() => {
  startProgramsBy(null);
  readMarksBy(null);
});

test('programs are started by another process, and end as they would here', async () => {
  startProgramsElsewhere(STARTER);
  expect(await starterPid()).not.toBe(process.pid);
  const told = { stdout: '', stderr: '' };
  const onOutput = (piece: string, from: Stream) => (told[from] += piece);
  expect(await runShell('cat; echo err >&2; exit 3', { ...options, input: 'in', onOutput })).toMatchObject({
    end: { kind: 'exited', code: 3 },
    stdout: 'in',
    stderr: 'err\n',
  });
  expect(told).toEqual({ stdout: 'in', stderr: 'err\n' });
  expect((await runShell('true', { ...options, cwd: '/no/such/folder' })).end.kind).toBe('not-started');
  expect((await runShell('true\0', options)).end).toMatchObject({
    kind: 'not-started',
    reason: expect.stringContaining('null bytes'),
  });
});

test.skipIf(process.platform !== 'linux')(
  'a flood of output waits for whoever hears it, and not in memory',
  async () => {
    startProgramsElsewhere(STARTER);
    const pid = await starterPid();
    let heard = 0;
    const onOutput = (piece: string) => {
      heard += piece.length;
      // Slower than it is written.
      for (const end = Date.now() + 1; Date.now() < end;);
    };
    const flood = 'head -c 100000000 /dev/zero; echo end';
    const { end, stdout } = await runShell(flood, { ...options, onOutput, isData: true });
    expect(end).toEqual({ kind: 'exited', code: 0 });
    expect(stdout.slice(-4)).toBe('end\n');
    expect(heard).toBe(100_000_004);
    const [, peakKb] = /^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
    expect(Number(peakKb)).toBeLessThan(250_000);
  },
);

test('a cancellation reaches it, also one from before the start', async () => {
  startProgramsElsewhere(STARTER);
  const mark = markOf('cancel');
  const controller = new AbortController();
  const result = runShell('sleep 60 & sleep 60', { ...options, mark, signal: controller.signal });
  await expect.poll(() => running(mark), { timeout: 10_000 }).not.toEqual([]);
  controller.abort();
  expect((await result).end).toEqual({ kind: 'cancelled' });
  expect(await running(mark)).toEqual([]);
  expect((await runShell('sleep 60', { ...options, signal: controller.signal })).end).toEqual({ kind: 'cancelled' });
});

test('when it dies, what it ran has failed, and programs are started from here again', async () => {
  startProgramsElsewhere(STARTER);
  const pid = await starterPid();
  const mark = markOf('death');
  const result = runShell('sleep 60', { ...options, mark });
  await expect.poll(() => running(mark), { timeout: 10_000 }).not.toEqual([]);
  process.kill(pid, 'SIGKILL');
  await expect(result).rejects.toThrow('the process that starts programs has died');
  expect(await starterPid()).toBe(process.pid);
  expect(await killMarked(mark)).toBeGreaterThan(0);
});

test('what it was asked for when it dies is looked up from here', async () => {
  startProgramsElsewhere(STARTER);
  const pid = await starterPid();
  const mark = markOf('marks');
  const died = runShell('sleep 60', { ...options, mark }).catch(String);
  await expect.poll(() => running(mark), { timeout: 10_000 }).not.toEqual([]);
  process.kill(pid, 'SIGSTOP');
  const found = running(mark);
  process.kill(pid, 'SIGKILL');
  expect((await found).map((one) => one.mark)).toContain(mark);
  expect(await died).toContain('has died');
  expect(await killMarked(mark)).toBeGreaterThan(0);
});

test.each([
  ['SIGTERM', 'exits takes its programs along', 0],
  ['SIGKILL', 'is killed leaves them to whoever looks for their mark', 1],
] as const)('on %s: a process that %s', async (signal, _, left) => {
  const mark = markOf(signal);
  const child = spawn(process.execPath, [STARTING, STARTER, mark], { stdio: 'inherit' });
  await expect.poll(async () => (await running(mark)).length, { timeout: 10_000 }).toBe(1);
  const [program] = await running(mark);
  const starter = await parentOf(program?.pid);
  child.kill(signal);
  await once(child, 'exit');
  // The starter goes, too, and what it left behind is then somebody else's child.
  await expect.poll(() => parentOf(program?.pid), { timeout: 10_000 }).not.toBe(starter);
  await expect.poll(async () => (await running(mark)).length, { timeout: 10_000 }).toBe(left);
  await killMarked(mark);
});
