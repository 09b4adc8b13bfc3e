import { expect, test } from 'vitest';
import { plainEnvironment, remoteEnvironment } from '../../src/process/environment.js';
import { findMarked, killMarked } from '../../src/process/mark.js';
import { runShell, startProgramsBy } from '../../src/process/run.js';

// By this very process, as where no starter is.
startProgramsBy(null);

const options = { cwd: '/', env: plainEnvironment() };
const markOf = (name: string) => `test-${name}-${process.pid}`;

test('tells how a program ended, and what it said', async () => {
  expect(await runShell('echo out; echo err >&2; exit 3', options)).toMatchObject({
    end: { kind: 'exited', code: 3 },
    stdout: 'out\n',
    stderr: 'err\n',
  });
  expect((await runShell('kill -9 $$', options)).end).toEqual({ kind: 'signalled', signal: 'SIGKILL' });
  expect((await runShell('true', { ...options, cwd: '/no/such/folder' })).end.kind).toBe('not-started');
});

test.each([
  ['longer than the system takes', 'x'.repeat(3_000_000), 'E2BIG'],
  ['with a null byte', '\0', 'null bytes'],
])('a command %s is not started, and says why', async (_, more, why) => {
  const { end } = await runShell(`: ${more}`, options);
  expect(end).toMatchObject({ kind: 'not-started', reason: expect.stringContaining(why) });
});

test('a time-out ends the whole group', async () => {
  const mark = markOf('timeout');
  const result = await runShell('sleep 60 & sleep 60', { ...options, mark, timeoutMs: 100 });
  expect(result.end).toEqual({ kind: 'timed-out' });
  expect(await findMarked((one) => one === mark)).toEqual([]);
});

test('a cancellation ends it, also one from before the start', async () => {
  const controller = new AbortController();
  const running = runShell('sleep 60', { ...options, signal: controller.signal });
  controller.abort();
  expect((await running).end).toEqual({ kind: 'cancelled' });
  expect((await runShell('sleep 60', { ...options, signal: controller.signal })).end).toEqual({ kind: 'cancelled' });
});

test('a child that left the group is found by its mark and killed', async () => {
  const mark = markOf('setsid');
  await runShell('setsid sleep 60 >/dev/null 2>&1 & sleep 0.2', { ...options, mark });
  expect((await findMarked((one) => one === mark)).length).toBeGreaterThan(0);
  expect(await killMarked(mark)).toBeGreaterThan(0);
  expect(await findMarked((one) => one === mark)).toEqual([]);
});

test('output is kept head and tail, with the count of what was left out', async () => {
  const { stdout } = await runShell('head -c 5000 /dev/zero | tr "\\0" a; echo end', { ...options, keepChars: 100 });
  expect(stdout).toMatch(/^a{100}\n\[4804 characters cut\]\na{96}end\n$/);
});

test('a program may end without reading its input', async () => {
  expect((await runShell('exit 0', { ...options, input: 'x'.repeat(1_000_000) })).end).toEqual({
    kind: 'exited',
    code: 0,
  });
});

test('no key reaches a program', async () => {
  process.env['ANTHROPIC_API_KEY'] = 'secret';
  const { stdout } = await runShell('env', { ...options, env: plainEnvironment({ EXTRA: '1' }) });
  delete process.env['ANTHROPIC_API_KEY'];
  expect(stdout).not.toContain('secret');
  expect(stdout).toContain('EXTRA=1');
});

test('proxies are for git on its way to a remote, and for no other program', async () => {
  process.env['https_proxy'] = 'http://me:secret@proxy:1';
  const plain = plainEnvironment();
  const remote = remoteEnvironment({ EXTRA: '1' });
  delete process.env['https_proxy'];
  expect(JSON.stringify(plain)).not.toContain('secret');
  expect(remote).toMatchObject({ https_proxy: 'http://me:secret@proxy:1', PATH: process.env['PATH'], EXTRA: '1' });
});
