/** Runtimes that formulas name. What the engine does not know is worked on by the rig's own, which an author must hear of. */
import { RuntimeKind } from '../town/session.js';
import { didYouMean, quote, type Findings, type Origin } from './problem.js';
import { isBlank } from './shape.js';
import { isOpen } from './template.js';

export function checkAgent(agent: string, at: Origin, findings: Findings): void {
  if (isBlank(agent) || isOpen(agent) || RuntimeKind.safeParse(agent).success) return;
  const known = RuntimeKind.options;
  findings.warn(at, `there is no runtime ${quote(agent)} here: the rig’s own works on it`, {
    hint: didYouMean(agent, known) ?? `the runtimes are ${known.join(', ')}`,
  });
}
