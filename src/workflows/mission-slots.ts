/** A mission's dealings with the witnesses of its rigs: slots are asked for, and given back. */
import { workflowInfo } from '@temporalio/workflow';
import { witnessMessages } from '../contract/messages.js';
import type { Grant } from '../contract/mission.js';
import { witnessOf } from '../town/address.js';
import type { Item } from '../town/mission.js';
import type { RigSnapshot } from '../town/rig.js';
import { town } from './hands.js';
import { takenOver, takesOver, type StartedPolecat } from './mission-polecat.js';
import { send, sendToRole } from './outbox.js';
import { patched } from './patches.js';

/** Since 0.1.1. Before it, every item of a new rig started the rig's witness again. */
const ONE_ENSURE = 'one-ensure-a-rig';

type Leaving = {
  readonly plan: (item: Item) => { readonly rig: RigSnapshot; readonly patience: number };
  /** Its item waits for it, or works in it. */
  readonly isWanted: (claim: string) => boolean;
  /** The mission neither ends nor goes on in another run before that is done. */
  readonly aside: (act: Promise<void>) => void;
};

/** Grants whose items wait for them, for the query. */
export function waitedFor(grants: readonly Grant[], itemUnder: (claim: string) => Item | null) {
  return grants.flatMap((grant) => {
    const item = itemUnder(grant.claim);
    return item === null ? [] : [{ ...grant, item: item.id, priority: item.priority }];
  });
}

export class MissionSlots {
  readonly #mission: { readonly id: string; readonly firstRun: string };
  readonly #ensured = new Map<string, { readonly isPending: () => boolean; readonly done: Promise<void> }>();
  readonly #left = new Map<string, StartedPolecat>();
  #releases = 0;

  constructor(id: string, firstRun: string) {
    this.#mission = { id, firstRun };
  }

  /** One id an attempt: asking again under it is asking once. */
  claimOf(item: Item): string {
    return `${this.#mission.id}/${item.id}/${item.attempt}@${this.#mission.firstRun}`;
  }

  async ask(item: Item, rig: RigSnapshot, patience: number): Promise<void> {
    if (item.state.kind !== 'queued') return;
    const content = {
      id: item.state.claim,
      mission: this.#mission.id,
      missionRun: this.#mission.firstRun,
      item: item.id,
      priority: item.priority,
      ...(item.agent === undefined ? {} : { name: item.agent }),
    };
    await this.#ensure(rig, patience, false);
    await sendToRole(witnessOf(rig.name), witnessMessages.claim, content, () => this.#ensure(rig, patience, true));
  }

  /**
   * Nobody waits for a slot that was granted. One for which an item is yet to ask was asked for by a run of before a reset: when its polecat is at
   * work, it is free once that has closed, or goes with it to the item.
   */
  async leave(grant: Grant, items: readonly Item[], { plan, isWanted, aside }: Leaving): Promise<void> {
    const { rig, claim } = grant;
    const item = items.find((one) => one.state.kind === 'waiting' && this.claimOf(one) === claim);
    if (item === undefined || !takesOver()) return this.release(rig, claim);
    const free = async () => (isWanted(claim) ? undefined : this.release(rig, claim));
    const how = plan(item);
    const left = await takenOver(grant, how.rig, how.patience);
    if (left === null) return free();
    this.#left.set(claim, left);
    aside(left.ended.then(free).finally(() => this.#left.delete(claim)));
  }

  /** Polecats of runs of before a reset, for items that were yet to ask when their slots were granted. */
  get left(): readonly StartedPolecat[] {
    return [...this.#left.values()];
  }

  /** `diedAtMs`: its polecat was found dead, and when. */
  async release(rig: string, claim: string, diedAtMs?: number): Promise<void> {
    // After a reset the same claim is asked for once more, and given back once more, perhaps by one run: as it was left, and when it is done.
    this.#releases += 1;
    const id = `release:${claim}@${workflowInfo().runId}:${this.#releases}`;
    // By itself: a witness of before, which knows no deaths, refuses that, and frees the slot.
    if (diedAtMs !== undefined && patched('the witness hears of a death', '0.9'))
      await send(witnessOf(rig), witnessMessages.died, { id: `died:${claim}`, claim, atMs: diedAtMs });
    await send(witnessOf(rig), witnessMessages.release, { id, claim });
  }

  /** The rig's configuration has changed: its witness is to hear of it with the next claim. */
  forget(rig: string): void {
    this.#ensured.delete(rig);
  }

  /** The witness of a rig, running and with the configuration of this mission's plan. */
  #ensure(rig: RigSnapshot, patience: number, again: boolean): Promise<void> {
    const known = this.#ensured.get(rig.name);
    if (known !== undefined && patched(ONE_ENSURE)) {
      if (!again || known.isPending()) return known.done;
    } else if (known !== undefined && !again) return Promise.resolve();
    let pending = true;
    const summary = `ensure ${witnessOf(rig.name)}`;
    const done = town(patience)
      .ensureRole.executeWithOptions({ summary }, [{ role: 'witness', rig, patience }])
      .finally(() => {
        pending = false;
      });
    this.#ensured.set(rig.name, { done, isPending: () => pending });
    return done;
  }
}
