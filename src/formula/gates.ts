/** Gates as written → gates as they are waited at. */
import type { StepGate } from '../town/protomolecule.js';
import { finishApproval } from './approvals.js';
import { meansCondition } from './and-or.js';
import { durationMs, DURATION_FORM } from './durations.js';
import type { GateDraft } from './formula.js';
import { didYouMean, quote, type Findings } from './problem.js';
import { isOpen } from './template.js';

const TYPES = ['timer', 'human', 'mail', 'bead', 'gh:run', 'gh:pr', 'condition'] as const;
type GateType = (typeof TYPES)[number];

/** What a gate of the type awaits, for those that must say it. */
const AWAITS: Partial<Readonly<Record<GateType, string>>> = {
  bead: 'the workflow it waits for, as molecule/gt-abc12',
  'gh:run': 'the workflow file or the number of the run, as release.yml',
  'gh:pr': 'the pull request, as 123',
  condition: 'the condition, as review.output.clean == true',
};

/**
 * Texts are filled in already. Null when the gate cannot be waited at, which is reported. `conditional` is Gas Town's word: what
 * is no condition in it is a question to a person.
 */
export function readGateTexts(gate: GateDraft, findings: Findings): StepGate | null {
  const { at, await: awaited, timeout } = gate;
  const inside = (key: string) => ({ source: at.source, path: [...at.path, key] });
  const type = typeOf(gate);
  if (type === null) {
    const hint = didYouMean(gate.type, TYPES) ?? `the types are ${TYPES.join(', ')}`;
    findings.refuse(inside('type'), `unknown gate type ${quote(gate.type)}`, { hint });
    return null;
  }
  const wanted = AWAITS[gate.type === 'conditional' ? 'condition' : type];
  if (awaited.trim() === '' && wanted !== undefined) {
    findings.refuse(at, `a gate of the type ${gate.type} must say what it awaits`, { hint: `write await = ${wanted}` });
    return null;
  }
  const timeoutMs = timeout === null ? null : durationMs(timeout);
  if (timeout !== null && timeoutMs === null && !isOpen(timeout))
    findings.refuse(inside('timeout'), `the timeout ${quote(timeout)} is no duration`, { hint: DURATION_FORM });
  if (type === 'timer') checkTimer(gate, findings);
  return { type, await: awaited, timeoutMs, ...finishApproval({ ...gate, type }, findings) };
}

/** A timer opens by its timeout alone. */
function checkTimer({ at, await: awaited, timeout }: GateDraft, findings: Findings): void {
  const hint = durationMs(awaited) === null ? DURATION_FORM : `write timeout = ${JSON.stringify(awaited)}`;
  if (timeout === null) findings.refuse(at, 'a timer needs a timeout: when it opens', { hint });
  else if (awaited.trim() !== '')
    findings.refuse(at, `a timer awaits its timeout, ${quote(timeout)}, and nothing else: not ${quote(awaited)}`, {
      hint: 'write the timeout alone',
    });
}

function typeOf({ type, await: awaited }: GateDraft): GateType | null {
  if (type !== 'conditional') return TYPES.find((known) => known === type) ?? null;
  return meansCondition(awaited) ? 'condition' : 'human';
}
