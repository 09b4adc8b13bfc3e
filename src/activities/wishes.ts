/** Wishes as the server knows of them: those of a mayor who is no more, and missions that work on them. */
import type { Client } from '@temporalio/client';
import { keptWishesQuery, type MayorActivities } from '../contract/mayor.js';
import { MAYOR } from '../town/address.js';
import type { Wish } from '../town/wish.js';
import { isOpen } from './executions.js';
import { lastKept } from './kept.js';

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
