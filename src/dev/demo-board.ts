/** The demo's board: a bar for each work item, from what the workflows themselves answer. Drawing is a pure function. */
import type { Client } from '@temporalio/client';
import { stepsQuery } from '../contract/molecule.js';
import type { Progress } from '../contract/mission.js';
import { progressQuery, swarmQuery } from '../contract/mission.js';
import { lifecycleQuery } from '../contract/polecat.js';
import type { Step } from '../town/molecule-state.js';
import { unreachable } from '../town/unreachable.js';

type Row = {
  readonly id: string;
  readonly rig: string;
  readonly title: string;
  /** From 0 to 1. */
  readonly share: number;
  readonly says: string;
  /** A step that nobody works on until somebody answers. */
  readonly asks: Asking | null;
};

export type Asking = { readonly molecule: string; readonly step: string; readonly why: string };

export type Board = {
  readonly title: string;
  readonly landed: number;
  readonly total: number;
  readonly rows: readonly Row[];
};

const WORKED_SHARE = 0.7;
const MERGING_SHARE = 0.85;
const BAR_CHARS = 24;
const BAR_CHARS_MIN = 5;
/** Between the columns, and what a row says at least. */
const GAPS_CHARS = 8;
const SAYS_CHARS = 36;

/** Asks the mission, its polecats and their molecules. A workflow that is between two workers answers a moment later. */
export async function readBoard(client: Client, missionId: string): Promise<Board> {
  const mission = client.workflow.getHandle(missionId);
  const progress = await mission.query(progressQuery);
  const swarm = await mission.query(swarmQuery);
  const rows = await Promise.all(progress.items.map((item) => readRow(client, item, swarm[item.id])));
  return { title: progress.title, landed: progress.landed, total: progress.total, rows };
}

async function readRow(client: Client, item: Progress['items'][number], polecat: string | undefined): Promise<Row> {
  const { id, rig, title, state } = item;
  const row = (share: number, says: string): Row => ({ id, rig, title, share, says, asks: null });
  switch (state.kind) {
    case 'waiting':
      return row(0, item.needs.length > 0 ? `waits for ${item.needs.join(', ')}` : 'waits');
    case 'queued':
      return row(0, 'waits for a slot');
    case 'assigned':
      return row(0, `waits for ${state.person}`);
    case 'landed':
      return row(1, `landed ${state.commit?.slice(0, 8) ?? ''}${extras(item)}`);
    case 'failed':
      return row(0, `failed: ${state.reason}`);
    case 'skipped':
    case 'cancelled':
      return row(0, `${state.kind}: ${state.reason}`);
    case 'working':
      return polecat === undefined ? row(0, state.name) : working(client, row, state.name, polecat);
    default:
      return unreachable(state);
  }
}

async function working(
  client: Client,
  row: (share: number, says: string) => Row,
  name: string,
  polecat: string,
): Promise<Row> {
  const { stage, molecule, round } = await client.workflow.getHandle(polecat).query(lifecycleQuery);
  const again = round > 0 ? `, rework ${round}` : '';
  if (!stage.includes('molecule')) return row(MERGING_SHARE, `${name}: ${stage}${again}`);
  const steps = await client.workflow
    .getHandle(molecule)
    .query(stepsQuery)
    .catch(() => []);
  const now = steps.find((step) => step.state.kind === 'active');
  const asking = steps.find((step) => step.state.kind === 'waiting');
  if (now === undefined && asking?.state.kind === 'waiting')
    return {
      ...row(share(steps), `${name} waits: ${asking.state.why}`),
      asks: { molecule, step: asking.id, why: asking.state.why },
    };
  const session = now === undefined ? '' : `, ${now.id} session ${now.sessions}${handoffsOf(now)}`;
  return row(share(steps), `${name}${session}${again}`);
}

function share(steps: readonly Step[]): number {
  const closed = steps.filter((step) => step.state.kind === 'closed').length;
  return steps.length === 0 ? 0 : (WORKED_SHARE * closed) / steps.length;
}

function handoffsOf({ handoffs }: Step): string {
  return handoffs === 0 ? '' : ` after ${handoffs} ${handoffs === 1 ? 'handoff' : 'handoffs'}`;
}

/** How much of the whole is done, from 0 to 1. */
export function shareOf({ rows }: Board): number {
  return rows.reduce((sum, row) => sum + row.share, 0) / Math.max(1, rows.length);
}

function extras({ sessions, reworks }: Progress['items'][number]): string {
  return ` (${sessions} ${sessions === 1 ? 'session' : 'sessions'}${reworks > 0 ? `, ${reworks} rework` : ''})`;
}

/** On a narrow terminal the bars are the first to give way. */
export function drawBoard(board: Board, width = Infinity): string {
  const idChars = Math.max(...board.rows.map((row) => row.id.length));
  const rigChars = Math.max(...board.rows.map((row) => row.rig.length));
  const room = width - idChars - rigChars - GAPS_CHARS - SAYS_CHARS;
  const barChars = Math.max(BAR_CHARS_MIN, Math.min(BAR_CHARS, room));
  const lines = board.rows.map((row) => {
    const full = Math.round(row.share * barChars);
    const bar = '█'.repeat(full) + '░'.repeat(barChars - full);
    return `  ${row.id.padEnd(idChars)}  ${row.rig.padEnd(rigChars)}  ${bar}  ${row.says}`;
  });
  return [`${board.title}: ${board.landed}/${board.total} landed`, ...lines].join('\n');
}

/** The lines that are news since the board before, for output that is not a terminal. */
export function newsOf(before: Board | null, now: Board): readonly string[] {
  return now.rows.flatMap((row) => {
    const old = before?.rows.find((one) => one.id === row.id);
    return old?.says === row.says ? [] : [`[${now.landed}/${now.total}] ${row.rig}/${row.id}: ${row.says}`];
  });
}
