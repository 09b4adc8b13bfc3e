/**
 * A step that waits for a member of a crew, or is meant for one and has escalated, stands on that person's desk: the molecule tells them all that waits for them whenever that changes, one telling
 * after the other, and nothing once it ends. Whoever is no member yet is told nothing; when they join they ask.
 */
import { CancellationScope, workflowInfo } from '@temporalio/workflow';
import { askAssigned, crewMessages } from '../contract/crew.js';
import { ASSIGNED_MAX, memberMeant, type AssignedStep } from '../town/assigned.js';
import { fill } from '../town/molecule-facts.js';
import type { Molecule } from '../town/molecule-live.js';
import { tokenOf } from '../town/molecule-refusal.js';
import { waitingSteps } from '../town/molecule.js';
import type { Desk } from './desk.js';
import { done } from './desk.js';
import type { Book } from './molecule-book.js';
import { send } from './outbox.js';
import { Pace } from './pace.js';
import { patched } from './patches.js';

/** Each telling is in the histories of both: somebody who closes hundreds of steps is told ever more rarely. */
const EVERY_MS_MORE = 50;
const TITLE_CHARS_MAX = 200;

/** As it is told. */
type Telling = { readonly steps: readonly AssignedStep[]; readonly more: number };
type Waiting = ReadonlyMap<string, Telling>;
const NOTHING: Telling = { steps: [], more: 0 };

export class AssignedTeller {
  readonly #book: Book;
  readonly #pace = new Pace('until people hear which steps wait for them', 'waits are told ever more rarely');
  /** By person, as JSON. */
  readonly #told: Map<string, string>;
  /** Those to whom a telling is on its way. */
  readonly #telling = new Set<string>();
  #times = 0;
  #sent = 0;
  #isOver = false;
  #cooked: Molecule['cooked'] | null = null;
  #hasAssignees = false;

  constructor(book: Book, desk: Desk, told: Readonly<Record<string, string>> = {}) {
    this.#book = book;
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
    return this.#telling.size === 0;
  }

  /** Whose work it is, with those for whom steps wait; nothing where nobody was ever told. */
  get agents(): { readonly agents?: readonly string[] } {
    if (this.#told.size === 0) return {};
    const agent = this.#book.hook?.agent;
    return { agents: [...(agent === undefined ? [] : [agent]), ...this.#waiting().keys()] };
  }

  tell(): void {
    const waiting = this.#waiting();
    if (waiting.size === 0 && this.#told.size === 0) return;
    if (!patched('a step stands on the desk of the person it waits for', '0.9')) return;
    for (const person of waiting.keys()) if (!this.#told.has(person)) this.#told.set(person, JSON.stringify(NOTHING));
    if (this.#untold(waiting).length === 0) return;
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
    this.tell();
  }

  #untold(waiting: Waiting): readonly string[] {
    return [...this.#told].flatMap(([person, text]) => (text === textFor(waiting, person) ? [] : [person]));
  }

  /** One after the other, so that the last holds. */
  async #bring(person: string, isAsked = false): Promise<void> {
    if (this.#telling.has(person)) return;
    this.#telling.add(person);
    for (let isDue = isAsked; isDue || this.#untold(this.#waiting()).includes(person); isDue = false) {
      const telling = this.#waiting().get(person) ?? NOTHING;
      this.#told.set(person, JSON.stringify(telling));
      const content = { id: this.#nextId(person), molecule: this.#book.id, ...telling, steps: [...telling.steps] };
      await CancellationScope.nonCancellable(() => send(person, crewMessages.assigned, content));
    }
    this.#telling.delete(person);
  }

  #nextId(person: string): string {
    this.#sent += 1;
    return `assigned:${this.#book.id}:${workflowInfo().runId}:${person}:${this.#sent}`.slice(0, 2_000);
  }

  #waiting(): Waiting {
    const { molecule, hook } = this.#book;
    const waiting = new Map<string, { readonly steps: AssignedStep[]; more: number }>();
    if (this.#isOver || !this.#isAnyAssigned(molecule)) return waiting;
    for (const step of waitingSteps(molecule, Infinity, ['human', 'escalation'])) {
      const { id, title, state } = step;
      const { assignee } = molecule.cooked.get(id) ?? {};
      const person = assignee === undefined ? null : memberMeant(fill(molecule, id, assignee), hook?.rig.name ?? null);
      if (person === null || state.kind !== 'waiting') continue;
      const telling = waiting.get(person) ?? { steps: [], more: 0 };
      const { sinceMs } = state;
      const escalated = state.for === 'escalation' ? ({ isEscalated: true } as const) : {};
      const one = { step: id, title: title.slice(0, TITLE_CHARS_MAX), token: tokenOf(step), sinceMs, ...escalated };
      if (telling.steps.length < ASSIGNED_MAX) telling.steps.push(one);
      else telling.more += 1;
      waiting.set(person, telling);
    }
    return waiting;
  }

  /** Most molecules have none, and are asked after each of their steps. */
  #isAnyAssigned({ cooked }: Molecule): boolean {
    if (cooked !== this.#cooked) {
      this.#cooked = cooked;
      this.#hasAssignees = [...cooked.values()].some(({ assignee }) => assignee !== undefined);
    }
    return this.#hasAssignees;
  }
}

function textFor(waiting: Waiting, person: string): string {
  return JSON.stringify(waiting.get(person) ?? NOTHING);
}
