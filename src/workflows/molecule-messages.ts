/** What people and outside agents say to a molecule: each message is refused with what is possible instead, or becomes an event. */
import { CancellationScope, condition, workflowInfo } from '@temporalio/workflow';
import type { z } from 'zod';
import { moleculeMessages } from '../contract/messages.js';
import { describeGates, whyNoMail } from '../town/molecule-gates.js';
import { answererRefusal, instead, ownWorkRefusal, refusal, tokenOf, type Verb } from '../town/molecule-refusal.js';
import { answerWith } from '../town/molecule-vars.js';
import { code } from '../town/wording.js';
import type { Json } from '../town/act.js';
import { sessionsOf, type Molecule } from '../town/molecule-live.js';
import type { Step } from '../town/molecule-state.js';
import { activeSteps, after, isHalfDone, isWithin, nextStep, stepOf, waitingSteps } from '../town/molecule.js';
import type { Answer, Desk } from './desk.js';
import { done, refused, takenUnless } from './desk.js';
import { takeMail } from './mail-taking.js';
import { takeAnswers } from './molecule-answers.js';
import { WaysBack } from './molecule-back.js';
import { Bonds } from './molecule-bonds.js';
import type { Book } from './molecule-book.js';
import type { Hands } from './molecule-hands.js';
import { outputRefusal } from './molecule-hands.js';
import type { Claim } from './molecule-session.js';
import { instructions } from './molecule-report.js';
import { recooked } from './molecule-vars.js';
import { patched } from './patches.js';
import { sided, takePauses } from './pausing.js';

type Closes = z.infer<typeof moleculeMessages.close.schema>;
/** Of one step. */
type Close = Closes & { readonly step: string };
/** Skips or fails. */
type Settling = z.infer<typeof moleculeMessages.fail.schema> & { readonly allow?: readonly string[] | undefined };
type Retry = z.infer<typeof moleculeMessages.retry.schema>;
/** Who says it of which step, under which token. */
type About = { readonly step: string; readonly token?: string | undefined; readonly by: string };

/** Steps to close times steps that there are: it must all be done long before a workflow's task times out. */
const CLOSE_WORK_MAX = 1_000_000;

/** What has to do with a step whose end is being checked is heard after the check, and under its token. */
const IN_ORDER = 'what comes while a step is checked waits for it';
/** What is said of steps while the sandbox goes back to before some is said of them as they are after that. */
const AFTER_BACK = 'what comes while the sandbox goes back waits for it';

/** The end of a step that must be committed, after the engine's checks, before it is answered. */
type Closing = {
  /** Null for a step that is skipped with work of its own in the sandbox. */
  readonly message: Close | null;
  readonly claim: Claim;
  /** Of the step as it was when its end was asked for; undefined where an earlier version did not ask. */
  readonly token: string | undefined;
  answer: Answer | null;
};

export class Messages {
  readonly back: WaysBack;
  readonly #book: Book;
  readonly #hands: Hands;
  #closings: Closing[] = [];
  /** Why nothing is taken any more; null as long as it is. */
  #ended: string | null = null;
  /** Steps whose end is being checked, or waits to be. */
  readonly #checking: string[] = [];
  readonly #bonds: Bonds;
  /** Answers that change variables, of which the formula is being cooked. */
  #revising = 0;

  constructor(book: Book, hands: Hands, desk: Desk) {
    this.#book = book;
    this.#hands = hands;
    this.back = new WaysBack(book, hands);
    const taking = takenUnless(desk, () => this.#ended);
    taking.on(moleculeMessages.close, (message) => this.#afterBack(() => this.#closeAsked(message)));
    taking.on(moleculeMessages.skip, (message) => this.#afterCheck(message, () => this.#skip(message)));
    taking.on(moleculeMessages.fail, (message) =>
      this.#afterCheck(message, () => this.#settle('fail', 'failed', message)),
    );
    taking.on(moleculeMessages.retry, (message) => {
      const { from, token, vars } = message;
      if (from && token !== undefined) return refused('a token is of a step that waits: go back without it');
      if (from && vars !== undefined)
        return refused('variables are of an answer to a step that waits: go back without');
      const notBy = this.#whyNotBy(message);
      if (from) return notBy === null ? this.back.ask(message) : refused(notBy);
      return this.#afterCheck(message, () => (vars === undefined ? this.#retry(message) : this.#revise(message, vars)));
    });
    takeAnswers(taking, book, {
      refusal: (verb, about) => this.#refusal(verb, about),
      afterBack: (act) => this.#afterBack(act),
      close: (message) => this.#closeAsked(message),
      retry: (message) => this.#afterCheck(message, () => this.#retry(message)),
    });
    this.#bonds = new Bonds(book, () => this.#ended);
    taking.on(moleculeMessages.bond, (message) => CancellationScope.nonCancellable(() => this.#bonds.bond(message)));
    const isOver = () => this.#ended !== null && patched('what has ended is not held', '0.6');
    takePauses(
      takenUnless(desk, () => (isOver() ? this.#ended : null)),
      {
        what: 'the molecule',
        messages: moleculeMessages,
        holds: () => book.molecule.holds,
        hold: (hold) => book.note({ kind: 'paused', ...sided(hold) }),
        letGo: (above) => book.note({ kind: 'resumed', above }),
        meanwhile: () => endsFirst(activeSteps(book.molecule)),
      },
    );
    takeMail(taking, ({ subject, from }) => {
      const id = workflowInfo().workflowId;
      const why = whyNoMail(book.molecule, subject, { id, agent: book.hook?.agent ?? null });
      const isNew = patched('a molecule refuses mail that opens no gate', '0.10');
      if (why !== null && isNew) return refused(why);
      book.note({ kind: 'mailed', subject, from });
      return done(isNew ? 'noted for the gates that await it' : 'taken');
    });
  }

  get isIdle(): boolean {
    return this.#closings.length === 0 && this.#bonds.isIdle && this.#revising === 0 && this.back.isIdle;
  }

  /** Whether something is asked for by which a molecule that is done would go on. */
  get isGoingOn(): boolean {
    return !this.#bonds.isIdle || !this.back.isIdle;
  }

  /** What was asked for and is under way, each as a sentence. */
  get doings(): readonly string[] {
    const checks = this.#checking.map(
      (step) => `What ${code(step)} leaves is checked and committed, and then it closes.`,
    );
    const bonds = this.#bonds.isIdle ? [] : ['A formula is cooked to be bonded.'];
    const revisions = this.#revising > 0 ? ['The formula is cooked with other values.'] : [];
    return [...this.back.doings, ...checks, ...bonds, ...revisions];
  }

  /** The next close to be checked, for the one loop that acts in the sandbox. */
  takeClosing(): Closing | null {
    return this.#closings.shift() ?? null;
  }

  async check(closing: Closing): Promise<void> {
    const { message, claim } = closing;
    const { step } = claim;
    const why = refusal(this.#book.molecule, message === null ? 'skip' : 'close', step, closing.token);
    const { hook } = this.#book;
    if (why !== null || hook === null) {
      closing.answer = why === null && message !== null ? this.#closed(message) : refused(why ?? '');
      return;
    }
    try {
      const rejected = await this.#hands.accept(claim);
      if (rejected !== null) closing.answer = refused(`step "${step}" is not accepted: ${rejected}`);
      else
        closing.answer = done(
          message === null ? `step "${step}" is skipped` : this.#whatNext(`closed "${step}"`, message),
        );
    } catch (error) {
      closing.answer = refused(`step "${step}" could not be checked`);
      this.#hands.refuse(step, error);
    }
  }

  /** What comes now comes too late: the digest is being written. */
  end(why = 'the molecule has ended'): void {
    this.#ended ??= why;
    for (const closing of this.#closings) closing.answer ??= refused('the molecule ended first');
    this.back.end();
  }

  /** Null when nothing stands in the way: neither how the step stands, nor who says it. */
  #refusal(verb: Verb, about: About): string | null {
    return this.#whyNotBy(about) ?? refusal(this.#book.molecule, verb, about.step, about.token);
  }

  #whyNotBy({ step, by }: About): string | null {
    const { molecule, hook } = this.#book;
    const why = answererRefusal(molecule, step, by, hook?.agent ?? null);
    if (why !== null && patched('steps are answered by people and superiors', '0.11')) return why;
    const own = ownWorkRefusal(molecule, step, by, hook?.agent ?? null);
    return own !== null && patched('nobody approves their own work', '0.13') ? own : null;
  }

  #closeAsked(message: Closes): Answer | Promise<Answer> {
    const { step, outcome } = message;
    if (typeof step !== 'string') return this.#closeAll(step, message);
    const close = { ...message, step };
    return outcome === 'failed' ? this.#afterCheck(close, () => this.#close(close)) : this.#close(close);
  }

  #close(message: Close): Answer | Promise<Answer> {
    const { step, note, by, outcome, output, allow } = message;
    const why = this.#refusal('close', message);
    // Closes sent one after the other are taken so, though each is answered only after its checks.
    if (why !== null && this.#checking.length > 0 && this.#ended === null) {
      return this.#later(
        () => this.#checking.length === 0,
        () => this.#close(message),
      );
    }
    if (why !== null) return refused(why);
    if (outcome === 'failed') {
      this.#book.note({ kind: 'given-up', step, why: note, by });
      return done(`step "${step}" waits for an answer: retry, close, skip or fail it`);
    }
    const problem = outputRefusal(this.#book.cooked(step), output);
    if (problem !== null)
      return refused(`step "${step}" cannot be closed so: ${problem}; ${instead(this.#book.molecule)}`);
    if (!this.#needsChecks(step)) return this.#closed(message);
    return this.#onceChecked(message, { step, summary: note, by, output, mustMove: false, allow });
  }

  /** In this order, and all or none: what one has opened may be closed by the next. */
  #closeAll(steps: readonly string[], message: Closes): Answer {
    const { note: summary, by } = message;
    let molecule = this.#book.molecule;
    const max = Math.floor(CLOSE_WORK_MAX / molecule.steps.length);
    if (steps.length > max)
      return refused(`a molecule of ${molecule.steps.length} steps closes at most ${max} in one message`);
    for (const step of steps) {
      const why = this.#whyNotBy({ step, by }) ?? refusal(molecule, 'close', step) ?? this.#whyAlone(molecule, step);
      if (why !== null) return refused(`${why}; none of the ${steps.length} is closed`);
      molecule = after(molecule, { kind: 'accepted', step, summary, by, head: null }, Date.now());
    }
    this.#book.put(molecule);
    return done(
      this.#whatNext(`closed ${steps.length} steps, "${steps[0] ?? ''}" to "${steps.at(-1) ?? ''}"`, message),
    );
  }

  #whyAlone(molecule: Molecule, step: string): string | null {
    const problem = outputRefusal(molecule.cooked.get(step) ?? null, undefined);
    if (problem !== null) return `step "${step}" cannot be closed so: ${problem}; ${instead(molecule)}`;
    return this.#needsChecks(step, molecule)
      ? `step "${step}" is checked and committed when it closes: close it by itself`
      : null;
  }

  /** Work of its own that a step leaves in the sandbox must not end up in another step's commit: it gets one of its own. */
  #skip(message: Settling): Answer | Promise<Answer> {
    const { step, reason, by, allow } = message;
    const why = this.#refusal('skip', message);
    if (why !== null) return refused(why);
    const isWorked =
      this.#book.hook !== null && this.#book.cooked(step) !== null && this.#hasWork(this.#book.step(step));
    if (!isWorked || !patched('what a skipped step left is committed')) return this.#settle('skip', 'skipped', message);
    const claim: Claim = { step, summary: reason, by, output: undefined, mustMove: false, skipped: true, allow };
    return this.#onceChecked(null, claim);
  }

  /** Of one that is to be done again the sandbox holds nothing: what lies there is another step's. */
  #hasWork(step: Step): boolean {
    return (
      step.sessions > 0 && (sessionsOf(step) > 0 || !patched('a step that is to be done again has no work', '0.6'))
    );
  }

  /** A step that is being closed is not skipped, failed or begun anew meanwhile, nor with its group: whoever asks is answered when that is clear. */
  #afterCheck({ step }: { readonly step: string }, act: () => Answer | Promise<Answer>): Answer | Promise<Answer> {
    const isChecked = () => this.#checking.some((one) => isWithin(this.#book.molecule, one, step));
    if (!isChecked() || !patched(IN_ORDER, '0.6')) return this.#afterBack(act);
    return this.#later(
      () => !isChecked(),
      () => this.#afterCheck({ step }, act),
    );
  }

  #afterBack(act: () => Answer | Promise<Answer>): Answer | Promise<Answer> {
    if (this.back.isIdle || !patched(AFTER_BACK, '0.6')) return act();
    return this.#later(
      () => this.back.isIdle,
      () => this.#afterBack(act),
    );
  }

  async #later(isTime: () => boolean, act: () => Answer | Promise<Answer>): Promise<Answer> {
    await CancellationScope.nonCancellable(() => condition(() => isTime() || this.#ended !== null));
    return this.#ended === null ? act() : refused(this.#ended);
  }

  #closed(message: Close): Answer {
    const { step, note: summary, by, output } = message;
    this.#book.note({ kind: 'accepted', step, summary, by, head: null, ...left(output) });
    return done(this.#whatNext(`closed "${step}"`, message));
  }

  /** `closed`: what has closed, as a sentence without its end. */
  #whatNext(closed: string, { continue: goesOn }: Pick<Close, 'continue'>): string {
    const { molecule } = this.#book;
    const [ready] = waitingSteps(molecule, 1, ['human']);
    const next = ready ?? (goesOn ? nextStep(molecule) : null) ?? waitingSteps(molecule, 1, ['escalation'])[0];
    if (next !== undefined) return `${closed}.\n\n${instructions(this.#book, next)}`;
    if (molecule.closed === molecule.steps.length) return `${closed}; that was the last step`;
    const [gated] = waitingSteps(molecule, 1);
    return `${closed}; no step waits for you${gated === undefined ? '' : `: "${gated.id}" waits for ${describeGates(gated.gates ?? [])}`}`;
  }

  #startsAnew(id: string): string {
    const { state, kind } = this.#book.step(id);
    if (state.kind === 'waiting' && state.for === 'gate') return `step "${id}" waits anew: ${state.why}`;
    return kind === undefined ? `step "${id}" starts a new session` : `"${id}" begins a new iteration`;
  }

  #retry(message: Retry): Answer {
    const { step, note, by } = message;
    const why = this.#refusal('retry', message);
    if (why !== null) return refused(why);
    this.#book.note({ kind: 'retried', step, by, note: note ?? null });
    return done(this.#startsAnew(step));
  }

  async #revise(message: Retry, vars: Readonly<Record<string, string>>): Promise<Answer> {
    const { step, by, note } = message;
    if (!patched('variables change with an answer', '0.11')) return refused('variables stay as they are here');
    const why = this.#refusal('retry', message);
    if (why !== null) return refused(why);
    // The wait that is there now, and no later one.
    const token = tokenOf(this.#book.step(step)) ?? undefined;
    this.#revising += 1;
    try {
      const cooked = await CancellationScope.nonCancellable(() => recooked(this.#book, vars));
      const late = this.#ended ?? refusal(this.#book.molecule, 'retry', step, token);
      if (!cooked.ok || late !== null) return refused(late ?? (cooked.ok ? '' : cooked.why));
      this.#book.revise({ kind: 'revised', step, proto: cooked.proto, vars, by });
      return this.#retry({ ...message, note: answerWith(note, vars) });
    } finally {
      this.#revising -= 1;
      this.#book.news = true;
    }
  }

  #settle(verb: 'skip' | 'fail', kind: 'skipped' | 'failed', message: Settling): Answer {
    const { step, reason, by } = message;
    const why = this.#refusal(verb, message);
    if (why !== null) return refused(why);
    this.#book.note({ kind, step, reason, by });
    const { molecule } = this.#book;
    const first = endsFirst(activeSteps(molecule).filter((one) => isWithin(molecule, one, step)));
    return done(`step "${step}" is ${kind}${first === '' ? '' : `; ${first}`}`);
  }

  /** Whatever closes a step in a sandbox, its work is committed and pushed; but not while another step's is half done. */
  #needsChecks(id: string, molecule = this.#book.molecule): boolean {
    const proto = molecule.cooked.get(id);
    if (this.#book.hook === null || proto === undefined || proto.kind === 'group') return false;
    const isCommanded = proto.acceptance.command !== undefined || proto.check !== undefined;
    if (stepOf(molecule, id)?.runtime !== 'human' || isCommanded) return true;
    return !isHalfDone(molecule, id) && patched('what a person closes is committed');
  }

  async #onceChecked(message: Close | null, claim: Claim): Promise<Answer> {
    const token = patched(IN_ORDER, '0.6') ? (tokenOf(this.#book.step(claim.step)) ?? undefined) : undefined;
    const closing: Closing = { message, claim, token, answer: null };
    this.#closings.push(closing);
    this.#checking.push(claim.step);
    this.#book.news = true;
    // A cancelled molecule ends in order, and answers: a handler that is cut off would close it at once.
    await CancellationScope.nonCancellable(() => condition(() => closing.answer !== null));
    this.#checking.splice(this.#checking.indexOf(claim.step), 1);
    return closing.answer ?? refused('the molecule ended first');
  }
}

function endsFirst(atWork: readonly string[]): string {
  return atWork.length === 0 ? '' : `the session of "${atWork.join('", "')}" ends first`;
}

function left(output: Json | undefined): { readonly output?: Json } {
  return output === undefined ? {} : { output };
}
