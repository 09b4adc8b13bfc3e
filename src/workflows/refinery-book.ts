/** What a refinery knows: its queue, its verdicts, and what was asked for that its loop has to do. */
import type { QueueView, RefineryCarry } from '../contract/refinery.js';
import type { Letter } from '../town/mail.js';
import { inOrder, isTriedAlone } from '../town/merge-order.js';
import {
  dequeue,
  enqueue,
  holdBy,
  requestsOf,
  unhold,
  type MergeRequest,
  type Queue,
  type Queued,
} from '../town/refinery.js';
import { BATCH_DEFAULT, type RoleSettings } from '../town/rig.js';
import type { QueuedView } from '../town/rig-boards.js';

/** Verdicts kept, so that a polecat that asks again hears the same, and molecules remembered as abandoned. */
const VERDICTS_MAX = 200;
const ABANDONED_MAX = 200;

type Known = Pick<RefineryCarry, 'rig' | 'patience' | 'queue' | 'verdicts' | 'abandoned' | 'tookMs'>;
type Hold = { readonly by: string; readonly why: string };
type Stage = { readonly stage: string; readonly sinceMs: number };

export class RefineryBook {
  #now: Known;
  #active: Stage | null = null;
  /** Requests that somebody wants out of the queue, with the reason. */
  #removals: ReadonlyMap<string, string> = new Map();
  /** Requests at work that somebody wants held, by whom and why. */
  #holds: ReadonlyMap<string, Hold> = new Map();
  /** Requests whose verdict is to be told again. */
  #repeats: readonly string[] = [];
  /** The requests that are in the hands of the loop, since when, and whether one of them has a verdict. */
  #work: { readonly ids: ReadonlySet<string>; readonly sinceMs: number; readonly isDecided: boolean } | null = null;
  /** One that is tried alone was tried last. */
  isAfterOne = false;
  /** Something has changed that the loop has not looked at. */
  news = true;

  constructor({ rig, patience, queue, verdicts, abandoned, tookMs }: Known) {
    const more = { ...(abandoned === undefined ? {} : { abandoned }), ...(tookMs === undefined ? {} : { tookMs }) };
    this.#now = { rig, patience, queue, verdicts, ...more };
  }

  get known(): Known {
    return this.#now;
  }

  get rig(): Known['rig'] {
    return this.#now.rig;
  }

  get patience(): number {
    return this.#now.patience;
  }

  /** So many are tried together. */
  get batch(): number {
    return this.#now.rig.merge?.batch ?? BATCH_DEFAULT;
  }

  get queue(): Queue {
    return this.#now.queue;
  }

  isAtWork(id: string): boolean {
    return this.#work?.ids.has(id) === true;
  }

  /** Nothing is asked for that the loop has to do. */
  get isIdle(): boolean {
    return this.#repeats.length === 0 && this.#removals.size === 0;
  }

  change(change: Partial<Known>): void {
    this.#now = { ...this.#now, ...change };
  }

  /** Handed in again what waits for the rest of its mission hears so again. */
  handIn(request: MergeRequest): void {
    this.change({ queue: enqueue(this.queue, request) });
    if (this.queue.some(({ id, verified }) => id === request.id && verified !== undefined)) this.repeat(request.id);
  }

  /** By the latest word of town.toml. What is held is tried anew with what is new there. */
  configure(settings: RoleSettings, isNews: boolean): void {
    this.change({ ...settings, ...(isNews ? { queue: unhold(this.queue, null) } : {}) });
  }

  begin(batch: readonly Queued[], nowMs: number): void {
    this.isAfterOne = batch.some(isTriedAlone);
    const ids = batch.map(({ id }) => id);
    this.#work = { ids: new Set(ids), sinceMs: nowMs, isDecided: false };
  }

  /** These are worked no more this time: what somebody wants of them holds at once. */
  release(requests: readonly Pick<MergeRequest, 'id'>[], nowMs: number): void {
    if (this.#work === null) return;
    const ids = new Set(this.#work.ids);
    for (const { id } of requests) ids.delete(id);
    this.#work = { ...this.#work, ids };
    for (const { id } of requests) this.holdsStopped(id, nowMs);
  }

  rest(nowMs: number): void {
    this.release(
      this.queue.filter(({ id }) => this.isAtWork(id)),
      nowMs,
    );
    if (this.#work?.isDecided === true) this.change({ tookMs: smoothed(this.#now.tookMs, nowMs - this.#work.sinceMs) });
    this.#work = null;
    this.#active = null;
  }

  /** What is in the loop's hands stands so. */
  stage(stage: Stage): void {
    this.#active = stage;
  }

  decide(request: string, letter: Letter): void {
    if (this.#work?.ids.has(request) === true) this.#work = { ...this.#work, isDecided: true };
    const verdicts = [...this.#now.verdicts.slice(-VERDICTS_MAX + 1), { request, letter }];
    this.change({ verdicts, queue: dequeue(this.queue, request) });
    this.#letGo(request);
  }

  verdictOf(request: string): Letter | null {
    return this.#now.verdicts.find((one) => one.request === request)?.letter ?? null;
  }

  /** The last commit as which something of a molecule landed. */
  landed(molecule: string): string | null {
    const all = this.#now.verdicts.map(({ request, letter }) => ({ id: request, letter }));
    const commits = requestsOf(all, molecule).flatMap(({ letter }) =>
      letter.type === 'MERGED' ? [letter.keys['Merge-Commit']] : [],
    );
    return commits.at(-1) ?? null;
  }

  repeat(request: string): void {
    this.#repeats = [...this.#repeats, request];
  }

  takeRepeats(): readonly string[] {
    const repeats = this.#repeats;
    this.#repeats = [];
    return repeats;
  }

  remove(request: string, why: string): void {
    this.#removals = new Map(this.#removals).set(request, why);
  }

  whyRemoved(request: string): string | null {
    return this.#removals.get(request) ?? null;
  }

  /** One at work is held once that has stopped; what has landed by then has landed. */
  hold(request: string, hold: Hold, nowMs: number): void {
    if (this.isAtWork(request)) this.#holds = new Map(this.#holds).set(request, hold);
    else this.change({ queue: holdBy(this.queue, request, hold.by, hold.why, nowMs) });
  }

  /** Why its work is to stop, if it can still. */
  whyStopped(request: string): string | null {
    return this.whyRemoved(request) ?? this.#holds.get(request)?.why ?? null;
  }

  /** Its work has stopped. False: it was to leave the queue. */
  holdsStopped(request: string, nowMs: number): boolean {
    const hold = this.#holds.get(request);
    this.#letGo(request);
    if (hold === undefined || this.whyRemoved(request) !== null) return false;
    this.change({ queue: holdBy(this.queue, request, hold.by, hold.why, nowMs) });
    return true;
  }

  #letGo(request: string): void {
    this.#holds = new Map([...this.#holds].filter(([id]) => id !== request));
  }

  /** Of those that are decided by now. What was asked for while verdicts were told stays: its request is in the queue still. */
  forgetRemovals(): void {
    const open = new Set(this.queue.map(({ id }) => id));
    this.#removals = new Map([...this.#removals].filter(([id]) => open.has(id)));
  }

  isAbandoned(request: string): boolean {
    return (this.#now.abandoned ?? []).some((molecule) => requestsOf([{ id: request }], molecule).length > 0);
  }

  /** What is not in work goes at once: its polecat is not to wait for somebody else's gates. */
  abandon(molecule: string): void {
    const abandoned = [...(this.#now.abandoned ?? []).slice(-ABANDONED_MAX + 1), molecule];
    const open = requestsOf(this.queue, molecule);
    const idle = new Set(open.flatMap(({ id }) => (this.isAtWork(id) ? [] : [id])));
    this.change({ abandoned, queue: this.queue.filter(({ id }) => !idle.has(id)) });
    for (const { id } of open) if (!idle.has(id)) this.remove(id, 'its polecat is gone');
  }

  /** `isAhead`: whether one that waits is verified already. */
  view(nowMs: number, isAhead: (id: string) => boolean): QueueView {
    const held = this.queue.filter((request) => request.hold !== null);
    const order = inOrder(this.queue, nowMs);
    // Those at work have their turn whatever has come since.
    const first = order.filter(({ id }) => this.isAtWork(id));
    const open = [...first, ...order.filter(({ id }) => !this.isAtWork(id))];
    return [...open, ...held].map((request, index) => ({
      ...request,
      position: index + 1,
      ...this.#stageOf(request, isAhead(request.id)),
      ...(request.hold === null ? this.#expected(index, nowMs) : {}),
    }));
  }

  /** By what the last ones took, one batch after the other. */
  #expected(index: number, nowMs: number): Pick<QueuedView, 'expectedMs'> {
    const { tookMs } = this.#now;
    if (tookMs === undefined) return {};
    const beganMs = this.#work?.sinceMs ?? nowMs;
    return { expectedMs: Math.max(nowMs, beganMs + Math.ceil((index + 1) / this.batch) * tookMs) };
  }

  #stageOf({ id, hold: held }: Queued, isAhead: boolean): Pick<QueuedView, 'stage' | 'stageSinceMs'> {
    if (held !== null) return { stage: `held: ${held.why}` };
    if (this.#active === null || !this.isAtWork(id))
      return { stage: isAhead ? 'waiting, its gates run ahead' : 'waiting' };
    return { stage: this.#active.stage, stageSinceMs: this.#active.sinceMs };
  }
}

/** Of what the last ones took, these count less the longer ago they were. */
function smoothed(before: number | undefined, tookMs: number): number {
  return before === undefined ? tookMs : Math.round(0.7 * before + 0.3 * tookMs);
}
