/** What may come of a request that was tried to be landed. */

/** Its polecat hears it. */
export type Verdict =
  | { readonly kind: 'merged'; readonly commit: string }
  | { readonly kind: 'conflict'; readonly files: readonly string[]; readonly base: string }
  | { readonly kind: 'gate-failed'; readonly gate: string; readonly log: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'removed'; readonly why: string };

/** It stays in the queue. */
type Held = {
  /** Its target alone does not pass, either. */
  readonly isOfTarget?: true;
} &
  /** The target does not take it, or does not pass its own gates: it is tried again by itself. */
  (
    | { readonly kind: 'refused'; readonly why: string }
    /** Nobody's work is at fault: somebody has to mend the gate first. */
    | { readonly kind: 'held'; readonly why: string }
  );

/** It stays in the queue, and lands when its mission says so. */
type Verified = { readonly kind: 'verified'; readonly base: string };

export type Outcome = Verdict | Held | Verified;
