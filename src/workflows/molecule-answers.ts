/** What people say to a step that waits for their word: an answer to a question, an approval, its refusal. */
import type { z } from 'zod';
import { moleculeMessages } from '../contract/messages.js';
import { approvalRefusal } from '../town/molecule-approvals.js';
import { readAnswer, stepMeant, type Said } from '../town/molecule-asked.js';
import { areOpen, describeGates } from '../town/molecule-gates.js';
import type { Verb } from '../town/molecule-refusal.js';
import { stepOf } from '../town/molecule.js';
import { done, refused, type Answer, type Taking } from './desk.js';
import type { Book } from './molecule-book.js';
import { patched } from './patches.js';

type Close = z.infer<typeof moleculeMessages.close.schema>;
type Retry = z.infer<typeof moleculeMessages.retry.schema>;
type Asked = z.infer<typeof moleculeMessages.answer.schema>;
type Approve = z.infer<typeof moleculeMessages.approve.schema>;
type Reject = z.infer<typeof moleculeMessages.reject.schema>;

type Answered = Answer | Promise<Answer>;
type About = { readonly step: string; readonly by: string; readonly token?: string | undefined };
type Ways = {
  /** Why this cannot be said of the step by whoever says it; null when it can. */
  readonly refusal: (verb: Verb, about: About) => string | null;
  /** Whatever is said of steps while the sandbox goes back to before one is said of them as they are after that. */
  readonly afterBack: (act: () => Answered) => Answered;
  readonly close: (message: Close) => Answered;
  readonly retry: (message: Retry) => Answered;
};

export function takeAnswers(taking: Taking, book: Book, ways: Ways): void {
  const answers = new Answers(book, ways);
  const { answer, approve, reject } = moleculeMessages;
  taking.on(answer, (said) => ways.afterBack(() => answers.answer(said)));
  taking.on(approve, (said) => ways.afterBack(() => answers.approve(said)));
  taking.on(reject, (said) => ways.afterBack(() => answers.reject(said)));
}

class Answers {
  readonly #book: Book;
  readonly #ways: Ways;

  constructor(book: Book, ways: Ways) {
    this.#book = book;
    this.#ways = ways;
  }

  answer(said: Asked): Answered {
    return this.#ofOne('answer', said.step, (step) => {
      const { molecule } = this.#book;
      const { by, token, text } = said;
      const state = stepOf(molecule, step)?.state;
      const isPersons = state?.kind === 'waiting' && state.for === 'human';
      const why = this.#ways.refusal(isPersons ? 'close' : 'retry', { step, by, token });
      if (why !== null) return refused(why);
      const answer = readAnswer(molecule, this.#book.step(step), text);
      if (!answer.ok) return refused(answer.why);
      const { text: note, output } = answer;
      if (!isPersons) return this.#ways.retry({ by, step, token, note, from: false });
      return this.#ways.close({ by, step, token, note, output, outcome: 'done', continue: false });
    });
  }

  /** An earlier version knew the step by its name alone. */
  approve({ by, token, note, step: named }: Approve): Answered {
    if (named !== undefined) return this.#approve(named, { by, token, note });
    return this.#ofOne('approve', named, (step) => this.#approve(step, { by, token, note }));
  }

  #approve(step: string, { by, token, note }: Pick<Approve, 'by' | 'token' | 'note'>): Answer {
    const { molecule } = this.#book;
    const why =
      this.#ways.refusal('approve', { step, by, token }) ??
      approvalRefusal(molecule, this.#book.step(step), 'approve', by);
    if (why !== null) return refused(why);
    this.#book.note({ kind: 'approved', step, by, ...(note === undefined ? {} : { note }) });
    const { gates = [] } = this.#book.step(step);
    const says = areOpen(gates)
      ? `the gates of step "${step}" are open`
      : `step "${step}" has your approval, and waits for ${describeGates(gates)}`;
    return done(says);
  }

  reject({ by, token, reason, step: named }: Reject): Answered {
    return this.#ofOne('reject', named, (step) => {
      const { molecule } = this.#book;
      const why =
        this.#ways.refusal('reject', { step, by, token }) ??
        approvalRefusal(molecule, this.#book.step(step), 'reject', by);
      if (why !== null) return refused(why);
      this.#book.note({ kind: 'approval-rejected', step, by, reason });
      return done(`step "${step}" waits for an answer: retry asks for the approval anew, or close, skip or fail it`);
    });
  }

  /** Of the step that is named, or of the one that waits for it. A message that was refused before 0.11, as nobody knew it, is still. */
  #ofOne(said: Said, named: string | undefined, act: (step: string) => Answered): Answered {
    if (!patched('a molecule is answered and rejected, and finds the step that is meant', '0.11'))
      return refused('nobody took this message then');
    if (named !== undefined) return act(named);
    const meant = stepMeant(this.#book.molecule, said);
    return meant.ok ? act(meant.step) : refused(meant.why);
  }
}
