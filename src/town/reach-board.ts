/** How somebody is reached, on the board of his inbox: what was told by which way, and what waits to be. */
import type { Delivery } from './reach.js';
import { table } from './table.js';
import { short, timeAt } from './wording.js';

const SHOWN_MAX = 5;

export type ReachStand = {
  readonly untold: number;
  /** Why it was not told yet, and when it is; absent while that is under way. */
  readonly waits?: { readonly why: string; readonly untilMs: number };
  readonly deliveries: readonly Delivery[];
};

export function reachBoard({ untold, waits, deliveries }: ReachStand): string {
  const until = waits === undefined ? '' : ` (${waits.why}; at ${timeAt(waits.untilMs)} UTC at the latest)`;
  const head =
    untold === 0
      ? 'Mail is told outside of the town, too: `gt reach list` lists how.'
      : `${untold} ${untold === 1 ? 'mail is' : 'mails are'} still to be told outside of the town${until}.`;
  const last = deliveries.slice(-SHOWN_MAX).toReversed();
  const heads = ['told at', 'by', 'about', 'how', 'tries'];
  return [head, ...(last.length === 0 ? [] : ['', ...table(heads, last.map(rowOf))])].join('\n');
}

export function rowOf({ atMs, way, about, outcome, why, tries }: Delivery): readonly string[] {
  return [timeAt(atMs), way, short(about), outcome === 'told' ? 'told' : `not told: ${short(why ?? '')}`, `${tries}`];
}
