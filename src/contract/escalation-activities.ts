/** Acts of an escalation: who is asked in which order, what a role decides, and the answer that goes to whoever waits. On task queue `gastown`. */
import type { EscalationStand } from '../town/asks.js';
import type { Raised, Resolution, Severity, Waiter } from '../town/escalation-input.js';
import type { Ladder } from '../town/escalation-ladder.js';
import type { Usage } from '../town/session.js';

export type Judgement =
  | { readonly kind: 'resolve'; readonly resolution: Resolution; readonly why: string; readonly usage: Usage }
  | { readonly kind: 'forward'; readonly why: string; readonly usage: Usage };

export type JudgeRequest = {
  readonly escalation: string;
  readonly tier: string;
  readonly raised: Raised;
  readonly severity: Severity;
  readonly waiting: number;
  readonly chain: readonly string[];
  readonly answered: number;
};

export type EscalationActivities = {
  /** By town.toml as it is now; the defaults where it cannot be read (an emergency must not wait for a file). Milliseconds not yet scaled by the patience of the town, which is told, too. */
  routeOf(request: { readonly raised: Raised }): Promise<Ladder>;
  /** By rules of town.toml; `ask`: no rule fits, and a session is to be asked (the workflow does that by `brief` and `consult`, as mayor-acts does). */
  judge(request: JudgeRequest): Promise<Judgement | { readonly kind: 'ask' }>;
  /** Of one whose end nobody hears: how it stands for one who waits there since `sinceMs`. */
  lookAtEscalation(request: {
    readonly escalation: string;
    readonly waiter: Waiter;
    readonly sinceMs: number;
  }): Promise<EscalationStand>;
  /** Tells whoever waits: what they say to it, or why they refuse. `gone`: they wait no more. */
  answerWaiter(request: {
    readonly escalation: string;
    readonly waiter: Waiter;
    readonly resolution: Resolution;
    readonly by: string;
    readonly patience: number;
  }): Promise<{ readonly kind: 'taken' | 'refused' | 'gone'; readonly says: string }>;
};
