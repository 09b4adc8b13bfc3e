/** The polecat's side of the merge queue: POLECAT_DONE to the witness, and what comes back of it. */
import { CancellationScope, uuid4 } from '@temporalio/workflow';
import { mailMessage, missionMessages } from '../contract/messages.js';
import type { PolecatInput } from '../contract/polecat.js';
import { polecatAt, witnessOf } from '../town/address.js';
import type { Mail } from '../town/mail.js';
import { writeMail } from '../town/mail.js';
import type { RigSnapshot } from '../town/rig.js';
import { wholeStrategy } from '../town/strategy.js';
import { isModel } from '../town/runtime.js';
import { verdictIn, type HandIn, type NotOurs, type Verdict } from '../town/verdict.js';
import { town } from './hands.js';
import { readLetter } from './letters.js';
import { send, sendToRole } from './outbox.js';

/** Tells the witness that the branch is done. `settings`: of the rig, as town.toml has it. Sent again under a new id it changes nothing but asks for the verdict anew. */
export async function handIn(
  input: PolecatInput,
  settings: RigSnapshot,
  branch: string,
  pending: HandIn,
): Promise<void> {
  const { rig, item, mission, missionSinceMs, name, incarnation, limits, isWhole = false, isTogether = false } = input;
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
      ...(missionSinceMs === undefined ? {} : { 'Mission-Since': new Date(missionSinceMs).toISOString() }),
      ...(isWhole ? { Strategy: wholeStrategy(settings) } : {}),
      ...(isTogether ? { 'Only-Verify': 'yes' } : {}),
    },
    text: '',
  });
  const { patience } = limits;
  await sendToRole(to, mailMessage, mail, () =>
    town(patience).ensureRole.executeWithOptions({ summary: `ensure ${to}` }, [
      { role: 'witness', rig: settings, patience },
    ]),
  );
}

/** To the mission, which says when it lands: that this is verified, or what was is so no more. `about`: by what that is known. */
export function tellVerified(
  { mission, claim }: PolecatInput,
  about: string,
  pending: HandIn | null,
): Promise<unknown> {
  const content = { id: `verified:${claim}:${about}`.slice(0, 2_000), claim, request: pending?.request ?? null };
  // A handler that is cut off by a cancellation would close the polecat before it has ended in order.
  return CancellationScope.nonCancellable(() => send(mission, missionMessages.verified, content));
}

/** What a mail means to the holder of this hand-in: its verdict, or nothing (another request, another incarnation, another sender). */
export function verdictOf(mail: Mail, pending: HandIn | null, { rig, incarnation }: PolecatInput): Verdict | NotOurs {
  const reading = readLetter(mail, rig.name);
  return reading.ok ? verdictIn(reading.letter, pending, incarnation) : { kind: 'not-ours', why: reading.problem };
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
