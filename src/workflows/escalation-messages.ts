/** What tiers, people and those who wait say to an escalation. */
import { CancellationScope, condition } from '@temporalio/workflow';
import type { z } from 'zod';
import { escalationMessages } from '../contract/escalation.js';
import { isAnsweredByWords, strayIn } from '../town/escalation-answer.js';
import { resolved, settled, type Summary } from '../town/escalation-answering.js';
import type { Waiter } from '../town/escalation-input.js';
import { hasAsked, whyNotBy, type Verb } from '../town/escalation-who.js';
import {
  acked,
  forwarded,
  isLast,
  isOver,
  joined,
  passingOne,
  remarked,
  tierOf,
  toPassOn,
  waitersOf,
  withoutPassing,
  type Escalation,
} from '../town/escalation.js';
import { cut } from '../town/findings.js';
import type { Mail } from '../town/mail.js';
import { done, refused, takenUnless, type Answer, type Desk } from './desk.js';
import { idOf, settle } from './escalating.js';
import { takeMail } from './mail-taking.js';
import { patched } from './patches.js';
import { answeredWithinMs } from './patience.js';

type Of = {
  readonly id: string;
  readonly patience: () => number;
  readonly now: () => Escalation;
  readonly set: (next: Escalation) => void;
  /** Nobody is to wait any more: its run ends. */
  readonly isSettled: () => boolean;
};

type Resolve = z.infer<typeof escalationMessages.resolve.schema>;

const NOTE_CHARS_MAX = 9_000;

export class EscalationMessages {
  readonly #of: Of;
  /** By answer, what came of it. */
  readonly #summaries = new Map<number, Summary>();
  #isEnded = false;

  constructor(of: Of) {
    this.#of = of;
  }

  serve(desk: Desk): void {
    const here = takenUnless(desk, () => (this.#isEnded ? `${this.#of.id} was cancelled` : null));
    const { ack, resolve, forward, note, join, settled: gone } = escalationMessages;
    here.on(ack, ({ by, note: words = '' }) => this.#said(by, 'ack', () => this.#ack(by, words)));
    here.on(forward, ({ by, reason }) => this.#said(by, 'forward', () => this.#forward(by, reason)));
    here.on(note, ({ by, text }) => this.#said(by, 'note', () => this.#note(by, text)));
    here.on(resolve, (message) => {
      const why = this.#whyNot(message.by, 'resolve');
      return why === null ? this.#resolve(message) : refused(why);
    });
    desk.on(join, ({ raised }) => {
      const { id, now, set } = this.#of;
      if (!this.#isEnded) set(joined(now(), raised, Date.now()));
      // Who comes while answers are on their way to others has not been cancelled.
      else if (patched('who joins one that ends has another', '0.14')) set(toPassOn(now(), raised));
      else return refused(`${id} was cancelled`);
      return done(`${id} is raised`);
    });
    here.on(gone, async (message) => this.#settled(message));
    takeMail(here, (mail) => this.#take(mail));
  }

  /** All whom an answer is for have said something to it. */
  answered(id: number, summary: Summary): void {
    this.#summaries.set(id, summary);
  }

  end(): void {
    this.#isEnded = true;
  }

  #said(by: string, verb: Verb, act: () => Answer): Answer {
    const why = this.#whyNot(by, verb);
    return why === null ? act() : refused(why);
  }

  /** A refusal of whom it is that asks stands in the chain. */
  #whyNot(by: string, verb: Verb): string | null {
    const now = this.#of.now();
    if (isOver(now)) return `${this.#of.id} is over: nobody waits for an answer any more`;
    const why = whyNotBy(by, verb, now.ladder?.route ?? [], waitersOf(now));
    if (why !== null) this.#of.set(remarked(now, 'refused', by, `${verb}: ${why}`, Date.now()));
    return why;
  }

  #ack(by: string, words: string): Answer {
    this.#of.set(acked(this.#of.now(), by, words, Date.now()));
    return done(`taken up: gt explain ${this.#of.id} says until when`);
  }

  #forward(by: string, reason: string): Answer {
    const now = this.#of.now();
    if (now.ladder === null) return refused('whom to ask is not known yet: say it again in a moment');
    if (isLast(now)) return refused(`${tierOf(now)} is the last tier: resolve it, or note what is known of it`);
    const next = forwarded(now, by, reason, Date.now());
    this.#of.set(next);
    return done(`it goes to ${tierOf(next)}`);
  }

  #note(by: string, text: string): Answer {
    this.#of.set(remarked(this.#of.now(), 'noted', by, text, Date.now()));
    return done('noted');
  }

  async #resolve({ id: _id, by, waiter, ...resolution }: Resolve): Promise<Answer> {
    const { id, patience, now, set, isSettled } = this.#of;
    const stray = strayIn(resolution);
    if (stray !== null && patched('nothing of an answer is lost', '0.13')) return refused(stray);
    const after = resolved(now(), { by, resolution, only: waiter ?? null, why: '' }, Date.now());
    if (!after.ok) return refused(after.why);
    set(after.now);
    const summary = () => this.#summaries.get(after.id);
    const waits = { summary: 'until whoever has answered hears that it is on its way' };
    const isHeard = () => summary() !== undefined || isSettled();
    await CancellationScope.nonCancellable(() => condition(isHeard, answeredWithinMs(patience()), waits));
    const { isTaken = true, says = `it is on its way to those who wait: gt explain ${id} shows how far` } =
      summary() ?? {};
    return isTaken ? done(says) : refused(says);
  }

  /** One who waits with others, as there was no room here, is known there. */
  async #settled({ waiter, by, how }: z.infer<typeof escalationMessages.settled.schema>): Promise<Answer> {
    const { now, set } = this.#of;
    const after = settled(now(), waiter, by, how, Date.now());
    if (after !== null) set(after);
    else if (now().passed > 0) {
      const { raised, nth } = now();
      if (!(await this.#isTakenBack(waiter))) await settle(idOf(raised, nth + 1), waiter, by, how);
    }
    return done('noted');
  }

  /** Whether it was here still. The first one is being passed on: it is settled there, once it is. */
  async #isTakenBack(waiter: Waiter): Promise<boolean> {
    const { now, set } = this.#of;
    const raised = passingOne(now(), waiter);
    if (raised === null || !patched('who waits no more is passed on to nobody', '0.13')) return false;
    if (now().passing[0] !== raised) {
      set(withoutPassing(now(), raised));
      return true;
    }
    await CancellationScope.nonCancellable(() => condition(() => !now().passing.includes(raised)));
    return false;
  }

  /** An answer to the mail by which its tier was asked. */
  #take({ to, from, subject, body }: Mail): Answer {
    const { id, now, set } = this.#of;
    if (to !== id) return refused(`this is ${id}, not ${to.slice(0, 200)}`);
    const note = cut(body === '' ? subject : body, NOTE_CHARS_MAX);
    const by = from.slice(0, 200);
    if (hasAsked(from, waitersOf(now()))) return this.#said(from, 'note', () => this.#note(by, note));
    const why = this.#whyNot(from, 'resolve');
    if (why !== null) return refused(why);
    const answer = { by, resolution: { action: 'retry', note }, only: null, why: 'by mail' } as const;
    const after = isAnsweredByWords(now().raised) ? resolved(now(), answer, Date.now()) : null;
    if (after?.ok === true) {
      set(after.now);
      return done('taken as the answer: whoever waits goes on with it');
    }
    set(acked(remarked(now(), 'noted', by, note, Date.now()), by, '', Date.now()));
    const more = after === null ? '' : `; ${after.why}`;
    return done(`noted, and taken up${more}: gt escalation resolve ${id} says what is to be done`);
  }
}
