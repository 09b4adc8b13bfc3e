/**
 * Tells those who may approve that a gate waits for them, and reminds those who have not, as often as the gate says; the overseer hears of whoever
 * cannot be told, and is reminded where nobody can. Each telling has an id of its wait, so that one that is made again after a crash is there once.
 */
import { CancellationScope, isCancellation, sleep, workflowInfo } from '@temporalio/workflow';
import { OVERSEER } from '../town/address.js';
import { approvalMail, tellsPeople, toTell } from '../town/approval-mail.js';
import { asSummary } from '../town/bytes.js';
import { watches, type Watch } from '../town/molecule-gates.js';
import type { Molecule } from '../town/molecule-live.js';
import { tokenOf } from '../town/molecule-refusal.js';
import { stepOf } from '../town/molecule.js';
import type { StepGate } from '../town/protomolecule.js';
import { printSpan } from '../town/span.js';
import { postman } from './hands.js';
import type { Book } from './molecule-book.js';
import { patched } from './patches.js';

/** Gates whose people are told and reminded at once; of the others when one of these is open. */
const TOLD_MAX = 200;

export class Reminders {
  readonly #book: Book;
  /** By the key of the wait, what goes on for it; null once all is said. */
  readonly #open = new Map<string, CancellationScope | null>();
  #sending = 0;
  #cooked: Molecule['cooked'] | null = null;
  #isTold = false;

  constructor(book: Book) {
    this.#book = book;
    book.onEvent(() => this.look());
  }

  /** Nobody is being told anything in this moment. */
  get isIdle(): boolean {
    return this.#sending === 0;
  }

  look(): void {
    const now = this.#isAnyTold() ? watches(this.#book.molecule).filter(({ state }) => tells(state)) : [];
    if (now.length === 0 && this.#open.size === 0) return;
    const keys = new Set(now.map(({ key }) => key));
    for (const [key, scope] of this.#open) {
      if (keys.has(key)) continue;
      scope?.cancel();
      this.#open.delete(key);
    }
    let atWork = [...this.#open.values()].filter((scope) => scope !== null).length;
    for (const watch of now) {
      if (atWork >= TOLD_MAX) return;
      if (this.#open.has(watch.key)) continue;
      this.#begin(watch);
      atWork += 1;
    }
  }

  /** In most molecules nobody is, and they are looked at after each of their steps. */
  #isAnyTold(): boolean {
    const { cooked } = this.#book.molecule;
    if (cooked === this.#cooked) return this.#isTold;
    this.#cooked = cooked;
    this.#isTold = [...cooked.values()].some(({ gates = [] }) => gates.some(tells));
    return this.#isTold;
  }

  stop(): void {
    for (const scope of this.#open.values()) scope?.cancel();
    this.#open.clear();
  }

  #begin(watch: Watch): void {
    const scope = new CancellationScope();
    this.#open.set(watch.key, scope);
    scope
      .run(() => this.#remind(watch))
      .catch(() => undefined)
      .finally(() => {
        if (this.#open.get(watch.key) !== scope) return;
        this.#open.set(watch.key, null);
        this.look();
      });
  }

  async #remind({ key, step, gate, state: { remindMs } }: Watch): Promise<void> {
    const since = sinceOf(this.#book, step);
    if (since === null) return;
    for (let nth = this.#firstOf(since, remindMs); ; nth = Math.max(nth + 1, dueAfter(since, remindMs))) {
      if (nth > 0) {
        if (remindMs === undefined) return;
        const summary = asSummary(`reminder · ${step} · ${printSpan(remindMs)}`);
        await sleep(Math.max(1, since + nth * remindMs - Date.now()), { summary });
      }
      await this.#tell(key, step, gate, nth);
    }
  }

  /** What was due before this run began the one before it has said. */
  #firstOf(sinceMs: number, remindMs: number | undefined): number {
    const { continuedFromExecutionRunId, runStartTime } = workflowInfo();
    const beganMs = runStartTime.getTime();
    if (continuedFromExecutionRunId === undefined || beganMs <= sinceMs) return 0;
    return remindMs === undefined ? 1 : dueAfter(sinceMs, remindMs, beganMs);
  }

  /** One after the other, each as it stands then: whoever has approved meanwhile is told nothing. */
  async #tell(key: string, id: string, gate: number, nth: number): Promise<void> {
    const told: string[] = [];
    let isReached = false;
    for (let to = this.#next(id, gate, nth, told); to !== null; to = this.#next(id, gate, nth, told)) {
      told.push(to);
      const isTaken = await this.#send(key, id, gate, nth, to);
      if (!isTaken && nth === 0) await this.#send(key, id, gate, nth, OVERSEER, to);
      isReached ||= isTaken;
    }
    if (told.length > 0 && !isReached && nth > 0) await this.#send(key, id, gate, nth, OVERSEER);
    // A run that does nothing but remind goes on in a next one, too.
    this.#book.news = true;
  }

  #next(id: string, gate: number, nth: number, told: readonly string[]): string | null {
    const state = stepOf(this.#book.molecule, id)?.gates?.[gate];
    if (state === undefined || state.opened !== null) return null;
    return toTell(state, nth, isAnyTold()).find((one) => !told.includes(one)) ?? null;
  }

  /** False: nobody takes it there. */
  async #send(key: string, id: string, gate: number, nth: number, to: string, insteadOf?: string): Promise<boolean> {
    const { molecule, id: mol, patience } = this.#book;
    const step = stepOf(molecule, id);
    const state = step?.gates?.[gate];
    const sinceMs = sinceOf(this.#book, id);
    if (step === null || state === undefined || sinceMs === null) return true;
    const about = { molecule: mol, step, gate: state, token: tokenOf(step), sinceMs, nth };
    const mail = approvalMail(key, to, insteadOf === undefined ? about : { ...about, insteadOf });
    this.#sending += 1;
    try {
      const summary = asSummary(`mail to ${to}: ${mail.subject}`);
      return await postman(patience).deliver.executeWithOptions({ summary }, [mail]);
    } catch (error) {
      if (isCancellation(error)) throw error;
      // It is on the board, in the inbox of whoever looks there, and the next reminder comes.
      return true;
    } finally {
      this.#sending -= 1;
      this.#book.news = true;
    }
  }
}

const isAnyTold = () => patched('of every gate for people somebody hears', '0.15');
const tells = (gate: StepGate): boolean => tellsPeople(gate, isAnyTold);

/** Of the reminders the next one. Those that were due while no worker was there are not made up for. */
function dueAfter(sinceMs: number, remindMs = Number.POSITIVE_INFINITY, nowMs = Date.now()): number {
  return Math.floor((nowMs - sinceMs) / remindMs) + 1;
}

function sinceOf({ molecule }: Book, id: string): number | null {
  const state = stepOf(molecule, id)?.state;
  return state?.kind === 'waiting' ? state.sinceMs : null;
}
