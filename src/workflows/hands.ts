/** The acts of the town, ready to be called from a workflow: each with the patience of its purpose, a summary for the history. */
import { TimeoutType } from '@temporalio/common';
import { ActivityFailure, ApplicationFailure, proxyActivities, TimeoutFailure } from '@temporalio/workflow';
import type { ActivityInterfaceFor, ActivityOptions } from '@temporalio/workflow';
import * as z from 'zod';
import type { HostActivities, SessionActivities, TownActivities } from '../contract/activities.js';
import { SessionLeft } from '../town/session.js';
import { failure } from './failing.js';
import { hostAct, hostAnswersMs, post, reaching, sessionAct, townAct, watch } from './patience.js';

export const town = (scale: number) => proxyActivities<TownActivities>(townAct(scale));

/** For mail to whoever may not be there, and what others wait behind: it gives up at last. */
export const postman = (scale: number) =>
  proxyActivities<Pick<TownActivities, 'deliver' | 'deliverAll' | 'deliverReply' | 'startMission' | 'waysTo'>>(
    post(scale),
  );

/** For the answer to one who waits, and may be busy for long; who does not take it in hand the act itself gives up. */
export const answerer = (scale: number) => proxyActivities<Pick<TownActivities, 'answerWaiter'>>(watch(scale));

/** For who is outside of the town. */
export const messenger = (scale: number) => proxyActivities<Pick<TownActivities, 'reach'>>(reaching(scale));

export const watcher = (scale: number) =>
  proxyActivities<Pick<TownActivities, 'awaitClosed' | 'awaitMission' | 'awaitMolecule' | 'checkGate'>>(watch(scale));

export const onHost = (scale: number, host: string, commandsMs?: number): Patient<HostActivities> =>
  patient(scale, host, proxyActivities<HostActivities>(hostAct(scale, host, commandsMs)));

export const inSessions = (scale: number, host: string, minutesMax?: number): Patient<SessionActivities> =>
  patient(scale, host, proxyActivities<SessionActivities>(sessionAct(scale, host, minutesMax)));

/** A host that is lost, the one that its work goes on at, and what the town knows of the act that it had under way. */
const Loss = z.object({ host: z.string(), to: z.string(), left: SessionLeft });
export type Loss = z.infer<typeof Loss>;

/** What an act failed of, if its host is lost. */
export function lossOf(error: unknown): Loss | null {
  if (!(error instanceof ApplicationFailure) || error.type !== 'HostLost') return null;
  const loss = Loss.safeParse(error.details?.[0]);
  return loss.success ? loss.data : null;
}

type Act<Args extends readonly unknown[], Result> = {
  executeWithOptions(options: ActivityOptions, args: Args): Promise<Result>;
};
/** They wait for a host that is busy, or away while no other is there, as long as it takes; one that is lost fails them with `HostLost`. */
type Patient<A> = {
  readonly [Name in keyof A]: A[Name] extends (request: infer Request) => Promise<infer Result>
    ? Act<[Request], Result>
    : never;
};

function patient<A>(scale: number, host: string, acts: ActivityInterfaceFor<A>): Patient<A> {
  const known = acts as Readonly<Record<keyof A, Act<unknown[], unknown>>>; // what it is asked for is one of them
  return new Proxy({} as Patient<A>, {
    get: (_none, name) => ({
      executeWithOptions: (options: ActivityOptions, args: unknown[]) =>
        untilTaken(scale, host, (limit) => known[name as keyof A].executeWithOptions({ ...options, ...limit }, args)),
    }),
  });
}

/** Not `async`: what goes on after an act that was taken up goes on as soon as it would by itself, or nearly. */
function untilTaken<T>(
  scale: number,
  host: string,
  act: (limit: ActivityOptions) => Promise<T>,
  looks = 0,
  left: SessionLeft = {},
): Promise<T> {
  return act({ scheduleToStartTimeout: hostAnswersMs(scale, looks) }).catch(async (error: unknown) => {
    const timeout = error instanceof ActivityFailure ? error.cause : null;
    if (!(timeout instanceof TimeoutFailure) || timeout.timeoutType !== TimeoutType.SCHEDULE_TO_START) throw error;
    // An act that is asked for again, and never taken up, knows nothing of the one before it.
    const told = SessionLeft.safeParse(timeout.lastHeartbeatDetails);
    const known = told.success ? told.data : left;
    const summary = `is host ${host} still there`;
    const finding = await town(scale).lookAtHost.executeWithOptions({ summary }, [{ host }]);
    if (finding.kind === 'gone') throw lost({ host, to: finding.to, left: known });
    return untilTaken(scale, host, act, looks + 1, known);
  });
}

function lost(loss: Loss): ApplicationFailure {
  const why = `the host ${loss.host} does not answer any more, and ${loss.to} does: what was not pushed is only there`;
  return failure('HostLost', why, [loss]);
}
