/** What a polecat tells: its phase, how it ended, and the report that its mission hears. */
import type { MoleculeResult } from '../contract/molecule.js';
import type { PolecatInput } from '../contract/polecat.js';
import type { Phase } from '../contract/search-attributes.js';
import { bounded, FINDINGS_CHARS_MAX } from '../town/findings.js';
import type { PolecatReport } from '../town/polecat-report.js';
import { RESUME } from '../town/pause.js';
import { addUsage, NO_USAGE } from '../town/session.js';
import { unreachable } from '../town/unreachable.js';
import { patched } from './patches.js';
import { workedBy } from './polecat-molecule.js';

export type Ending =
  | { readonly outcome: 'landed'; readonly commit: string | null }
  | { readonly outcome: 'failed' | 'cancelled'; readonly reason: string };

/** A stage that is a phase of its own; every other is work. */
export function phaseOf(stage: string): Phase {
  if (stage === 'merging' || stage === 'landed' || stage === 'failed') return stage;
  return stage === 'cancelled' && patched('a cancelled polecat works no more') ? 'failed' : 'working';
}

/** While its molecule waits. */
export function phaseIn(wait: { readonly for: string; readonly escalated: boolean }): Phase {
  if (wait.escalated) return 'escalated';
  return wait.for === RESUME ? 'paused' : 'waiting';
}

/** In a sentence that begins with "it". */
export function said(ending: Ending, target: string): string {
  switch (ending.outcome) {
    case 'failed':
      return `failed: ${ending.reason}`;
    case 'cancelled':
      return 'was cancelled';
    case 'landed':
      return ending.commit === null ? 'is done, with nothing to merge' : `landed as ${ending.commit} on ${target}`;
    default:
      return unreachable(ending);
  }
}

/** What its molecules came to. */
export type Work = {
  readonly results: readonly MoleculeResult[];
  readonly round: number;
  readonly molecules: readonly string[];
  readonly branch: string;
};

/** `where`: what has become of the work and its sandbox. */
export function reportOf(ending: Ending, where: string, input: PolecatInput, work: Work): PolecatReport {
  const { proto, rig } = input;
  const { results, round, molecules, branch } = work;
  const counts = {
    usage: results.reduce((sum, result) => addUsage(sum, result.usage), NO_USAGE),
    sessions: results.reduce((sum, result) => sum + result.sessions, 0),
    reworks: round,
    molecules: [...molecules],
    workedBy: workedBy(input, results),
    ...leftBy(proto, results),
  };
  if (ending.outcome !== 'landed') return { ...counts, outcome: ending.outcome, reason: `${ending.reason}; ${where}` };
  return { ...counts, outcome: 'landed', landing: { commit: ending.commit, target: rig.branch, branch } };
}

/** What a convoy's leg leaves to the synthesis. */
function leftBy(proto: PolecatInput['proto'], results: readonly MoleculeResult[]): Pick<PolecatReport, 'left'> {
  const legs = proto.steps.filter((step) => step.leg?.role === 'leg');
  const steps = results.flatMap((result) => result.steps).filter(({ id }) => legs.some((leg) => leg.id === id));
  if (steps.length === 0) return {};
  const left = ({ summary, output = null }: (typeof steps)[number]) => bounded({ summary, output }, FINDINGS_CHARS_MAX);
  return { left: Object.fromEntries(steps.map((step) => [step.id, left(step)])) };
}
