/**
 * The next batch, verified while the gates of the one before it run: on the commit that the target comes to if that one lands. Nothing lands of it: what
 * passes is known of its tree from then on (`activities/verified`), so that its own turn is a short one. Whatever goes wrong here goes wrong there as well.
 */
import { CancellationScope, condition } from '@temporalio/workflow';
import { asSummary } from '../town/bytes.js';
import type { MergeRequest, Queue } from '../town/refinery.js';
import { onHost } from './hands.js';
import { judgeOf, verdictOn } from './refinery-gates.js';
import { batchTask, membersOf, type Made, type Turn } from './refinery-turn.js';

type Look = {
  readonly batch: readonly MergeRequest[];
  readonly scope: CancellationScope;
  /** What was made, null where nothing was. */
  readonly done: Promise<Made | null>;
};

export class Ahead {
  #look: Look | null = null;

  get isAtWork(): boolean {
    return this.#look !== null;
  }

  has(id: string): boolean {
    return this.#look?.batch.some((one) => one.id === id) === true;
  }

  /** Those looked at, if all of them wait still; null if not. */
  batchIn(queue: Queue): readonly MergeRequest[] | null {
    if (this.#look === null) return null;
    const waiting = new Set(queue.flatMap(({ id, hold }) => (hold === null ? [id] : [])));
    return this.#look.batch.every(({ id }) => waiting.has(id)) ? this.#look.batch : null;
  }

  /** `turn`: of those who come next, by the host of those before them. */
  begin(turn: Turn, onto: string): void {
    if (this.#look !== null) return;
    const scope = new CancellationScope();
    const done = scope.run(() => look(turn, onto)).catch(() => null);
    this.#look = { batch: turn.batch, scope, done };
  }

  /** Until it is known what there is to know of these, or `isStopped`. What was made of them, null where nothing was. */
  async finish(batch: readonly MergeRequest[], isStopped: () => boolean): Promise<Made | null> {
    const done = this.#look?.batch === batch ? this.#look.done : null;
    const made = await CancellationScope.cancellable(async () => {
      const first = await Promise.race([done, condition(isStopped).then(() => null)]);
      // Nobody waits any more for the other.
      CancellationScope.current().cancel();
      return first;
    });
    await this.drop();
    return made;
  }

  /** It has ended then. */
  async drop(): Promise<void> {
    const { scope, done } = this.#look ?? {};
    this.#look = null;
    scope?.cancel();
    await done;
  }
}

async function look(turn: Turn, onto: string): Promise<Made | null> {
  const [first] = turn.batch;
  if (first === undefined) return null;
  const hands = onHost(turn.patience, turn.host);
  const { branch, head, target } = first;
  const name = `${first.id}.ahead`;
  try {
    const summary = asSummary(`stack ${turn.batch.length} to look ahead · ${name}`);
    const stacked = await hands.stackMerges.executeWithOptions({ summary }, [
      { ...batchTask(turn, name, target), onto },
    ]);
    if (stacked.kind === 'refused') return null;
    const { base, worktree = null, all } = stacked;
    const members = membersOf(turn.batch, all);
    if (members.length > 0) await verdictOn({ members, target, base, worktree, name }, judgeOf(turn, members));
    return stacked;
  } finally {
    const closing = { rig: turn.rig, request: name, branch, head, target, landed: false };
    const how = { summary: asSummary(`clear up · ${name}`) };
    await CancellationScope.nonCancellable(() => hands.closeMerge.executeWithOptions(how, [closing]));
  }
}
