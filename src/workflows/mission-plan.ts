/** From a mission's input to a plan that can be worked: read, checked, cooked, or refused with every problem before anything exists. */
import { workflowInfo } from '@temporalio/workflow';
import type { PlanRequest, WorkPlan } from '../contract/activities.js';
import { EMPTY_DESK } from '../contract/desk.js';
import { MISSION_EXAMPLE, MissionInput } from '../contract/mission.js';
import type { MissionCarry, Plan } from '../contract/mission.js';
import { isRoleAddress } from '../town/address.js';
import { withParts } from '../town/convoy.js';
import type { ConvoyPart } from '../town/convoy.js';
import type { Item } from '../town/mission.js';
import { NO_USAGE } from '../town/session.js';
import { causeOf, failure, readInput } from './failing.js';
import { town } from './hands.js';

/** The time before the town's own patience is known. */
const PATIENCE_OF_ACCEPTANCE = 1;
const TITLE_CHARS_MAX = 200;

export async function acceptMission(raw: unknown): Promise<MissionCarry> {
  const input = readInput(MissionInput, raw, 'BadMission', MISSION_EXAMPLE);
  const { workflowId, firstExecutionRunId } = workflowInfo();
  if (isRoleAddress(workflowId)) {
    throw failure(
      'BadMission',
      `the workflow id "${workflowId}" is the address of a role; choose another for the mission`,
    );
  }
  const plan = await planWork(input.work);
  const parts = withParts(input.work, plan.convoys ?? {});
  const items = parts.map(({ item, id, needs, part }): Item => ({
    id,
    title: titleOf(item, part),
    rig: item.rig,
    formula: item.formula,
    needs,
    priority: item.priority,
    attempt: 1,
    lost: 0,
    state: { kind: 'waiting' },
    usage: NO_USAGE,
    sessions: 0,
    reworks: 0,
    ...(part === null ? {} : { leg: { item: part.item, step: part.step, role: part.role } }),
  }));
  return {
    state: { title: input.title ?? workflowId, items, budgetUsd: input.budget?.usd ?? null },
    plans: Object.fromEntries(parts.map(({ id, item }) => [id, pick(plan, { ...item, id })])),
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
  // The part of a convoy is planned with the whole of it.
  const plan = await planWork([{ ...item, id: item.leg?.item ?? item.id, needs: [], vars }]);
  return { plan: pick(plan, { ...item, vars }), limits: plan.limits };
}

function titleOf(item: MissionInput['work'][number], part: ConvoyPart | null): string {
  if (part === null) return item.title ?? item.id;
  return (item.title === undefined ? part.title : `${item.title} · ${part.title}`).slice(0, TITLE_CHARS_MAX);
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
  if (rig === undefined || proto === undefined) {
    throw failure('BadMission', `no plan was made for item "${item.id}": its formula has no such part any more`);
  }
  return { rig, proto, vars: item.vars };
}
