/** How a workflow shows where it stands: search attributes to find it by, current details to read. Written only on change. */
import { proxySinks, setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
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

export class Standing {
  #shown = new Map<string, string>();

  /** What never changes of this workflow. */
  introduce(pairs: readonly SearchAttributePair[]): void {
    upsertSearchAttributes([...pairs]);
  }

  show(stand: Stand, board: string): void {
    setCurrentDetails(board);
    if (workflowInfo().unsafe.isReplaying) boards.shown(board);
    const changed: SearchAttributePair[] = [];
    this.#note(changed, { key: attribute.phase, value: stand.phase });
    this.#note(changed, { key: attribute.waitingFor, value: stand.waitingFor ?? '' });
    if (stand.steps !== undefined) this.#note(changed, { key: attribute.step, value: [...stand.steps] });
    if (stand.usd !== undefined) this.#note(changed, { key: attribute.costUsd, value: stand.usd });
    if (changed.length > 0) upsertSearchAttributes(changed);
  }

  #note(changed: SearchAttributePair[], pair: SearchAttributePair): void {
    const text = JSON.stringify(pair.value);
    if (this.#shown.get(pair.key.name) === text) return;
    // An empty wait at the start is no news.
    if (pair.value === '' && !this.#shown.has(pair.key.name)) return;
    this.#shown.set(pair.key.name, text);
    changed.push(pair);
  }
}
