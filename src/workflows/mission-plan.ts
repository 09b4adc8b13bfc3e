/** From a mission's input to a plan that can be worked: checked, cooked, or refused with every problem before anything exists. */
import { isCancellation, workflowInfo } from '@temporalio/workflow';
import type { PlanRequest, WorkPlan } from '../contract/activities.js';
import { EMPTY_DESK } from '../contract/desk.js';
import type { MissionCarry, MissionInput, Plan } from '../contract/mission.js';
import type { Origins } from '../contract/vars.js';
import { memberMeant } from '../town/assigned.js';
import { withParts } from '../town/convoy.js';
import type { ConvoyPart } from '../town/convoy.js';
import { withIntegration } from '../town/integration.js';
import { itemOf } from '../town/mission.js';
import type { Item, MissionEvent, MissionState } from '../town/mission.js';
import type { Words } from '../town/mission-words.js';
import { own } from '../town/own.js';
import type { Protomolecule } from '../town/protomolecule.js';
import { DEFAULT_LIMITS } from '../town/rig.js';
import type { RigSnapshot } from '../town/rig.js';
import { NO_USAGE } from '../town/session.js';
import { causeOf, failure } from './failing.js';
import { town } from './hands.js';
import { openedIntegration } from './mission-integration.js';
import { refuseRoleAddress } from './start.js';

/** The time before the town's own patience is known. */
const PATIENCE_OF_ACCEPTANCE = 1;
const TITLE_CHARS_MAX = 200;

/** The server takes 2 MB. What a mission comes to know of its items, and its desk, must find room beside the plan. */
const CARRY_BYTES_MAX = 2_000_000;
const DESK_BYTES = 500_000;
const ITEM_BYTES = 1_500;

type Planned = Pick<MissionCarry, 'plans' | 'rigs' | 'limits'>;

/** The mission as its input has it, before its work was planned: enough to take messages and to answer queries. */
export function draftOf(input: MissionInput): MissionCarry {
  const { workflowId, firstExecutionRunId, startTime } = workflowInfo();
  refuseRoleAddress('BadMission', 'mission');
  const items = input.work.map((item): Item => ({
    id: item.id,
    title: item.title ?? item.id,
    rig: item.rig,
    formula: item.formula,
    needs: item.needs,
    priority: item.priority,
    ...(item.assignee === undefined ? {} : { assignee: memberMeant(item.assignee, item.rig) ?? item.assignee }),
    ...(item.agent === undefined ? {} : { agent: item.agent }),
    ...(item.from === undefined ? {} : { from: item.from }),
    attempt: 1,
    lost: 0,
    state: { kind: 'waiting' },
    usage: NO_USAGE,
    sessions: 0,
    reworks: 0,
  }));
  return {
    state: { title: input.title ?? workflowId, items, budgetUsd: input.budget?.usd ?? null },
    sinceMs: startTime.getTime(),
    plans: {},
    rigs: {},
    limits: DEFAULT_LIMITS,
    notify: input.notify,
    firstRun: firstExecutionRunId,
    open: [],
    desk: EMPTY_DESK,
  };
}

/**
 * The mission with its work planned, each convoy in its parts. Throws when it does not fit, or would not once the mission must
 * continue as new. `now`: messages may have come in since it was asked for.
 */
export async function planned(now: () => MissionCarry, input: MissionInput): Promise<MissionCarry> {
  const plan = await planWork(input.work);
  const integration = await openedIntegration(input, plan);
  const before = now();
  const parts = withParts(input.work, plan.convoys ?? {});
  const items = parts.map(({ item, id, needs, part }) => ({
    ...itemOf(before.state, item.id),
    id,
    title: titleOf(item, part),
    needs,
    ...(part === null ? {} : { leg: { item: part.item, step: part.step, role: part.role } }),
  }));
  const plans = Object.fromEntries(
    parts.flatMap(({ id, item }) =>
      item.assignee === undefined ? [[id, pick(plan, id, Object.keys(item.vars))] as const] : [],
    ),
  );
  const { protos, rigs, limits } = plan;
  const whole =
    integration === null
      ? { items, protos: {} }
      : withIntegration(items, integration, { protos, rigs }, howWhole(input));
  const landings = Object.entries(whole.protos).map(([id, proto]) => [id, { given: [], proto }] as const);
  const carry = { ...before, state: withUnpriced({ ...before.state, items: whole.items }, plan) };
  return { ...carry, ...fitting(carry, { plans: { ...plans, ...Object.fromEntries(landings) }, rigs, limits }) };
}

const howWhole = ({ atomic = false, integration }: MissionInput) => ({
  isTogether: atomic,
  isNamed: typeof integration === 'string',
});

type Retrying = {
  readonly now: () => MissionCarry;
  readonly note: (event: MissionEvent) => void;
  /** The item has another plan from now on. */
  readonly take: (planned: MissionCarry) => void;
};
type Retry = { readonly item: string; readonly words?: Words };

/** A failed item goes to whoever is next, by a plan made anew; what a person is to do has none, nor has what only lands. */
export async function retry({ item: id, words }: Retry, { now, note, take }: Retrying): Promise<void> {
  const isFailed = () => itemOf(now().state, id).state.kind === 'failed';
  const item = itemOf(now().state, id);
  if (!isFailed()) return;
  const retried = { kind: 'retried', item: id, ...(words === undefined ? {} : { words }) } as const;
  if (item.assignee !== undefined || item.isWhole === true) return note(retried);
  try {
    const plan = await planAgain(now(), item);
    if (!isFailed()) return;
    take(withPlan(now(), item, plan));
    note(retried);
  } catch (error) {
    if (isCancellation(error)) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    note({ kind: 'unplannable', item: id, reason });
  }
}

/** The plan of one item made again, as formula and town.toml are now; taken up by `withPlan`. */
async function planAgain(carry: MissionCarry, item: Item): Promise<WorkPlan> {
  const before = own(carry.plans, item.id);
  const given = before?.given ?? [];
  const vars = Object.fromEntries(given.map((name) => [name, own(before?.proto.vars ?? {}, name) ?? '']));
  // The part of a convoy is planned with the whole of it.
  return planWork([{ ...item, id: item.leg?.item ?? item.id, needs: [], vars, origins: before?.proto.wordsOf }]);
}

/** Throws when it does not fit. */
function withPlan(carry: MissionCarry, item: Item, plan: WorkPlan): MissionCarry {
  const plans = { ...carry.plans, [item.id]: pick(plan, item.id, own(carry.plans, item.id)?.given ?? []) };
  const fits = fitting(carry, { plans, rigs: { ...carry.rigs, ...plan.rigs }, limits: plan.limits });
  return { ...carry, ...fits, state: withUnpriced(carry.state, plan) };
}

/** Of the models of a plan it is known anew whether they have a price; of the others it stays. */
function withUnpriced({ unpriced = [], ...state }: MissionState, plan: WorkPlan): MissionState {
  const planned = Object.values(plan.rigs).map((rig) => rig.runtime.model);
  const now = [...unpriced.filter((model) => !planned.includes(model)), ...(plan.unpriced ?? [])];
  return now.length === 0 ? state : { ...state, unpriced: now };
}

function titleOf(item: MissionInput['work'][number], part: ConvoyPart | null): string {
  if (part === null) return item.title ?? item.id;
  return (item.title === undefined ? part.title : `${item.title} · ${part.title}`).slice(0, TITLE_CHARS_MAX);
}

type Work = Omit<PlanRequest['items'][number], 'wordsOf'> & { readonly origins?: Origins | undefined };

async function planWork(items: readonly Work[]): Promise<WorkPlan> {
  const request = items.map(({ id, rig, needs, formula, assignee, vars, origins, agent }) => ({
    id,
    rig,
    needs,
    formula,
    vars,
    ...(assignee === undefined ? {} : { assignee }),
    ...(agent === undefined ? {} : { agent }),
    ...(origins === undefined ? {} : { wordsOf: origins }),
  }));
  try {
    return await town(PATIENCE_OF_ACCEPTANCE).planWork.executeWithOptions({ summary: 'check and cook the work' }, [
      { items: request, byFormula: workflowInfo().workflowType !== 'mission' },
    ]);
  } catch (error) {
    throw causeOf(error);
  }
}

function pick(plan: WorkPlan, item: string, given: readonly string[]): Plan {
  const proto = own(plan.protos, item);
  if (proto === undefined)
    throw failure('BadMission', `no plan was made for item "${item}": its formula has no such part any more`);
  return { given, proto };
}

const bytesOf = (text: string) => new TextEncoder().encode(text).length;

function fitting(carry: MissionCarry, plan: Planned): Planned {
  const { items } = carry.state;
  // Claims hold the mission's id, and an item at work has its claim twice.
  const growth = items.length * (ITEM_BYTES + 2 * bytesOf(workflowInfo().workflowId));
  const bytes = bytesOf(JSON.stringify({ ...carry, ...plan, desk: EMPTY_DESK })) + growth;
  const most = CARRY_BYTES_MAX - DESK_BYTES;
  if (bytes <= most) return plan;
  throw failure(
    'BadMission',
    `work: cooked, the mission has ${bytes} bytes, the most is ${most}; split it into several missions`,
  );
}

/** What a run of 0.1.0 handed over: rig and variables stood in every plan. */
type CarryBefore = Omit<MissionCarry, 'plans' | 'rigs'> & {
  readonly plans: Readonly<
    Record<string, { readonly vars: object; readonly rig: RigSnapshot; readonly proto: Protomolecule }>
  >;
};

export function asNow(carry: MissionCarry | CarryBefore): MissionCarry {
  if ('rigs' in carry) return carry;
  const plans = Object.entries(carry.plans);
  return {
    ...carry,
    plans: Object.fromEntries(plans.map(([id, { vars, proto }]) => [id, { given: Object.keys(vars), proto }])),
    rigs: Object.fromEntries(plans.map(([, { rig }]) => [rig.name, rig])),
  };
}
