/** Landings that belong together: the mission lets land what may, each time that something of it has changed. */
import { uuid4, workflowInfo } from '@temporalio/workflow';
import { refineryMessages } from '../contract/messages.js';
import { refineryOf } from '../town/address.js';
import { nextToLand } from '../town/integration.js';
import { isPaused, type MissionEvent, type MissionState } from '../town/mission.js';
import { send } from './outbox.js';

export class Together {
  readonly #mission = workflowInfo().workflowId;
  readonly #note: (event: MissionEvent) => void;
  /** The request that was told last that it may. */
  #told: string | null = null;

  constructor(note: (event: MissionEvent) => void) {
    this.#note = note;
  }

  /** What is told it anew has lost it. */
  forget(request: string | null): void {
    if (request === this.#told) this.#told = null;
  }

  /** `aside`: the mission neither ends nor goes on in another run before that is done. */
  tell(state: MissionState, aside: (act: Promise<void>) => void): void {
    const next = isPaused(state) ? null : nextToLand(state);
    if (next === null || next.request === this.#told) return;
    const { item, request, rig } = next;
    this.#told = request;
    this.#note({ kind: 'let-go', item });
    const content = { id: `land:${request}:${uuid4()}`, by: this.#mission, request };
    aside(send(refineryOf(rig), refineryMessages.land, content).then(() => undefined));
  }
}
