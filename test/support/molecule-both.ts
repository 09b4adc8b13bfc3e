/** A molecule and its model, which hear the same: what the workflow makes of a message is made here by the same rules, without Temporal. */
import { expect } from 'vitest';
import { backRefusal, wayBack } from '../../src/town/molecule-back.js';
import { bondPlace } from '../../src/town/molecule-bond.js';
import { fanOutProblem } from '../../src/town/molecule-fan-out.js';
import { isMet, revive, sessionsOf, stateOf } from '../../src/town/molecule-live.js';
import type { How, Molecule } from '../../src/town/molecule-live.js';
import { whyNoMail } from '../../src/town/molecule-gates.js';
import { dueLoop } from '../../src/town/molecule-loops.js';
import { refusal, tokenOf } from '../../src/town/molecule-refusal.js';
import type { MoleculeEvent } from '../../src/town/molecule-state.js';
import { after, isHalfDone, nextStep, pour, stepOf } from '../../src/town/molecule.js';
import { NO_USAGE } from '../../src/town/session.js';
import type { Usage } from '../../src/town/session.js';
import { unreachable } from '../../src/town/unreachable.js';
import { MoleculeModel } from './molecule-model.js';
import type { SessionEnd } from './molecule-model.js';
import { bondedProto, protoOf } from './molecule-protos.js';
import { saidBy } from './molecule-plans.js';
import type { Planned, Said, Wish } from './molecule-plans.js';
import { closedDone, limits, stateOfStep } from './molecules.js';
import { Turns } from './molecule-turns.js';

/** A molecule and its model. */
export class Both {
  readonly #model: MoleculeModel;
  readonly #how: How;
  readonly #proto;
  #molecule: Molecule;
  #events = 0;
  #sessions = 0;
  /** By a step the turns of all its sessions, each of which has another number of them. */
  readonly #spent = new Map<string, number>();
  readonly #turns = new Turns();

  constructor(plan: readonly Planned[], how: How) {
    this.#proto = protoOf(plan);
    this.#how = how;
    this.#molecule = pour(this.#proto, { ...how, limits: LIMITS }, 0);
    this.#model = new MoleculeModel(plan, how.sandboxed);
  }

  /** As continue-as-new does: what is carried is plain data. */
  carry(): void {
    const state = JSON.parse(JSON.stringify(stateOf(this.#molecule))) as ReturnType<typeof stateOf>;
    this.#molecule = revive(this.#proto, state, this.#how);
  }

  judge(isOver: boolean | null): void {
    const due = this.#model.isOver ? null : dueLoop(this.#molecule);
    expect(this.#model.isOver ? [] : this.#model.due()).toEqual(due === null ? [] : expect.arrayContaining([due.id]));
    if (due === null) return;
    const verdict =
      isOver === null
        ? ({ kind: 'unknown', why: 'who knows' } as const)
        : ({ kind: 'checked', ok: isOver, detail: 'not yet' } as const);
    this.#note({ kind: 'loop-judged', loop: due.id, verdict });
    this.#model.judge(due.id, isOver);
  }

  /** A session begins, or the one that has begun ends. */
  work(how: SessionEnd): void {
    if (this.#model.isOver) return;
    const active = this.#molecule.steps.find(({ state }) => state.kind === 'active');
    if (active !== undefined) {
      this.#note(...this.#endOf(active.id, how));
      this.#model.end(active.id, how);
      return;
    }
    const next = nextStep(this.#molecule);
    expect(this.#model.workable()).toEqual(next === null ? [] : expect.arrayContaining([next.id]));
    if (next === null) return;
    this.#note({ kind: 'session-started', step: next.id });
    this.#model.begin(next.id);
  }

  say(wish: Wish): void {
    const said = saidBy(wish, { stands: this.stands, tokens: this.#turns.tokens });
    // What has failed is over; that nobody goes back is all that it says then.
    if (this.#model.isOver && (this.#model.hasFailed ? said.content.from !== true : said.name !== 'bond')) return;
    const before = this.#molecule;
    const isTaken = this.#take(said);
    if (!isTaken) expect(this.#molecule).toBe(before);
    const turn = this.#turns.of.get(said.content.token ?? '');
    expect(this.#model.take(said, turn), JSON.stringify(said)).toBe(isTaken);
  }

  /** How the steps stand, and how the model means them to. */
  get stands(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#molecule.steps.map(({ id }) => [id, stateOfStep(this.#molecule, id)]));
  }

  get meant(): Readonly<Record<string, string>> {
    return this.#model.stands();
  }

  /** By a step that waits its token. */
  expectTokens(): void {
    this.#turns.see(
      new Map(this.#molecule.steps.flatMap((step) => pairOf(step.id, tokenOf(step)))),
      this.#model.turns(),
    );
  }

  /** What its sessions have cost stands in a step, and once in the molecule, with that of steps that are gone. */
  expectCosts(): void {
    const known = this.#molecule.steps.filter(({ id }) => this.#spent.has(id));
    expect(new Map(known.map(({ id, usage }) => [id, usage.turns]))).toEqual(
      new Map(known.map(({ id }) => [id, this.#spent.get(id)])),
    );
    expect(this.#molecule.usage.turns).toBe([...this.#spent.values()].reduce((sum, turns) => sum + turns, 0));
  }

  /** No step has begun before its needs, unless somebody skipped it. A loop needs only what the steps in it need, of which some were skipped. */
  expectOrder(): void {
    const { steps, plan } = this.#molecule;
    steps.forEach(({ id, kind, state }, at) => {
      if (kind === 'loop' || state.kind === 'pending' || (state.kind === 'closed' && state.outcome === 'skipped'))
        return;
      const needs = plan.needs[at] ?? [];
      expect(
        needs.every((need) => isMet(this.#molecule, need)),
        `the needs of ${id}`,
      ).toBe(true);
    });
  }

  /** Commits come one after the other; what people say may come in the same millisecond. */
  #note(...events: readonly MoleculeEvent[]): void {
    for (const event of events) {
      if (this.#how.sandboxed) this.#events += 1;
      this.#molecule = after(this.#molecule, event, this.#events);
    }
  }

  #endOf(step: string, how: SessionEnd): readonly MoleculeEvent[] {
    const usage = this.#cost(step);
    const base = { usage, notes: [] };
    const done = { ...closedDone, usage };
    const ended = (result: Extract<MoleculeEvent, { kind: 'session-ended' }>['result']): MoleculeEvent => ({
      kind: 'session-ended',
      step,
      result,
    });
    switch (how) {
      case 'accepted':
        return [ended(done), { kind: 'accepted', step, summary: 'done', by: 'Toast', head: this.#head() }];
      case 'refused':
        return [ended(done), { kind: 'rejected', step, why: 'not green' }];
      case 'handoff':
        return [ended({ ...base, outcome: 'handoff', reason: 'requested', note: 'half' })];
      case 'asks':
        return [ended({ ...base, outcome: 'blocked', detail: 'which one?' })];
      case 'breaks':
        return [{ kind: 'session-refused', step, why: 'no key', usage }];
      default:
        return unreachable(how);
    }
  }

  #cost(step: string): Usage {
    this.#sessions += 1;
    this.#spent.set(step, (this.#spent.get(step) ?? 0) + this.#sessions);
    return { ...NO_USAGE, turns: this.#sessions };
  }

  #head(): string {
    return `h${this.#events}`;
  }

  /** What the workflow makes of a message; whether it is taken. */
  #take({ name, content }: Said): boolean {
    const by = 'ann';
    const { paused } = this.#molecule;
    switch (name) {
      case 'mail':
        return (
          whyNoMail(this.#molecule, content.subject ?? '', { id: 'it', agent: null }) === null &&
          this.#noted({ kind: 'mailed', subject: content.subject ?? '', from: by })
        );
      case 'pause':
        return paused === null && this.#noted({ kind: 'paused', by, why: 'tea' });
      case 'resume':
        return paused !== null && this.#noted({ kind: 'resumed' });
      case 'bond': {
        const found = this.#molecule.failed === null ? bondPlace(this.#molecule, [], content) : null;
        return found?.ok === true && this.#noted({ kind: 'bonded', proto: bondedProto, place: found.place });
      }
      case 'close':
        if (typeof content.step === 'object') return this.#closeAll(content.step);
        return this.#ofOne(name, content.step ?? '', content);
      case 'retry':
        if (content.from === true) return this.#goBack(String(content.step), content.token);
        return this.#ofOne(name, String(content.step), content);
      case 'skip':
      case 'fail':
      case 'approve':
        return this.#ofOne(name, String(content.step), content);
      default:
        return unreachable(name);
    }
  }

  #noted(event: MoleculeEvent): true {
    this.#note(event);
    return true;
  }

  #ofOne(name: 'close' | 'skip' | 'fail' | 'retry' | 'approve', step: string, content: Said['content']): boolean {
    if (refusal(this.#molecule, name, step, content.token) !== null) return false;
    const by = 'ann';
    switch (name) {
      case 'close': {
        const { outcome, output } = content;
        if (outcome === 'failed') return this.#noted({ kind: 'given-up', step, why: 'no', by });
        const fanOut = this.#molecule.cooked.get(step)?.fanOut;
        if (fanOut !== undefined && fanOutProblem(fanOut, output) !== null) return false;
        const head = this.#how.sandboxed && this.#leavesWork(step) ? this.#head() : null;
        return this.#noted({
          kind: 'accepted',
          step,
          summary: 'done',
          by,
          head,
          ...(output === undefined ? {} : { output }),
        });
      }
      case 'skip': {
        const own = stepOf(this.#molecule, step);
        const hasWork = own !== null && sessionsOf(own) > 0;
        return this.#noted({ kind: 'skipped', step, reason: 'no', by, ...(hasWork ? { head: this.#head() } : {}) });
      }
      case 'fail':
        return this.#noted({ kind: 'failed', step, reason: 'no', by });
      case 'retry':
        return this.#noted({ kind: 'retried', step, by: 'ann', note: null });
      case 'approve':
        return this.#noted({ kind: 'approved', step, by });
      default:
        return unreachable(name);
    }
  }

  #leavesWork(step: string): boolean {
    const own = stepOf(this.#molecule, step);
    const isCooked = this.#molecule.cooked.has(step);
    return isCooked && (own?.runtime !== 'human' || !isHalfDone(this.#molecule, step));
  }

  #closeAll(steps: readonly string[]): boolean {
    const before = this.#molecule;
    for (const step of steps) {
      const isAlone = this.#how.sandboxed && this.#molecule.cooked.has(step);
      if (!isAlone && this.#ofOne('close', step, {})) continue;
      this.#molecule = before;
      return false;
    }
    return true;
  }

  #goBack(step: string, token: string | undefined): boolean {
    if (token !== undefined || backRefusal(this.#molecule, step) !== null) return false;
    const { again, gone, sandbox } = wayBack(this.#molecule, step);
    const active = this.#molecule.steps.find(
      ({ id, state }) => state.kind === 'active' && [...again, ...gone].includes(id),
    );
    if (active !== undefined)
      this.#note({ kind: 'called-off', step: active.id, why: 'back', usage: this.#cost(active.id) });
    return this.#noted({ kind: 'went-back', step, by: 'ann', note: null, ...sandbox });
  }
}

const LIMITS = { ...limits, sessionsPerStepMax: 1_000, rejectionsPerStepMax: 1_000 };

function pairOf(id: string, token: string | null): readonly (readonly [string, string])[] {
  return token === null ? [] : [[id, token]];
}
