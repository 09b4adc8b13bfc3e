/** What a molecule does in its sandbox: sessions, the engine's checks, scripts and looks that its loops and gates ask for. */
import { CancellationScope, isCancellation, workflowInfo } from '@temporalio/workflow';
import type { Acceptance, At, WentBack } from '../contract/activities.js';
import { missionMessages } from '../contract/messages.js';
import type { Hook, Takeover } from '../contract/molecule.js';
import { confined } from '../town/confinement.js';
import { sourceOfFailure } from '../town/escalation-sources.js';
import { fanOutProblem } from '../town/molecule-fan-out.js';
import { filledCommand } from '../town/molecule-facts.js';
import { fileGates } from '../town/molecule-gates.js';
import { sessionsOf, stepAt } from '../town/molecule-live.js';
import type { DueLoop } from '../town/molecule-loops.js';
import type { LoopVerdict, Step, StepState } from '../town/molecule-state.js';
import { outputProblem } from '../town/output.js';
import type { Json } from '../town/act.js';
import type { ProtoStep } from '../town/protomolecule.js';
import type { RuntimeKind } from '../town/runtime.js';
import { nextStep } from '../town/molecule.js';
import type { SessionLeft, SessionResult, SessionSpec } from '../town/session.js';
import { send } from './outbox.js';
import { failure, typeOf, wordsOf } from './failing.js';
import { inSessions, lossOf, onHost } from './hands.js';
import type { Book } from './molecule-book.js';
import { acceptRequest, reworkOf, sandboxOf, sessionSpec } from './molecule-session.js';
import type { Claim } from './molecule-session.js';
import { moveSandbox, tellSpent } from './molecule-move.js';
import { patched } from './patches.js';
import { costOf, leftBy } from './session-left.js';

/** Whatever is done for each step of each molecule is done with few promises: the SDK keeps the stack of each, for the query that shows it. */
export class Hands {
  readonly #book: Book;

  /** How many looks are under way whose answers decide something: checks of steps and loops, searches for files. */
  #looks = 0;
  /** The session under way, and who ended it. */
  #underWay: { readonly step: string; readonly scope: CancellationScope; calledOff: string | null } | null = null;

  constructor(book: Book) {
    this.#book = book;
  }

  get #workers(): ReadonlySet<RuntimeKind> {
    return this.#book.molecule.workers;
  }

  get isLooking(): boolean {
    return this.#looks > 0;
  }

  /** While it is not, the loop shows what has happened in a moment. */
  get isBusy(): boolean {
    return this.#underWay !== null || this.isLooking;
  }

  async #looking<T>(look: () => Promise<T>): Promise<T> {
    this.#looks += 1;
    try {
      return await look();
    } finally {
      this.#looks -= 1;
    }
  }

  /** Ends the session under way if it is of one of the steps. */
  callOff(steps: readonly string[], why: string): void {
    if (this.#underWay === null || !steps.includes(this.#underWay.step)) return;
    this.#underWay.calledOff = why;
    this.#underWay.scope.cancel();
  }

  /** One session of a step, and when it says that the step is done, the engine's checks. */
  async work(ready: Step, begun: () => void): Promise<void> {
    const { hook } = this.#book;
    if (hook === null) throw failure('MoleculeFailed', `step "${ready.id}" has no sandbox to be worked in`);
    this.#book.note({ kind: 'session-started', step: ready.id });
    begun();
    const step = this.#book.step(ready.id);
    const underWay = { step: step.id, scope: new CancellationScope(), calledOff: null as string | null };
    this.#underWay = underWay;
    let lost: SessionLeft | null = null;
    try {
      const working = underWay.scope.run(() => this.session(hook, step));
      const result = await this.#unlessLost(working, (left) => (lost = left));
      if (result === null) return;
      this.#underWay = null;
      this.#book.note({ kind: 'session-ended', step: step.id, result });
      if (result.outcome === 'handoff' && result.budgetUsd !== undefined) await this.#hold(hook, result.budgetUsd);
      if (result.outcome !== 'closed' || result.verdict === 'failed') return;
      const { summary, output } = result;
      const why = outputRefusal(this.#book.cooked(step.id), output);
      if (why !== null) {
        this.#book.note({ kind: 'rejected', step: step.id, why });
        return;
      }
      const mustMove = step.runtime !== 'script' && result.verdict === 'done';
      await this.accept({ step: step.id, summary, by: hook.agent, output, mustMove, bySession: true });
    } catch (error) {
      let left = leftBy(error);
      const isUntold = left.isOpen === true && this.#underWay === underWay && step.runtime !== 'script';
      const isSettled = isUntold && patched('what nobody heard of a session is asked for', '0.6');
      if (isSettled) left = await this.#settled(hook, step, left);
      // Its sandbox could not be rebuilt elsewhere, and nobody else tells what it left.
      if (lost !== null && patched('what a lost session has cost is counted, rebuilt or not', '0.7')) {
        left = lost;
        await tellSpent(hook.mission, this.#book.id, hook.sandbox.branch, left);
      }
      const { calledOff: why } = underWay;
      if (why !== null && (isCancellation(error) || isSettled))
        this.#book.note({ kind: 'called-off', step: step.id, why, ...costOf(left) });
      else this.refuse(step.id, error, left);
    } finally {
      this.#underWay = null;
    }
  }

  /** Whoever is there looks into its journal. When its host is lost, its last heartbeat tells all that is known. */
  async #settled(hook: Hook, step: Step, left: SessionLeft): Promise<SessionLeft> {
    const { id } = this.#book;
    const summary = `what it has cost · ${step.id} · session ${step.sessions}`;
    return CancellationScope.nonCancellable(async () => {
      try {
        const hands = onHost(hook.limits.patience, hook.host);
        const found = await hands.settleSession.executeWithOptions({ summary }, [this.#spec(hook, step)]);
        if (found.isOpen === true) await tellSpent(hook.mission, id, hook.sandbox.branch, found);
        return found;
      } catch {
        await tellSpent(hook.mission, id, hook.sandbox.branch, left);
        return left;
      }
    });
  }

  /** Nothing begins until the mission, which holds and lets go from the same side, has something left. */
  async #hold({ agent, mission }: Hook, budgetUsd: number): Promise<void> {
    const { id, molecule } = this.#book;
    const why = `it is spent: gt budget ${mission} DOLLARS raises it`;
    this.#book.note({ kind: 'paused', by: 'the budget', why, above: agent });
    const { runId } = workflowInfo();
    const content = { id: `stopped:${id}:${runId}:${molecule.sessions}`, molecule: id, budgetUsd };
    const delivery = await CancellationScope.nonCancellable(() => send(mission, missionMessages.stopped, content));
    // Of a mission that is gone nobody raises the budget: the step goes on to ask for help.
    if (delivery !== 'delivered') this.#book.note({ kind: 'resumed', above: agent });
  }

  /** Takes the sandbox back to the commit. */
  async goBack(step: string, to: string): Promise<WentBack> {
    const summary = `go back to before · ${step}`;
    return this.#inSandbox((hook) => {
      const request = { ...sandboxOf(hook), to, ...reworkOf(hook, to) };
      return onHost(hook.limits.patience, hook.host).goBack.executeWithOptions({ summary }, [request]);
    });
  }

  /** An act in the sandbox, wherever that is: one whose host is lost is done anew where the sandbox was rebuilt. */
  async #inSandbox<T extends object>(act: (hook: Hook) => Promise<T>): Promise<T> {
    for (;;) {
      const { hook } = this.#book;
      if (hook === null) throw failure('MoleculeFailed', 'on nobody’s hook there is no sandbox');
      const done = await this.#unlessLost(act(hook));
      if (done !== null) return done;
    }
  }

  /** Null when the host was lost meanwhile: then the sandbox is another one. `heed`: of a session, what it left. */
  #unlessLost<T extends object>(
    acting: Promise<T>,
    heed: (left: SessionLeft) => void = () => undefined,
  ): Promise<T | null> {
    return acting.catch(async (error: unknown) => {
      const loss = lossOf(error);
      if (loss === null) throw error;
      heed(loss.left);
      await moveSandbox(this.#book, loss, null);
      return null;
    });
  }

  /** Of the session at work, or of the next one. */
  specNow(): SessionSpec | null {
    const { hook, molecule } = this.#book;
    if (hook === null) return null;
    const active = molecule.steps.find(({ state }) => state.kind === 'active');
    if (active !== undefined) return this.#spec(hook, active);
    const next = nextStep(molecule);
    return next === null ? null : this.#spec(hook, { ...next, sessions: next.sessions + 1 });
  }

  /** Of steps that have begun and not closed the one at work, else one that waits. */
  takeover(): Takeover | null {
    const { hook, molecule, id } = this.#book;
    const open = molecule.steps.filter((step) => sessionsOf(step) > 0 && OPEN.includes(step.state.kind));
    const step = OPEN.flatMap((kind) => open.find(({ state }) => state.kind === kind) ?? [])[0];
    if (hook === null || step === undefined) return null;
    const { paused } = molecule;
    return {
      host: hook.host,
      runtime: step.runtime,
      spec: this.#spec(hook, step),
      isAtWork: step.state.kind === 'active',
      heldBy: paused === null ? null : (paused.above ?? id),
      isWaiting: step.state.kind === 'waiting',
    };
  }

  #spec(hook: Hook, step: Step): SessionSpec {
    return sessionSpec(this.#book.id, hook, this.#book.filled(step.id), step, this.#book.head(), this.#workers);
  }

  session(hook: Hook, step: Step): Promise<SessionResult> {
    const spec = this.#spec(hook, step);
    const summary = `${step.id} · ${hook.name} · session ${step.sessions}`;
    const { patience, sessionMinutesMax } = hook.limits;
    return inSessions(patience, hook.host, sessionMinutesMax).runSession.executeWithOptions({ summary }, [spec]);
  }

  /** Answers why the close does not count, or null when it does. */
  async accept(claim: Claim): Promise<string | null> {
    this.#looks += 1;
    try {
      const acceptance = await this.#checked(claim);
      return typeof acceptance === 'string' ? acceptance : this.#heed(claim, acceptance);
    } finally {
      this.#looks -= 1;
    }
  }

  #heed({ step, summary, by, output, skipped }: Claim, acceptance: Acceptance): string | null {
    if (acceptance.kind === 'rejected') {
      const { kind: _, ...rejected } = acceptance;
      this.#book.note({ kind: 'rejected', step, ...rejected });
      return acceptance.why;
    }
    const left = output ?? acceptance.output;
    const { head } = acceptance;
    if (skipped === true) {
      this.#book.note({ kind: 'skipped', step, reason: summary, by, head });
      return null;
    }
    this.#book.note({ kind: 'accepted', step, summary, by, head, ...(left === undefined ? {} : { output: left }) });
    return null;
  }

  /** The word of the engine; or why there is none, where the work was lost with its host before it was pushed. */
  #checked(claim: Claim): Promise<Acceptance | string> {
    const { step } = claim;
    const { hook, id } = this.#book;
    if (hook === null) throw failure('MoleculeFailed', `step "${step}" has no sandbox to be checked in`);
    const request = acceptRequest(id, hook, this.#book.filled(step), claim, this.#book.head(), this.#workers);
    const hands = onHost(hook.limits.patience, hook.host, request.timeoutMs + (request.check?.timeoutMs ?? 0));
    const checked: Promise<Acceptance | string> = hands.acceptStep.executeWithOptions(
      { summary: `check and push · ${step}` },
      [request],
    );
    return checked.catch(async (error: unknown) => {
      const loss = lossOf(error);
      if (loss === null) throw error;
      const hasStep = await moveSandbox(this.#book, loss, step);
      if (hasStep || claim.skipped === true) return this.#checked(claim);
      return `the host ${hook.host} was lost before the work was pushed: what is missing in ${this.#book.hook?.sandbox.path ?? ''} on ${this.#book.hook?.host ?? ''} is to be done again`;
    });
  }

  /** A failure that no retry mends (a missing key, a refused request) asks for a person; anything else is ours to raise. */
  refuse(step: string, error: unknown, left = leftBy(error)): void {
    const cost = costOf(left);
    if (isCancellation(error)) {
      if (cost.usage !== undefined) this.#book.note({ kind: 'cut-off', step, ...cost });
      throw error;
    }
    const { notes = [] } = left;
    const noted = notes.length === 0 ? {} : { notes };
    const source = sourceOfFailure(typeOf(error));
    this.#book.note({ kind: 'session-refused', step, why: wordsOf(error), source, ...noted, ...cost });
  }

  async judge(loop: DueLoop): Promise<void> {
    await this.#looking(async () => {
      const verdict = await this.#verdictOn(loop);
      this.#book.note({ kind: 'loop-judged', loop: loop.id, verdict });
    });
  }

  async #verdictOn({ id, iteration, check, confinement, files }: DueLoop): Promise<LoopVerdict> {
    if (check === null && files.length === 0) return { kind: 'condition', files: [] };
    const { hook } = this.#book;
    if (hook === null) {
      const why = 'only a person can tell whether this loop is over, on nobody’s hook there is no sandbox to look in';
      return { kind: 'unknown', why: `${why}: close it, or retry for another iteration` };
    }
    if (check === null) return { kind: 'condition', files: await this.#existing(files, id) };
    const command = filledCommand(this.#book.molecule, id, check.command);
    const summary = `check · ${id} · iteration ${iteration}`;
    try {
      const held = confined(hook.rig, this.#workers, confinement);
      const { ok, detail } = await this.#inSandbox((now) => {
        const request = { ...sandboxOf(now), command, timeoutMs: check.timeoutMs, at: this.#at(now), ...held };
        const hands = onHost(now.limits.patience, now.host, check.timeoutMs);
        return hands.runCheck.executeWithOptions({ summary }, [request]);
      });
      return { kind: 'checked', ok, detail };
    } catch (error) {
      if (isCancellation(error)) throw error;
      return { kind: 'unknown', why: wordsOf(error) };
    }
  }

  /** Tells the gates which of their files exist. */
  async look(): Promise<void> {
    const { hook, molecule } = this.#book;
    const gates = fileGates(molecule);
    if (hook === null) {
      const why = 'on nobody’s hook there is no sandbox to look in: approve it, or skip or fail the step';
      for (const { at, gate } of gates)
        this.#book.note({ kind: 'gate-stuck', step: stepAt(molecule, at).id, gate, why });
      return;
    }
    const files = [...new Set(gates.flatMap((one) => one.files))];
    await this.#looking(async () => {
      const seen = await this.#existing(files, 'gates');
      this.#book.note({ kind: 'files-seen', files: seen });
    });
  }

  #at(hook: Hook): At {
    const head = this.#book.head();
    return { molecule: this.#book.id, since: head ?? hook.sandbox.base, ...reworkOf(hook, head) };
  }

  async #existing(paths: readonly string[], who: string): Promise<readonly string[]> {
    const summary = `look for files · ${who}`;
    const exist = await this.#inSandbox((hook) => {
      const request = { ...sandboxOf(hook), paths, at: this.#at(hook) };
      return onHost(hook.limits.patience, hook.host).filesExist.executeWithOptions({ summary }, [request]);
    });
    return paths.filter((_path, at) => exist[at] === true);
  }
}

const OPEN: readonly StepState['kind'][] = ['active', 'waiting', 'ready'];

/** Why a step cannot leave this output, in words for whoever sent it; null when it can. */
export function outputRefusal(proto: ProtoStep | null, output: Json | undefined): string | null {
  const problem = outputProblem(proto?.output ?? null, output);
  if (problem !== null || proto?.fanOut === undefined) return problem;
  return fanOutProblem(proto.fanOut, output);
}
