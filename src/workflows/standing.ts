/** How a workflow shows where it stands: search attributes to find it by, current details to read. Written on change. */
import {
  CancellationScope,
  patched,
  proxySinks,
  setCurrentDetails,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { SearchAttributePair } from '@temporalio/common';
import type { BoardSinks } from '../contract/boards.js';
import type { Phase } from '../contract/search-attributes.js';
import { attribute } from '../contract/search-attributes.js';

export type Stand = {
  readonly phase: Phase;
  /** On whom or what it waits, '' when it does not. */
  readonly waitingFor?: string;
  readonly steps?: readonly string[];
  readonly usd?: number;
};

const { boards } = proxySinks<BoardSinks>();

/** Within a phase it is told at most so often: an agent may close fifty steps a second, and each telling is an event and a write. */
const SAME_PHASE_MS = 1_000;

export class Standing {
  readonly #shown = new Map<string, string>();
  #shownAt = 0;
  #stand: Stand | null = null;
  #isDue = false;

  /** What never changes of this workflow. */
  introduce(pairs: readonly SearchAttributePair[]): void {
    upsertSearchAttributes([...pairs]);
  }

  show(stand: Stand, board: string): void {
    setCurrentDetails(board);
    if (workflowInfo().unsafe.isReplaying) boards.shown(board);
    this.#stand = stand;
    const changed = this.#changed(stand);
    if (changed.length === 0) return;
    const early = this.#shownAt + SAME_PHASE_MS - Date.now();
    const isPhase = changed.some(({ key }) => key === attribute.phase);
    if (isPhase || early <= 0 || !patched('a phase is told once a second')) this.#tell(changed);
    else if (!this.#isDue) void CancellationScope.nonCancellable(() => this.#tellIn(early));
  }

  async #tellIn(ms: number): Promise<void> {
    this.#isDue = true;
    await sleep(ms, { summary: 'until the search attributes follow' });
    this.#isDue = false;
    const changed = this.#stand === null ? [] : this.#changed(this.#stand);
    if (changed.length > 0) this.#tell(changed);
  }

  #tell(changed: readonly SearchAttributePair[]): void {
    for (const { key, value } of changed) this.#shown.set(key.name, JSON.stringify(value));
    this.#shownAt = Date.now();
    upsertSearchAttributes([...changed]);
  }

  #changed({ phase, waitingFor = '', steps, usd }: Stand): readonly SearchAttributePair[] {
    const pairs: SearchAttributePair[] = [
      { key: attribute.phase, value: phase },
      { key: attribute.waitingFor, value: waitingFor },
    ];
    if (steps !== undefined) pairs.push({ key: attribute.step, value: [...steps] });
    if (usd !== undefined) pairs.push({ key: attribute.costUsd, value: usd });
    return pairs.filter(({ key, value }) => {
      const shown = this.#shown.get(key.name);
      // An empty wait at the start is no news.
      return shown !== JSON.stringify(value) && (shown !== undefined || value !== '');
    });
  }
}
