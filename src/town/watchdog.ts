/**
 * The watchdog chain: a schedule starts `boot` every three minutes, which looks at the deacon, makes one decision and exits; the deacon
 * looks after the roles of the rigs. What boot has to remember it is told again as the result of the boot before.
 */
import * as z from 'zod';
import { unreachable } from './unreachable.js';

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
  | { readonly kind: 'beating'; readonly beat: Heartbeat; readonly pending: number };

/** `open`: missions, polecats and molecules that have not ended. */
export type Look = { readonly deacon: Deacon; readonly open: number };

/** What a boot leaves to the next. `wakes`: in vain, one after the other; `isLoopTold`: that the deacon does not stay. */
export const Memory = z.object({
  wakes: z.number().int(),
  startsMs: z.array(z.number().int()),
  isLoopTold: z.boolean(),
});
export type Memory = z.infer<typeof Memory>;

export const NO_MEMORY: Memory = { wakes: 0, startsMs: [], isLoopTold: false };

/** `hold`: it would be started, but was too often of late. */
export type Decision = 'nothing' | 'nudge' | 'wake' | 'start' | 'hold';

/** `tell`: what the overseer has to know; null for nothing. */
export type Triage = {
  readonly decision: Decision;
  readonly why: string;
  readonly tell: string | null;
  readonly memory: Memory;
};

/** So many in a row, and a person is told. */
const IN_VAIN_MAX = 3;
const STARTS_MAX = 5;
const CRASH_LOOP_MS = 15 * MINUTE_MS;
const BACKOFF_MS = 30_000;
const BACKOFF_MS_MAX = 10 * MINUTE_MS;

export type Moment = { readonly nowMs: number; readonly patience: number };

export function triage({ deacon, open }: Look, memory: Memory, moment: Moment): Triage {
  const calm = { tell: null, memory: { ...memory, wakes: 0 } };
  switch (deacon.kind) {
    case 'none':
      if (open === 0) return { ...calm, decision: 'nothing', why: 'there is no deacon, and no work to look after' };
      return triageStart(memory, moment);
    case 'silent':
      return wake(memory, 'it runs and does not answer');
    case 'beating': {
      const { beat, pending } = deacon;
      if (beat.nextByMs === null && open > 0)
        return { ...calm, decision: 'nudge', why: 'it rests, and there is work to look after' };
      const ms = lateMs(beat, moment.nowMs);
      const freshness = freshnessOf(ms, moment.patience);
      const late = `its beat is ${freshness}, ${Math.round(ms / 1_000)} s after it was due`;
      if (freshness === 'very stale') return wake(memory, late);
      if (freshness === 'stale' && pending > 0)
        return { ...calm, decision: 'nudge', why: `${late}, and ${pending} mails wait for it` };
      return { ...calm, decision: 'nothing', why: freshness === 'fresh' ? 'its beat is fresh' : late };
    }
    default:
      return unreachable(deacon);
  }
}

function wake(memory: Memory, why: string): Triage {
  const wakes = memory.wakes + 1;
  const tell =
    wakes === IN_VAIN_MAX
      ? `The deacon hangs: ${why}, and was woken ${wakes} times in vain. \`temporal workflow describe -w deacon\` shows what fails, \`temporal workflow reset -w deacon --type LastWorkflowTask\` takes back its last task.`
      : null;
  return { decision: 'wake', why, tell, memory: { ...memory, wakes } };
}

/** One that ends again and again is started later each time, and at last not at all until the last start is long ago. */
function triageStart(memory: Memory, { nowMs, patience }: Moment): Triage {
  const startsMs = memory.startsMs.filter((ms) => nowMs - ms < CRASH_LOOP_MS * patience);
  const count = startsMs.length;
  const lastMs = startsMs.at(-1) ?? -Infinity;
  const pauseMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS * 2 ** (count - 1)) * patience;
  if (count >= STARTS_MAX) {
    const why = `it was started ${count} times of late, and ended each time`;
    const tell = memory.isLoopTold
      ? null
      : `The deacon does not stay: ${why}. It is started again later; \`temporal workflow show -w deacon\` shows how it ended.`;
    return { decision: 'hold', why, tell, memory: { ...memory, startsMs, isLoopTold: true } };
  }
  if (count > 0 && nowMs - lastMs < pauseMs)
    return { decision: 'hold', why: 'it was started a moment ago', tell: null, memory: { ...memory, startsMs } };
  const why = 'there is no deacon, and work to look after';
  const isLoopTold = count > 0 && memory.isLoopTold;
  return { decision: 'start', why, tell: null, memory: { ...memory, isLoopTold, startsMs: [...startsMs, nowMs] } };
}
