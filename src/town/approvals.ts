/**
 * Approvals at a gate of type human. Where it says who may approve, or how many must, each approval counts once a person, and it opens with
 * the last that is wanted; one who rejects gives the step up, and all are asked anew when it is tried again. Any other gate of the type is
 * opened by whoever says so.
 */
import { listed } from './listed.js';
import type { Approval, GateState } from './molecule-state.js';
import { isSamePerson } from './person.js';
import type { StepGate } from './protomolecule.js';

/** Of those who may approve, so many are named in a sentence. */
const NAMED_MAX = 10;

type Gates = readonly GateState[];

/** Whether approvals are counted there, and not taken from anybody. */
function isCounted({ type, approvers, quorum }: StepGate): boolean {
  return type === 'human' && (approvers !== undefined || quorum !== undefined);
}

export function isAsked(gate: GateState): boolean {
  return gate.type === 'human' && gate.opened === null;
}

export function countsApprovals(gates: Gates): boolean {
  return gates.some((gate) => isAsked(gate) && isCounted(gate));
}

export function rejectionOf(gates: Gates): GateState['rejected'] {
  return gates.find((gate) => isAsked(gate) && gate.rejected !== undefined)?.rejected;
}

/** As whom a person approves there; null for one who may not. */
function approverAt({ approvers }: GateState, name: string): string | null {
  return approvers === undefined ? name : (approvers.find((one) => isSamePerson(one, name)) ?? null);
}

/** As whom a person is known at these gates. */
export function knownAs(gates: Gates, name: string): string {
  return gates.flatMap((gate) => (isAsked(gate) ? (approverAt(gate, name) ?? []) : []))[0] ?? name;
}

function hasApproved({ approvals = [] }: GateState, name: string): boolean {
  return approvals.some(({ by }) => isSamePerson(by, name));
}

/** Why the word of this person counts at none of the gates, in a sentence without its beginning; null when it does. */
export function whyNotFrom(gates: Gates, name: string, verb: 'approve' | 'reject'): string | null {
  const asked = gates.filter(isAsked);
  const theirs = asked.filter((gate) => approverAt(gate, name) !== null);
  if (theirs.length === 0) {
    const who = asked.map((gate) => some(gate.approvers ?? [], 'or')).join('; ');
    return `takes the word of ${who}, not of ${name.slice(0, 200)}: who says it stands in "by" (--by)`;
  }
  if (verb === 'reject' || theirs.some((gate) => !hasApproved(gate, name))) return null;
  return `has the approval of ${name.slice(0, 200)} already, and still waits for ${theirs.map(approvalText).join('; ')}`;
}

/** With the approval of somebody who may approve, at each gate where it counts. */
export function withApproval(gates: Gates, approval: Approval): Gates {
  return gates.map((gate) => {
    const by = isAsked(gate) && isCounted(gate) ? approverAt(gate, approval.by) : null;
    if (by === null || hasApproved(gate, by)) return gate;
    const approvals = [...(gate.approvals ?? []), { ...approval, by }];
    const opened = approvals.length < (gate.quorum ?? 1) ? null : listed(approvals.map(saidBy), 'and');
    return { ...gate, approvals, opened };
  });
}

function saidBy({ by, note }: Approval): string {
  return note === null ? by : `${by}: ${note}`;
}

/** What was approved before counts no more: it is another thing that is asked for next. */
export function withRejection(gates: Gates, by: string, reason: string): Gates {
  return gates.map((gate) => {
    if (!isAsked(gate)) return gate;
    const { approvals: _, ...asked } = gate;
    return { ...asked, rejected: { by, reason } };
  });
}

export function askedAnew(gates: Gates): Gates {
  return gates.map((gate) => {
    const { rejected: _, ...asked } = gate;
    return asked;
  });
}

type Said = Pick<GateState, 'await' | 'approvers' | 'quorum' | 'approvals'>;

/** `the approval of 2 of ann, bob and cy (may it ship?)`. */
export function approvalText({ await: asked, approvers, quorum }: Said): string {
  const isPlain = approvers === undefined && quorum === undefined;
  if (isPlain) return `the approval of ${asked === '' ? 'a person' : asked}`;
  const about = asked === '' ? '' : ` (${asked})`;
  return `the approval of ${whose(approvers, quorum ?? 1)}${about}`;
}

function whose(approvers: readonly string[] | undefined, quorum: number): string {
  if (approvers === undefined) return quorum === 1 ? 'a person' : `${quorum} people`;
  if (quorum === 1) return some(approvers, 'or');
  return quorum === approvers.length ? some(approvers, 'and') : `${quorum} of ${some(approvers, 'and')}`;
}

export function approvedText({ approvals = [] }: Said): string {
  return approvals.length === 0
    ? ''
    : `, approved so far by ${some(
        approvals.map(({ by }) => by),
        'and',
      )}`;
}

function some(names: readonly string[], link: string): string {
  const more = names.length - NAMED_MAX;
  return listed(more > 0 ? [...names.slice(0, NAMED_MAX), `${more} more`] : names, link);
}
