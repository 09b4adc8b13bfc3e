/** The polecat's side of the merge queue: POLECAT_DONE to the witness, and what comes back of it. */
import { uuid4 } from '@temporalio/workflow';
import { mailMessage } from '../contract/messages.js';
import type { PolecatInput } from '../contract/polecat.js';
import { polecatAt, witnessOf } from '../town/address.js';
import type { Mail } from '../town/mail.js';
import { writeMail } from '../town/mail.js';
import { isModel, type RuntimeKind } from '../town/runtime.js';
import { unreachable } from '../town/unreachable.js';
import { town } from './hands.js';
import { readLetter } from './letters.js';
import { sendToRole } from './outbox.js';

export type HandIn = {
  readonly request: string;
  readonly head: string;
  readonly round: number;
  readonly workedBy: readonly RuntimeKind[];
};

export type Verdict =
  | { readonly kind: 'merged'; readonly commit: string }
  | {
      readonly kind: 'rework';
      readonly type: string;
      readonly brief: string;
      readonly text: string;
      readonly files: string;
    }
  /** Taken out of the queue by somebody: not merged, and not to be tried again. */
  | { readonly kind: 'removed'; readonly why: string };

/** Tells the witness that the branch is done. Sent again under a new id it changes nothing but asks for the verdict anew. */
export async function handIn(input: PolecatInput, branch: string, pending: HandIn): Promise<void> {
  const { rig, item, mission, name, incarnation, limits } = input;
  const to = witnessOf(rig.name);
  const models = pending.workedBy.filter(isModel);
  const envelope = { id: uuid4(), from: polecatAt(rig.name, name), to };
  const mail = writeMail(envelope, name, {
    type: 'POLECAT_DONE',
    keys: {
      Request: pending.request,
      Branch: branch,
      Head: pending.head,
      Target: rig.branch,
      Issue: item.id,
      Mission: mission,
      Polecat: name,
      Incarnation: incarnation,
      Rig: rig.name,
      Priority: item.priority,
      Round: pending.round,
      ...(models.length === 0 ? {} : { 'Worked-By': models }),
    },
    text: '',
  });
  const { patience } = limits;
  await sendToRole(to, mailMessage, mail, () =>
    town(patience).ensureRole.executeWithOptions({ summary: `ensure ${to}` }, [{ role: 'witness', rig, patience }]),
  );
}

/** What a mail means to the holder of this hand-in: its verdict, or nothing (another request, another incarnation, another sender). */
export function verdictOf(
  mail: Mail,
  pending: HandIn | null,
  { rig, incarnation }: PolecatInput,
): Verdict | { readonly kind: 'not-ours'; readonly why: string } {
  const reading = readLetter(mail, rig.name);
  if (!reading.ok) return { kind: 'not-ours', why: reading.problem };
  const { letter } = reading;
  const { Request: request, Incarnation: theirs } = letter.keys;
  if (pending?.request !== request || theirs !== incarnation) {
    const ours =
      pending === null ? 'nothing is handed in' : `handed in is ${pending.request} of incarnation ${incarnation}`;
    return { kind: 'not-ours', why: `${letter.type} is about ${request} of incarnation ${theirs}, ${ours}` };
  }
  switch (letter.type) {
    case 'MERGED':
      return { kind: 'merged', commit: letter.keys['Merge-Commit'] };
    case 'MERGE_FAILED': {
      const type = letter.keys['Failure-Type'];
      if (type === 'removed') return { kind: 'removed', why: letter.text };
      const gate = letter.keys.Gate === undefined ? '' : ` (${letter.keys.Gate})`;
      return { kind: 'rework', type, brief: `${type}${gate}`, text: letter.text, files: '' };
    }
    case 'REWORK_REQUEST': {
      const files = letter.keys['Conflict-Files'];
      return { kind: 'rework', type: 'conflict', brief: `conflict in ${files}`, text: letter.text, files };
    }
    case 'POLECAT_DONE':
    case 'MERGE_READY':
      return { kind: 'not-ours', why: `${letter.type} is no mail for a polecat` };
    default:
      return unreachable(letter);
  }
}

/** What stopped the merge is told as the gate, or git, has it. */
export const REWORK_WORDS = { failure: 'what stopped the merge', files: 'names of files' } as const;

export function reworkVars(
  verdict: Extract<Verdict, { readonly kind: 'rework' }>,
  branch: string,
  target: string,
): Record<string, string> {
  return { failure_type: verdict.type, failure: verdict.text, files: verdict.files, target, branch };
}
