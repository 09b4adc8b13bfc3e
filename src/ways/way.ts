/** A way to a person outside of the town: it takes a message, or says why not and whether that may pass. */
import type { ReachMessage } from '../town/reach-message.js';

export type Errand = {
  readonly message: ReachMessage;
  /** Which try of this telling it is. */
  readonly tries: number;
  readonly withinMs: number;
  readonly signal: AbortSignal;
};

export class WayTrouble extends Error {
  override readonly name = 'WayTrouble';
  /** `for good`: another try would not help. */
  readonly kind: 'passing' | 'for good';
  /** When whoever is there wants to be asked again; null: it has not said. */
  readonly afterMs: number | null;

  constructor(kind: WayTrouble['kind'], why: string, afterMs: number | null = null) {
    super(why);
    this.kind = kind;
    this.afterMs = afterMs;
  }
}
