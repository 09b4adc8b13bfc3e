/** A line of the ledger: what has ended or was told, once for each id. */
export type LedgerEntry = {
  readonly id: string;
  readonly kind:
    | 'mission'
    | 'molecule'
    | 'polecat'
    | 'notice'
    | 'mail'
    | 'message'
    | 'missed'
    | 'task'
    | 'dog'
    | 'wish'
    | 'delivery'
    | 'escalation';
  readonly at: string;
  readonly [fact: string]: unknown;
};
