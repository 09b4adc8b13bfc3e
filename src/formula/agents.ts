/** Runtimes that formulas name. What neither the engine nor town.toml knows is worked on by the rig's own, which an author must hear of. */
import { isRuntime, RUNTIMES } from '../town/runtime.js';
import { didYouMean, quote, type Findings, type Origin } from './problem.js';
import { isBlank } from './shape.js';
import { isOpen } from './template.js';

export function checkAgent(agent: string, at: Origin, findings: Findings): void {
  if (isBlank(agent) || isOpen(agent) || isRuntime(agent)) return;
  findings.warn(
    at,
    `there is no runtime ${quote(agent)} here: an agent of that name in town.toml works on it, else the rig’s own`,
    {
      hint: didYouMean(agent, RUNTIMES) ?? `the runtimes are ${RUNTIMES.join(', ')}`,
    },
  );
}
