/** What is left of the budget of a mission. */
import * as z from 'zod';
import { spent, type MissionState } from './mission.js';

/** The budget, and what is left of it when those under way are not counted; null where there is none. */
export const Purse = z.object({ budgetUsd: z.number(), leftUsd: z.number() }).nullable();
export type Purse = z.infer<typeof Purse>;

export function purseOf(mission: MissionState): Purse {
  const { budgetUsd } = mission;
  return budgetUsd === null ? null : { budgetUsd, leftUsd: Math.max(0, budgetUsd - spent(mission).usd) };
}
