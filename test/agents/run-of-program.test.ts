/** One run of an agent's program: what of its time it has only waited for us. */
import { setTimeout as pause } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { Account, Room } from '../../src/agents/account.js';
import { openJournal } from '../../src/agents/journal.js';
import { Meter } from '../../src/agents/meter.js';
import { Pulse } from '../../src/agents/pulse.js';
import { RunOfProgram } from '../../src/agents/run-of-program.js';
import { makeBench } from '../support/sessions.js';

const NEVER = new AbortController().signal;

async function runIn(room: Room) {
  const journal = await openJournal((await makeBench()).journal, { sessionId: 's' });
  onTestFinished(() => journal.close());
  const meter = new Meter({ journal, prices: {}, model: '' });
  const waits: number[] = [];
  const run = new RunOfProgram({
    meter,
    pulse: new Pulse(),
    account: new Account(room),
    limit: async () => null,
    canBeStopped: false,
    waited: (ms) => waits.push(ms),
  });
  return { run, waited: () => waits.reduce((sum, ms) => sum + ms, 0) };
}

test('requests that wait for room at once wait once', async () => {
  const room = new Room(1);
  const { run, waited } = await runIn(room);
  const began = Date.now();
  const leave = await room.enter(NEVER);
  const entering = [run.enter(NEVER), run.enter(NEVER), run.enter(NEVER)].map(async (one) => (await one)());
  await pause(200);
  leave();
  await Promise.all(entering);
  expect(waited()).toBeGreaterThan(0);
  expect(waited()).toBeLessThanOrEqual(Date.now() - began);
});

test('while another of its requests is answered it does not only wait', async () => {
  const { run, waited } = await runIn(new Room(1));
  const leave = await run.enter(NEVER);
  const before = waited();
  const second = run.enter(NEVER);
  await pause(200);
  leave();
  const free = await second;
  expect(waited() - before).toBeLessThan(200);
  free();
});

test('what it waits is none of its time while it goes on, too', async () => {
  const room = new Room(1);
  const { run, waited } = await runIn(room);
  const began = Date.now();
  const leave = await room.enter(NEVER);
  const entering = run.enter(NEVER);
  const letGo = run.stopInTime(() => 100 - (Date.now() - began - waited()));
  await pause(300);
  expect(run.stopped).toBeNull();
  leave();
  (await entering)();
  await expect.poll(() => run.stopped).toBe('time');
  letGo();
});
