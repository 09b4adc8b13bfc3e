/** What the legs of a convoy have left to its synthesis, as the mission knows it. */
import type { MissionState } from './mission.js';
import type { Left } from './references.js';

/** What the synthesis of a convoy reads of a leg; one that was skipped says so. Null: the convoy has no such leg. */
export function findingsOf({ items }: MissionState, convoy: string, step: string): Left | null {
  const item = items.find(({ leg }) => leg?.item === convoy && leg.step === step);
  if (item === undefined) return null;
  if (item.left !== undefined) return { ...item.left, output: item.left.output ?? item.left.summary };
  const why = item.state.kind === 'skipped' ? `it was skipped: ${item.state.reason}` : `it is ${item.state.kind}`;
  return { summary: `(no findings of ${step}: ${why})`, output: `(no findings of ${step}: ${why})` };
}
