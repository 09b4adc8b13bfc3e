/** Where a molecule stands, for those who search. */
import type { Wait } from '../contract/messages.js';
import { withRoom } from '../contract/search-attributes.js';
import type { Molecule } from '../town/molecule-live.js';
import type { Step } from '../town/molecule-state.js';
import { RESUME } from '../town/pause.js';
import { fateOf, phaseOf, waitingSteps } from '../town/molecule.js';
import type { Stand } from './standing.js';

const WAITING_CHARS_MAX = 200;
/** Of steps that are waited for at once: nobody looks for the fifty-first of them. */
const STEPS_MAX = 50;

export function standOf(molecule: Molecule): Stand {
  const { held, steps, usage } = molecule;
  const fate = fateOf(molecule).kind;
  return {
    phase: fate === 'done' ? 'done' : fate === 'failed' ? 'failed' : phaseOf(molecule),
    waitingFor: fate === 'open' ? waitingFor(molecule) : '',
    steps: withRoom(held.slice(0, STEPS_MAX).flatMap((at) => steps[at]?.id ?? [])),
    usd: usage.usd,
  };
}

function waitingFor(molecule: Molecule): string {
  if (molecule.paused !== null) return RESUME;
  return waitingSteps(molecule, STEPS_MAX).map(whom).join(', ').slice(0, WAITING_CHARS_MAX);
}

const WHY_CHARS_MAX = 1_000;

/** For the polecat: on whom its molecule waits, `for` empty when work goes on. What went wrong comes first. */
export function waitOf(molecule: Molecule): Wait {
  const phase = fateOf(molecule).kind === 'open' ? phaseOf(molecule) : 'working';
  const { paused } = molecule;
  if (phase === 'paused' && paused !== null)
    return {
      for: RESUME,
      why: `paused by ${paused.by}: ${paused.why}`.slice(0, WHY_CHARS_MAX),
      since: paused.sinceMs,
      escalated: false,
    };
  const waiting = phase === 'working' ? [] : waitingSteps(molecule);
  const step = waiting.find(({ state }) => state.kind === 'waiting' && state.for === 'escalation') ?? waiting[0];
  if (step?.state.kind !== 'waiting') return { for: '', why: '', since: 0, escalated: false };
  const { why, sinceMs: since } = step.state;
  return {
    for: whom(step).slice(0, WAITING_CHARS_MAX),
    why: why.slice(0, WHY_CHARS_MAX),
    since,
    escalated: phase === 'escalated',
  };
}

function whom(step: Step): string {
  if (step.state.kind === 'waiting' && step.state.for === 'gate') return `gate: ${step.id}`;
  return step.runtime === 'human' ? `person: ${step.id}` : `overseer: ${step.id}`;
}
