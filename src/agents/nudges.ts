/** Words to the agent of a session, as its polecat keeps them. That they cannot be asked for now must not stop any work. */
import * as z from 'zod';
import { Nudge, nudgeText } from '../town/nudge.js';
import type { SessionSpec } from '../town/session.js';
import type { SessionContext } from './runtime.js';
import { withoutSecrets } from './secrets.js';

export const ASK_HANDOFF =
  'This session is at its limit. Call handoff now: what is done, what is not, and what to do next. A fresh session goes on with it.';
const ASK_CYCLE =
  'This session is to end. Call handoff now: what is done, what is not, and what to do next. A fresh session goes on with it.';

/** What the agent is told. */
export function toldText(nudges: readonly Nudge[]): string {
  const asks = nudges.some(({ cycle }) => cycle) ? [ASK_CYCLE] : [];
  return withoutSecrets([...nudges.map(nudgeText), ...asks].join('\n\n'));
}

type Asking = Pick<SessionContext, 'call'>;

/** Those that no session has heard, the oldest first. `isStart`: its session has had no turn yet. */
export async function nudgesFor({ agent }: SessionSpec, { call }: Asking, isStart: boolean): Promise<readonly Nudge[]> {
  const answer = await call({ kind: 'query', workflow: agent, name: 'nudges' }).catch(() => null);
  const nudges = answer?.kind === 'result' ? z.array(Nudge).safeParse(answer.value) : null;
  const isNow = ({ heardBy, atStart }: Nudge) => heardBy === null && (isStart || atStart === undefined);
  return nudges?.success === true ? nudges.data.filter(isNow) : [];
}

/** What cannot be told now is told before the next turn. */
export async function tellHeard(
  { agent, sessionId }: SessionSpec,
  { call }: Asking,
  ids: readonly string[],
): Promise<void> {
  const id = `${sessionId}:${ids.join(',')}`.slice(0, 2_000);
  const content = { id, nudges: [...ids], session: sessionId };
  await call({ kind: 'update', workflow: agent, name: 'heard', content, updateId: id }).catch(() => undefined);
}
