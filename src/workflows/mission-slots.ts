/** A mission's dealings with the witnesses of its rigs: slots are asked for, and given back. */
import { workflowInfo } from '@temporalio/workflow';
import { witnessMessages } from '../contract/messages.js';
import type { Grant } from '../contract/mission.js';
import { witnessOf } from '../town/address.js';
import type { Item } from '../town/mission.js';
import type { RigSnapshot } from '../town/rig.js';
import { town } from './hands.js';
import { takesOver } from './mission-polecat.js';
import { send, sendToRole } from './outbox.js';
import { patched } from './patches.js';

/** Since 0.1.1. Before it, every item of a new rig started the rig's witness again. */
const ONE_ENSURE = 'one-ensure-a-rig';

export class MissionSlots {
  readonly #mission: { readonly id: string; readonly firstRun: string };
  readonly #ensured = new Map<string, { readonly isPending: () => boolean; readonly done: Promise<void> }>();

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
    };
    await this.#ensure(rig, patience, false);
    await sendToRole(witnessOf(rig.name), witnessMessages.claim, content, () => this.#ensure(rig, patience, true));
  }

  /**
   * Nobody waits for a slot that was granted. One for which an item is yet to ask is not free all the same: a run of before a reset
   * had asked, and its polecat may be at work.
   */
  async leave({ rig, claim }: Grant, items: readonly Item[]): Promise<void> {
    const isYetToAsk = items.some((item) => item.state.kind === 'waiting' && this.claimOf(item) === claim);
    if (isYetToAsk && takesOver()) return;
    await this.release(rig, claim);
  }

  async release(rig: string, claim: string): Promise<void> {
    // A run that was reset asks for the same claim once more, and gives it back once more.
    const id = `release:${claim}@${workflowInfo().runId}`;
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
