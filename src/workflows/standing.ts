/** How a workflow shows where it stands: search attributes to find it by, current details to read. Written on change. */
import {
  isCancellation,
  proxySinks,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { SearchAttributePair } from '@temporalio/common';
import type { BoardSinks } from '../contract/boards.js';
import type { Phase } from '../contract/search-attributes.js';
import { attribute } from '../contract/search-attributes.js';
import { explainBy } from './explain.js';
import { reasonOf } from './failing.js';
import { Pace } from './pace.js';
import { patched } from './patches.js';

export type Stand = {
  readonly phase: Phase;
  /** On whom or what it waits, '' when it does not. */
  readonly waitingFor?: string;
  readonly steps?: readonly string[];
  /** Whose work it is; absent when that is what it was started with. */
  readonly agents?: readonly string[];
  readonly usd?: number;
  readonly severity?: string;
  /** Whatever has changed is told at once: it changes seldom. */
  readonly isRare?: boolean;
  /** It is told by `tellNow` soon, or after the usual while if that takes longer. */
  readonly isSettling?: boolean;
};

const { boards } = proxySinks<BoardSinks>();
const soon = Promise.resolve();

/** Within a phase it is told at most so often: an agent may close fifty steps a second, and each telling is an event and a write. */
const SAME_PHASE_MS = 30_000;
/** A new phase is told at once, but for a storm of them in one task: a thousand times held and let go. */
const PHASES_IN_TASK = 5;
/** What is put off at the end would never be told. */
const OVER: readonly Phase[] = ['done', 'landed', 'skipped', 'failed'];

export class Standing {
  /** By its name, as JSON. What a workflow was started with, or the run before has left, is not told again. */
  readonly #shown = new Map<string, string>();
  readonly #pace = new Pace('until the search attributes follow', 'a phase is told once a second');
  #introduction: readonly SearchAttributePair[] = [];
  #stand: Stand | null = null;
  #board: (() => string) | null = null;
  #isFirst = true;

  constructor() {
    if (!patched('what stands there is not told again', '0.6')) return;
    for (const pair of workflowInfo().typedSearchAttributes.getAll()) this.#remember(pair);
  }

  /** What never changes of this workflow: told with what is shown in the same moment. */
  introduce(pairs: readonly SearchAttributePair[]): void {
    if (!patched('introduced with the first phase')) return upsertSearchAttributes([...pairs]);
    this.#introduction = pairs.filter(({ key, value }) => this.#shown.get(key.name) !== JSON.stringify(value));
    void soon.then(() => this.#introduceAlone());
  }

  /** Nothing was shown yet. */
  #introduceAlone(): void {
    if (this.#introduction.length > 0) this.tellNow();
  }

  /** `board` is asked once all that happens now has happened. */
  show(stand: Stand, board: () => string): void {
    if (this.#board === null) void soon.then(() => this.#draw());
    this.#board = board;
    this.#stand = stand;
    const changed = this.#changed(stand);
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    if (changed.length === 0 && this.#introduction.length === 0) return this.#pace.drop();
    if (changed.length === 0) return;
    // By whose work it is somebody who joins finds it.
    const isPhase = changed.some(({ key }) => key === attribute.phase || key === attribute.agent);
    const isStorm = this.#pace.saidNow >= PHASES_IN_TASK;
    // What this run was started with is not true any more.
    const isNews = isFirst && patched('what a run begins with is told at once', '0.6');
    const isUrgent =
      stand.isRare === true ||
      (isPhase && !isStorm) ||
      isNews ||
      (OVER.includes(stand.phase) && patched('an end is told at once'));
    this.#pace.say(() => this.tellNow(), isUrgent && stand.isSettling !== true ? 0 : samePhaseMs());
  }

  #draw(): void {
    const board = this.#board?.() ?? '';
    this.#board = null;
    setCurrentDetails(board);
    if (workflowInfo().unsafe.isReplaying) boards.shown(board);
  }

  tellNow(): void {
    this.#pace.drop();
    const changed = this.#stand === null ? [] : this.#changed(this.#stand);
    const pairs = [...this.#introduction, ...changed];
    this.#introduction = [];
    if (pairs.length === 0) return;
    for (const pair of pairs) this.#remember(pair);
    upsertSearchAttributes(pairs);
  }

  #remember({ key, value }: SearchAttributePair): void {
    this.#shown.set(key.name, JSON.stringify(value));
  }

  #changed({ phase, waitingFor = '', steps, agents, usd, severity }: Stand): readonly SearchAttributePair[] {
    const pairs: SearchAttributePair[] = [
      { key: attribute.phase, value: phase },
      { key: attribute.waitingFor, value: waitingFor },
    ];
    if (steps !== undefined) pairs.push({ key: attribute.step, value: [...steps] });
    if (agents !== undefined) pairs.push({ key: attribute.agent, value: [...agents] });
    if (usd !== undefined) pairs.push({ key: attribute.costUsd, value: usd });
    if (severity !== undefined) pairs.push({ key: attribute.severity, value: severity });
    return pairs.filter(({ key, value }) => {
      const shown = this.#shown.get(key.name);
      // An empty wait at the start is no news, unless the run before may have left another.
      return shown !== JSON.stringify(value) && (shown !== undefined || value !== '' || !isFirstRun());
    });
  }
}

/** What is refused at its start, or ends before it has anything to show, can be found like all that failed, and tells why. */
export function showRefused(known: readonly SearchAttributePair[], error: unknown): void {
  if (!patched('what is refused says why', '0.6')) return;
  const why = isCancellation(error)
    ? 'It was cancelled before it began.'
    : `It was refused, and did nothing: ${reasonOf(error)}`;
  const standing = new Standing();
  standing.introduce(known);
  standing.show({ phase: 'failed' }, () => why);
  explainBy(() => why);
}

/** Starts a workflow of the role, or shows that it was refused. */
export function startAs<T>(role: string, start: () => T): T {
  try {
    return start();
  } catch (error) {
    showRefused([{ key: attribute.role, value: role }], error);
    throw error;
  }
}

function isFirstRun(): boolean {
  return workflowInfo().continuedFromExecutionRunId === undefined;
}

function samePhaseMs(): number {
  if (patched('a phase is told every half minute', '0.6')) return SAME_PHASE_MS;
  return patched('a phase is told every five seconds') ? 5_000 : 1_000;
}
