/**
 * Keeps an eye on the gates of a molecule that are shut: a timer for each that has a time, an act for each that something outside opens.
 * Of very many the nearest times and the first acts, and another when one of them is over.
 */
import { CancellationScope, isCancellation, sleep } from '@temporalio/workflow';
import { asSummary } from '../town/bytes.js';
import { stepOf } from '../town/molecule.js';
import { describeGate, inWindow, isOutside, watches } from '../town/molecule-gates.js';
import type { Watch } from '../town/molecule-gates.js';
import { printSpan } from '../town/span.js';
import { wordsOf } from './failing.js';
import { watcher } from './hands.js';
import type { Book } from './molecule-book.js';
import { patched } from './patches.js';

/** Timers, and acts, that a workflow has under way at once; the server takes 2,000. */
const WATCHED_MAX = 500;

const MANY = 100;

type Eye = { timer: CancellationScope | null; act: CancellationScope | null };

export class GateWatch {
  readonly #book: Book;
  readonly #eyes = new Map<string, Eye>();
  #isDue = false;

  constructor(book: Book) {
    this.#book = book;
    book.onEvent(() => this.#lookSoon());
  }

  /** Of very many, whose times come together, once for all that has come: each look goes through all of them. */
  #lookSoon(): void {
    if (this.#eyes.size < MANY || !patched('very many gates are looked at once', '0.14')) return this.look();
    if (this.#isDue) return;
    this.#isDue = true;
    void this.#lookAfterAll();
  }

  async #lookAfterAll(): Promise<void> {
    await Promise.resolve();
    if (this.#isDue) this.look();
  }

  /** Begins to watch gates that are shut now, and leaves those that no longer are. */
  look(): void {
    this.#isDue = false;
    const now = watches(this.#book.molecule);
    if (now.length === 0 && this.#eyes.size === 0) return;
    const max = now.length > WATCHED_MAX && patched('a window over gates') ? WATCHED_MAX : Infinity;
    const wanted = inWindow(now, max, (key) => this.#eyes.get(key)?.act != null);
    for (const [key, eye] of this.#eyes) {
      if (!wanted.timers.has(key)) eye.timer = closed(eye.timer);
      if (!wanted.acts.has(key)) eye.act = closed(eye.act);
      if (eye.timer === null && eye.act === null) this.#eyes.delete(key);
    }
    for (const watch of now) {
      const { key } = watch;
      const eye = this.#eyes.get(key) ?? { timer: null, act: null };
      if (wanted.timers.has(key)) eye.timer ??= opened(() => this.#timer(watch));
      if (wanted.acts.has(key)) eye.act ??= opened(() => this.#outside(watch));
      if (eye.timer !== null || eye.act !== null) this.#eyes.set(key, eye);
    }
  }

  stop(): void {
    this.#isDue = false;
    for (const { timer, act } of this.#eyes.values()) {
      timer?.cancel();
      act?.cancel();
    }
    this.#eyes.clear();
  }

  async #timer({ step, gate, state, deadlineMs }: Watch): Promise<void> {
    if (deadlineMs === null || state.timeoutMs === null) return;
    const what = state.type === 'timer' ? 'timer' : `time-out of ${state.type}`;
    const summary = asSummary(`${what} · ${step} · ${printSpan(state.timeoutMs)}`);
    await sleep(Math.max(1, deadlineMs - Date.now()), { summary });
    this.#book.note({ kind: 'gate-timed-out', step, gate });
  }

  async #outside({ step, gate, state }: Watch): Promise<void> {
    const { type } = state;
    if (!isOutside(type)) return;
    const { hook, patience } = this.#book;
    // What this molecule has set going began after it did; a gate before all work looks at what is there.
    const since = type === 'gh:run' && this.#book.step(step).needs.length > 0 ? { sinceMs: this.#book.beganMs } : {};
    const request = { type, await: state.await, rig: hook?.rig ?? null, patience, ...since };
    const summary = asSummary(`gate · ${step} · ${describeGate(state)}`);
    try {
      const finding = await watcher(patience).checkGate.executeWithOptions({ summary }, [request]);
      if (finding.kind === 'open') this.#book.note({ kind: 'gate-opened', step, gate, by: finding.detail });
      else this.#stuck(step, gate, finding.detail);
    } catch (error) {
      if (isCancellation(error)) throw error;
      this.#stuck(step, gate, wordsOf(error));
    }
  }

  /** Unless somebody has opened it meanwhile, or skipped its step: of that this gate knows nothing. */
  #stuck(step: string, gate: number, why: string): void {
    const now = stepOf(this.#book.molecule, step);
    const isAwaited = now?.state.kind === 'waiting' && now.gates?.[gate]?.opened === null;
    if (isAwaited || !patched('a gate that nobody waits for is not stuck', '0.6'))
      this.#book.note({ kind: 'gate-stuck', step, gate, why });
  }
}

function opened(work: () => Promise<void>): CancellationScope {
  const scope = new CancellationScope();
  // What went wrong is an event of its gate already; being called off is no trouble.
  scope.run(work).catch(() => undefined);
  return scope;
}

function closed(scope: CancellationScope | null): null {
  scope?.cancel();
  return null;
}
