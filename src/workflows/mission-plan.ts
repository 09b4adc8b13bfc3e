/** From a mission's input to a plan that can be worked: read, checked, cooked, or refused with every problem before anything exists. */
import { workflowInfo } from '@temporalio/workflow';
import type { PlanRequest, WorkPlan } from '../contract/activities.js';
import { EMPTY_DESK } from '../contract/desk.js';
import { MISSION_EXAMPLE, MissionInput } from '../contract/mission.js';
import type { MissionCarry, Plan } from '../contract/mission.js';
import type { Item } from '../town/mission.js';
import { NO_USAGE } from '../town/session.js';
import { causeOf, failure, readInput } from './failing.js';
import { town } from './hands.js';
import { refuseRoleAddress } from './start.js';

/** The time before the town's own patience is known. */
const PATIENCE_OF_ACCEPTANCE = 1;

export async function acceptMission(raw: unknown): Promise<MissionCarry> {
  const input = readInput(MissionInput, raw, 'BadMission', MISSION_EXAMPLE);
  const { workflowId, firstExecutionRunId } = workflowInfo();
  refuseRoleAddress('BadMission', 'mission');
  const plan = await planWork(input.work);
  const items = input.work.map((item): Item => ({
    id: item.id,
    title: item.title ?? item.id,
    rig: item.rig,
    formula: item.formula,
    needs: item.needs,
    priority: item.priority,
    attempt: 1,
    lost: 0,
    state: { kind: 'waiting' },
    usage: NO_USAGE,
    sessions: 0,
    reworks: 0,
  }));
  return {
    state: { title: input.title ?? workflowId, items, budgetUsd: input.budget?.usd ?? null },
    plans: Object.fromEntries(input.work.map((item) => [item.id, pick(plan, item)])),
    limits: plan.limits,
    notify: input.notify,
    firstRun: firstExecutionRunId,
    open: [],
    desk: EMPTY_DESK,
  };
}

/** The plan of one item again, as formula and town.toml are now. */
export async function planAgain(
  carry: MissionCarry,
  item: Item,
): Promise<{ plan: Plan; limits: MissionCarry['limits'] }> {
  const vars = carry.plans[item.id]?.vars ?? {};
  const plan = await planWork([{ ...item, needs: [], vars }]);
  return { plan: pick(plan, { ...item, vars }), limits: plan.limits };
}

async function planWork(items: PlanRequest['items']): Promise<WorkPlan> {
  const request = items.map(({ id, rig, needs, formula, vars }) => ({ id, rig, needs, formula, vars }));
  try {
    return await town(PATIENCE_OF_ACCEPTANCE).planWork.executeWithOptions({ summary: 'check and cook the work' }, [
      { items: request },
    ]);
  } catch (error) {
    throw causeOf(error);
  }
}

function pick(
  plan: WorkPlan,
  item: { readonly id: string; readonly rig: string; readonly vars: Readonly<Record<string, string>> },
): Plan {
  const rig = plan.rigs[item.rig];
  const proto = plan.protos[item.id];
  if (rig === undefined || proto === undefined) throw failure('BadMission', `no plan was made for item "${item.id}"`);
  return { rig, proto, vars: item.vars };
}
