/** Who may approve at a gate of type human, how many of them must, and how often they are reminded: as written → as it is waited for. */
import { isSamePerson } from '../town/person.js';
import type { StepGate } from '../town/protomolecule.js';
import { durationMs, DURATION_FORM } from './durations.js';
import type { ApprovalDraft, GateDraft } from './formula.js';
import { quote, type Findings, type Origin } from './problem.js';
import type { GateTable } from './schemas.js';
import type { ReadTable } from './shape.js';
import { isOpen } from './template.js';

const NAME_CHARS_MAX = 200;
/** A mail is no timer: whoever has not answered yet is reminded, and not drowned. */
const REMIND_MS_MIN = 1_000;

export function readApproval(table: ReadTable<typeof GateTable>): ApprovalDraft | null {
  const { approvers = null, quorum = null, remind = null } = table;
  return approvers === null && quorum === null && remind === null ? null : { approvers, quorum, remind };
}

/** All texts of it that have variables. */
export function approvalTexts({ approval }: GateDraft): readonly string[] {
  return [...(approval?.approvers ?? []), ...(approval?.remind == null ? [] : [approval.remind])];
}

export function mapApproval(approval: ApprovalDraft, change: (text: string) => string): ApprovalDraft {
  const { approvers, quorum, remind } = approval;
  return {
    approvers: approvers?.map((one) => change(one)) ?? null,
    quorum,
    remind: remind === null ? null : change(remind),
  };
}

/** Texts are filled in already. */
export function finishApproval(
  { at, type, approval }: GateDraft,
  findings: Findings,
): Pick<StepGate, 'approvers' | 'quorum' | 'remindMs'> {
  if (approval === undefined) return {};
  const { approvers, quorum, remind } = approval;
  const inside = (key: string): Origin => ({ source: at.source, path: [...at.path, key] });
  for (const [key, value] of Object.entries(approval))
    if (type !== 'human' && value !== null)
      findings.refuse(inside(key), `a gate of type ${quote(type)} is approved by nobody, and has no ${key}`, {
        hint: 'write type = "human"',
      });
  if (approvers !== null) checkApprovers(approvers, inside('approvers'), findings);
  if (quorum !== null && approvers !== null && quorum > approvers.length)
    findings.refuse(inside('quorum'), `${quorum} approvals are wanted, of ${approvers.length} who may approve`, {
      hint: `write a quorum of at most ${approvers.length}, or name more approvers`,
    });
  const remindMs = remind === null ? null : durationMs(remind);
  if (remind !== null && !isOpen(remind) && (remindMs === null || remindMs < REMIND_MS_MIN))
    findings.refuse(inside('remind'), `remind cannot be ${quote(remind)}`, { hint: `${DURATION_FORM}, 1s at least` });
  return {
    ...(approvers === null ? {} : { approvers: approvers.map((one) => one.trim()) }),
    ...(quorum === null ? {} : { quorum }),
    ...(remindMs === null ? {} : { remindMs }),
  };
}

function checkApprovers(approvers: readonly string[], at: Origin, findings: Findings): void {
  if (approvers.length === 0)
    findings.refuse(at, 'nobody may approve', { hint: 'name somebody, or leave approvers out: then anybody may' });
  const known = approvers.filter((one) => !isOpen(one));
  for (const one of known) {
    const why = whyNobody(one);
    if (why !== null) findings.refuse(at, `the approver ${quote(one)} ${why}`, { text: one });
  }
  const names = known.map((one) => one.trim());
  for (const [index, name] of names.entries()) {
    const twin = names.slice(0, index).find((one) => isSamePerson(one, name));
    if (twin !== undefined)
      findings.refuse(at, `${quote(twin)} and ${quote(name)} are one person, who counts once`, { text: name });
  }
}

/** What a step leaves may be an agent's words: an agent does not say who approves of its work. */
function whyNobody(written: string): string | null {
  const name = written.trim();
  if (name === '') return 'is empty';
  if (name.length > NAME_CHARS_MAX || /[\r\n]/.test(name)) return `is no name of at most ${NAME_CHARS_MAX} characters`;
  if (name.includes('{'))
    return 'is known only as the molecule runs: who may approve stands in the formula or in a variable';
  return name.startsWith('@') ? 'is a group: name the people, as crew/ann' : null;
}
