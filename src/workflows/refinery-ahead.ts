/**
 * The next batch, verified while the gates of the one before it run: on the commit that the target comes to if that one lands. Nothing lands of it: what
 * passes is known of its tree from then on (`activities/verified`), so that its own turn is a short one. Whatever goes wrong here goes wrong there as well.
 */
import { CancellationScope, condition } from '@temporalio/workflow';
import { asSummary } from '../town/bytes.js';
import type { Queue, Queued } from '../town/refinery.js';
import { areAlike, type RoleSettings } from '../town/rig.js';
import { lossOf, onHost } from './hands.js';
import { judgeOf, verdictOn } from './refinery-gates.js';
import { batchTask, membersOf, type Made, type Turn } from './refinery-turn.js';

type Look = {
  readonly turn: Turn & { readonly batch: readonly Queued[] };
  readonly onto: string;
  readonly scope: CancellationScope;
  /** What was made, null where nothing was. */
  readonly done: Promise<Made | null>;
};

export class Ahead {
  #look: Look | null = null;
  /** One that is dropped, and has not ended. */
  #ending: Promise<void> | null = null;

  get isAtWork(): boolean {
    return this.#look !== null || this.#ending !== null;
  }

  has(id: string): boolean {
    return this.#look?.turn.batch.some((one) => one.id === id) === true;
  }

  /** Whether what is looked at stands on this commit. */
  standsOn(commit: string): boolean {
    return this.#look?.onto === commit;
  }

  /** Those looked at, if all of them wait still, and are to be worked as they were; null if not. */
  batchIn(queue: Queue, settings: RoleSettings): readonly Queued[] | null {
    if (this.#look === null || !areAlike(this.#look.turn, settings)) return null;
    const waiting = new Set(queue.flatMap(({ id, hold }) => (hold === null ? [id] : [])));
    const { batch } = this.#look.turn;
    return batch.every(({ id }) => waiting.has(id)) ? batch : null;
  }

  /** `turn`: of those who come next, by the host of those before them. */
  begin(turn: Look['turn'], onto: string): void {
    if (this.isAtWork) return;
    const scope = new CancellationScope();
    const done = scope.run(() => look(turn, onto)).catch(() => null);
    this.#look = { turn, onto, scope, done };
  }

  /** Until it is known what there is to know of these, or `isStopped`. What was made of them, null where nothing was. */
  async finish(batch: readonly Queued[], isStopped: () => boolean): Promise<Made | null> {
    const done = this.#look?.turn.batch === batch ? this.#look.done : null;
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
  drop(): Promise<void> {
    if (this.#look !== null) {
      const { scope, done } = this.#look;
      this.#look = null;
      scope.cancel();
      this.#ending = this.#ended(done);
    }
    return this.#ending ?? Promise.resolve();
  }

  /** Nothing begins before that. */
  async #ended(done: Promise<unknown>): Promise<void> {
    await done;
    this.#ending = null;
  }
}

async function look(turn: Turn, onto: string): Promise<Made | null> {
  const [first] = turn.batch;
  if (first === undefined) return null;
  const { branch, head, target } = first;
  const name = `${first.id}.ahead`;
  const clearUp = () => {
    const closing = { rig: turn.rig, request: name, branch, head, target, landed: false };
    const how = { summary: asSummary(`clear up · ${name}`) };
    const { closeMerge } = onHost(turn.patience, turn.host);
    return CancellationScope.nonCancellable(() => closeMerge.executeWithOptions(how, [closing]));
  };
  try {
    const made = await lookedAt(turn, name, onto);
    await clearUp();
    return made;
  } catch (error) {
    if (lossOf(error) === null) await clearUp();
    throw error;
  }
}

async function lookedAt(turn: Turn, name: string, onto: string): Promise<Made | null> {
  const target = turn.batch[0]?.target ?? '';
  const summary = asSummary(`stack ${turn.batch.length} to look ahead · ${name}`);
  const task = { ...batchTask(turn, name, target), onto };
  const stacked = await onHost(turn.patience, turn.host).stackMerges.executeWithOptions({ summary }, [task]);
  if (stacked.kind === 'refused') return null;
  const { base, worktree = null, all } = stacked;
  const members = membersOf(turn.batch, all);
  if (members.length > 0) await verdictOn({ members, target, base, worktree, name }, judgeOf(turn, members));
  return stacked;
}
