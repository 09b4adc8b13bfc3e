/** Wishes as the server knows of them: those of a mayor who is no more, and missions that work on them. */
import type { Client } from '@temporalio/client';
import { keptWishesQuery, type MayorActivities } from '../contract/mayor.js';
import { MAYOR } from '../town/address.js';
import type { SilentEnd } from '../town/patrol.js';
import type { Wish } from '../town/wish.js';
import { isKeyOfWish } from '../town/wish-mission.js';
import { isOpen } from './executions.js';
import { lastKept } from './kept.js';
import { STARTED_FOR } from './missions.js';

export async function findWishesBefore(client: Client): ReturnType<MayorActivities['findWishesBefore']> {
  const kept = await lastKept(client, keptWishesQuery, MAYOR);
  if (kept === null) return null;
  // What was said while there was no mayor, nobody has heard.
  const over = await Promise.all(kept.wishes.map(async (wish) => ((await isOver(client, wish)) ? [wish.id] : [])));
  return { ...kept, over: over.flat() };
}

async function isOver(client: Client, { state }: Wish): Promise<boolean> {
  return state.kind === 'started' && !(await isOpen(client, { workflowId: state.mission, firstRunId: null }));
}

/** So many are looked at, the last first. */
const SILENT_MAX = 100;
/** Whatever ends otherwise tells of it. */
const SILENT = 'WorkflowType="mission" AND ExecutionStatus IN ("Terminated", "TimedOut")';

/** Missions of wishes that were ended from outside, with those that run anew: of one that was reset an earlier run was, too. */
export async function endedUnheard(client: Client): Promise<SilentEnd[]> {
  const found: SilentEnd[] = [];
  let seen = 0;
  for await (const { workflowId: mission, runId: run, memo } of client.workflow.list({ query: SILENT })) {
    if (isKeyOfWish(memo?.[STARTED_FOR])) found.push({ mission, run });
    seen += 1;
    if (seen === SILENT_MAX) break;
  }
  return found.toSorted((a, b) => (a.run < b.run ? -1 : 1));
}
