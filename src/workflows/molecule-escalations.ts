/**
 * Each step that waits for an answer is brought before the ladder, once for its wait, and what waits no more says so, whoever has answered it and
 * however. Of very many steps the first are raised, and another when one of them goes on.
 */
import type { Raised } from '../town/escalation-input.js';
import { endOfWait, isAnswerOf, raisedBy, type Asker } from '../town/molecule-escalation.js';
import type { RaisedStep, StepWaiter } from '../town/molecule-escalation.js';
import { stepOf, waitingSteps } from '../town/molecule.js';
import { raise, settle } from './escalating.js';
import type { Book } from './molecule-book.js';
import { Pace } from './pace.js';
import { patched } from './patches.js';

/** Each is a child until it is answered; the server takes 2,000. */
const RAISED_MAX = 500;
/** Each is in the histories of both: a molecule with hundreds of them raises ever more rarely. */
const EVERY_MS_MORE = 50;

/** An escalation may not have heard that its answer was taken. Before 0.12 it was not told. */
const settlesAnswered = () => patched('an answer is settled where it was given, too', '0.12');

export class EscalationTeller {
  readonly #book: Book;
  readonly #pace = new Pace('until what waits for an answer is raised', 'waits are told ever more rarely');
  readonly #show: () => void;
  /** By their waits. */
  readonly #known: Map<string, RaisedStep>;
  /** Waits whose escalations are on their way. */
  readonly #raising = new Set<string>();
  /** Waits that could not be raised: the deacon sees them, as it sees whatever waits for long. */
  readonly #unheard = new Set<string>();
  #settling = 0;
  #times = 0;
  /** Why nothing of it waits any more. */
  #over: string | null = null;

  /** `show`: called when there is an escalation to be named. */
  constructor(book: Book, raised: readonly RaisedStep[] = [], show: () => void) {
    this.#book = book;
    this.#show = show;
    this.#known = new Map(raised.map((one) => [waitOf(one.waiter), one]));
  }

  /** What a next run takes over. */
  get raised(): { readonly raised?: readonly RaisedStep[] } {
    return this.#known.size === 0 ? {} : { raised: [...this.#known.values()] };
  }

  /** By the steps that wait. */
  get named(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.#known.values()].map(({ waiter, escalation }) => [waiter.step, escalation]));
  }

  get isIdle(): boolean {
    return this.#raising.size === 0 && this.#settling === 0;
  }

  tell(): void {
    const isAnything = this.#known.size > 0 || waitingSteps(this.#book.molecule, 1, ['escalation']).length > 0;
    if (!isAnything || !patched('a step that waits for an answer is raised', '0.11')) return;
    if (this.#unraised().length === 0 && this.#ended().length === 0) return this.#pace.drop();
    this.#pace.say(() => this.#act(), this.#over === null ? this.#times * EVERY_MS_MORE : 0);
  }

  /** Nothing of it waits any more, and why. */
  end(why: string): void {
    this.#over = why;
    this.tell();
  }

  #act(): void {
    this.#times += 1;
    for (const one of this.#ended()) void this.#settle(one);
    for (const one of this.#unraised()) void this.#raise(one.raised, one.waiter);
  }

  #unraised(): readonly { readonly raised: Raised; readonly waiter: StepWaiter }[] {
    if (this.#over !== null) return [];
    const waiting = waitingSteps(this.#book.molecule, RAISED_MAX, ['escalation']).flatMap((step) => {
      const raised = raisedBy(step, this.#asker());
      return raised?.waiter.kind === 'step' ? [{ raised, waiter: raised.waiter }] : [];
    });
    const room = RAISED_MAX - this.#known.size - this.#raising.size;
    return waiting.filter(({ waiter }) => !this.#isKnown(waitOf(waiter))).slice(0, Math.max(0, room));
  }

  #isKnown(wait: string): boolean {
    return this.#known.has(wait) || this.#raising.has(wait) || this.#unheard.has(wait);
  }

  #asker(): Asker {
    const { id: at, hook } = this.#book;
    if (hook === null) return { at };
    const { rig, mission, item, agent } = hook;
    return { at, rig: rig.name, mission, item, agent };
  }

  #ended(): readonly RaisedStep[] {
    return [...this.#known.values()].filter(({ waiter }) => this.#endOf(waiter) !== null);
  }

  #endOf(waiter: StepWaiter): { readonly by: string; readonly how: string } | null {
    const end = endOfWait(stepOf(this.#book.molecule, waiter.step), waiter);
    return end ?? (this.#over === null ? null : { by: this.#book.id, how: this.#over });
  }

  async #raise(raised: Raised, waiter: StepWaiter): Promise<void> {
    const wait = waitOf(waiter);
    this.#raising.add(wait);
    const brought = await raise(raised, this.#book.patience).catch(() => null);
    if (brought === null) this.#unheard.add(wait);
    else {
      const { escalation, end } = brought;
      this.#known.set(wait, { waiter, escalation });
      void end?.then((how) => how?.kind === 'terminated' && this.#lost(escalation));
    }
    this.#raising.delete(wait);
    if (this.#over === null) this.#show();
    else this.tell();
  }

  /** Nobody asks for an answer any more: whatever waits for it there is raised again. */
  #lost(escalation: string): void {
    for (const [wait, one] of this.#known) if (one.escalation === escalation) this.#known.delete(wait);
    if (this.#over === null) this.tell();
  }

  async #settle({ waiter, escalation }: RaisedStep): Promise<void> {
    const end = this.#endOf(waiter);
    this.#known.delete(waitOf(waiter));
    if (end === null || (isAnswerOf(escalation, end) && !settlesAnswered())) return;
    this.#settling += 1;
    await settle(escalation, waiter, end.by, end.how);
    this.#settling -= 1;
  }
}

function waitOf({ step, token }: StepWaiter): string {
  return `${step} ${token}`;
}
