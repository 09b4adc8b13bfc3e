/**
 * What waits for a member of a crew stands on that person's desk: whoever it is of, a molecule or a mission, tells them all of it whenever that changes, one telling
 * after the other, and nothing once it ends. Whoever is no member yet is told nothing; when they join they ask.
 */
import { CancellationScope, workflowInfo } from '@temporalio/workflow';
import { askAssigned, crewMessages } from '../contract/crew.js';
import { NOTHING, tellingsOf, type Tellings } from '../town/assigned.js';
import { AssignedMail } from './assigned-mail.js';
import type { Taking } from './desk.js';
import { done } from './desk.js';
import { send } from './outbox.js';
import { Pace } from './pace.js';
import { patched } from './patches.js';

/** Each telling is in the histories of both: somebody who closes hundreds of steps is told ever more rarely. */
const EVERY_MS_MORE = 50;

/** `now`: what waits in the workflow of that id for members of crews; `all`: for the overseer, too. */
type Source = {
  readonly id: string;
  readonly now: () => Tellings;
  readonly all?: () => Tellings;
  readonly patience: () => number;
  readonly onIdle?: () => void;
};

export class AssignedTeller {
  readonly #id: string;
  readonly #now: () => Tellings;
  readonly #onIdle: () => void;
  readonly #mail: AssignedMail;
  readonly #pace = new Pace('until people hear which steps wait for them', 'waits are told ever more rarely');
  /** By person, as JSON. */
  readonly #told: Map<string, string>;
  /** Those to whom a telling is on its way. */
  readonly #telling = new Set<string>();
  #times = 0;
  #sent = 0;
  #isOver = false;

  constructor(
    desk: Taking,
    { id, now, all = now, patience, onIdle = () => undefined }: Source,
    told: Readonly<Record<string, string>> = {},
  ) {
    this.#id = id;
    this.#now = now;
    this.#onIdle = onIdle;
    this.#mail = new AssignedMail({ id, now: all, patience, onIdle });
    this.#told = new Map(Object.entries(told));
    desk.on(askAssigned, ({ person }) => {
      // What was told before reached nobody, or somebody who had the name before.
      if (this.#waiting().has(person)) this.#told.set(person, JSON.stringify(NOTHING));
      void this.#bring(person, true);
      return done('told');
    });
  }

  /** What a next run takes over. */
  get told(): { readonly toldAssigned?: Readonly<Record<string, string>> } {
    return this.#told.size === 0 ? {} : { toldAssigned: Object.fromEntries(this.#told) };
  }

  get isIdle(): boolean {
    return this.#telling.size === 0 && this.#mail.isIdle;
  }

  /** For whom something waits; null where nobody was ever told. */
  get people(): readonly string[] | null {
    return this.#told.size === 0 ? null : [...this.#waiting().keys()];
  }

  tell(): void {
    this.#mail.look();
    const waiting = this.#waiting();
    if (waiting.size === 0 && this.#told.size === 0) return;
    if (!patched('a step stands on the desk of the person it waits for', '0.9')) return;
    for (const person of waiting.keys()) if (!this.#told.has(person)) this.#told.set(person, JSON.stringify(NOTHING));
    if (this.#untold(waiting).length === 0) return this.#pace.drop();
    this.#pace.say(
      () => {
        this.#times += 1;
        for (const person of this.#untold(this.#waiting())) void this.#bring(person);
      },
      this.#isOver ? 0 : this.#times * EVERY_MS_MORE,
    );
  }

  /** Nothing of it waits any more. */
  end(): void {
    this.#isOver = true;
    this.#mail.end();
    this.tell();
  }

  #untold(waiting: Tellings): readonly string[] {
    return [...this.#told].flatMap(([person, text]) => (text === textFor(waiting, person) ? [] : [person]));
  }

  /** One after the other, so that the last holds. */
  async #bring(person: string, isAsked = false): Promise<void> {
    if (this.#telling.has(person)) return;
    this.#telling.add(person);
    for (let isDue = isAsked; isDue || this.#untold(this.#waiting()).includes(person); isDue = false) {
      const telling = this.#waiting().get(person) ?? NOTHING;
      this.#told.set(person, JSON.stringify(telling));
      const content = { id: this.#nextId(person), molecule: this.#id, ...telling, steps: [...telling.steps] };
      await CancellationScope.nonCancellable(() => send(person, crewMessages.assigned, content));
    }
    this.#telling.delete(person);
    this.#onIdle();
  }

  #nextId(person: string): string {
    this.#sent += 1;
    return `assigned:${this.#id}:${workflowInfo().runId}:${person}:${this.#sent}`.slice(0, 2_000);
  }

  #waiting(): Tellings {
    return this.#isOver ? tellingsOf([]) : this.#now();
  }
}

function textFor(waiting: Tellings, person: string): string {
  return JSON.stringify(waiting.get(person) ?? NOTHING);
}
