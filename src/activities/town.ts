/** Acts of the town: plan and cook work, start roles, look at workflows, keep the ledger. */
import { activityInfo, Context } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import type {
  CookRequest,
  Execution,
  PlanRequest,
  RoleRequest,
  TownActivities,
  WorkPlan,
} from '../contract/activities.js';
import { witnessMessages } from '../contract/messages.js';
import { attribute } from '../contract/search-attributes.js';
import { TOWN_QUEUE } from '../contract/task-queues.js';
import { cook, readFormula } from '../formula/cook.js';
import type { Order } from '../formula/cook.js';
import { printProblems, sayProblem } from '../formula/problem.js';
import { remoteSha } from '../git/branch.js';
import { openMirror } from '../git/mirror.js';
import type { Ledger } from '../ledger/ledger.js';
import { refineryOf, witnessOf } from '../town/address.js';
import type { Protomolecule } from '../town/protomolecule.js';
import type { TownSnapshot } from '../town/rig.js';
import { checkWork, placeOf } from '../town/work.js';
import { refuse } from './beating.js';
import type { FormulaShelf } from './formulas.js';
import type { Places } from './places.js';
import { findPolecats } from './polecats.js';

export type TownDeps = {
  readonly client: Client;
  readonly host: string;
  readonly places: Places;
  readonly ledger: Ledger;
  readonly formulas: FormulaShelf;
  /** town.toml as it is now; every problem in one text when it cannot be read. */
  readonly readTown: () => Promise<
    { readonly ok: true; readonly town: TownSnapshot } | { readonly ok: false; readonly problems: string }
  >;
};

/** A mission's plan travels in one payload, of which the server takes 2 MB. */
const PLAN_BYTES_MAX = 1_500_000;

export function townActivities(deps: TownDeps): TownActivities {
  return {
    planWork: (request) => planWork(deps, request),
    cook: async (request) => {
      const cooked = cookOne(deps, request);
      if (!cooked.ok) throw refuse('BadFormula', cooked.problems);
      return cooked.proto;
    },
    chooseHost: async () => deps.host,
    ensureRole: (request) => ensureRole(deps.client, request),
    isPushed: async ({ rig, branch, head }) => {
      const mirror = deps.places.mirror(rig.name);
      await openMirror({ path: mirror, url: rig.url });
      return (await remoteSha({ mirror, branch })) === head;
    },
    areOpen: (executions) => Promise.all(executions.map((execution) => isOpen(deps.client, execution))),
    findPolecats: (rig) => findPolecats(deps.client, deps.places, rig),
    awaitClosed: (execution) => awaitClosed(deps.client, execution),
    record: async (entry) => {
      await deps.ledger.append(entry);
    },
  };
}

async function planWork(deps: TownDeps, { items, byFormula = false }: PlanRequest): Promise<WorkPlan> {
  const read = await deps.readTown();
  if (!read.ok) throw refuse('BadTown', read.problems);
  const { rigs, limits } = read.town;
  const problems = [...checkWork(items, Object.keys(rigs), byFormula)];
  const protos: Record<string, Protomolecule> = {};
  items.forEach((item, index) => {
    const cooked = cookOne(deps, { ...item, offered: {} });
    if (cooked.ok) protos[item.id] = cooked.proto;
    else {
      // By a formula's name the variables are the input's own keys.
      const key = cooked.about === 'vars' && byFormula ? '' : `${cooked.about}: `;
      problems.push(...cooked.said.map((said) => `${placeOf(index, item.id, byFormula)}${key}${said}`));
    }
  });
  if (problems.length > 0) throw refuse('BadMission', problems.join('\n'));
  const used = new Set(items.map((item) => item.rig));
  const plan = { limits, rigs: Object.fromEntries(Object.entries(rigs).filter(([name]) => used.has(name))), protos };
  const bytes = Buffer.byteLength(JSON.stringify(plan));
  if (bytes > PLAN_BYTES_MAX) {
    throw refuse(
      'BadMission',
      `work: cooked, the mission has ${bytes} bytes, the most is ${PLAN_BYTES_MAX}; split it into several missions`,
    );
  }
  return plan;
}

type CookedOne =
  | { readonly ok: true; readonly proto: Protomolecule }
  | {
      readonly ok: false;
      readonly problems: string;
      /** The same to the author of a mission, who gave the values and may never have seen the formula. */
      readonly about: 'vars' | 'formula';
      readonly said: readonly string[];
    };

function cookOne({ formulas }: TownDeps, { formula, vars, offered }: CookRequest): CookedOne {
  const order = { name: formula, load: formulas.load, names: formulas.names() };
  const wanted = Object.keys(offered).length === 0 ? [] : declaredIn(order);
  const taken = Object.fromEntries(Object.entries(offered).filter(([name]) => wanted.includes(name)));
  const cooked = cook({ ...order, vars: { ...taken, ...vars } });
  if (!cooked.ok) {
    const { problems, onlyValues } = cooked;
    const printed = printProblems(problems);
    return onlyValues === true
      ? { ok: false, problems: printed, about: 'vars', said: problems.map(sayProblem) }
      : { ok: false, problems: printed, about: 'formula', said: [printed] };
  }
  return { ok: true, proto: cooked.protomolecule };
}

/** Names of the variables a formula has; none when it cannot be read, which cooking then tells. */
function declaredIn({ name, load, names }: Pick<Order, 'name' | 'load' | 'names'>): readonly string[] {
  const file = load(name);
  const read = file === null ? null : readFormula(name, file, names);
  return read?.ok === true ? read.formula.vars.map((variable) => variable.name) : [];
}

/** A role that runs is only given its configuration; one that does not is started with it. Both in one call. */
async function ensureRole(client: Client, { role, rig, patience }: RoleRequest): Promise<void> {
  const workflowId = role === 'witness' ? witnessOf(rig.name) : refineryOf(rig.name);
  const id = `configure:${activityInfo().workflowExecution?.runId ?? ''}:${activityInfo().activityId}`;
  await client.workflow.signalWithStart(role, {
    workflowId,
    taskQueue: TOWN_QUEUE,
    args: [{ rig, patience }],
    signal: witnessMessages.configure.signal,
    signalArgs: [{ id, rig, patience }],
    staticSummary: `${role} of ${rig.name}`,
    typedSearchAttributes: [
      { key: attribute.role, value: role },
      { key: attribute.rig, value: [rig.name] },
      { key: attribute.phase, value: 'waiting' },
    ],
  });
}

async function describe(
  client: Client,
  { workflowId, firstRunId }: Execution,
): Promise<WorkflowExecutionDescription | null> {
  try {
    const description = await client.workflow.getHandle(workflowId).describe();
    const first = description.raw.workflowExecutionInfo?.firstRunId ?? null;
    // Another execution under the same id means that ours has closed.
    return firstRunId !== null && first !== null && first !== '' && first !== firstRunId ? null : description;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

async function isOpen(client: Client, execution: Execution): Promise<boolean> {
  const description = await describe(client, execution);
  return description?.status.name === 'RUNNING' || description?.status.name === 'PAUSED';
}

async function awaitClosed(client: Client, execution: Execution): Promise<void> {
  const signal = Context.current().cancellationSignal;
  while (await isOpen(client, execution)) {
    signal.throwIfAborted();
    const { workflowId, firstRunId } = execution;
    const options = firstRunId === null ? {} : { firstExecutionRunId: firstRunId };
    // A long poll of the server; it ends with the workflow, whichever way that ends.
    await client.workflow
      .getHandle(workflowId, undefined, options)
      .result()
      .catch(() => undefined);
  }
}
