/** Workflows that do one thing or another by what came first, or by the time: each worker that takes them over has to find the same. */
import {
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  setHandler,
  sleep,
  upsertMemo,
} from '@temporalio/workflow';
import { goOn } from '../../src/workflows/start.js';

export const firstQuery = defineQuery<string>('first');
export const goSignal = defineSignal('go');
export const sayUpdate = defineUpdate('say');

const TIMER_MS = 1_500;

/** Nothing is done when its timers fire. */
export async function firstOfTwo(): Promise<void> {
  const order: string[] = [];
  setHandler(firstQuery, () => order[0] ?? 'nothing');
  setHandler(sayUpdate, () => void order.push('the Update'));
  void sleep(TIMER_MS / 3);
  void sleep(TIMER_MS).then(() => order.push('the timer'));
  await condition(() => order.length === 2);
  await stayAfter(order[0] === 'the timer');
}

export async function byTheClock(): Promise<void> {
  let found = 'nothing';
  setHandler(firstQuery, () => found);
  const begunMs = Date.now();
  await sleep(TIMER_MS);
  const isLate = Date.now() - begunMs >= TIMER_MS;
  found = isLate ? 'late' : 'early';
  await stayAfter(isLate);
}

/** Goes on in another run when it is told to. */
export async function goesOn(): Promise<void> {
  let isTold = false;
  setHandler(goSignal, () => void (isTold = true));
  await condition(() => isTold);
  await goOn<typeof goesOn>();
}

/** Does nothing else for so many turns, in one task. */
export function keepsItsThread(turns: number): Promise<number> {
  let sum = 0;
  for (let turn = 0; turn < turns; turn += 1) sum = (sum * 31 + turn) % 1_000_003;
  return Promise.resolve(sum);
}

/** Never ends, after one command or another. */
async function stayAfter(isAsExpected: boolean): Promise<void> {
  if (isAsExpected) void sleep('1 hour');
  else upsertMemo({ is: 'otherwise' });
  await condition(() => false);
}
