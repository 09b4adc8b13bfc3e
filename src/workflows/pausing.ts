/** `pause` and `resume`, alike on everything that can be held. */
import { CancellationScope } from '@temporalio/workflow';
import type { missionMessages } from '../contract/messages.js';
import { polecatMessages } from '../contract/messages.js';
import type { Hold } from '../town/pause.js';
import type { Desk } from './desk.js';
import { done, refused } from './desk.js';
import { send } from './outbox.js';

/** What is passed on. */
export type Word = [verb: 'pause' | 'resume', content: { readonly by: string; readonly reason?: string }];

type Held = {
  /** `the molecule` */
  readonly what: string;
  readonly messages: Pick<typeof missionMessages, 'pause' | 'resume'>;
  readonly paused: () => Hold | null;
  /** Null: it goes on. */
  readonly set: (paused: Hold | null) => void;
  /** Passes it on to those below. */
  readonly tell?: (...word: Word) => Promise<unknown>;
  /** For whoever pauses: what goes on all the same, '' for nothing. */
  readonly meanwhile: () => string;
};

export function takePauses(desk: Desk, { what, messages, paused, set, tell, meanwhile }: Held): void {
  desk.on(messages.pause, async ({ by, reason }) => {
    const before = paused();
    if (before !== null) return refused(`${what} is paused already, by ${before.by}: ${before.why}`);
    set({ by, why: reason });
    await CancellationScope.nonCancellable(async () => tell?.('pause', { by, reason }));
    const still = meanwhile();
    return done(still === '' ? `${what} is paused` : `${what} is paused; ${still}`);
  });
  desk.on(messages.resume, async ({ by }) => {
    if (paused() === null) return refused(`${what} is not paused`);
    set(null);
    await CancellationScope.nonCancellable(async () => tell?.('resume', { by }));
    return done(`${what} goes on`);
  });
}

/** Returns those that are not there: they have closed, or are about to begin. */
export async function tellPolecats<P extends { readonly workflowId: string }>(
  polecats: readonly P[],
  ...[verb, content]: Word
): Promise<readonly P[]> {
  const missed = await Promise.all(
    polecats.map(async (one) => {
      const delivery = await send(one.workflowId, polecatMessages[verb], content);
      return delivery === 'no-recipient' ? [one] : [];
    }),
  );
  return missed.flat();
}
