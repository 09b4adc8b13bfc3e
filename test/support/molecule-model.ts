/**
 * What a molecule of steps for people should do with each message, said once more and much more simply than the engine says it: no
 * sandbox, no sessions, no groups. Tests send both the same messages, and compare.
 */
import * as fc from 'fast-check';
import { unreachable } from '../../src/town/unreachable.js';

export type Gate = { readonly kind: 'human' } | { readonly kind: 'mail'; readonly about: string };
export type Planned = { readonly id: string; readonly needs: readonly string[]; readonly gate: Gate | null };
export type Stand = 'pending' | 'gate' | 'human' | 'escalation' | 'done' | 'skipped' | 'failed';

/** As on the wire; `by`, or of a mail `from`, tells one from another. */
export type Said = {
  readonly name: 'close' | 'skip' | 'fail' | 'retry' | 'approve' | 'pause' | 'resume' | 'mail';
  readonly content: {
    readonly [more: string]: unknown;
    readonly id?: string;
    readonly by?: string;
    readonly step?: string;
    readonly outcome?: string;
    /** Of a retry `true`: go back to before the step. */
    readonly from?: string | true;
    readonly subject?: string;
  };
};

export class MoleculeModel {
  readonly #steps: readonly Planned[];
  readonly #stands: Map<string, Stand>;
  readonly #mails: string[] = [];
  /** Messages that were taken under an id. */
  readonly #known = new Set<string>();
  #paused = false;

  constructor(steps: readonly Planned[]) {
    this.#steps = steps;
    this.#stands = new Map(steps.map(({ id }) => [id, 'pending']));
    this.#settle();
  }

  stands(): Readonly<Record<string, Stand>> {
    return Object.fromEntries(this.#stands);
  }

  /** Nothing is open any more, or a step has failed. What is said now may come too late. */
  get isOver(): boolean {
    const all = [...this.#stands.values()];
    return all.includes('failed') || all.every(isClosed);
  }

  waiting(): readonly string[] {
    return this.#steps.flatMap(({ id }) => (this.#stands.get(id) === 'human' ? [id] : []));
  }

  /** Whether the message is taken; one that is not changes nothing. */
  take({ name, content }: Said): boolean {
    const key = content.id === undefined ? null : `${name}:${content.id}`;
    if (key !== null && this.#known.has(key)) return true;
    const isTaken = this.#act(name, content);
    if (isTaken && key !== null) this.#known.add(key);
    this.#settle();
    return isTaken;
  }

  #act(name: Said['name'], content: Said['content']): boolean {
    if (name === 'pause' || name === 'resume') {
      const isNew = this.#paused !== (name === 'pause');
      this.#paused = name === 'pause';
      return isNew;
    }
    if (name === 'mail') {
      this.#mails.push(content.subject ?? '');
      return true;
    }
    const { step: id = '' } = content;
    const stand = this.#stands.get(id);
    if (stand === undefined) return false;
    if (name === 'retry' && content.from === true) return this.#goBack(id, stand);
    const next = nextStand(name, stand, content.outcome);
    if (next !== null) this.#stands.set(id, next);
    return next !== null;
  }

  /** The step, and what came of it, as if it had not begun. */
  #goBack(from: string, stand: Stand): boolean {
    if (stand === 'pending' || [...this.#stands.values()].includes('failed')) return false;
    const again = new Set([from]);
    for (const id of again)
      for (const step of this.#steps)
        if (step.needs.includes(id) && this.#stands.get(step.id) !== 'pending') again.add(step.id);
    for (const id of again) this.#stands.set(id, 'pending');
    return true;
  }

  #settle(): void {
    for (const { id, needs, gate } of this.#steps) {
      const isShut = gate !== null && !(gate.kind === 'mail' && this.#mails.some((mail) => mail.includes(gate.about)));
      const stand = this.#stands.get(id);
      if (stand === 'gate' && !isShut) this.#stands.set(id, 'human');
      const isDue = needs.every((need) => ['done', 'skipped'].includes(this.#stands.get(need) ?? ''));
      if (stand === 'pending' && isDue) this.#stands.set(id, isShut ? 'gate' : 'human');
    }
  }
}

/** Null when the message is not for a step that stands so. */
function nextStand(
  name: 'close' | 'skip' | 'fail' | 'retry' | 'approve',
  stand: Stand,
  outcome = 'done',
): Stand | null {
  const isAsked = stand === 'human' || stand === 'escalation';
  switch (name) {
    case 'close':
      if (!isAsked) return null;
      return outcome === 'failed' ? 'escalation' : 'done';
    case 'skip':
      return isClosed(stand) ? null : 'skipped';
    case 'fail':
      return isAsked || stand === 'gate' ? 'failed' : null;
    case 'retry':
      return stand === 'escalation' ? 'human' : null;
    case 'approve':
      return stand === 'gate' ? 'human' : null;
    default:
      return unreachable(name);
  }
}

function isClosed(stand: Stand): boolean {
  return stand === 'done' || stand === 'skipped' || stand === 'failed';
}

const STEPS_MAX = 8;

/** Each step needs some of those before it. */
export const someSteps: fc.Arbitrary<readonly Planned[]> = fc
  .array(
    fc.record({
      needs: fc.array(fc.nat(STEPS_MAX), { maxLength: 3 }),
      gate: fc.option(fc.constantFrom<Gate>({ kind: 'human' }, { kind: 'mail', about: 'news' }), { freq: 4 }),
    }),
    { minLength: 3, maxLength: STEPS_MAX },
  )
  .map((drawn) =>
    drawn.map(({ needs, gate }, at) => ({
      id: `s${at}`,
      needs: [...new Set(needs.filter((need) => need < at))].map((need) => `s${need}`),
      gate,
    })),
  );

const step = fc.oneof(
  { weight: 30, arbitrary: fc.nat(STEPS_MAX - 1).map((at) => `s${at}`) },
  { weight: 1, arbitrary: fc.constantFrom('nobody', '__proto__', 'S1') },
);

type Drawn = Readonly<Record<string, fc.Arbitrary<string | true>>>;

const spoken = (name: Said['name'], content: Drawn): fc.Arbitrary<Said> =>
  fc.record(content).map((drawn) => ({ name, content: drawn as Said['content'] })); // keys and kinds are of those below

/** One message to a molecule; failing it for good is rare, so that there is something to say after it. */
export const oneMessage: fc.Arbitrary<Said> = fc.oneof(
  { weight: 28, arbitrary: spoken('close', { step }) },
  { weight: 6, arbitrary: spoken('close', { step, outcome: fc.constant('failed') }) },
  { weight: 6, arbitrary: spoken('skip', { step }) },
  { weight: 6, arbitrary: spoken('retry', { step }) },
  { weight: 8, arbitrary: spoken('retry', { step, from: fc.constant(true) }) },
  { weight: 1, arbitrary: spoken('fail', { step, reason: fc.constant('no') }) },
  { weight: 6, arbitrary: spoken('approve', { step }) },
  { weight: 2, arbitrary: fc.constant<Said>({ name: 'pause', content: {} }) },
  { weight: 2, arbitrary: fc.constant<Said>({ name: 'resume', content: {} }) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom('no news today', 'else')
      .map((subject): Said => ({ name: 'mail', content: { subject } })),
  },
);
