/** What the mayor does for a wish, one act after the other: each gives what came of it, and what cannot be done is an outcome, too. */
import { isCancellation } from '@temporalio/workflow';
import type { LedgerEntry } from '../contract/ledger.js';
import { MAYOR } from '../town/address.js';
import { asSummary } from '../town/bytes.js';
import { consultationOf } from '../town/consultation.js';
import { NO_USAGE, type Usage } from '../town/session.js';
import { unreachable } from '../town/unreachable.js';
import { leftFor, type Order, type Outcome, type Wish } from '../town/wish.js';
import { missionKeyOf, missionOf } from '../town/wish-mission.js';
import { failure, wordsOf } from './failing.js';
import { inSessions, lossOf, town, watcher } from './hands.js';
import { leftBy } from './session-left.js';

const FORMULA = 'plan-mission';

/** Told of what comes before the end of an act: a session begins, and the town has this patience now. */
type Heard = { readonly begun: (patience: number) => Wish };

/** Throws what is nobody's to mend, and when it is cancelled. */
export async function actFor(wish: Wish, order: Order, patience: number, heard: Heard): Promise<Outcome> {
  switch (order) {
    case 'plan':
      return planned(wish, patience, heard);
    case 'check':
      return checked(wish, patience);
    case 'start':
      return started(wish, patience);
    case 'look':
      return looked(wish, patience);
    case 'record':
      await town(patience).record.executeWithOptions({ summary: asSummary(`record · ${wish.id}`) }, [recordOf(wish)]);
      return { kind: 'recorded' };
    default:
      return unreachable(order);
  }
}

const stuck = (why: string, usage: Usage = NO_USAGE): Outcome => ({ kind: 'stuck', why, usage });

async function planned(wish: Wish, patience: number, { begun }: Heard): Promise<Outcome> {
  const { id, rig } = wish;
  const usdMax = leftFor(wish);
  if (usdMax === 0) return stuck('planning it has cost as much as its mission may');
  try {
    const request = { role: MAYOR, formula: FORMULA, vars: varsOf(wish), code: { kind: 'rigs', rig } } as const;
    const briefing = await town(patience).brief.executeWithOptions({ summary: asSummary(`brief · ${id}`) }, [request]);
    if (briefing.kind === 'nobody') return stuck(briefing.why);
    const { limits, host } = briefing;
    const { sessions } = begun(limits.patience);
    const consultation = consultationOf(briefing, {
      role: MAYOR,
      about: `wish/${id}@${wish.atMs}`,
      session: sessions,
      note: wish.note,
      ...(usdMax === null ? {} : { usdMax }),
    });
    const summary = asSummary(`plan · ${id} · session ${sessions}`);
    const hands = inSessions(limits.patience, host, limits.sessionMinutesMax);
    return { kind: 'answered', result: await hands.consult.executeWithOptions({ summary }, [consultation]) };
  } catch (error) {
    if (isCancellation(error)) throw error;
    const loss = lossOf(error);
    if (loss !== null) return { kind: 'lost', usage: loss.left.usage ?? NO_USAGE };
    return stuck(wordsOf(error), leftBy(error).usage);
  }
}

/** What the formula asks for. */
function varsOf({ text, words, plan }: Wish): Readonly<Record<string, string>> {
  const said = words.map((word) => `\n- ${word.by}: ${word.text}`).join('');
  return {
    wish: text,
    ...(said === '' ? {} : { words: said }),
    ...(said === '' || plan === null ? {} : { before: JSON.stringify(plan.mission) }),
  };
}

async function checked(wish: Wish, patience: number): Promise<Outcome> {
  const summary = asSummary(`check the plan · ${wish.id}`);
  return orStuck(async () => {
    const preview = await town(patience).previewMission.executeWithOptions({ summary }, [inputOf(wish)]);
    return preview.kind === 'fits' ? { kind: 'fits', preview: preview.items } : { kind: 'faulty', why: preview.why };
  });
}

async function started(wish: Wish, patience: number): Promise<Outcome> {
  const summary = asSummary(`start the mission · ${wish.id}`);
  const order = { key: missionKeyOf(wish), input: inputOf(wish) };
  return orStuck(async () => {
    const start = await town(patience).startMission.executeWithOptions({ summary }, [order]);
    return start.kind === 'started' ? { kind: 'started', mission: start.mission } : { kind: 'faulty', why: start.why };
  });
}

/** It has told of its end, and is about to close. */
async function looked({ id, state }: Wish, patience: number): Promise<Outcome> {
  const mission = state.kind === 'started' ? state.mission : '';
  const summary = asSummary(`how it ended · ${id}`);
  const end = await watcher(patience).awaitMission.executeWithOptions({ summary }, [{ mission }]);
  if (end.kind !== 'ended') return { kind: 'ended', end: 'failed', says: `${mission}: ${end.why}` };
  const { landed, total } = end;
  return {
    kind: 'ended',
    end: landed === total ? 'landed' : 'failed',
    says: `${mission}: ${landed} of ${total} items landed`,
  };
}

/** A town.toml that cannot be read is for a person to mend. */
async function orStuck(act: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await act();
  } catch (error) {
    if (isCancellation(error)) throw error;
    return stuck(wordsOf(error));
  }
}

function inputOf(wish: Wish) {
  const input = missionOf(wish);
  if (input === null) throw failure('BadInput', `the wish ${wish.id} has no plan`);
  return input;
}

export function recordOf({ id, by, text, atMs, sinceMs, state, words, plan, sessions, usage }: Wish): LedgerEntry {
  return {
    id: `wish/${id}@${atMs}`,
    kind: 'wish',
    at: new Date(sinceMs).toISOString(),
    wish: id,
    by,
    text,
    words,
    plan,
    sessions,
    usage,
    state: state.kind,
    ...(state.kind === 'closed' ? { end: state.end, says: state.says } : {}),
  };
}
