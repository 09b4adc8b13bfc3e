/**
 * A molecule: runs the steps of a cooked formula, one at a time in its sandbox, each by as many sessions as it takes. People
 * and outside agents close, skip, fail, retry and approve steps by message. A close counts when the engine's own checks have passed.
 */
import {
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { stateQuery } from '../contract/messages.js';
import type { MoleculeCarry, MoleculeResult } from '../contract/molecule.js';
import { currentQuery, readyQuery, sessionQuery, stepsQuery, takeoverQuery, VIEWS_MAX } from '../contract/molecule.js';
import { attribute } from '../contract/search-attributes.js';
import { moleculeBoard } from '../town/molecule-board.js';
import { fileGates } from '../town/molecule-gates.js';
import { dueLoop } from '../town/molecule-loops.js';
import { fateOf, nextStep, teardownsLeft, waitingSteps } from '../town/molecule.js';
import { AssignedTeller } from './assigned-teller.js';
import { Desk } from './desk.js';
import { explainBy } from './explain.js';
import { failure, wordsOf } from './failing.js';
import { town } from './hands.js';
import { assignedIn } from './molecule-assigned.js';
import { Book } from './molecule-book.js';
import { EscalationTeller } from './molecule-escalations.js';
import { GateWatch } from './molecule-gates.js';
import { Hands } from './molecule-hands.js';
import { Messages } from './molecule-messages.js';
import { Reminders } from './molecule-reminders.js';
import { digestOf, resultOf, viewOf } from './molecule-report.js';
import { standOf } from './molecule-stand.js';
import { WaitTeller } from './molecule-wait.js';
import { patched } from './patches.js';
import { acceptMolecule } from './molecule-start.js';
import { Standing, startAs } from './standing.js';
import { carried, isCancelled, isLong } from './start.js';

export async function molecule(raw: unknown, carry?: MoleculeCarry): Promise<MoleculeResult> {
  const before = startAs('molecule', () => carried(carry, 'BadInput'));
  const desk = new Desk(before?.desk);
  return new MoleculeRun(before ?? (await acceptMolecule(raw, desk)), desk).run();
}

class MoleculeRun {
  readonly #book: Book;
  readonly #desk: Desk;
  readonly #gates: GateWatch;
  readonly #hands: Hands;
  readonly #messages: Messages;
  readonly #reminders: Reminders;
  readonly #standing = new Standing();
  readonly #waits: WaitTeller;
  readonly #assigned: AssignedTeller;
  readonly #escalations: EscalationTeller;
  /** How the molecule stood when files were looked for last. */
  #lookedAt = '';
  #isCancelled = false;
  /** It was cancelled, and what was set up is taken down before it ends. */
  #isTakingDown = false;
  /** What it came to is not recorded yet. */
  #isEnding = false;

  constructor(carry: MoleculeCarry, desk: Desk) {
    const book = new Book(carry);
    this.#book = book;
    this.#desk = desk;
    this.#gates = new GateWatch(book);
    this.#reminders = new Reminders(book);
    this.#hands = new Hands(book);
    this.#waits = new WaitTeller(book, carry.toldWait, carry.timesTold);
    this.#assigned = new AssignedTeller(
      desk,
      { id: book.id, ...assignedIn(book), patience: () => book.patience },
      carry.toldAssigned,
    );
    this.#escalations = new EscalationTeller(book, carry.raised, () => this.#show());
    this.#messages = new Messages(book, this.#hands, this.#desk);
    let { paused } = book.molecule;
    // A session may be under way for an hour: what happens beside it is shown as it happens.
    book.onEvent(() => {
      const isBeside = this.#hands.isBusy && patched('what happens beside a session is shown', '0.6');
      if (book.molecule.paused === paused && !isBeside) return;
      paused = book.molecule.paused;
      this.#show();
    });
    setHandler(stateQuery, () => this.#carry(), { description: 'All that a next run would be given.' });
    setHandler(stepsQuery, () => book.molecule.steps, { description: 'All steps, each with all that is known of it.' });
    setHandler(
      readyQuery,
      () => waitingSteps(book.molecule, Infinity, ['human', 'escalation']).map((step) => step.id),
      {
        description: 'Ids of the steps that wait for somebody to close them.',
      },
    );
    setHandler(currentQuery, () => waitingSteps(book.molecule, VIEWS_MAX).map((step) => viewOf(book, step)), {
      description: `The first ${VIEWS_MAX} steps that wait, with their instructions.`,
    });
    setHandler(sessionQuery, () => this.#hands.specNow(), {
      description: 'What its session is asked to do, or the next one will be.',
    });
    setHandler(takeoverQuery, () => this.#hands.takeover(), {
      description: 'The last session of its open step, for whoever wants to go on with it at a terminal.',
    });
    explainBy(() => this.#board());
    desk.open();
  }

  async run(): Promise<MoleculeResult> {
    this.#standing.introduce([
      { key: attribute.role, value: 'molecule' },
      { key: attribute.formula, value: this.#book.proto.formula },
    ]);
    this.#gates.look();
    this.#reminders.look();
    try {
      while (this.#goesOn()) await this.#turn();
    } catch (error) {
      if (isCancellation(error)) await CancellationScope.nonCancellable(() => this.#endCancelled());
      throw error;
    }
    return CancellationScope.nonCancellable(() => this.#finish());
  }

  #goesOn(): boolean {
    const { kind } = fateOf(this.#book.molecule);
    return kind === 'open' || (kind === 'done' && this.#messages.isGoingOn);
  }

  /** One thing at a time: everything that needs the sandbox is asked for here. */
  async #turn(): Promise<void> {
    this.#book.news = false;
    const back = this.#messages.back.next();
    if (back !== null) return this.#messages.back.go(back);
    const { molecule: state } = this.#book;
    const closing = this.#messages.takeClosing();
    const loop = dueLoop(state);
    const mustLook = closing === null && loop === null && this.#shouldLook();
    const step = closing !== null || loop !== null || mustLook ? null : nextStep(state);
    // A step that begins is shown as it begins, and not as ready in the same moment.
    if (step === null || !patched('a step is shown as it begins')) this.#show();
    if (step !== null) await this.#hands.work(step, () => this.#show());
    else if (closing !== null) await this.#messages.check(closing);
    else if (loop !== null) await this.#hands.judge(loop);
    else if (mustLook) await this.#hands.look();
    else await condition(() => this.#book.news);
    if (isLong() && this.#messages.isIdle) await this.#continue();
  }

  /** Files come and go by the work of steps: gates that ask for them are looked at again after each. */
  #shouldLook(): boolean {
    const { molecule: state } = this.#book;
    if (state.paused !== null) return false;
    const gates = fileGates(state);
    const now =
      gates.length === 0
        ? ''
        : `${state.closed + state.passed.steps} ${gates.map(({ at, gate }) => `${at}.${gate}`).join(' ')}`;
    const isNew = now !== '' && now !== this.#lookedAt;
    this.#lookedAt = now;
    return isNew;
  }

  /** A cancelled molecule asks nobody for anything any more. */
  async #endCancelled(): Promise<void> {
    const why = 'the molecule was cancelled: what was set up is taken down, and then it ends';
    this.#isTakingDown = patched('a cancelled molecule takes nothing any more', '0.6');
    if (this.#isTakingDown) this.#messages.end(why);
    this.#endTellers('the molecule was cancelled');
    await this.#tearDown();
    this.#messages.end();
    this.#isTakingDown = false;
    this.#isCancelled = true;
    if (!patched('a cancelled molecule waits no more')) return;
    const { usd } = this.#book.molecule.usage;
    const stand = { phase: 'failed', waitingFor: '', steps: [], usd, ...this.#agents() } as const;
    this.#standing.show(stand, () => this.#board());
    await condition(() => this.#isTold);
  }

  /** Cancelled: the commands that take down what was set up still run, each once. A person or a model is not asked any more. */
  async #tearDown(): Promise<void> {
    this.#gates.stop();
    this.#reminders.stop();
    const { hook } = this.#book;
    if (hook === null) return;
    for (const id of teardownsLeft(this.#book.molecule)) {
      this.#book.note({ kind: 'session-started', step: id });
      this.#show();
      try {
        const result = await this.#hands.session(hook, this.#book.step(id));
        const summary = 'summary' in result ? result.summary : result.outcome;
        this.#book.note({ kind: 'session-ended', step: id, result });
        this.#book.note({ kind: 'accepted', step: id, summary, by: hook.agent, head: null });
      } catch (error) {
        // What cannot be taken down must not keep the next thing from it.
        this.#book.note({ kind: 'failed', step: id, reason: wordsOf(error), by: 'the molecule' });
      }
    }
  }

  async #finish(): Promise<MoleculeResult> {
    this.#gates.stop();
    this.#reminders.stop();
    // With the end itself it is one write of the server's and not two.
    const isToldLast = patched('an end is told once it is recorded', '0.6');
    this.#isEnding = isToldLast;
    this.#endTellers('the molecule has ended');
    this.#show(isToldLast);
    this.#messages.end();
    const { molecule: state, patience, wisp } = this.#book;
    const fate = fateOf(state);
    const result = resultOf(this.#book);
    const { firstExecutionRunId, parent } = workflowInfo();
    const digest = digestOf(this.#book, firstExecutionRunId, result, fate.kind, new Date().toISOString());
    const isTaken = wisp && parent !== undefined;
    if (!isTaken) await town(patience).record.executeWithOptions({ summary: `record · ${fate.kind}` }, [digest]);
    await condition(() => this.#desk.isQuiet() && this.#isTold);
    this.#isEnding = false;
    if (isToldLast) {
      this.#show(true);
      this.#standing.tellNow();
    }
    if (fate.kind === 'failed') throw failure('MoleculeFailed', `step "${fate.step}" failed: ${fate.reason}`, [result]);
    return wisp ? { ...result, digest } : result;
  }

  #endTellers(why: string): void {
    this.#assigned.end();
    this.#escalations.end(why);
  }

  /** Whoever waits somewhere for what stands here has heard of it. */
  get #isTold(): boolean {
    return this.#assigned.isIdle && this.#escalations.isIdle;
  }

  async #continue(): Promise<void> {
    // The handler that woke the loop has not returned yet: without this, one that only people wake would never go on.
    const isQuiet = () => this.#desk.isQuiet() && this.#isTold && this.#reminders.isIdle;
    await condition(() => isQuiet() || !this.#messages.isIdle);
    if (!this.#messages.isIdle || fateOf(this.#book.molecule).kind !== 'open') return;
    if (isCancelled()) return CancellationScope.current().cancelRequested;
    const { formula, vars } = this.#book.proto;
    // All that counts is carried; a molecule is not to travel twice.
    await continueAsNew<typeof molecule>({ formula, vars }, this.#carry());
  }

  #carry(): MoleculeCarry {
    const { told: toldWait, times: timesTold } = this.#waits;
    return {
      ...this.#book.carry(),
      desk: this.#desk.state(),
      toldWait,
      timesTold,
      ...this.#assigned.told,
      ...this.#escalations.raised,
    };
  }

  #show(isSettling = false): void {
    const asked = this.#isTakingDown ? ({ phase: 'working', waitingFor: '' } as const) : {};
    this.#assigned.tell();
    this.#escalations.tell();
    const stand = { ...standOf(this.#book.molecule), ...this.#agents(), ...asked, isSettling };
    this.#standing.show(stand, () => this.#board());
    this.#waits.tell();
  }

  /** Whose work it is, with those for whom steps wait; nothing where nobody was ever told. */
  #agents(): { readonly agents?: readonly string[] } {
    const { people } = this.#assigned;
    const agent = this.#book.hook?.agent;
    return people === null ? {} : { agents: [...(agent === undefined ? [] : [agent]), ...people] };
  }

  #board(): string {
    const { molecule: state, proto, id } = this.#book;
    const doings = this.#messages.doings;
    return moleculeBoard(state, proto.formula, id, {
      isCancelled: this.#isCancelled,
      isTakingDown: this.#isTakingDown,
      isEnding: this.#isEnding,
      doings,
      escalations: this.#escalations.named,
    });
  }
}
