/** What boot asks a model when the deacon was woken in vain: hung, or at work on something large? Whatever goes wrong, the rules hold. */
import { CancellationScope, condition, workflowInfo } from '@temporalio/workflow';
import { BOOT } from '../town/address.js';
import { consultationOf } from '../town/consultation.js';
import { verdictIn, type Look, type Triage, type Verdict } from '../town/watchdog.js';
import { inSessions, town } from './hands.js';
import { askMs } from './patience.js';

const FORMULA = 'boot-triage';
const TURNS_MAX = 2;
const USD_MAX = 0.5;

/** Null: nobody has said anything that can be obeyed, in time. */
export async function askModel(look: Look, ruled: Triage, patience: number): Promise<Verdict | null> {
  const answer: { verdict: Verdict | null; isThere: boolean } = { verdict: null, isThere: false };
  const scope = new CancellationScope();
  void scope
    .run(() => ask(look, ruled, patience))
    .then((verdict) => (answer.verdict = verdict))
    .catch(() => null)
    .finally(() => (answer.isThere = true));
  await condition(() => answer.isThere, askMs(patience), { summary: 'until the rules hold' });
  scope.cancel();
  return answer.verdict;
}

/** An act that hangs holds nobody up. */
const SOON_FREE = { cancellationType: 'TRY_CANCEL', retry: { maximumAttempts: 1 } } as const;

async function ask({ deacon, open }: Look, { why, memory }: Triage, patience: number): Promise<Verdict | null> {
  const { lookCloser, brief } = town(patience);
  const seen = await lookCloser.executeWithOptions({ ...SOON_FREE, summary: 'what the deacon has under way' }, []);
  const known = [
    ...seen,
    `${open} missions, polecats and molecules are open`,
    `it was woken in vain ${memory.wakes - 1} times`,
  ];
  const vars = {
    heartbeat: why,
    mail: deacon.kind === 'beating' ? `${deacon.pending} letters` : 'not known',
    activity: known.join('; '),
  };
  const request = { role: BOOT, formula: FORMULA, vars, code: { kind: 'none' } } as const;
  const briefing = await brief.executeWithOptions({ ...SOON_FREE, summary: 'who can be asked' }, [request]);
  if (briefing.kind === 'nobody') return null;
  const consultation = consultationOf(briefing, {
    role: BOOT,
    about: workflowInfo().workflowId,
    session: 1,
    note: null,
    turnsMax: TURNS_MAX,
    minutesMax: 1,
    usdMax: USD_MAX,
  });
  const summary = 'does the deacon hang';
  const hands = inSessions(patience, briefing.host);
  return verdictIn(await hands.consult.executeWithOptions({ ...SOON_FREE, summary }, [consultation]));
}
