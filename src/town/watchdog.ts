/**
 * The watchdog chain: a schedule starts `boot` every three minutes, which looks at the deacon, makes one decision and exits; the deacon
 * looks after the roles of the rigs. What boot has to remember it is told again as the result of the boot before.
 */
import * as z from 'zod';
import type { SessionResult } from './session.js';
import { unreachable } from './unreachable.js';
import { short } from './wording.js';

const MINUTE_MS = 60_000;
export const TICK_MS = 3 * MINUTE_MS;
const FRESH_MS_MAX = 5 * MINUTE_MS;
const STALE_MS_MAX = 15 * MINUTE_MS;

/** `nextByMs`: when the next beat is due; null while nothing is watched, and only news wakes it. */
export type Heartbeat = { readonly atMs: number; readonly nextByMs: number | null };

/** Counted from when it was due: a deacon that has backed off is not taken for one that hangs. */
export function lateMs({ nextByMs }: Heartbeat, nowMs: number): number {
  return nextByMs === null ? 0 : Math.max(0, nowMs - nextByMs);
}

type Freshness = 'fresh' | 'stale' | 'very stale';

export function freshnessOf(ms: number, patience: number): Freshness {
  if (ms < FRESH_MS_MAX * patience) return 'fresh';
  return ms <= STALE_MS_MAX * patience ? 'stale' : 'very stale';
}

/** `silent`: it runs, and did not answer. `pending`: mail that it has not acted on. */
type Deacon =
  | { readonly kind: 'none' }
  | { readonly kind: 'silent' }
  | { readonly kind: 'beating'; readonly beat: Heartbeat; readonly pending: number; readonly patience: number };

/** `open`: missions, polecats and molecules that have not ended. `arePluginsChanged`: in town.toml, and nobody has acted on it. */
export type Look = { readonly deacon: Deacon; readonly open: number; readonly arePluginsChanged?: true };

/**
 * What a boot leaves to the next. `wakes`: in vain, one after the other. `starts`: without a deacon that has stayed since. `isTold`: a person
 * knows of what is wrong now. `askedAtMs`: when a model was to be asked last; absent in what an earlier version left.
 */
export const Memory = z.object({
  wakes: z.number().int(),
  starts: z.number().int(),
  lastStartMs: z.number().int().nullable(),
  isTold: z.boolean(),
  askedAtMs: z.number().int().nullable().optional(),
});
export type Memory = z.infer<typeof Memory>;

export const NO_MEMORY: Memory = { wakes: 0, starts: 0, lastStartMs: null, isTold: false };

/** `hold`: it would be started, but was too often of late. */
export type Decision = 'nothing' | 'nudge' | 'wake' | 'start' | 'hold';

/** `tell`: what a person has to know, and does not yet; null for nothing. */
export type Triage = {
  readonly decision: Decision;
  readonly why: string;
  readonly tell: string | null;
  readonly memory: Memory;
};

/** So many in a row, and a person is told. */
const IN_VAIN_MAX = 3;
/** After so many starts the next one waits, each time twice as long. */
const STARTS_MAX = 3;
const HOLD_MS = 15 * MINUTE_MS;
const HOLD_MS_MAX = 4 * 60 * MINUTE_MS;
/** A deacon that was not started anew for so long has stayed. */
const STABLE_MS = 30 * MINUTE_MS;

export type Moment = { readonly nowMs: number; readonly patience: number };

export function triage(look: Look, before: Memory, moment: Moment): Triage {
  const { tell, ...decided } = decide(look, before, moment);
  return { ...decided, tell: before.isTold ? null : tell };
}

function decide({ deacon, open }: Look, memory: Memory, moment: Moment): Triage {
  switch (deacon.kind) {
    case 'none':
      if (open > 0) return start(memory, moment);
      return { decision: 'nothing', why: 'there is no deacon, and no work to look after', tell: null, memory };
    case 'silent':
      return wake(memory, 'it runs and does not answer');
    case 'beating':
      return decideOfBeat(deacon, open, memory, moment);
    default:
      return unreachable(deacon);
  }
}

function decideOfBeat(
  { beat, pending, patience }: Extract<Deacon, { readonly kind: 'beating' }>,
  open: number,
  before: Memory,
  moment: Moment,
): Triage {
  const ms = lateMs(beat, moment.nowMs);
  const freshness = freshnessOf(ms, moment.patience);
  const late = `its beat is ${freshness}, ${Math.round(ms / 1_000)} s after it was due`;
  if (freshness === 'very stale') return wake(before, late);
  const hasStayed = moment.nowMs - (before.lastStartMs ?? -Infinity) >= STABLE_MS * moment.patience;
  const starts = hasStayed ? 0 : before.starts;
  const memory = { ...before, wakes: 0, starts, isTold: before.isTold && starts >= STARTS_MAX };
  const calm = { tell: null, memory };
  if (beat.nextByMs === null && open > 0)
    return { ...calm, decision: 'nudge', why: 'it rests, and there is work to look after' };
  if (freshness === 'stale' && pending > 0)
    return { ...calm, decision: 'nudge', why: `${late}, and ${pending} mails wait for it` };
  if (patience !== moment.patience)
    return { ...calm, decision: 'nudge', why: `its patience is ${patience}, that of town.toml ${moment.patience}` };
  return { ...calm, decision: 'nothing', why: freshness === 'fresh' ? 'its beat is fresh' : late };
}

function wake(before: Memory, why: string): Triage {
  const memory = { ...before, wakes: before.wakes + 1 };
  const tell =
    memory.wakes < IN_VAIN_MAX
      ? null
      : `The deacon hangs: ${why}, and was woken ${memory.wakes} times in vain. \`temporal workflow describe -w deacon\` shows what it waits for and what fails; \`temporal workflow reset -w deacon --type LastWorkflowTask --reason "it hangs"\` takes back its last task.`;
  return { decision: 'wake', why, tell, memory };
}

function start(before: Memory, { nowMs, patience }: Moment): Triage {
  const { starts, lastStartMs } = before;
  const holdMs = starts < STARTS_MAX ? 0 : Math.min(HOLD_MS_MAX, HOLD_MS * 2 ** (starts - STARTS_MAX)) * patience;
  if (nowMs - (lastStartMs ?? -Infinity) < holdMs) {
    const why = `it was started ${starts} times, and ended each time`;
    const tell = `The deacon does not stay: ${why}. It is started again ${Math.round(holdMs / 60_000)} minutes after the last time; \`temporal workflow show -w deacon\` shows how it ended.`;
    return { decision: 'hold', why, tell, memory: before };
  }
  const memory = { ...before, wakes: 0, starts: starts + 1, lastStartMs: nowMs };
  return { decision: 'start', why: 'there is no deacon, and work to look after', tell: null, memory };
}

/** No more than one question an hour, whatever comes of it. */
const ASK_AGAIN_MS = 60 * MINUTE_MS;

/** Whether it is in doubt that the deacon hangs: a wake was in vain already, and it would be woken again. */
export function isDoubtful({ decision }: Triage, before: Memory, { nowMs, patience }: Moment): boolean {
  const { wakes, askedAtMs } = before;
  return decision === 'wake' && wakes > 0 && nowMs - (askedAtMs ?? -Infinity) >= ASK_AGAIN_MS * patience;
}

/** What a model says: it is at work on something large (`nothing`, `nudge`), or hangs. */
const Verdict = z.object({ verdict: z.enum(['nothing', 'nudge', 'wake']), reason: z.string() });
export type Verdict = z.infer<typeof Verdict>;

/** Null: none that can be obeyed. */
export function verdictIn(result: SessionResult): Verdict | null {
  const read = Verdict.safeParse(result.outcome === 'closed' ? result.output : null);
  return read.success ? read.data : null;
}

/** What is done once a model was asked: its verdict holds for this tick, and without one what the rules say. */
export function judged(ruled: Triage, before: Memory, verdict: Verdict | null, nowMs: number): Triage {
  const memory = { ...ruled.memory, askedAtMs: nowMs };
  if (verdict === null) return { ...ruled, memory };
  const why = `${ruled.why}; a model was asked, and says: ${short(verdict.reason)}`;
  if (verdict.verdict === 'wake') return { ...ruled, why, memory };
  // Nothing was tried in vain: the next tick goes by the rules.
  return { decision: verdict.verdict, why, tell: null, memory: { ...memory, wakes: before.wakes } };
}
