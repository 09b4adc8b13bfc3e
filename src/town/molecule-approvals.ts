/** What an approval, and its refusal, do to a step whose gates are shut. */
import { countsApprovals, knownAs, rejectionOf, whyNotFrom, withApproval, withRejection } from './approvals.js';
import { escalated, openGates, putGates } from './molecule-cascade.js';
import { put, stepAt, type Draft, type Molecule } from './molecule-live.js';
import type { MoleculeEvent, Step } from './molecule-state.js';
import { personMeant } from './person.js';

/** Of somebody whose approval counts; where none are counted the gates open, of whatever type they are. */
export function approved(
  draft: Draft,
  at: number,
  { by, note }: Extract<MoleculeEvent, { readonly kind: 'approved' }>,
): void {
  const { gates = [] } = stepAt(draft, at);
  if (!countsApprovals(gates)) return openGates(draft, at, () => true, note === undefined ? by : `${by}: ${note}`);
  const approval = { by: personMeant(by, draft.how.rig ?? null), atMs: draft.nowMs, note: note ?? null };
  putGates(draft, at, withApproval(gates, approval));
}

export function approvalRejected(
  draft: Draft,
  at: number,
  { by, reason }: Extract<MoleculeEvent, { readonly kind: 'approval-rejected' }>,
): void {
  const { gates = [] } = stepAt(draft, at);
  const person = knownAs(gates, personMeant(by, draft.how.rig ?? null));
  put(draft, at, {
    gates: withRejection(gates, person, reason),
    state: escalated(`${person} does not approve: ${reason}`, draft.nowMs, { source: 'given-up' }),
  });
}

/** Why somebody's word on a step, whose gates are shut, does not count; null when it does. */
export function approvalRefusal(
  { how }: Pick<Molecule, 'how'>,
  { id, gates = [] }: Step,
  verb: 'approve' | 'reject',
  by: string,
): string | null {
  const rejected = rejectionOf(gates);
  if (rejected !== undefined)
    return `step "${id}" was rejected by ${rejected.by}: ${rejected.reason}; retry asks for the approval anew, or close, skip or fail it`;
  if (verb === 'approve' && !countsApprovals(gates)) return null;
  const why = whyNotFrom(gates, personMeant(by, how.rig ?? null), verb);
  return why === null ? null : `step "${id}" ${why}`;
}
