/** Trouble of the infrastructure, as opposed to what an agent does: the only thing a runtime throws, besides cancellation. */
export class RuntimeTrouble extends Error {
  override readonly name = 'RuntimeTrouble';
  /** What went wrong, for operators to search by: `Llm.RateLimited`, `Journal.Unwritable` … */
  readonly type: string;
  readonly retryable: boolean;
  /** When the provider wants to be asked again; null: whenever. */
  readonly retryAfterMs: number | null;
  readonly requestId: string | null;

  constructor(facts: {
    readonly type: string;
    readonly message: string;
    readonly retryable: boolean;
    readonly retryAfterMs?: number | null;
    readonly requestId?: string | null;
    readonly cause?: unknown;
  }) {
    super(facts.message, { cause: facts.cause });
    this.type = facts.type;
    this.retryable = facts.retryable;
    this.retryAfterMs = facts.retryAfterMs ?? null;
    this.requestId = facts.requestId ?? null;
  }
}
