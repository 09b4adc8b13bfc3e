/**
 * A molecule: runs the steps of a cooked formula, one at a time in its sandbox, each by as many sessions as it takes. People
 * and outside agents close, skip, fail and retry steps by message. A close counts when the engine's own checks have passed.
 */
import {
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { EMPTY_DESK } from '../contract/desk.js';
import { explainQuery, moleculeMessages } from '../contract/messages.js';
import type { Hook, MoleculeCarry, MoleculeResult } from '../contract/molecule.js';
import { currentQuery, MOLECULE_EXAMPLE, MoleculeInput, readyQuery, stepsQuery } from '../contract/molecule.js';
import { attribute } from '../contract/search-attributes.js';
import { moleculeBoard } from '../town/board.js';
import type { MoleculeEvent, Step } from '../town/molecule.js';
import { after, fateOf, nextStep, phaseOf, pour, refusal, stepOf, usageOf } from '../town/molecule.js';
import { DEFAULT_LIMITS } from '../town/rig.js';
import type { SessionResult } from '../town/session.js';
import type { Answer } from './desk.js';
import { Desk, done, refused } from './desk.js';
import { causeOf, failure, readInput } from './failing.js';
import { inSessions, onHost, town } from './hands.js';
import { digestOf, instructions, resultOf, viewOf } from './molecule-report.js';
import { acceptRequest, sessionSpec } from './molecule-session.js';
import { Standing } from './standing.js';
import { carried, refuseRoleAddress } from './start.js';

export async function molecule(raw: unknown, carry?: MoleculeCarry): Promise<MoleculeResult> {
  return new MoleculeRun(carried(carry, 'BadInput') ?? (await acceptMolecule(raw)), raw).run();
}

async function acceptMolecule(raw: unknown): Promise<MoleculeCarry> {
  const input = readInput(MoleculeInput, raw, 'BadInput', MOLECULE_EXAMPLE);
  if ('proto' in input) {
    const { proto, hook } = input;
    const { limits, rig } = hook;
    return {
      proto,
      hook,
      molecule: pour(proto, { runtime: rig.runtime.kind, sandboxed: true, limits }, Date.now()),
      desk: EMPTY_DESK,
    };
  }
  refuseRoleAddress('BadInput', 'molecule');
  const limits = DEFAULT_LIMITS;
  try {
    const request = { ...input, offered: {} };
    const proto = await town(limits.patience).cook.executeWithOptions({ summary: `cook ${input.formula}` }, [request]);
    const poured = pour(proto, { runtime: 'human', sandboxed: false, limits }, Date.now());
    return { proto, hook: null, molecule: poured, desk: EMPTY_DESK };
  } catch (error) {
    throw causeOf(error);
  }
}

/** A close that must pass the engine's checks before it is answered. */
type Closing = { readonly step: string; readonly note: string; readonly by: string; answer: Answer | null };

class MoleculeRun {
  readonly #id = workflowInfo().workflowId;
  readonly #raw: unknown;
  readonly #desk: Desk;
  readonly #standing = new Standing();
  #now: MoleculeCarry;
  #closings: Closing[] = [];
  #news = true;

  constructor(carry: MoleculeCarry, raw: unknown) {
    this.#raw = raw;
    this.#now = carry;
    this.#desk = new Desk(carry.desk);
    this.#takeMessages();
    setHandler(stepsQuery, () => this.#now.molecule.steps);
    setHandler(readyQuery, () => this.#actionable().map((step) => step.id));
    setHandler(currentQuery, () => this.#actionable().map((step) => viewOf(step, this.#now.proto)));
    setHandler(explainQuery, () => moleculeBoard(this.#now.molecule, this.#now.proto.formula, this.#id));
  }

  async run(): Promise<MoleculeResult> {
    const { proto } = this.#now;
    this.#standing.introduce([
      { key: attribute.role, value: 'molecule' },
      { key: attribute.formula, value: proto.formula },
    ]);
    while (fateOf(this.#now.molecule).kind === 'open') await this.#turn();
    return CancellationScope.nonCancellable(() => this.#finish());
  }

  async #turn(): Promise<void> {
    this.#news = false;
    this.#show();
    const closing = this.#closings.shift();
    const step = nextStep(this.#now.molecule);
    if (closing !== undefined) await this.#close(closing);
    else if (step !== null) await this.#work(step);
    else await condition(() => this.#news);
    await this.#continueWhenLong();
  }

  #note(event: MoleculeEvent): void {
    this.#now = { ...this.#now, molecule: after(this.#now.molecule, event, Date.now()) };
    this.#news = true;
  }

  /** One session of a step, and when it says that the step is done, the engine's checks. */
  async #work(ready: Step): Promise<void> {
    const { hook, proto } = this.#now;
    if (hook === null) throw failure('MoleculeFailed', `step "${ready.id}" has no sandbox to be worked in`);
    this.#note({ kind: 'session-started', step: ready.id });
    this.#show();
    const step = this.#step(ready.id);
    const spec = sessionSpec(this.#id, hook, proto, step, this.#head());
    const summary = `${step.id} · ${hook.name} · session ${step.sessions}`;
    try {
      const hands = inSessions(hook.limits.patience, hook.host);
      const result: SessionResult = await hands.runSession.executeWithOptions({ summary }, [spec]);
      this.#note({ kind: 'session-ended', step: step.id, result });
      if (result.outcome !== 'closed' || result.verdict === 'failed') return;
      const mustMove = spec.runtime.kind !== 'script' && result.verdict === 'done';
      await this.#accept(hook, step.id, result.summary, hook.agent, mustMove);
    } catch (error) {
      this.#refuse(step.id, error);
    }
  }

  /** Answers why the close does not count, or null when it does. */
  async #accept(hook: Hook, step: string, summary: string, by: string, mustMove: boolean): Promise<string | null> {
    const request = acceptRequest(this.#id, hook, this.#now.proto, step, summary, this.#head(), mustMove);
    const hands = onHost(hook.limits.patience, hook.host);
    const acceptance = await hands.acceptStep.executeWithOptions({ summary: `check and push · ${step}` }, [request]);
    if (acceptance.kind === 'rejected') {
      this.#note({ kind: 'rejected', step, why: acceptance.why });
      return acceptance.why;
    }
    this.#note({ kind: 'accepted', step, summary, by, head: acceptance.head });
    return null;
  }

  /** A failure that no retry mends (a missing key, a refused request) asks for a person; anything else is ours to raise. */
  #refuse(step: string, error: unknown): void {
    if (isCancellation(error)) throw error;
    const cause = causeOf(error);
    const why = cause instanceof Error ? cause.message : String(cause);
    this.#note({ kind: 'session-refused', step, why });
  }

  async #close(closing: Closing): Promise<void> {
    const { step, note, by } = closing;
    const why = refusal(this.#now.molecule, 'close', step);
    const { hook } = this.#now;
    if (why !== null || hook === null) {
      closing.answer = why === null ? this.#closed(step, note, by) : refused(why);
      return;
    }
    try {
      const rejected = await this.#accept(hook, step, note, by, false);
      closing.answer =
        rejected === null ? done(this.#whatNext(step)) : refused(`step "${step}" is not accepted: ${rejected}`);
    } catch (error) {
      this.#refuse(step, error);
      closing.answer = refused(`step "${step}" could not be checked`);
      throw error;
    }
  }

  #closed(step: string, summary: string, by: string): Answer {
    this.#note({ kind: 'accepted', step, summary, by, head: null });
    return done(this.#whatNext(step));
  }

  #whatNext(closed: string): string {
    const next = this.#actionable()[0];
    const { molecule, proto } = this.#now;
    if (next !== undefined) return `closed "${closed}".\n\n${instructions(next, proto)}`;
    const isOver = molecule.steps.every((step) => step.state.kind === 'closed');
    return isOver ? `closed "${closed}"; that was the last step` : `closed "${closed}"; no step waits for you`;
  }

  /** Steps that somebody outside can act on: those that wait for a person or for an answer. */
  #actionable(): readonly Step[] {
    return this.#now.molecule.steps.filter((step) => step.state.kind === 'waiting');
  }

  #takeMessages(): void {
    this.#desk.on(moleculeMessages.close, ({ step, note, by }) => {
      const why = refusal(this.#now.molecule, 'close', step);
      if (why !== null) return refused(why);
      if (!this.#needsChecks(step)) return this.#closed(step, note, by);
      const closing: Closing = { step, note, by, answer: null };
      this.#closings.push(closing);
      this.#news = true;
      return this.#answered(closing);
    });
    this.#desk.on(moleculeMessages.skip, ({ step, reason, by }) => this.#settle('skip', 'skipped', step, reason, by));
    this.#desk.on(moleculeMessages.fail, ({ step, reason, by }) => this.#settle('fail', 'failed', step, reason, by));
    this.#desk.on(moleculeMessages.retry, ({ step, note, by }) => {
      const why = refusal(this.#now.molecule, 'retry', step);
      if (why !== null) return refused(why);
      this.#note({ kind: 'retried', step, note: note === undefined ? null : `${by} answered: ${note}` });
      return done(`step "${step}" starts a new session`);
    });
  }

  #settle(verb: 'skip' | 'fail', kind: 'skipped' | 'failed', step: string, reason: string, by: string): Answer {
    const why = refusal(this.#now.molecule, verb, step);
    if (why !== null) return refused(why);
    this.#note({ kind, step, reason, by });
    return done(`step "${step}" is ${kind}`);
  }

  /** A person's word closes a step, except where half-done work must be committed or a command must agree. */
  #needsChecks(id: string): boolean {
    const proto = this.#now.proto.steps.find((step) => step.id === id);
    if (this.#now.hook === null || proto === undefined) return false;
    return this.#step(id).runtime !== 'human' || proto.acceptance.command !== undefined;
  }

  async #answered(closing: Closing): Promise<Answer> {
    await condition(() => closing.answer !== null);
    return closing.answer ?? refused('the molecule ended first');
  }

  #step(id: string): Step {
    const step = stepOf(this.#now.molecule, id);
    if (step === null) throw failure('MoleculeFailed', `there is no step "${id}"`);
    return step;
  }

  /** The commit of the branch after the last accepted step. */
  #head(): string | null {
    const heads = this.#now.molecule.steps.flatMap(({ state }) =>
      state.kind === 'closed' && state.head !== null ? [{ head: state.head, atMs: state.atMs }] : [],
    );
    return heads.toSorted((a, b) => a.atMs - b.atMs).at(-1)?.head ?? this.#now.hook?.sandbox.base ?? null;
  }

  async #finish(): Promise<MoleculeResult> {
    this.#show();
    for (const closing of this.#closings) closing.answer ??= refused('the molecule ended first');
    const result = resultOf(this.#now, this.#head());
    const fate = fateOf(this.#now.molecule);
    const patience = this.#now.hook?.limits.patience ?? DEFAULT_LIMITS.patience;
    const digest = digestOf(
      this.#id,
      workflowInfo().firstExecutionRunId,
      this.#now,
      result,
      fate.kind,
      new Date().toISOString(),
    );
    await town(patience).record.executeWithOptions({ summary: `record · ${fate.kind}` }, [digest]);
    await condition(() => this.#desk.isQuiet());
    if (fate.kind === 'failed') throw failure('MoleculeFailed', `step "${fate.step}" failed: ${fate.reason}`, [result]);
    return result;
  }

  async #continueWhenLong(): Promise<void> {
    const isQuiet = this.#closings.length === 0 && this.#desk.isQuiet();
    if (!workflowInfo().continueAsNewSuggested || !isQuiet || fateOf(this.#now.molecule).kind !== 'open') return;
    await continueAsNew<typeof molecule>(this.#raw, { ...this.#now, desk: this.#desk.state() });
  }

  #show(): void {
    const { molecule: state, proto } = this.#now;
    const fate = fateOf(state).kind;
    const phase = fate === 'done' ? 'landed' : fate === 'failed' ? 'failed' : phaseOf(state);
    const waiting = state.steps.filter((step) => step.state.kind === 'waiting');
    const active = state.steps.filter((step) => step.state.kind === 'active' || step.state.kind === 'waiting');
    const who = waiting.map((step) => (step.runtime === 'human' ? `person: ${step.id}` : `overseer: ${step.id}`));
    this.#standing.show(
      {
        phase,
        waitingFor: who.join(', ').slice(0, 200),
        steps: active.map((step) => step.id),
        usd: usageOf(state).usd,
      },
      moleculeBoard(state, proto.formula, this.#id),
    );
  }
}
