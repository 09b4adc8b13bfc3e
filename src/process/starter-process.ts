/** What `starter.ts` forks. It starts what it is told to, and goes when its parent does. */
import { readMarksHere } from './mark.js';
import { runHere } from './run.js';
import type { Stream } from './run.js';
import type { News, Order } from './starter.js';

const parent = process.ppid;
const running = new Map<number, AbortController>();

/** As if it had been the parent: what runs is left for whoever comes next and looks for its mark. */
function dieLikeTheParent(): void {
  process.kill(process.pid, 'SIGKILL');
}

/** Pieces of output, each of some ten thousand characters, that the parent has not taken yet. */
const UNTOLD_MAX = 64;
let untold = 0;
let whenTold: (() => void)[] = [];

function tell(news: News): void {
  untold += 1;
  process.send?.(news, () => {
    untold -= 1;
    if (untold > UNTOLD_MAX) return;
    for (const go of whenTold) go();
    whenTold = [];
  });
}

/** A program that writes faster than the parent hears waits, as at a pipe: what is in between would fill memory. */
function room(): Promise<void> | null {
  return untold <= UNTOLD_MAX ? null : new Promise((resolve) => whenTold.push(resolve));
}

async function obey(order: Order): Promise<void> {
  if (order.kind === 'end') return process.exit();
  const { id } = order;
  if (order.kind === 'marks') return tell({ kind: 'marks', id, found: await readMarksHere() });
  if (order.kind === 'cancel') return running.get(id)?.abort();
  // Nothing may begin once the parent is gone: its successor may have looked already for what runs.
  if (process.ppid !== parent) return dieLikeTheParent();
  const controller = new AbortController();
  running.set(id, controller);
  const onOutput = (piece: string, from: Stream) => tell({ kind: 'output', id, piece, from });
  try {
    const { signal } = controller;
    const result = await runHere(order.file, order.args, {
      ...order.options,
      signal,
      ...(order.tellsOutput ? { onOutput, room } : {}),
    });
    tell({ kind: 'ended', id, result });
  } catch (error) {
    tell({ kind: 'failed', id, why: error instanceof Error ? error.message : String(error) });
  } finally {
    running.delete(id);
  }
}

process.on('message', (order) => void obey(order as Order)); // only starter.ts sends
process.once('disconnect', dieLikeTheParent);
// A stop is the parent's to obey, who may still need programs to end in order.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);
