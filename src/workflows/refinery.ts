/**
 * The refinery of a rig: lands one request at a time. Rebase on the target, gates on the very tip that will land, push by
 * compare-and-swap, proof; then the verdict by mail. It uses no language model, and a crash at any point neither loses a
 * request nor lands one twice: base and tip are in this history before the push, and a push tried again looks first.
 */
import { CancellationScope, condition, setHandler, sleep, uuid4, workflowInfo } from '@temporalio/workflow';
import { EMPTY_DESK } from '../contract/desk.js';
import { mailMessage, refineryMessages } from '../contract/messages.js';
import { landedQuery, queueQuery, refineryKeptQuery } from '../contract/refinery.js';
import type { QueueView, RefineryCarry, RefineryKept } from '../contract/refinery.js';
import { attribute } from '../contract/search-attributes.js';
import { RoleInput } from '../contract/witness.js';
import { refineryOf, witnessOf } from '../town/address.js';
import { signatureIn } from '../town/escalation-signature.js';
import { waiterKey } from '../town/escalation-id.js';
import { queueBoard, type QueuedView } from '../town/rig-boards.js';
import type { Letter } from '../town/mail.js';
import { writeMail } from '../town/mail.js';
import type { MergeRequest, Queued } from '../town/refinery.js';
import {
  dequeue,
  dueInMs,
  enqueue,
  hold,
  holdRefused,
  inOrder,
  isRequest,
  requestsOf,
  unhold,
  unholdAgain,
  unholdDue,
} from '../town/refinery.js';
import { refineryTrouble, requestWaiter, triedAnew } from '../town/refinery-trouble.js';
import { settingsAfter } from '../town/rig.js';
import { unreachable } from '../town/unreachable.js';
import { Asks } from './asks.js';
import { DeadLetters } from './dead-letters.js';
import type { Answer } from './desk.js';
import { Desk, done, OLDER, refused, takenFromAbove, takenOnce } from './desk.js';
import { explainBy } from './explain.js';
import { readInput } from './failing.js';
import { town } from './hands.js';
import { readLetter } from './letters.js';
import { takeMail } from './mail-taking.js';
import { sendToRole } from './outbox.js';
import type { Outcome } from './refinery-merge.js';
import { letterOf, mergeOnce, requestOf } from './refinery-merge.js';
import { landAgainMs } from './patience.js';
import { patched } from './patches.js';
import { Standing, startAs } from './standing.js';
import { carried, goOn, isOutdated } from './start.js';

/** Verdicts kept, so that a polecat that asks again hears the same, and molecules remembered as abandoned. */
const VERDICTS_MAX = 200;
const ABANDONED_MAX = 200;

const PUSH_AGAIN = 'push what was refused again';

export async function refinery(raw: unknown, carry?: RefineryCarry): Promise<never> {
  const [start, isFresh] = startAs('refinery', () => {
    const before = carried(carry, 'BadInput');
    return [before ?? freshRefinery(raw), before === null] as const;
  });
  return new RefineryRun(start, raw, isFresh).run();
}

function freshRefinery(raw: unknown): RefineryCarry {
  const { rig, patience } = readInput(RoleInput, raw, 'BadInput', 'roles are started by missions and by `gt`');
  return { rig, patience, queue: [], verdicts: [], desk: EMPTY_DESK };
}

function areTimers(): boolean {
  return patched('what is held has a timer', '0.6');
}

function takesOver(): boolean {
  return patched('a refinery takes over what the one before knew', '0.10');
}

class RefineryRun {
  readonly #raw: unknown;
  readonly #desk: Desk;
  readonly #asks: Asks;
  readonly #standing = new Standing();
  readonly #dead: DeadLetters;
  #now: Omit<RefineryCarry, 'dead' | 'unwritten' | 'desk'>;
  #active: { readonly id: string; readonly stage: string; readonly sinceMs: number } | null = null;
  /** The request that is in the hands of the loop. */
  #working: string | null = null;
  /** Requests that somebody wants out of the queue, with the reason. */
  #removals: ReadonlyMap<string, string> = new Map();
  /** By what is held for a time, until when a timer runs for it. */
  readonly #timers = new Map<string, number>();
  #repeats: string[] = [];
  #news = true;
  /** What the refinery before knew is known. */
  #isKnown: boolean;

  constructor({ dead = [], unwritten = [], desk, ...now }: RefineryCarry, raw: unknown, isFresh: boolean) {
    this.#raw = raw;
    this.#now = now;
    this.#isKnown = !isFresh;
    this.#desk = new Desk(desk);
    this.#asks = new Asks(now.asks, { patience: () => this.#now.patience, onChange: () => (this.#news = true) });
    const owner = { address: this.#me(), patience: now.patience, onChange: () => this.#show() };
    this.#dead = new DeadLetters(owner, { dead, unwritten });
    this.#takeMessages();
    setHandler(queueQuery, () => this.#view(), {
      description: 'The merge requests that wait, in order, and the one under way.',
    });
    explainBy(() => this.#board());
    setHandler(refineryKeptQuery, () => (this.#isKnown ? this.#kept() : null), {
      description: 'What a refinery after it takes over, null as long as it does not know that of the one before.',
    });
    setHandler(landedQuery, (molecule) => this.#landed(molecule), {
      description: 'The commit by which the work of a molecule landed.',
    });
    this.#desk.open();
  }

  async run(): Promise<never> {
    this.#standing.introduce([
      { key: attribute.role, value: 'refinery' },
      { key: attribute.rig, value: [this.#now.rig.name] },
    ]);
    if (!this.#isKnown) await this.#takeOver();
    for (;;) {
      this.#news = false;
      await this.#tellAgain();
      await this.#removeAsked();
      this.#unholdInTime();
      this.#asks.see(refineryTrouble(this.#now.queue, this.#now.rig.name));
      const next = inOrder(this.#now.queue, Date.now())[0];
      this.#show();
      if (next !== undefined) await this.#work(next);
      else await this.#wait();
      await this.#continueWhenLong();
    }
  }

  /** One before this may have been terminated: what waited in its queue waits here, and what it had decided, or was to land no more, stands. */
  async #takeOver(): Promise<void> {
    const { rig, patience } = this.#now;
    if (takesOver()) {
      const how = { summary: 'what the refinery before knew' };
      const before = await town(patience).findRefineryBefore.executeWithOptions(how, [{ rig: rig.name }]);
      const { dead = [], unwritten = [], asks, ...kept } = before ?? {};
      this.#now = { ...this.#now, ...kept };
      this.#dead.adopt({ dead, unwritten });
      this.#asks.adopt(asks);
    }
    this.#isKnown = true;
  }

  #kept(): RefineryKept {
    const { queue, verdicts, abandoned = [] } = this.#now;
    return { queue, verdicts, abandoned, ...this.#dead.kept, asks: this.#asks.state };
  }

  /** Timers say what is due, not the clock: see `Pace`. */
  #unholdInTime(): void {
    if (!areTimers()) {
      this.#now = { ...this.#now, queue: unholdDue(this.#now.queue, Date.now()) };
      return;
    }
    for (const { id, hold: held } of this.#now.queue) {
      const againAtMs = held?.againAtMs;
      if (againAtMs !== undefined && this.#timers.get(id) !== againAtMs)
        void CancellationScope.nonCancellable(() => this.#unholdAt(id, againAtMs));
    }
  }

  async #unholdAt(id: string, againAtMs: number): Promise<void> {
    this.#timers.set(id, againAtMs);
    await sleep(Math.max(1, againAtMs - Date.now()), { summary: PUSH_AGAIN });
    if (this.#timers.get(id) !== againAtMs) return;
    this.#timers.delete(id);
    this.#now = { ...this.#now, queue: unholdAgain(this.#now.queue, id, againAtMs) };
    this.#news = true;
  }

  async #wait(): Promise<void> {
    const woken = () => this.#news || (isOutdated() && this.#isQuiet());
    if (areTimers()) return condition(woken);
    const dueMs = dueInMs(this.#now.queue, Date.now());
    if (dueMs === null) await condition(woken);
    else await condition(woken, Math.max(1, dueMs), { summary: PUSH_AGAIN });
  }

  /** Works on a request until it has a verdict or is held. */
  async #work(request: Queued): Promise<void> {
    this.#working = request.id;
    await this.#workUntilDecided(request);
    this.#working = null;
  }

  async #workUntilDecided(request: Queued): Promise<void> {
    let pushing: string | null = null;
    for (let tries = 0; ; tries += 1) {
      const { rig, patience } = this.#now;
      const outcome = await mergeOnce(request, rig, patience, {
        again: tries > 0,
        stage: (stage) => this.#stage(request.id, stage),
        removed: () => this.#removals.get(request.id) ?? null,
        pushing,
      });
      switch (outcome.kind) {
        case 'moved':
          break;
        case 'host-lost':
          pushing = outcome.pushing;
          break;
        case 'refused': {
          const why = `the target refuses the push: ${outcome.reason}`;
          const wait = (refusals: number) => landAgainMs(patience, refusals);
          this.#active = null;
          this.#now = { ...this.#now, queue: holdRefused(this.#now.queue, request.id, why, Date.now(), wait) };
          return;
        }
        case 'held':
          this.#active = null;
          this.#now = { ...this.#now, queue: hold(this.#now.queue, request.id, outcome.why, Date.now()) };
          return;
        case 'merged':
        case 'conflict':
        case 'gate-failed':
        case 'missing':
        case 'removed':
          return this.#decide(request, outcome);
        default:
          return unreachable(outcome);
      }
    }
  }

  async #decide(
    request: MergeRequest,
    outcome: Exclude<Outcome, { readonly kind: 'moved' | 'host-lost' | 'refused' | 'held' }>,
  ): Promise<void> {
    const letter = letterOf(request, this.#now.rig.name, outcome, new Date().toISOString());
    const verdicts = [...this.#now.verdicts.slice(-VERDICTS_MAX + 1), { request: request.id, letter }];
    this.#now = { ...this.#now, verdicts, queue: dequeue(this.#now.queue, request.id) };
    this.#active = null;
    await this.#tell(letter);
  }

  async #tell(letter: Letter): Promise<void> {
    const { rig, patience } = this.#now;
    const to = witnessOf(rig.name);
    const mail = writeMail({ id: uuid4(), from: this.#me(), to }, letter.keys.Polecat, letter);
    const ensure = () =>
      town(patience).ensureRole.executeWithOptions({ summary: `ensure ${to}` }, [{ role: 'witness', rig, patience }]);
    await sendToRole(to, mailMessage, mail, ensure);
  }

  async #tellAgain(): Promise<void> {
    for (const id of this.#repeats.splice(0)) {
      const verdict = this.#now.verdicts.find((one) => one.request === id);
      if (verdict !== undefined) await this.#tell(verdict.letter);
    }
  }

  async #removeAsked(): Promise<void> {
    for (const request of this.#now.queue) {
      const why = this.#removals.get(request.id);
      if (why !== undefined) await this.#decide(request, { kind: 'removed', why });
    }
    // What was asked for while verdicts were told stays: its request is in the queue still.
    const open = new Set(this.#now.queue.map((request) => request.id));
    this.#removals = new Map([...this.#removals].filter(([id]) => open.has(id)));
  }

  async #continueWhenLong(): Promise<void> {
    if (this.#isQuiet() && (workflowInfo().continueAsNewSuggested || isOutdated()))
      await goOn<typeof refinery>(this.#raw, { ...this.#now, ...this.#kept(), desk: this.#desk.state() });
  }

  #isQuiet(): boolean {
    const isIdle = this.#repeats.length === 0 && this.#removals.size === 0 && this.#asks.isIdle;
    return !this.#news && isIdle && this.#desk.isQuiet();
  }

  #takeMessages(): void {
    const desk = takenOnce(this.#desk, () => this.#isKnown || !takesOver());
    takeMail(desk, (mail) => {
      const reading = readLetter(mail, this.#now.rig.name);
      if (!reading.ok) return refused(reading.problem);
      const { letter } = reading;
      if (letter.type !== 'MERGE_READY') return refused(`${letter.type} is no mail for a refinery`);
      const { Request: id } = letter.keys;
      if (!isRequest(id) && takesOver())
        return refused(
          `"${id.slice(0, 100)}" is no request: it is MOLECULE.N, with the molecule that has worked on it`,
        );
      if (this.#isAbandoned(id)) return this.#dead.refuse(mail, `nobody waits for ${id} any more`);
      if (this.#now.verdicts.some((one) => one.request === id)) this.#repeats.push(id);
      else this.#now = { ...this.#now, queue: enqueue(this.#now.queue, requestOf(letter, Date.now())) };
      this.#news = true;
      return done('in the queue');
    });
    desk.on(refineryMessages.configure, (told) => {
      if (told.rig.name !== this.#now.rig.name) return refused(`these are settings of rig "${told.rig.name}"`);
      const settings = settingsAfter(this.#now, told, Date.now());
      if (settings === null) return done(OLDER);
      this.#now = { ...this.#now, ...settings, queue: unhold(this.#now.queue, null) };
      this.#news = true;
      return done('configured');
    });
    const answers = takenFromAbove(desk, 'this queue', () => [this.#now.rig.name]);
    answers.on(refineryMessages.retry, ({ request, by }) => {
      const fits = this.#now.queue.filter((one) => one.hold !== null && (request === undefined || one.id === request));
      if (fits.length === 0)
        return refused(request === undefined ? 'no request is held' : `request "${request}" is not held`);
      const ids = fits.map((one) => one.id);
      const queue = unhold(this.#now.queue, request ?? null);
      this.#now = { ...this.#now, queue: signatureIn(by) === null ? queue : triedAnew(queue, ids) };
      for (const one of ids) this.#asks.answered(waiterKey(requestWaiter(this.#now.rig.name, one)), by);
      this.#news = true;
      return done(`tried again: ${ids.join(', ')}`);
    });
    answers.on(refineryMessages.remove, ({ request, reason, by }) => {
      if (this.#now.verdicts.some((one) => one.request === request)) {
        this.#repeats.push(request);
        this.#news = true;
        return done(`request "${request}" has its verdict already`);
      }
      if (!this.#now.queue.some((one) => one.id === request))
        return refused(`there is no request "${request}" in the queue`);
      this.#removals = new Map(this.#removals).set(request, `${reason} (${by})`);
      this.#news = true;
      return done(`request "${request}" leaves the queue`);
    });
    desk.on(refineryMessages.abandon, ({ molecule }) => this.#abandon(molecule));
  }

  async #abandon(molecule: string): Promise<Answer> {
    const abandoned = [...(this.#now.abandoned ?? []).slice(-ABANDONED_MAX + 1), molecule];
    this.#now = { ...this.#now, abandoned };
    const open = () => requestsOf(this.#now.queue, molecule);
    // What is not in work goes at once: its polecat is not to wait for somebody else's gates.
    const idle = new Set(open().flatMap(({ id }) => (id === this.#working ? [] : [id])));
    this.#now = { ...this.#now, queue: this.#now.queue.filter(({ id }) => !idle.has(id)) };
    const reasons = open().map(({ id }) => [id, 'its polecat is gone'] as const);
    this.#removals = new Map([...this.#removals, ...reasons]);
    this.#news = true;
    await condition(() => open().length === 0);
    return done(`nothing of ${molecule} is in the queue`);
  }

  #isAbandoned(request: string): boolean {
    return (this.#now.abandoned ?? []).some((molecule) => requestsOf([{ id: request }], molecule).length > 0);
  }

  #landed(molecule: string): string | null {
    const mine = requestsOf(
      this.#now.verdicts.map(({ request, letter }) => ({ id: request, letter })),
      molecule,
    );
    const commits = mine.flatMap(({ letter }) => (letter.type === 'MERGED' ? [letter.keys['Merge-Commit']] : []));
    return commits.at(-1) ?? null;
  }

  #me(): string {
    return refineryOf(this.#now.rig.name);
  }

  #stage(id: string, stage: string): void {
    this.#active = { id, stage, sinceMs: Date.now() };
    this.#show();
  }

  #view(): QueueView {
    const order = inOrder(this.#now.queue, Date.now());
    const held = this.#now.queue.filter((request) => request.hold !== null);
    return [...order, ...held].map((request, index) => ({
      ...request,
      position: index + 1,
      ...this.#stageOf(request),
    }));
  }

  #stageOf({ id, hold: held }: Queued): Pick<QueuedView, 'stage' | 'stageSinceMs'> {
    if (held !== null) return { stage: `held: ${held.why}` };
    if (this.#active?.id !== id) return { stage: 'waiting' };
    return { stage: this.#active.stage, stageSinceMs: this.#active.sinceMs };
  }

  #board(): string {
    return [queueBoard(this.#view(), this.#me(), this.#dead.letters), ...this.#asks.lines].join('\n');
  }

  #show(): void {
    const view = this.#view();
    const isHeld = view.some((request) => request.hold !== null);
    const phase = isHeld ? 'escalated' : view.length > 0 ? 'merging' : 'waiting';
    const waitingFor = isHeld ? 'overseer: held requests' : view.length > 0 ? '' : 'requests';
    this.#standing.show({ phase, waitingFor }, () => this.#board());
  }
}
