import { spawn } from 'node:child_process';
import { expect, onTestFinished, test } from 'vitest';
import { killOnTheWay, momentsOf } from '../../src/dev/chaos.js';

test('the moments are spread over the whole way, and the same for the same seed', () => {
  for (const seed of [0, 1, 2, 3, 4]) {
    const moments = momentsOf({ kills: 5, seed });
    expect(moments).toEqual(momentsOf({ kills: 5, seed }));
    for (const [index, moment] of moments.entries()) {
      expect(moment).toBeGreaterThanOrEqual(index / 5.5);
      expect(moment).toBeLessThan((index + 1) / 5.5);
    }
  }
});

test('a process that is gone, one that was killed already, and none at all use up no kill', async () => {
  const sleepers = [1, 2].map(() => spawn('sleep', ['100'], { stdio: 'ignore' }));
  onTestFinished(() => sleepers.forEach((one) => void one.kill('SIGKILL')));
  const [first, second] = sleepers.map((one) => one.pid ?? 0);
  const gone = 2 ** 22 + 1;
  const pids = [null, gone, first, first, null, second];
  const said: string[] = [];
  let looks = 0;
  await killOnTheWay({
    pid: () => pids[looks++] ?? null,
    progress: async () => 1,
    kills: 2,
    seed: 1,
    say: (line) => said.push(line),
    signal: AbortSignal.timeout(10_000),
  });
  expect(said).toEqual([
    `kill -9 of the worker, process ${first} (1 of 2, seed 1)`,
    `kill -9 of the worker, process ${second} (2 of 2, seed 1)`,
  ]);
});
