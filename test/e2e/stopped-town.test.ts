/** A town that was stopped in the middle of a step, for longer than every limit, goes on in the same sandbox. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { afterAll, describe } from 'vitest';
import type { ExpectStatic } from 'vitest';
import { lifecycleQuery } from '../../src/contract/polecat.js';
import { stepsQuery } from '../../src/contract/molecule.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import { startGt } from '../support/gt.js';
import type { Running } from '../support/gt.js';
import { makeTownFolder, until } from '../support/live-town.js';
import { processesIn } from '../support/processes.js';
import { runGit } from '../support/repos.js';
import { drawn, IS_LONG } from '../support/sample.js';

const NAP = `
formula = "nap"
[[steps]]
id = "nap"
title = "Write once, then rest"
[[steps.script]]
run = "echo once >> once.txt"
[[steps.script]]
sleep = 6
[[steps.script]]
append = "once.txt"
text = "rested\\n"
[[steps.script]]
close = "rested"
`;
/**
 * Silence, a quiet session, a long session, an answer that is waited for: all scaled down below this. The least that commands
 * may take is a minute: the long run rests longer than that, too.
 */
const LONGER_THAN_LIMITS_MS = IS_LONG ? 75_000 : 26_000;
const LIMITS = { patience: 0.01, limits: { quiet_seconds: 20, session_minutes: 0.4 } };

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

async function connect(up: Running): Promise<Client> {
  const [, address] = await up.says(/--address (\S+) workflow list/);
  return new Client({ connection: await Connection.connect({ address: String(address) }) });
}

/** Answers how often the item was begun, and in how many sessions. */
async function stopInMidStep(
  signal: NodeJS.Signals,
  expect: ExpectStatic,
): Promise<{ attempt: number; sessions: number }> {
  const dir = await makeTownFolder({ rigs: { server: { bare: true } }, formulas: { nap: NAP }, ...LIMITS });
  folders.push(dir);
  const first = startGt(['up', dir]);
  const before = await connect(first);
  await before.workflow.start('mission', {
    taskQueue: TOWN_QUEUE,
    workflowId: 'rest',
    args: [{ work: [{ id: 'a', rig: 'server', formula: 'nap' }] }],
  });
  const polecat = before.workflow.getHandle('server/polecats/Toast');
  const was = await until('it rests', async () => {
    const seen = await polecat.query(lifecycleQuery);
    const text = seen.sandbox === null ? '' : await readFile(join(seen.sandbox.path, 'once.txt'), 'utf8');
    return text === 'once\n' ? seen : null;
  });
  await before.connection.close();
  await first.end(signal);
  await until('nothing runs any more', async () => (await processesIn(dir)).length === 0, 180);
  await pause(LONGER_THAN_LIMITS_MS);
  const second = startGt(['up', dir]);
  const client = await connect(second);
  const after = await until('it goes on', () =>
    client.workflow.getHandle('server/polecats/Toast').query(lifecycleQuery),
  );
  expect(after.sandbox).toEqual(was.sandbox);
  expect(after.slot).toEqual(was.slot);
  const steps = await client.workflow.getHandle(was.molecule).query(stepsQuery);
  expect(steps.map((step) => step.state.kind)).toEqual([expect.stringMatching(/^(ready|active|closed)$/)]);
  const result = (await client.workflow.getHandle('rest').result()) as {
    items: { attempt: number; sessions: number }[];
  };
  await client.connection.close();
  expect(await second.end('SIGTERM')).toBe(0);
  expect(await processesIn(dir)).toEqual([]);
  // What the journal had recorded was not done again.
  expect(await runGit(join(dir, 'repositories/server'), ['show', 'main:once.txt'])).toBe('once\nrested');
  const { attempt = 0, sessions = 0 } = result.items[0] ?? {};
  return { attempt, sessions };
}

const it = drawn('ways to stop a town', 2, 1);

// Both towns rest most of the time: side by side.
describe.concurrent('a town in the middle of a step', () => {
  it('stopped by Ctrl-C', async ({ expect }) => {
    expect(await stopInMidStep('SIGINT', expect)).toEqual({ attempt: 1, sessions: 1 });
  });
  it('gt itself killed with SIGKILL: its server and worker end too, and all goes on the next time', async ({
    expect,
  }) => {
    expect(await stopInMidStep('SIGKILL', expect)).toEqual({ attempt: 1, sessions: 1 });
  });
});
