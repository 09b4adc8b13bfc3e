/** SIGKILL whenever the journal has grown: taken up again, a session ends the same, and does nothing twice. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import { startModelServer } from '../../src/dev/model-server.js';
import type { SessionSpec } from '../../src/town/session.js';
import { findMarked } from '../../src/process/mark.js';
import { programOf } from '../support/program.js';
import { drawn } from '../support/sample.js';
import { makeBench, specOf } from '../support/sessions.js';
import type { Bench } from '../support/sessions.js';

const PROGRAM = await programOf('test/support/run-session.ts');

/** Runs the session in a process of its own; kills it when the journal has `lines` lines. Answers its output. */
async function run(bench: Bench, spec: SessionSpec, url: string, lines: number): Promise<string> {
  const args = [PROGRAM, JSON.stringify(spec), bench.journal, url];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (piece: Buffer) => (output += piece.toString()));
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  while (child.exitCode === null && child.signalCode === null) {
    const text = await readFile(bench.journal, 'utf8').catch(() => '');
    if (text.split('\n').length - 1 >= lines) child.kill('SIGKILL');
    await pause(2);
  }
  await exited;
  return output;
}

const tools = (name: string, input: Record<string, unknown>) => ({ tools: [{ name, input }] });

const linesIn = async (bench: Bench) => (await readFile(bench.journal, 'utf8')).split('\n').length - 1;

const it = drawn('sessions that are killed', 2, 1);

it('a script: appends and replaces once, runs again what was cut off, ends the same', async () => {
  const bench = await makeBench();
  const spec = specOf(bench, [
    { append: 'README.md', text: 'one\n' },
    { run: 'echo ran >> ran.txt; sleep 0.05' },
    { append: 'README.md', text: 'two\n' },
    { replace: 'README.md', find: 'hello', with: 'hello, hello' },
    { close: 'done' },
  ]);
  let result = '';
  for (let lines = 1; result === ''; lines += 1)
    result = await run(bench, spec, '', (await linesIn(bench).catch(() => 0)) + 1);
  expect(JSON.parse(result)).toMatchObject({ outcome: 'closed', verdict: 'done', summary: 'done' });
  expect(await readFile(join(bench.worktree, 'README.md'), 'utf8')).toBe('hello, hello\none\ntwo\n');
  expect(await findMarked((mark) => mark === spec.sessionId)).toEqual([]);
}, 120_000);

it('a model: no answer is asked for twice but one in flight, no effect is made twice', async () => {
  const bench = await makeBench();
  const server = await startModelServer({
    script: {
      rules: [
        {
          when: ['Step: work'],
          turns: [
            tools('write_file', { path: 'a.txt', text: '1' }),
            tools('run_command', { name: 'count' }),
            tools('note', { text: 'seen' }),
            tools('close', { summary: 'done', verdict: 'done' }),
          ],
        },
      ],
    },
  });
  onTestFinished(() => server.stop());
  const spec = specOf(bench, null, {
    runtime: { kind: 'anthropic', model: 'scripted' },
    commands: { count: 'echo once >> count.txt' },
  });
  let result = '';
  let kills = -1;
  while (result === '') {
    kills += 1;
    result = await run(bench, spec, server.url, (await linesIn(bench).catch(() => 0)) + 1);
  }
  expect(JSON.parse(result)).toMatchObject({
    outcome: 'closed',
    verdict: 'done',
    notes: ['seen'],
    usage: { turns: 4 },
  });
  const asked = server.requests().map((request) => request.turn);
  for (const turn of [0, 1, 2, 3]) {
    expect(asked.filter((one) => one === turn).length, `requests for turn ${turn}`).toBeLessThanOrEqual(2);
  }
  // It polls for lines, so under load it may miss some moments, but never most.
  expect(kills).toBeGreaterThan(2);
  // At most once: cut off before it began it was not run, and the model was told that nobody knows.
  const count = await readFile(join(bench.worktree, 'count.txt'), 'utf8').catch(() => '');
  expect(['', 'once\n']).toContain(count);
}, 180_000);
