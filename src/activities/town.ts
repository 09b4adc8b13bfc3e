/** Acts of the town: plan and cook work, start roles, look at workflows, keep the ledger. */
import { Context, log } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import type { Answer, Call } from '../contract/calls.js';
import type { CookRequest } from '../contract/cooking.js';
import type { Delivered, PlanRequest, TownActivities, WorkPlan } from '../contract/activities.js';
import { mailMessage, refineryMessages } from '../contract/messages.js';
import type { ReachActivities } from '../contract/reach.js';
import { landedQuery } from '../contract/refinery.js';
import { canonicalHash } from '../formula/canonical.js';
import { readFormula } from '../formula/cook.js';
import type { Cooked, Order } from '../formula/cook.js';
import { cookForeign } from '../formula/foreign-values.js';
import { printProblems, sayProblem } from '../formula/problem.js';
import { remoteSha } from '../git/branch.js';
import { revokeMerge } from '../git/merge-pins.js';
import { openMirror } from '../git/mirror.js';
import type { Ledger } from '../ledger/ledger.js';
import { Json } from '../town/act.js';
import { refineryOf } from '../town/address.js';
import { legsOf } from '../town/convoy.js';
import type { MissionOrder } from '../town/mission-order.js';
import type { Mail } from '../town/mail.js';
import type { ConvoyPart } from '../town/convoy.js';
import { unpricedModels } from '../town/prices.js';
import { own } from '../town/own.js';
import type { Protomolecule } from '../town/protomolecule.js';
import type { RigRef } from '../town/rig.js';
import { requestsPattern } from '../town/refinery.js';
import { assigneesOf, checkAgents, checkAssignees, checkWork, placeOf } from '../town/work.js';
import { answerWaiter } from './answer-waiter.js';
import { askMolecules, membersAmong } from './assigned.js';
import { refuse } from './beating.js';
import { Unreadable } from '../formula-shelf.js';
import type { TownShelf } from '../formula-shelf.js';
import { checkGate } from './gate.js';
import { circularActivities } from './circular.js';
import { awaitClosed, awaitMission, awaitMolecule, cancelExecution, howEnded, isOpen } from './executions.js';
import { deleteExecution } from './forgetting.js';
import { needsPerson } from './git-trouble.js';
import { escalationActivities } from './escalations.js';
import { lookAtHolders } from './health.js';
import { findDogsBefore, lookAtDogs, planErrand, startDog } from './dogs.js';
import { endedMissions, forgetEnded } from './ended.js';
import { findSandbox, lookAtHost } from './hosts.js';
import { openIntegration } from './integration.js';
import { brief } from './briefing.js';
import { findTownHold } from './town-hold.js';
import { previewMission, startMission } from './missions.js';
import type { Places } from './places.js';
import { findPolecats } from './polecats.js';
import { PluginKeeper, startPlugin } from './plugins.js';
import { redispatch } from './redispatch.js';
import { ensureRole, told } from './roles.js';
import { watchActivities } from './watch.js';
import { findWishesBefore } from './wishes.js';
import { remotesOf } from './remotes.js';
import type { ReadTown, Remotes } from './remotes.js';

export type TownDeps = {
  readonly client: Client;
  /** As an agent's session calls: rejects where it is worth to try again. */
  readonly call: (call: Call, whenAccepted?: () => void) => Promise<Answer>;
  readonly host: string;
  readonly places: Places;
  readonly ledger: Ledger;
  readonly formulas: TownShelf;
  /** town.toml as it is now; every problem in one text when it cannot be read. */
  readonly readTown: ReadTown;
};

/** A mission's plan travels in one payload, of which the server takes 2 MB. */
const PLAN_BYTES_MAX = 1_500_000;
const ITEMS_MAX = 500;

/** But for those that tell people, which are `reach`'s. */
type OfTheTown = Omit<TownActivities, keyof ReachActivities>;

export function townActivities(deps: TownDeps, plugins = new PluginKeeper(deps)): OfTheTown {
  const { urlOf } = remotesOf(deps.readTown);
  const headOf = async (rig: RigRef, branch: string): Promise<string | null> => {
    const mirror = deps.places.mirror(rig.name);
    await openMirror({ path: mirror, url: await urlOf(rig) });
    return remoteSha({ mirror, branch });
  };
  const hasBranch = async (rig: RigRef, branch: string) => (await headOf(rig, branch)) !== null;
  const start = (order: MissionOrder) => startMission(deps.client, (items) => planWork(deps, { items }), order);
  return {
    planWork: (request) => planWork(deps, request),
    cook: async (request) => {
      const cooked = cookOne(deps, request);
      if (!cooked.ok) throw refuse('BadFormula', cooked.problems);
      return cooked.proto;
    },
    chooseHost: async () => deps.host,
    lookAtHost: ({ host }) => lookAtHost(deps.client, deps.host, host),
    findSandbox: (request) => findSandbox(deps.client, request),
    ensureRole: (request) => ensureRole(deps.client, request),
    isPushed: async ({ rig, branch, head }) => (await headOf(rig, branch)) === head,
    abandonMerge: (request) => abandonMerge(deps, urlOf, request),
    openIntegration: async (request) =>
      openIntegration(deps.places, { ...request, rig: { ...request.rig, url: await urlOf(request.rig) } }),
    areOpen: (executions) => Promise.all(executions.map((execution) => isOpen(deps.client, execution))),
    lookAtHolders: (request) => lookAtHolders(deps.client, request),
    findPolecats: (rig) => findPolecats(deps.client, deps.places, rig),
    awaitClosed: (execution) => awaitClosed(deps.client, execution),
    awaitMolecule: (request) => awaitMolecule(deps.client, request),
    cancelExecution: (execution) => cancelExecution(deps.client, execution),
    checkGate: (request) => {
      const { info, cancellationSignal: signal } = Context.current();
      return checkGate(deps.client, request, { attempt: info.attempt, signal });
    },
    deleteExecution: (execution) => deleteExecution(deps.client, execution),
    deliver: async (mail) => (await deliver(deps, mail)) === null,
    deliverReply: (mail) => heardOf(deps, mail),
    deliverAll: (mails) => deliverAll(deps, mails),
    startMission: start,
    ...watchActivities(deps, plugins),
    ...circularActivities(deps),
    ...escalationActivities(deps),
    answerWaiter: (request) => answerWaiter(deps, request),
    startPlugin: (request) => startPlugin(deps.readTown, start, request),
    howEnded: ({ mission }) => howEnded(deps.client, mission),
    keepPlugins: () => plugins.keep(),
    planErrand: (request) => planErrand(deps.client, deps.readTown, request),
    startDog: (request) => startDog(deps.client, request),
    findWishesBefore: () => findWishesBefore(deps.client),
    findDogsBefore: () => findDogsBefore(deps.client),
    lookAtDogs: (dogs) => lookAtDogs(deps.client, dogs),
    endedMissions: () => endedMissions(deps.client),
    forgetEnded: (request) => forgetEnded(deps.client, (entry) => deps.ledger.append(entry), request),
    askAssigned: (request) => askMolecules(deps.client, request),
    previewMission: (input) => previewMission((items) => planWork(deps, { items }), input),
    awaitMission: ({ mission }) => awaitMission(deps.client, mission),
    brief: (request) =>
      brief({ ...deps, findHold: () => findTownHold(deps.client), cook: (order) => cookOne(deps, order) }, request),
    redispatch: (recovered) => redispatch(deps.client, { readTown: deps.readTown, start, hasBranch }, recovered),
    record: async (entry) => {
      await deps.ledger.append(entry);
    },
    recordAll: (entries) => deps.ledger.appendAll(entries),
  };
}

async function planWork(deps: TownDeps, { items, byFormula = false }: PlanRequest): Promise<WorkPlan> {
  // Before it is read: what changes in between is told again by the next one.
  const readAtMs = Date.now();
  const read = await deps.readTown();
  if (!read.ok) throw refuse('BadTown', read.problems);
  const { rigs, limits, prices } = read.town;
  const problems = [
    ...checkWork(items, Object.keys(rigs), byFormula),
    ...checkAgents(items, rigs, byFormula),
    ...checkAssignees(items, await membersAmong(deps.client, assigneesOf(items))),
  ];
  const cookedItems = items.flatMap((item, index): [string, Protomolecule][] => {
    if (item.assignee !== undefined) return [];
    const cooked = cookOne(deps, { ...item, offered: {} });
    if (cooked.ok) return [[item.id, cooked.proto]];
    // By a formula's name the variables are the input's own keys.
    const key = cooked.about === 'vars' && byFormula ? '' : `${cooked.about}: `;
    problems.push(...cooked.said.map((said) => `${placeOf(index, item.id, byFormula)}${key}${said}`));
    return [];
  });
  let protos = Object.fromEntries(cookedItems);
  const work = items.flatMap(({ id, rig: name }) => {
    const [rig, proto] = [own(rigs, name), own(protos, id)];
    return rig === undefined || proto === undefined ? [] : [{ rig, proto }];
  });
  const unpriced = unpricedModels(work, prices);
  let convoys: Readonly<Record<string, readonly ConvoyPart[]>> = {};
  for (const [id, proto] of Object.entries(protos)) {
    const parts = legsOf(id, proto, canonicalHash);
    if (parts === null) continue;
    const { [id]: _, ...others } = protos;
    problems.push(...parts.flatMap((part) => (Object.hasOwn(others, part.id) ? [taken(id, part)] : [])));
    protos = { ...others, ...Object.fromEntries(parts.map((part) => [part.id, part.proto])) };
    convoys = { ...convoys, [id]: parts.map(({ proto: __, ...part }) => part) };
  }
  const count = Object.keys(protos).length + items.filter(({ assignee }) => assignee !== undefined).length;
  if (count > ITEMS_MAX)
    problems.push(`work: with the legs of its convoys the mission has ${count} items, the most is ${ITEMS_MAX}`);
  if (problems.length > 0) throw refuse('BadMission', problems.join('\n'));
  const used = new Set(items.map((item) => item.rig));
  const plan = {
    limits,
    rigs: Object.fromEntries(
      Object.entries(rigs).flatMap(([name, rig]) => (used.has(name) ? [[name, told(rig, readAtMs)]] : [])),
    ),
    protos,
    ...(Object.keys(convoys).length === 0 ? {} : { convoys }),
    ...(unpriced.length === 0 ? {} : { unpriced }),
  };
  const bytes = Buffer.byteLength(JSON.stringify(plan));
  if (bytes > PLAN_BYTES_MAX) {
    throw refuse(
      'BadMission',
      `work: cooked, the mission has ${bytes} bytes, the most is ${PLAN_BYTES_MAX}; split it into several missions`,
    );
  }
  return plan;
}

function taken(convoy: string, part: ConvoyPart): string {
  return `work: "${part.id}" is the ${part.role} "${part.step}" of the convoy "${convoy}"; give the other item of that id another one`;
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

function cookOne({ formulas }: TownDeps, request: CookRequest): CookedOne {
  try {
    const changed = whyChanged(formulas, request);
    if (changed !== null) return { ok: false, problems: changed, about: 'formula', said: [changed] };
    const cooked = cookFrom(formulas, request);
    if (cooked.ok) return { ok: true, proto: cooked.protomolecule };
    const problems = printProblems(cooked.problems);
    return cooked.onlyValues === true
      ? { ok: false, problems, about: 'vars', said: cooked.problems.map(sayProblem) }
      : { ok: false, problems, about: 'formula', said: [problems] };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return { ok: false, problems: error.message, about: 'formula', said: [error.message] };
  }
}

/** Null when the formula is still what it was cooked from before, or was not. */
function whyChanged(formulas: TownShelf, { was, ...request }: CookRequest): string | null {
  if (was === undefined) return null;
  const { hash, ...values } = was;
  const { wordsOf: _, ...place } = request;
  const again = cookFrom(formulas, { ...place, ...values });
  if (again.ok && again.protomolecule.hash === hash) return null;
  return `the formula ${request.formula} is not any more what this was cooked from: its variables stay as they are; start it anew with others`;
}

function cookFrom(formulas: TownShelf, { formula, vars, offered, wordsOf = {}, rig }: CookRequest): Cooked {
  const shelf = rig === undefined ? formulas : formulas.forRig(rig);
  const order = { name: formula, load: shelf.load, names: shelf.names() };
  const wanted = Object.keys(offered).length === 0 ? [] : declaredIn(order);
  const taken = Object.fromEntries(Object.entries(offered).filter(([name]) => wanted.includes(name)));
  return cookForeign({ ...order, vars: { ...taken, ...vars } }, wordsOf);
}

/** Names of the variables a formula has; none when it cannot be read, which cooking then tells. */
function declaredIn({ name, load, names }: Pick<Order, 'name' | 'load' | 'names'>): readonly string[] {
  const file = load(name);
  const read = file === null ? null : readFormula(name, file, names, load);
  return read?.ok === true ? read.formula.vars.map((variable) => variable.name) : [];
}

/** Null when it was taken, else why it was not. */
/** Why it is not taken; null when it is. */
async function deliver(deps: TownDeps, mail: Mail): Promise<string | null> {
  const { isTaken, says } = await heardOf(deps, mail);
  return isTaken ? null : says;
}

async function heardOf({ call }: TownDeps, mail: Mail): ReturnType<TownActivities['deliverReply']> {
  const { id: updateId, to: workflow } = mail;
  const answer = await call({ kind: 'update', workflow, name: mailMessage.name, content: Json.parse(mail), updateId });
  // It may have it still: asked again under its id it says so.
  if (answer.kind === 'failed' || answer.kind === 'unanswered')
    throw new Error(`${workflow} has not taken the mail ${updateId}: ${answer.why}`);
  if (answer.kind === 'result') return { isTaken: true, says: String(answer.value) };
  const says = 'why' in answer ? answer.why : `there is no ${workflow}`;
  log.warn(`${workflow} takes no mail: ${says}`);
  return { isTaken: false, says };
}

async function deliverAll(deps: TownDeps, mails: readonly Mail[]): Promise<Delivered> {
  for (const [taken, mail] of mails.entries()) {
    // What was taken counts, though the next one fails: that one is the first when the rest is asked for.
    const why = await deliver(deps, mail).catch((error: unknown) => {
      if (taken === 0) throw error;
      return error instanceof Error ? error.message : String(error);
    });
    if (why !== null) return { taken, why };
  }
  return { taken: mails.length, why: null };
}

/**
 * The refinery answers once the last request of the molecule is out: what lands in the meantime is told as landed. A refinery
 * that was terminated may have left a push under way of which the one that runs knows nothing; the mirror does.
 */
async function abandonMerge(
  { client, places }: TownDeps,
  urlOf: Remotes['urlOf'],
  { rig, patience, molecule, target = rig.branch }: Parameters<TownActivities['abandonMerge']>[0],
): Promise<{ readonly commit: string | null }> {
  await ensureRole(client, { role: 'refinery', rig, patience });
  const refinery = client.workflow.getHandle(refineryOf(rig.name));
  const id = `abandon:${molecule}`;
  await refinery.executeUpdate(refineryMessages.abandon.update, { updateId: id, args: [{ id, by: 'town', molecule }] });
  const known = await refinery.query(landedQuery, molecule);
  if (known !== null) return { commit: known };
  const mirror = places.mirror(rig.name);
  try {
    await openMirror({ path: mirror, url: await urlOf(rig) });
    return { commit: await revokeMerge({ mirror, requests: requestsPattern(molecule), target }) };
  } catch (error) {
    if (!needsPerson(error)) throw error;
    // Nobody can see the target, nor land anything on it: its sandbox is kept for the same reason.
    log.warn(`what ${molecule} handed in counts as not landed: ${error.message}`);
    return { commit: null };
  }
}
