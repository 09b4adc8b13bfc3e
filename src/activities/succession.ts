/** Acts of this process that take over from each other. */
import { Context } from '@temporalio/activity';
import { killMarked } from '../process/mark.js';

/**
 * A later attempt of the same act ends the earlier one of this process before it begins: after a heartbeat time-out of a
 * worker that was only busy, both would otherwise work on one tree.
 */
export class Succession {
  readonly #running = new Map<string, { readonly controller: AbortController; readonly ended: Promise<unknown> }>();

  /** Ends all acts whose keys begin so, but for one. */
  async end(prefix: string, but: string): Promise<void> {
    const others = [...this.#running].filter(([key]) => key.startsWith(prefix) && key !== but);
    for (const [key, { controller }] of others) controller.abort(new Error(`${but} took over from ${key}`));
    await Promise.all(others.map(([, { ended }]) => ended));
  }

  async as<T>(key: string, act: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const forerunner = this.#running.get(key);
    forerunner?.controller.abort(new Error(`a later attempt of ${key} took over`));
    const controller = new AbortController();
    const mine = (forerunner?.ended ?? Promise.resolve()).then(async () => {
      await killMarked(key);
      return act(AbortSignal.any([controller.signal, Context.current().cancellationSignal]));
    });
    const entry = { controller, ended: mine.catch(() => undefined) };
    this.#running.set(key, entry);
    try {
      return await mine;
    } finally {
      if (this.#running.get(key) === entry) this.#running.delete(key);
    }
  }
}
