/** What a molecule does in its sandbox: sessions, the engine's checks, scripts and looks that its loops and gates ask for. */
import { ApplicationFailure, CancellationScope, isCancellation } from '@temporalio/workflow';
import * as z from 'zod';
import type { At, WentBack } from '../contract/activities.js';
import { missionMessages } from '../contract/messages.js';
import type { Hook } from '../contract/molecule.js';
import { confined } from '../town/confinement.js';
import { fanOutProblem } from '../town/molecule-fan-out.js';
import { filledCommand } from '../town/molecule-facts.js';
import { fileGates } from '../town/molecule-gates.js';
import { stepAt } from '../town/molecule-live.js';
import type { DueLoop } from '../town/molecule-loops.js';
import type { LoopVerdict, Step } from '../town/molecule-state.js';
import { outputProblem } from '../town/output.js';
import type { Json } from '../town/act.js';
import type { ProtoStep } from '../town/protomolecule.js';
import type { RuntimeKind } from '../town/runtime.js';
import { nextStep } from '../town/molecule.js';
import type { SessionResult, SessionSpec } from '../town/session.js';
import { send } from './outbox.js';
import { causeOf, failure } from './failing.js';
import { inSessions, onHost } from './hands.js';
import type { Book } from './molecule-book.js';
import { acceptRequest, reworkOf, sandboxOf, sessionSpec } from './molecule-session.js';
import type { Claim } from './molecule-session.js';

export class Hands {
  readonly #book: Book;

  /** How many looks are under way whose answers decide something: checks of steps and loops, searches for files. */
  #looks = 0;
  /** The session under way, and who ended it. */
  #underWay: { readonly step: string; readonly scope: CancellationScope; calledOff: string | null } | null = null;

  constructor(book: Book) {
    this.#book = book;
  }

  get isLooking(): boolean {
    return this.#looks > 0;
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
    try {
      const result = await underWay.scope.run(() => this.session(hook, step));
      this.#underWay = null;
      this.#book.note({ kind: 'session-ended', step: step.id, result });
      await this.#heedBudget(hook, result);
      if (result.outcome !== 'closed' || result.verdict === 'failed') return;
      const { summary, output } = result;
      const why = outputRefusal(this.#book.cooked(step.id), output);
      if (why !== null) {
        this.#book.note({ kind: 'rejected', step: step.id, why });
        return;
      }
      const mustMove = step.runtime !== 'script' && result.verdict === 'done';
      await this.accept(hook, { step: step.id, summary, by: hook.agent, output, mustMove });
    } catch (error) {
      const { calledOff: why } = underWay;
      if (why !== null && isCancellation(error)) this.#book.note({ kind: 'called-off', step: step.id, why });
      else this.refuse(step.id, error);
    } finally {
      this.#underWay = null;
    }
  }

  /** Nothing begins until the mission, which holds and lets go from the same side, has something left. */
  async #heedBudget({ agent, mission }: Hook, result: SessionResult): Promise<void> {
    if (result.outcome !== 'handoff' || result.budgetUsd === undefined) return;
    const { id, molecule } = this.#book;
    const why = `it is spent: gt budget ${mission} DOLLARS raises it`;
    this.#book.note({ kind: 'paused', by: 'the budget', why, above: agent });
    const content = { id: `stopped:${id}:${molecule.sessions}`, molecule: id, budgetUsd: result.budgetUsd };
    await CancellationScope.nonCancellable(() => send(mission, missionMessages.stopped, content));
  }

  /** Takes the sandbox back to the commit. */
  async goBack(hook: Hook, step: string, to: string): Promise<WentBack> {
    const request = { ...sandboxOf(hook), to, ...reworkOf(hook, to) };
    const summary = `go back to before · ${step}`;
    return onHost(hook.limits.patience, hook.host).goBack.executeWithOptions({ summary }, [request]);
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

  #spec(hook: Hook, step: Step): SessionSpec {
    return sessionSpec(this.#book.id, hook, this.#book.filled(step.id), step, this.#book.head(), this.#workers());
  }

  async session(hook: Hook, step: Step): Promise<SessionResult> {
    const spec = this.#spec(hook, step);
    const summary = `${step.id} · ${hook.name} · session ${step.sessions}`;
    const { patience, sessionMinutesMax } = hook.limits;
    return inSessions(patience, hook.host, sessionMinutesMax).runSession.executeWithOptions({ summary }, [spec]);
  }

  /** Answers why the close does not count, or null when it does. */
  async accept(hook: Hook, claim: Claim): Promise<string | null> {
    return this.#looking(() => this.#accept(hook, claim));
  }

  async #accept(hook: Hook, claim: Claim): Promise<string | null> {
    const { step, summary, by, output } = claim;
    const request = acceptRequest(
      this.#book.id,
      hook,
      this.#book.filled(step),
      claim,
      this.#book.head(),
      this.#workers(),
    );
    const commandsMs = request.timeoutMs + (request.check?.timeoutMs ?? 0);
    const hands = onHost(hook.limits.patience, hook.host, commandsMs);
    const acceptance = await hands.acceptStep.executeWithOptions({ summary: `check and push · ${step}` }, [request]);
    if (acceptance.kind === 'rejected') {
      const { why, check } = acceptance;
      this.#book.note({ kind: 'rejected', step, why, ...(check === undefined ? {} : { check }) });
      return why;
    }
    const left = output ?? acceptance.output;
    const { head } = acceptance;
    if (claim.skipped === true) {
      this.#book.note({ kind: 'skipped', step, reason: summary, by, head });
      return null;
    }
    this.#book.note({ kind: 'accepted', step, summary, by, head, ...(left === undefined ? {} : { output: left }) });
    return null;
  }

  /** A failure that no retry mends (a missing key, a refused request) asks for a person; anything else is ours to raise. */
  refuse(step: string, error: unknown): void {
    if (isCancellation(error)) throw error;
    const notes = notesOf(error);
    this.#book.note({ kind: 'session-refused', step, why: sentence(error), ...(notes.length === 0 ? {} : { notes }) });
  }

  async judge(loop: DueLoop): Promise<void> {
    await this.#looking(async () => {
      const verdict = await this.#verdictOn(loop);
      this.#book.note({ kind: 'loop-judged', loop: loop.id, verdict });
    });
  }

  async #verdictOn({ id, iteration, check, files }: DueLoop): Promise<LoopVerdict> {
    if (check === null && files.length === 0) return { kind: 'condition', files: [] };
    const { hook } = this.#book;
    if (hook === null) {
      const why = 'only a person can tell whether this loop is over, on nobody’s hook there is no sandbox to look in';
      return { kind: 'unknown', why: `${why}: close it, or retry for another iteration` };
    }
    if (check === null) return { kind: 'condition', files: await this.#existing(hook, files, id) };
    const command = filledCommand(this.#book.molecule, id, check.command);
    const summary = `check · ${id} · iteration ${iteration}`;
    try {
      const held = confined(hook.rig, this.#workers());
      const request = { ...sandboxOf(hook), command, timeoutMs: check.timeoutMs, at: this.#at(hook), ...held };
      const hands = onHost(hook.limits.patience, hook.host, check.timeoutMs);
      const { ok, detail } = await hands.runCheck.executeWithOptions({ summary }, [request]);
      return { kind: 'checked', ok, detail };
    } catch (error) {
      if (isCancellation(error)) throw error;
      return { kind: 'unknown', why: sentence(error) };
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
      const seen = await this.#existing(hook, files, 'gates');
      this.#book.note({ kind: 'files-seen', files: seen });
    });
  }

  /** What works on the steps of this molecule. */
  #workers(): ReadonlySet<RuntimeKind> {
    return new Set(this.#book.molecule.steps.map((step) => step.runtime));
  }

  #at(hook: Hook): At {
    const head = this.#book.head();
    return { molecule: this.#book.id, since: head ?? hook.sandbox.base, ...reworkOf(hook, head) };
  }

  async #existing(hook: Hook, paths: readonly string[], who: string): Promise<readonly string[]> {
    const { limits, host } = hook;
    const request = { ...sandboxOf(hook), paths, at: this.#at(hook) };
    const summary = `look for files · ${who}`;
    const exist = await onHost(limits.patience, host).filesExist.executeWithOptions({ summary }, [request]);
    return paths.filter((_path, at) => exist[at] === true);
  }
}

/** Why a step cannot leave this output, in words for whoever sent it; null when it can. */
export function outputRefusal(proto: ProtoStep | null, output: Json | undefined): string | null {
  const problem = outputProblem(proto?.output ?? null, output);
  if (problem !== null || proto?.fanOut === undefined) return problem;
  return fanOutProblem(proto.fanOut, output);
}

function sentence(error: unknown): string {
  const cause = causeOf(error);
  return cause instanceof Error ? cause.message : String(cause);
}

const LeftNotes = z.object({ notes: z.array(z.string()) });

/** What a session had noted before it failed. */
function notesOf(error: unknown): readonly string[] {
  const cause = causeOf(error);
  const left = LeftNotes.safeParse(cause instanceof ApplicationFailure ? cause.details?.[0] : null);
  return left.success ? left.data.notes : [];
}
