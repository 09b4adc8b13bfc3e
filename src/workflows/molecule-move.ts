/** A molecule whose host is lost goes on on another one: its sandbox is rebuilt there, and its polecat hears of it. */
import { CancellationScope, isCancellation } from '@temporalio/workflow';
import { missionMessages, polecatMessages } from '../contract/messages.js';
import { costsNothing, type SessionLeft } from '../town/session.js';
import { failure, wordsOf } from './failing.js';
import { lossOf, onHost, type Loss } from './hands.js';
import type { Book } from './molecule-book.js';
import { rebuildRequest } from './molecule-session.js';
import { send } from './outbox.js';

/**
 * Answers whether the commit of `step`, whose checks were under way, is in the new sandbox. Throws what a person must mend: then nothing
 * has moved. A cancellation waits until it is clear where the sandbox is.
 */
export async function moveSandbox(book: Book, loss: Loss, step: string | null): Promise<boolean> {
  return CancellationScope.nonCancellable(async () => {
    for (let { to } = loss; ;) {
      const { hook, id } = book;
      if (hook === null) throw failure('MoleculeFailed', 'on nobody’s hook there is no sandbox to be lost');
      const request = rebuildRequest(id, hook, book.head(), step);
      const summary = `${loss.host} is lost: rebuild on ${to} · ${hook.name}`;
      try {
        const hands = onHost(hook.limits.patience, to);
        const { path, branch, hasStep } = await hands.rebuildSandbox.executeWithOptions({ summary }, [request]);
        book.moved({ host: to, sandbox: { ...hook.sandbox, path, branch } });
        book.note({ kind: 'host-lost', host: loss.host, to, left: loss.left, isWhole: hasStep });
        await tellSpent(hook.mission, id, branch, loss.left);
        await send(hook.agent, polecatMessages.moved, { id: `moved:${branch}`, molecule: id, host: to, path, branch });
        return hasStep;
      } catch (error) {
        const next = lossOf(error);
        // Whoever is asked must see that it is the host that was lost.
        if (next === null) throw isCancellation(error) ? error : failure('HostLost', wordsOf(error));
        to = next.to;
      }
    }
  });
}

/** Its sessions may not be able to tell any more what the last one has cost; or they have, or will, and then it counts once. */
export async function tellSpent(mission: string, molecule: string, branch: string, left: SessionLeft): Promise<void> {
  const { usage, spentId = `spent:${branch}@lost` } = left;
  if (usage === undefined || costsNothing(usage)) return;
  await send(mission, missionMessages.spent, { id: spentId, molecule, usage });
}
