/** What those are written who may approve: what waits for them, who has approved so far, and the commands that answer. */
import { isInboxAddress, OVERSEER, rigOfPolecat } from './address.js';
import { approvalText, approvedText } from './approvals.js';
import type { Mail } from './mail.js';
import { SUBJECT_CHARS_MAX } from './mail.js';
import type { GateState, Step } from './molecule-state.js';
import { isSamePerson } from './person.js';
import type { StepGate } from './protomolecule.js';
import { shellWord } from './shell-text.js';
import { printSpan } from './span.js';
import { asLine, short, timeAt } from './wording.js';

/** Whether people are told of the gate, at its turn or later: before 0.15 only of one that says who may open it, or when they are reminded. */
export function tellsPeople({ type, approvers, remindMs }: StepGate, isAnyTold: () => boolean): boolean {
  return type === 'human' && (approvers !== undefined || remindMs !== undefined || isAnyTold());
}

/** Those who may approve and have not, and have an inbox. */
function approversToTell({ approvers = [], approvals = [] }: GateState): readonly string[] {
  const left = approvers.filter((one) => !approvals.some(({ by }) => isSamePerson(by, one)));
  return left.filter((one) => isInboxAddress(one) && rigOfPolecat(one) === null);
}

/**
 * `nth`: 0 as it begins to be waited for, then of each reminder. Where nobody can be told it is the overseer, before 0.15 of reminders alone
 * (`isFirstForOverseer`).
 */
export function toTell(gate: GateState, nth: number, isFirstForOverseer: boolean): readonly string[] {
  const people = approversToTell(gate);
  return people.length === 0 && (nth > 0 || isFirstForOverseer) ? [OVERSEER] : people;
}

type About = {
  readonly molecule: string;
  readonly step: Pick<Step, 'id' | 'title'>;
  readonly gate: GateState;
  readonly token: string | null;
  readonly sinceMs: number;
  readonly nth: number;
  /** One who may approve, and could not be told. */
  readonly insteadOf?: string;
};

/** `key`: of the wait, so that whoever is told again of the same has it once. */
export function approvalMail(key: string, to: string, about: About): Mail {
  const { molecule, step, nth, insteadOf } = about;
  const what = `${short(step.title)} (${molecule})`;
  const head =
    insteadOf !== undefined ? `Approval of ${insteadOf}` : nth === 0 ? 'Your approval' : 'Still to be approved';
  const subject = `${head}: ${what}`;
  const id = `approval:${molecule}:${key}:${nth}:${to}${insteadOf === undefined ? '' : `:${insteadOf}`}`;
  const body = bodyOf(to, about);
  return { id: id.slice(0, 2_000), from: molecule, to, subject: asLine(subject).slice(0, SUBJECT_CHARS_MAX), body };
}

function bodyOf(to: string, { molecule, step, gate, token, sinceMs, insteadOf }: About): string {
  const deadline = gate.timeoutMs === null ? '' : `, until ${timeAt(sinceMs + gate.timeoutMs)}`;
  const where = `${shellWord(molecule)} ${shellWord(step.id)}`;
  const isApprover = insteadOf === undefined && gate.approvers?.includes(to) === true;
  const by = gate.approvers === undefined ? '' : ` --by ${isApprover ? shellWord(to) : 'NAME'}`;
  const under = token === null ? '' : ` --token ${shellWord(token)}`;
  const gone = insteadOf === undefined ? [] : [`${insteadOf} may approve, and cannot be reached.`];
  const every =
    gate.remindMs === undefined ? [] : [`Who has not answered is reminded every ${printSpan(gate.remindMs)}.`];
  return [
    `Step \`${step.id}\` of ${molecule}, ${asLine(step.title)}, waits for ${approvalText(gate)}${approvedText(gate)}, since ${timeAt(sinceMs)}${deadline}.`,
    ...gone,
    `    gt approve ${where}${by}${under}\n    gt reject ${where} --reason 'why'${by}${under}`,
    [`\`gt mol current ${shellWord(molecule)}\` shows what it is about.`, ...every].join(' '),
  ].join('\n\n');
}
