/** Keeps an eye on the gates of a molecule that are shut: a timer for each that has a time, an act for each that something outside opens. */
import { CancellationScope, isCancellation, sleep, workflowInfo } from '@temporalio/workflow';
import { describeGate, watches } from '../town/molecule-gates.js';
import type { Watch } from '../town/molecule-gates.js';
import { printSpan } from '../town/span.js';
import { causeOf } from './failing.js';
import { watcher } from './hands.js';
import type { Book } from './molecule-book.js';

export class GateWatch {
  readonly #book: Book;
  readonly #scopes = new Map<string, CancellationScope>();

  constructor(book: Book) {
    this.#book = book;
    book.onEvent(() => this.look());
  }

  /** Begins to watch gates that are shut now, and leaves those that no longer are. */
  look(): void {
    const now = watches(this.#book.molecule);
    if (now.length === 0 && this.#scopes.size === 0) return;
    const keys = new Set(now.map((watch) => watch.key));
    for (const [key, scope] of this.#scopes) {
      if (keys.has(key)) continue;
      this.#scopes.delete(key);
      scope.cancel();
    }
    for (const watch of now) if (!this.#scopes.has(watch.key)) this.#begin(watch);
  }

  stop(): void {
    for (const scope of this.#scopes.values()) scope.cancel();
    this.#scopes.clear();
  }

  #begin(watch: Watch): void {
    const scope = new CancellationScope();
    this.#scopes.set(watch.key, scope);
    const done = scope.run(async () => {
      await Promise.all([this.#timer(watch), this.#outside(watch)]);
    });
    // What went wrong is an event of its gate already; being called off is no trouble.
    done.catch(() => undefined);
  }

  async #timer({ step, gate, state, deadlineMs }: Watch): Promise<void> {
    if (deadlineMs === null || state.timeoutMs === null) return;
    const what = state.type === 'timer' ? 'timer' : `time-out of ${state.type}`;
    const summary = `${what} · ${step} · ${printSpan(state.timeoutMs)}`.slice(0, 200);
    await sleep(Math.max(1, deadlineMs - Date.now()), { summary });
    this.#book.note({ kind: 'gate-timed-out', step, gate });
  }

  async #outside({ step, gate, state }: Watch): Promise<void> {
    const { type } = state;
    if (type !== 'bead' && type !== 'gh:run' && type !== 'gh:pr') return;
    const { hook, patience } = this.#book;
    // What this molecule has set going began after it did; a gate before all work looks at what is there.
    const since =
      type === 'gh:run' && this.#book.step(step).needs.length > 0
        ? { sinceMs: workflowInfo().startTime.getTime() }
        : {};
    const request = { type, await: state.await, rig: hook?.rig ?? null, patience, ...since };
    const summary = `gate · ${step} · ${describeGate(state)}`.slice(0, 200);
    try {
      const finding = await watcher(patience).checkGate.executeWithOptions({ summary }, [request]);
      if (finding.kind === 'open') this.#book.note({ kind: 'gate-opened', step, gate, by: finding.detail });
      else this.#book.note({ kind: 'gate-stuck', step, gate, why: finding.detail });
    } catch (error) {
      if (isCancellation(error)) throw error;
      const cause = causeOf(error);
      const why = cause instanceof Error ? cause.message : String(cause);
      this.#book.note({ kind: 'gate-stuck', step, gate, why });
    }
  }
}
