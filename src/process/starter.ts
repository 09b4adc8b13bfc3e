/**
 * A small process that starts the programs of a large one. To start a program is to fork, and a fork copies the page tables: of
 * a worker with its some hundred megabytes this takes up to 20 ms, in which the worker does nothing else, of a small process
 * less than one; and an item of work is a hundred programs. It also reads who carries which mark: were a file of /proc ever slow to
 * come, the large one would go on.
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { plainEnvironment } from './environment.js';
import { readMarksBy, readMarksHere, type Marked } from './mark.js';
import { startProgramsBy } from './run.js';
import type { Ran, RunOptions, Stream } from './run.js';

export type Order =
  | {
      readonly kind: 'run';
      readonly id: number;
      readonly file: string;
      readonly args: readonly string[];
      readonly options: Omit<RunOptions, 'signal' | 'onOutput' | 'room'>;
      readonly tellsOutput: boolean;
    }
  | { readonly kind: 'cancel'; readonly id: number }
  | { readonly kind: 'marks'; readonly id: number }
  /** The large process exits: whatever runs goes with it. */
  | { readonly kind: 'end' };

export type News =
  | { readonly kind: 'output'; readonly id: number; readonly piece: string; readonly from: Stream }
  | { readonly kind: 'marks'; readonly id: number; readonly found: readonly Marked[] }
  | { readonly kind: 'ended'; readonly id: number; readonly result: Ran }
  | { readonly kind: 'failed'; readonly id: number; readonly why: string };

type Waiting = {
  readonly options: RunOptions;
  readonly resolve: (result: Ran) => void;
  readonly reject: (error: Error) => void;
};

const PROGRAM = fileURLToPath(new URL('starter-process.js', import.meta.url));

/** From now on a process of its own starts all programs of this one. Should it ever die, this one starts them itself again. */
export function startProgramsElsewhere(program = PROGRAM): void {
  // From source there is no such program; then nobody is in a hurry.
  if (!existsSync(program)) return;
  const starter = new Starter(
    // In a process group of its own, and without a look at this one's keys.
    fork(program, {
      detached: true,
      env: plainEnvironment(),
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    }),
  );
  startProgramsBy((file, args, options) => starter.run(file, args, options));
  readMarksBy(() => starter.readMarks());
}

class Starter {
  readonly #waiting = new Map<number, Waiting>();
  readonly #asking = new Map<number, (found: readonly Marked[] | Promise<readonly Marked[]>) => void>();
  readonly #process: ChildProcess;
  #last = 0;

  constructor(process_: ChildProcess) {
    this.#process = process_;
    process_.unref();
    process_.channel?.unref();
    process_.on('message', (news) => this.#hear(news as News)); // only starter-process.ts sends
    process_.once('error', () => this.#giveUp());
    process_.once('exit', () => this.#giveUp());
    process.once('exit', () => this.#send({ kind: 'end' }));
  }

  async run(file: string, args: readonly string[], options: RunOptions): Promise<Ran> {
    const { signal, onOutput, room: _, ...plain } = options;
    const id = (this.#last += 1);
    const cancel = () => this.#send({ kind: 'cancel', id });
    try {
      return await new Promise<Ran>((resolve, reject) => {
        this.#waiting.set(id, { options, resolve, reject });
        // As long as a program runs this process waits for it, as it would for a child of its own.
        this.#process.channel?.ref();
        this.#send({ kind: 'run', id, file, args, options: plain, tellsOutput: onOutput !== undefined });
        if (signal?.aborted === true) cancel();
        else signal?.addEventListener('abort', cancel, { once: true });
      });
    } finally {
      signal?.removeEventListener('abort', cancel);
      this.#waiting.delete(id);
      this.#rest();
    }
  }

  async readMarks(): Promise<readonly Marked[]> {
    const id = (this.#last += 1);
    const found = await new Promise<readonly Marked[]>((resolve) => {
      this.#asking.set(id, resolve);
      this.#process.channel?.ref();
      this.#send({ kind: 'marks', id });
    });
    this.#asking.delete(id);
    this.#rest();
    return found;
  }

  #rest(): void {
    if (this.#waiting.size === 0 && this.#asking.size === 0) this.#process.channel?.unref();
  }

  #send(order: Order): void {
    if (this.#process.connected) this.#process.send(order, () => undefined);
  }

  #hear(news: News): void {
    if (news.kind === 'marks') return this.#asking.get(news.id)?.(news.found);
    const waiting = this.#waiting.get(news.id);
    if (news.kind === 'output') waiting?.options.onOutput?.(news.piece, news.from);
    else if (news.kind === 'ended') waiting?.resolve(news.result);
    else waiting?.reject(new Error(news.why));
  }

  #giveUp(): void {
    startProgramsBy(null);
    readMarksBy(null);
    for (const answer of this.#asking.values()) answer(readMarksHere());
    for (const { reject } of this.#waiting.values())
      reject(new Error('the process that starts programs has died; what it had started may still run'));
  }
}
