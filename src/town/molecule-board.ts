/** The board of a molecule: its story, its steps as a checklist, what each waits for, and what to send when somebody is asked. */
import { clip, mark, pauseLines } from './board.js';
import { areOpen } from './molecule-gates.js';
import type { Molecule } from './molecule-live.js';
import { waitsOn } from './molecule-refusal.js';
import type { Closed, Step } from './molecule-state.js';
import { moleculeStory, triesOf, waitingFor } from './molecule-story.js';
import { fateOf } from './molecule.js';
import { spentText } from './prices.js';
import { unreachable } from './unreachable.js';
import { short, timeAt } from './wording.js';

/** A longer molecule is shown around the step it stands at, so that a board costs the same whatever there is. */
const ROWS_MAX = 100;
const ROWS_BEFORE = 10;
const ASKS_MAX = 20;

/** Why nobody works on it or is asked any more; null while somebody may be. */
type Over = 'cancelled' | 'failed' | null;

export function moleculeBoard(molecule: Molecule, formula: string, id: string, isCancelled = false): string {
  const { steps, sessions, usage } = molecule;
  const over: Over = isCancelled ? 'cancelled' : fateOf(molecule).kind === 'failed' ? 'failed' : null;
  const cost = spentText(usage);
  const head = `**${formula}**: ${countOf(molecule)} steps, ${sessions} sessions${cost === '' ? '' : `, ${cost}`}`;
  const shown = shownOf(molecule);
  const rows = shown.flatMap((at) => {
    const step = steps[at];
    return step === undefined ? [] : [row(molecule, step, at, over)];
  });
  const hidden = steps.length - shown.length;
  const more = hidden > 0 ? [`- … ${hidden} more steps: query \`steps\``] : [];
  const asks = over === null ? shown.flatMap((at) => asksOf(steps[at], id)).slice(0, ASKS_MAX) : [];
  return clip(
    [
      `${over === null ? head : `${head}, ${over} before its end`}. ${moleculeStory(molecule, isCancelled)}`,
      ...(over === null ? pauseLines(molecule.paused, id) : []),
      '',
      ...rows,
      ...more,
      ...asks,
    ].join('\n'),
  );
}

/** Iterations of loops that are over, and those that are still to come, are steps that are not there. */
function countOf({ steps, closed, passed, loops, plan }: Molecule): string {
  const isOver = (id: string) => steps[plan.index.get(id) ?? -1]?.state.kind === 'closed';
  const ahead = loops.map(({ id, counter, max, iteration, body }) =>
    counter === undefined || isOver(id) ? 0 : (max - iteration) * body.length,
  );
  const all = ahead.reduce((sum, one) => sum + one, steps.length + passed.steps);
  return `${closed + passed.steps}/${all}`;
}

function shownOf({ steps, held }: Molecule): readonly number[] {
  if (steps.length <= ROWS_MAX) return steps.map((_step, at) => at);
  const here = Math.max(0, steps.findIndex((step) => step.state.kind !== 'closed') - ROWS_BEFORE);
  const around = Array.from({ length: ROWS_MAX / 2 }, (_row, row) => here + row).filter((at) => at < steps.length);
  const all = new Set([...around, ...held.slice(0, ROWS_MAX / 2)]);
  return [...all].toSorted((a, b) => a - b);
}

function row(molecule: Molecule, step: Step, at: number, over: Over): string {
  const stands = over === null ? stepLine(molecule, step, at) : endLine(molecule, step, at, over);
  const line = `- [${mark(step.state.kind === 'closed')}] \`${step.id}\` ${step.title} · ${stands}`;
  const tries = triesOf(molecule, step, at);
  return tries === '' ? line : `${line} (${tries})`;
}

function stepLine(molecule: Molecule, step: Step, at: number): string {
  const { state } = step;
  const session = step.sessions > 0 ? `session ${step.sessions}` : 'first session';
  switch (state.kind) {
    case 'pending':
      return waitsOn(molecule, step);
    case 'ready':
      return step.sessions > 0 ? `between sessions (${step.sessions} so far)` : 'ready';
    case 'active':
      return `${session} since ${timeAt(state.sinceMs)}`;
    case 'open':
      return `${molecule.left[at] ?? 0} of its steps are open since ${timeAt(state.sinceMs)}`;
    case 'waiting':
      return `**waits for ${waitingFor(state)}** since ${timeAt(state.sinceMs)}: ${short(state.why)}`;
    case 'closed':
      return closedLine(state, molecule.left[at] ?? 0);
    default:
      return unreachable(state);
  }
}

/** How a step stood when its molecule ended. */
function endLine(molecule: Molecule, step: Step, at: number, over: Exclude<Over, null>): string {
  const { state, sessions } = step;
  switch (state.kind) {
    case 'active':
      return `${over} while session ${sessions} ran, which began ${timeAt(state.sinceMs)}`;
    case 'waiting':
      return `${over} while it waited for ${waitingFor(state)} since ${timeAt(state.sinceMs)}: ${short(state.why)}`;
    case 'open':
      return `${over} with ${molecule.left[at] ?? 0} of its steps open, which began ${timeAt(state.sinceMs)}`;
    case 'ready':
      return sessions > 0 ? `${over} between sessions (${sessions} so far)` : `${over} before it began`;
    case 'pending':
    case 'closed':
      return stepLine(molecule, step, at);
    default:
      return unreachable(state);
  }
}

/** `left`: steps of its fan-out that are still open. */
function closedLine(state: Closed, left: number): string {
  const fan = left > 0 ? `; ${left} steps that it added are open` : '';
  return `${state.outcome} by ${state.by}: ${short(state.summary)}${fan}`;
}

function asksOf(step: Step | undefined, id: string): readonly string[] {
  if (step?.state.kind !== 'waiting') return [];
  const send = (verb: string, note: string, or: string) => {
    const input = `{"step":"${step.id}","note":"${note}"}`;
    return [
      `\n> \`temporal workflow signal -w ${id} --name ${verb} --input '${input}'\` (or ${or}, or \`fail\` with a \`"reason"\`)`,
    ];
  };
  switch (step.state.for) {
    case 'human':
      return send('close', 'what was done', '`skip`');
    case 'escalation':
      return send('retry', 'the answer', areOpen(step.gates) ? '`close`, `skip`' : '`approve`, `close`, `skip`');
    case 'gate':
      return send('approve', 'why', '`skip`');
    default:
      return unreachable(step.state.for);
  }
}
