/**
 * The account with a model's provider that all sessions of a worker share. While the provider says that it has had enough, nobody asks
 * it, and whoever would is told until when and why.
 */
import type { Provider } from '../town/agents.js';
import { RuntimeTrouble } from './trouble.js';

/** Those who were turned away come back one after the other. */
const APART_MS = 100;

export class Account {
  readonly #room: Room;
  #held: { readonly untilMs: number; readonly why: string } | null = null;
  #turnedAway = 0;

  constructor(room = new Room(null)) {
    this.#room = room;
  }

  /**
   * Waits for room, and answers what gives it back. Throws RuntimeTrouble while the account is held, and the signal's reason when it is
   * cancelled.
   */
  async enter(signal: AbortSignal): Promise<() => void> {
    this.#refuseWhileHeld();
    const leave = await this.#room.enter(signal);
    try {
      this.#refuseWhileHeld();
    } catch (error) {
      leave();
      throw error;
    }
    return leave;
  }

  /** A limit of the account, and until when it holds, is true for all who ask. */
  hear(trouble: RuntimeTrouble): void {
    if (trouble.type !== 'Llm.RateLimited' || !trouble.retryable || trouble.retryAfterMs === null) return;
    const untilMs = Date.now() + trouble.retryAfterMs;
    if (this.#held !== null && this.#held.untilMs >= untilMs) return;
    this.#held = { untilMs, why: trouble.message };
    this.#turnedAway = 0;
  }

  #refuseWhileHeld(): void {
    if (this.#held === null) return;
    const { untilMs, why } = this.#held;
    const leftMs = untilMs - Date.now();
    if (leftMs <= 0) {
      this.#held = null;
      return;
    }
    this.#turnedAway += 1;
    throw new RuntimeTrouble({
      type: 'Llm.RateLimited',
      message: `the provider's account is held until ${new Date(untilMs).toISOString()}: ${why}`,
      retryable: true,
      retryAfterMs: leftMs + this.#turnedAway * APART_MS,
    });
  }
}

/** At most so many requests are on their way at once, to whomever; the others wait in their order. */
export class Room {
  readonly #requestsMax: number;
  #requests = 0;
  readonly #waiting: (() => void)[] = [];

  /** Null: as many requests as there are sessions. */
  constructor(requestsMax: number | null) {
    this.#requestsMax = requestsMax ?? Infinity;
  }

  async enter(signal: AbortSignal): Promise<() => void> {
    if (this.#requests >= this.#requestsMax) await this.#turn(signal);
    else this.#requests += 1;
    return () => this.#leave();
  }

  /** The room of somebody who leaves goes to the first who waits. */
  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = () => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = () => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1);
        reject(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)));
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.#waiting.push(enter);
    });
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#requests -= 1;
    else next();
  }
}

export type Accounts = Readonly<Record<Provider, Account>>;

export function accountsIn(room: Room): Accounts {
  return { anthropic: new Account(room), openai: new Account(room), gemini: new Account(room) };
}
