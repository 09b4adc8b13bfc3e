/**
 * All patience of the town: every time-out and retry, by purpose. `scale` is `limits.patience` of town.toml; operators and
 * tests turn this one knob. What needs a person or a model to mend it is never retried here, what a machine's death or a busy
 * network breaks is retried without end: waiting costs nothing, and giving up would lose work.
 */
import { ActivityCancellationType } from '@temporalio/workflow';
import type { ActivityOptions } from '@temporalio/workflow';
import { hostQueue, sessionQueue, TOWN_QUEUE } from '../contract/task-queues.js';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** A busy worker may be silent this long without being dead. */
const SILENCE_MIN_MS = 4 * SECOND_MS;

/** A worker that is there polls anew after a minute, however idle it is. */
const POLL_MS_MAX = 90 * SECOND_MS;

const retry = (scale: number) => ({
  initialInterval: Math.max(500, SECOND_MS * scale),
  backoffCoefficient: 2,
  maximumInterval: Math.max(2 * SECOND_MS, MINUTE_MS * scale),
});

const beat = (scale: number) => Math.max(SILENCE_MIN_MS, 30 * SECOND_MS * scale);

/** Acts of the town that read, start or record something. */
export const townAct = (scale: number): ActivityOptions => ({
  taskQueue: TOWN_QUEUE,
  startToCloseTimeout: 2 * MINUTE_MS,
  heartbeatTimeout: beat(scale),
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: retry(scale),
});

/** Mail, whose reader may not answer: nobody waits for that longer than so. */
export const post = (scale: number): ActivityOptions => ({
  ...townAct(scale),
  startToCloseTimeout: Math.max(10 * SECOND_MS, MINUTE_MS * scale),
  scheduleToCloseTimeout: Math.max(MINUTE_MS, 10 * MINUTE_MS * scale),
});

/** One try to reach a person: who does not answer in that time does not answer. */
export const reachWithinMs = (scale: number): number => Math.max(2 * SECOND_MS, 20 * SECOND_MS * scale);

export const REACH_TRIES_MAX = 5;

/** A way that still fails then is given up, and the next one is taken. */
export const reaching = (scale: number): ActivityOptions => ({
  ...townAct(scale),
  startToCloseTimeout: 2 * reachWithinMs(scale) + 10 * SECOND_MS,
  scheduleToCloseTimeout: Math.max(MINUTE_MS, 15 * MINUTE_MS * scale),
  retry: {
    ...retry(10 * scale),
    maximumInterval: Math.max(2 * SECOND_MS, 2 * MINUTE_MS * scale),
    maximumAttempts: REACH_TRIES_MAX,
  },
});

/** What comes after a mail within this time is told with it, but for what is urgent. */
export const gatherMs = (scale: number): number => Math.max(SECOND_MS, 30 * SECOND_MS * scale);

/** When no way has worked they are tried again after this, then twice as long, up to a day. */
export const reachAgainMs = (scale: number, failures: number): number =>
  Math.max(2 * SECOND_MS, Math.min(DAY_MS, 2 ** Math.max(0, failures - 1) * 10 * MINUTE_MS) * scale);

/** Waiting for another workflow, to close or to answer: as long as it takes. */
export const watch = (scale: number): ActivityOptions => ({ ...townAct(scale), startToCloseTimeout: '3650 days' });

/**
 * Git and checks on the sandbox's host. One that is away is waited for while no other is there (`hands`). `commandsMs`: the most that
 * the commands of the act may take, which end by limits of their own.
 */
export const hostAct = (scale: number, host: string, commandsMs = 0): ActivityOptions => ({
  ...townAct(scale),
  taskQueue: hostQueue(host),
  startToCloseTimeout: HOUR_MS + commandsMs,
});

/**
 * A session or a run of gates: long, watched by heartbeats, ended by its own limits before this one. `minutesMax`: the limit of a
 * session.
 */
export const sessionAct = (scale: number, host: string, minutesMax = 0): ActivityOptions => ({
  ...townAct(scale),
  taskQueue: sessionQueue(host),
  startToCloseTimeout: DAY_MS * Math.max(1, scale) + minutesMax * MINUTE_MS,
});

/**
 * How long an act waits on a host's queue before somebody looks whether the host is still there. Who waited for a busy one waits twice as
 * long the next time, since it has lost its place; and at least so long that a host that died just before the look is not seen again.
 */
export const hostAnswersMs = (scale: number, looks: number): number => {
  const first = Math.max(10 * SECOND_MS, 10 * MINUTE_MS * scale);
  return Math.min(DAY_MS, looks === 0 ? first : Math.max(POLL_MS_MAX, 2 ** looks * first));
};

/** The most a command may take that formulas and town.toml name: acceptance and gates. */
export const commandMs = (scale: number): number => Math.max(MINUTE_MS, 20 * MINUTE_MS * scale);

/** After this long without an answer a claim or a hand-in is sent once more; whoever has it already does nothing. */
export const askAgainMs = (scale: number): number => 10 * MINUTE_MS * scale;

/** A verdict may be days away: the tenth time of asking is a day after the ninth. */
export const askAgainLaterMs = (scale: number, asked: number): number =>
  Math.min(24 * 60 * MINUTE_MS * scale, 2 ** asked * askAgainMs(scale));

/**
 * When the witness looks whether a holder of a slot has died unseen: while somebody waits for a slot soon, again and again;
 * else after each quiet look twice as late, up to an hour. With all slots free it does not look at all.
 */
export const leaseCheckMs = (scale: number, quietLooks: number): number =>
  Math.min(60 * MINUTE_MS, 5 * MINUTE_MS * 2 ** quietLooks) * scale;

/** A target that refuses the push for a passing reason is tried again after this, then twice as long, up to an hour. */
export const landAgainMs = (scale: number, tries: number): number =>
  Math.min(60 * MINUTE_MS, 2 ** tries * 30 * SECOND_MS) * scale;

/** An inbox that cannot be reached is tried again after this, then four times as long, up to an hour. */
export const deliverAgainMs = (scale: number, tries: number): number =>
  Math.min(60 * MINUTE_MS, 4 ** tries * 10 * SECOND_MS) * scale;

/** What a channel has under way for its subscribers when its run has become long may take so long; then the next run does it again. */
export const actsEndMs = (scale: number): number => Math.max(2 * SECOND_MS, 10 * SECOND_MS * scale);

/**
 * When a member of a crew asks molecules anew which steps wait there: once soon after joining, as the server's list may be a moment behind; then,
 * while any are known, after an hour, and each time twice as late, up to a day: a molecule that was terminated or reset tells nobody.
 */
export const askAssignedMs = (scale: number, asked: number): number =>
  Math.max(2 * SECOND_MS, (asked < 2 ? MINUTE_MS : Math.min(DAY_MS, 2 ** (asked - 2) * HOUR_MS)) * scale);

/** A polecat's workflow id that is still taken is tried again after this. */
export const startAgainMs = (scale: number): number => Math.max(2 * SECOND_MS, 30 * SECOND_MS * scale);

/** What a patrol starts: it is tried again on the next one. */
export const patrolAct = (scale: number): ActivityOptions => ({
  scheduleToCloseTimeout: Math.max(10 * SECOND_MS, MINUTE_MS * scale),
  cancellationType: ActivityCancellationType.TRY_CANCEL,
});

/** Boot, which is ended after three ticks, has to leave what it remembers before. */
export const bootActMs = (scale: number): number => Math.max(10 * SECOND_MS, 2 * MINUTE_MS * scale);

/** A patrol of the deacon that takes longer than this is late. */
export const patrolEndsMs = (scale: number): number => Math.max(5 * SECOND_MS, MINUTE_MS * scale);

/** One act of a dog: what takes longer is told as wrong, and the rest of the errand goes on. */
export const dogAct = (scale: number): ActivityOptions => ({
  scheduleToCloseTimeout: Math.max(2 * MINUTE_MS, HOUR_MS * scale),
});

/** A model that boot asks has so long, well below a tick; then the rules hold. */
export const askMs = (scale: number): number => Math.max(5 * SECOND_MS, MINUTE_MS * scale);

/** Whom trouble climbs to must be known so soon; then it goes to the overseer. */
export const ladderWithinMs = (scale: number): number => Math.max(10 * SECOND_MS, 30 * SECOND_MS * scale);

/** Who answers an escalation hears so soon what came of it, or that it is on its way. */
export const answeredWithinMs = (scale: number): number => Math.max(10 * SECOND_MS, 20 * SECOND_MS * scale);
