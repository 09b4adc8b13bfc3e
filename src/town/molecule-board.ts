/** The board of a molecule: its story, its steps with what each waits for, and what to send when somebody is asked. */
import { countsApprovals } from './approvals.js';
import { clip, mark, pauseLines } from './board.js';
import { choicesOf } from './molecule-asked.js';
import { areOpen } from './molecule-gates.js';
import { sessionsOf } from './molecule-live.js';
import type { Molecule } from './molecule-live.js';
import { lostLines } from './molecule-lost.js';
import { waitsOn } from './molecule-refusal.js';
import { revisionLines } from './molecule-vars.js';
import type { Closed, Step } from './molecule-state.js';
import { own } from './own.js';
import { escalationText, moleculeStory, triesOf, waitingFor, type Run } from './molecule-story.js';
import { fateOf } from './molecule.js';
import { spentText } from './prices.js';
import { shellWord } from './shell-text.js';
import { table } from './table.js';
import { unreachable } from './unreachable.js';
import { code, short, timeAt } from './wording.js';

/** A longer molecule is shown around the step it stands at, so that a board costs the same whatever there is. */
const ROWS_MAX = 100;
const ROWS_BEFORE = 10;
const ASKS_MAX = 20;

/** Why nobody works on it or is asked any more; null while somebody may be. */
type Over = 'cancelled' | 'failed' | null;

export function moleculeBoard(molecule: Molecule, formula: string, id: string, run: Run = {}): string {
  const { steps, sessions, usage } = molecule;
  const over: Over = run.isCancelled === true ? 'cancelled' : fateOf(molecule).kind === 'failed' ? 'failed' : null;
  const cost = spentText(usage);
  const head = `**${formula}**: ${countOf(molecule)} steps, ${sessions} sessions${cost === '' ? '' : `, ${cost}`}`;
  const shown = shownOf(molecule);
  const rows = shown.flatMap((at) => {
    const step = steps[at];
    return step === undefined ? [] : [row(molecule, step, at, over)];
  });
  const hidden = steps.length - shown.length;
  const more = hidden > 0 ? ['', `… ${hidden} more steps: query \`steps\``] : [];
  const isTaken = over === null && run.isTakingDown !== true;
  const asks = isTaken ? shown.flatMap((at) => asksOf(molecule, at, id, run.escalations)).slice(0, ASKS_MAX) : [];
  return clip(
    [
      `${over === null ? head : `${head}, ${over} before its end`}. ${moleculeStory(molecule, run)}`,
      ...(isTaken ? molecule.holds.flatMap((hold) => pauseLines(hold, id)) : []),
      ...lostLines(molecule),
      ...revisionLines(molecule),
      '',
      ...table(['', 'step', 'title', 'stands', 'since', 'tries', 'note'], rows),
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

function row(molecule: Molecule, step: Step, at: number, over: Over): readonly string[] {
  const {
    stands,
    sinceMs,
    note = '',
  } = over === null ? standsNow(molecule, step, at) : stoodAt(molecule, step, at, over);
  const since = sinceMs === undefined ? '' : timeAt(sinceMs);
  return [
    mark(step.state.kind === 'closed'),
    code(step.id),
    step.title,
    stands,
    since,
    triesOf(molecule, step, at),
    note,
  ];
}

/** A row of the table, in its words. */
type Stands = { readonly stands: string; readonly sinceMs?: number; readonly note?: string };

function standsNow(molecule: Molecule, step: Step, at: number): Stands {
  const { state } = step;
  switch (state.kind) {
    case 'pending':
      return { stands: waitsOn(molecule, step) };
    case 'ready':
      return { stands: sessionsOf(step) > 0 ? `between sessions (${step.sessions} so far)` : 'ready' };
    case 'active':
      return { stands: step.sessions > 0 ? `session ${step.sessions}` : 'first session', sinceMs: state.sinceMs };
    case 'open':
      return { stands: `${molecule.left[at] ?? 0} of its steps are open`, sinceMs: state.sinceMs };
    case 'waiting':
      return { stands: `**waits for ${waitingFor(state)}**`, sinceMs: state.sinceMs, note: short(state.why) };
    case 'closed':
      return closedAs(state, step.fan === undefined ? 0 : (molecule.left[at] ?? 0));
    default:
      return unreachable(state);
  }
}

/** How a step stood when its molecule ended. */
function stoodAt(molecule: Molecule, step: Step, at: number, over: Exclude<Over, null>): Stands {
  const { state, sessions } = step;
  const now = standsNow(molecule, step, at);
  switch (state.kind) {
    case 'active':
      return { ...now, stands: `${over} while session ${sessions} ran` };
    case 'waiting':
      return { ...now, stands: `${over} while it waited for ${waitingFor(state)}` };
    case 'open':
      return { ...now, stands: `${over} with ${molecule.left[at] ?? 0} of its steps open` };
    case 'ready':
      return {
        stands: sessionsOf(step) > 0 ? `${over} between sessions (${sessions} so far)` : `${over} before it began`,
      };
    case 'pending':
    case 'closed':
      return now;
    default:
      return unreachable(state);
  }
}

/** `left`: steps of its fan-out that are still open. */
function closedAs({ outcome, by, summary, atMs }: Closed, left: number): Stands {
  const fan = left > 0 ? `; ${left} steps that it added are open` : '';
  return { stands: `${outcome} by ${by}`, sinceMs: atMs, note: `${short(summary)}${fan}` };
}

function asksOf(molecule: Molecule, at: number, id: string, escalations: Run['escalations'] = {}): readonly string[] {
  const { steps, plan } = molecule;
  const step = steps[at];
  if (step?.state.kind !== 'waiting') return [];
  const output = plan.protos[at]?.output === undefined ? '' : ', with an `"output"` as the query `current` tells';
  const send = (verb: string, note: string, or: string, more = '', by = '') => {
    const input = `{"step":"${step.id}","note":"${note}"${by}}`;
    return [
      `\n> \`temporal workflow signal -w ${shellWord(id)} --name ${verb} --input '${input}'\`${more} (or ${or}, or \`fail\` with a \`"reason"\`)`,
    ];
  };
  switch (step.state.for) {
    case 'human': {
      const choices = choicesOf(molecule, step);
      if (choices.length === 0) return send('close', 'what was done', '`skip`', output);
      const words = choices.map((one) => JSON.stringify(one)).join(', ');
      const input = `{"step":"${step.id}","text":"one of them"}`;
      return [
        `\n> \`temporal workflow signal -w ${shellWord(id)} --name answer --input '${input}'\` with one of ${words}`,
      ];
    }
    case 'escalation':
      return send('retry', 'the answer', answersTo(step), escalationText(own(escalations, step.id)));
    case 'gate':
      return countsApprovals(step.gates ?? [])
        ? send('approve', 'why', '`reject`, with a `"reason"`', '', ',"by":"your name"')
        : send('approve', 'why', '`skip`');
    default:
      return unreachable(step.state.for);
  }
}

/** What else than `retry` an escalation is answered with. What is behind a gate is not done with the group that it is in. */
function answersTo({ kind, gates }: Step): string {
  if (areOpen(gates)) return '`close`, `skip`';
  return kind === undefined ? '`approve`, `close`, `skip`' : '`approve`, `skip`';
}
