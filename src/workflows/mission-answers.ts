/** What people say to a mission: answers to what has failed, and orders. Each is refused with what is possible instead, or taken. */
import { CancellationScope, condition } from '@temporalio/workflow';
import { missionMessages } from '../contract/messages.js';
import type { MissionCarry, OpenPolecat } from '../contract/mission.js';
import { polecatAt } from '../town/address.js';
import { isRoleTier } from '../town/escalation-ladder.js';
import { ANSWERED_MAX } from '../town/escalation-routes.js';
import { signatureIn } from '../town/escalation-signature.js';
import { canClose } from '../town/mission-assigned.js';
import type { Item, MissionEvent } from '../town/mission.js';
import { canSkip } from '../town/mission.js';
import { rigsIn } from '../town/mission-stand.js';
import type { Words } from '../town/mission-words.js';
import { done, refused, takenFromAbove, takenUnless, type Desk, type Taking } from './desk.js';
import { isHeldByBudget, wordNow } from './mission-budget.js';
import { patched } from './patches.js';
import { takePauses, type Teller } from './pausing.js';
import { isDue } from './start.js';

/** What asks for an act of the mission's loop. */
export type Asked =
  | { readonly kind: 'retry'; readonly item: string; readonly by: string; readonly words?: Words }
  | { readonly kind: 'withdraw'; readonly claim: string; readonly rig: string }
  /** Slots are asked for once more. */
  | { readonly kind: 'feed' }
  | { readonly kind: 'reassign'; readonly polecat: OpenPolecat };

type Mission = {
  readonly now: () => MissionCarry;
  readonly note: (event: MissionEvent) => void;
  readonly hear: (asked: Asked) => void;
  readonly teller: Teller;
};

const CANCELLED = 'the mission was cancelled: it ends what is at work and takes no more orders';

/** Asked in a handler, which runs in the scope that the server's cancellation reaches. */
const over = (): string | null =>
  CancellationScope.current().consideredCancelled && patched('a cancelled mission takes no orders', '0.6')
    ? CANCELLED
    : null;

export function takeAnswers(desk: Desk, { now, note, hear, teller }: Mission): void {
  const taking = takenUnless(desk, over);
  const answers = takenFromAbove(taking, 'this mission', () => rigsIn(now().state));
  answers.on(missionMessages.retry, ({ item: id, by, note: text }) => {
    const item = now().state.items.find((one) => one.id === id);
    if (item?.state.kind !== 'failed')
      return refused(instead(now(), 'retry', id, item, ({ state }) => state.kind === 'failed'));
    hear({ kind: 'retry', item: id, by, ...(text === undefined ? {} : { words: { by, text } }) });
    return done(`item "${id}" goes to ${item.assignee ?? 'a new polecat'}`);
  });
  answers.on(missionMessages.skip, ({ item: id, reason, by }) => {
    const item = now().state.items.find((one) => one.id === id);
    if (item === undefined || !canSkip(item)) return refused(instead(now(), 'skip', id, item, canSkip));
    if (item.state.kind === 'queued') hear({ kind: 'withdraw', claim: item.state.claim, rig: item.rig });
    note({ kind: 'skipped', item: id, reason: `${reason} (${by})` });
    return done(`item "${id}" is skipped`);
  });
  takeReassign(answers, { now, note, hear });
  takeClosings(taking, { now, note });
  taking.on(missionMessages.feed, () => {
    const queued = now().state.items.filter(({ state }) => state.kind === 'queued');
    if (queued.length === 0) return refused('no item of this mission waits for a slot');
    hear({ kind: 'feed' });
    return done(`it asks again for slots for ${queued.map(({ id }) => id).join(', ')}`);
  });
  taking.on(missionMessages.hooked, async ({ item: id }) => {
    const look = () => now().state.items.find((one) => id === undefined || one.id === id);
    const isClear = () => !['waiting', 'queued'].includes(look()?.state.kind ?? '');
    await CancellationScope.nonCancellable(() => condition(() => isClear() || isDue()));
    const item = look();
    if (item === undefined) return refused(instead(now(), 'hooked', id ?? '', item, () => true));
    if (!isClear()) return refused(`item "${item.id}" waits still: ask again`);
    const { state, rig } = item;
    return done(
      state.kind === 'working'
        ? `item "${item.id}" is on the hook of ${polecatAt(rig, state.name)}`
        : `item "${item.id}" is ${state.kind === 'assigned' ? `on the desk of ${state.person}` : state.kind}`,
    );
  });
  takePauses(taking, {
    what: 'the mission',
    messages: missionMessages,
    holds: () => [now().state.paused ?? []].flat(),
    hold: (hold) => note({ kind: 'paused', ...hold }),
    letGo: () => note({ kind: 'resumed' }),
    tell: (word) => teller.tell(now().open, isHeldByBudget(now().state) ? wordNow(now().state, word.by) : word),
    meanwhile: () => 'sessions under way end first, and what is handed in still lands',
    still: () => {
      const { state } = now();
      return isHeldByBudget(state) ? `the mission is paused no more, but ${wordNow(state, '').reason}` : null;
    },
  });
}

/** Of a polecat: those after rework are counted. */
const firstOf = (molecule: string): string => molecule.replace(/-r\d+$/, '');

/** An item at work goes to another polecat, as often as people say so, and so many times in a row as roles of the town do. */
function takeReassign(answers: Taking, { now, note, hear }: Pick<Mission, 'now' | 'note' | 'hear'>): void {
  answers.on(missionMessages.reassign, ({ item: id, reason, by, note: text, molecule }) => {
    const item = now().state.items.find((one) => one.id === id);
    const holder = item?.state.kind === 'working' ? item.state : null;
    const polecat = now().open.find((one) => one.claim === holder?.claim);
    if (item === undefined || holder === null || polecat === undefined)
      return refused(instead(now(), 'reassign', id, item, ({ state }) => state.kind === 'working'));
    if (molecule !== undefined && firstOf(molecule) !== holder.molecule)
      return refused(`${molecule} is not at work on item "${id}" any more: ${holder.molecule} is`);
    const isOfRole = isRoleTier(signatureIn(by)?.who ?? '');
    const { passedOn = 0 } = item;
    if (isOfRole && passedOn >= ANSWERED_MAX && patched('tiers pass an item on so often', '0.15'))
      return refused(`tiers have given item "${id}" to another polecat ${passedOn} times, and it has not helped`);
    const words = text === undefined ? {} : { words: { by, text } };
    note({ kind: 'reassigned', item: id, claim: polecat.claim, reason: `${reason} (${by})`, isOfRole, ...words });
    hear({ kind: 'reassign', polecat });
    return done(
      `item "${id}" goes from ${polecat.workflowId} to another polecat; what has not landed is brought to the remote`,
    );
  });
}

/** An item on somebody's desk is closed by whoever says so: as done, or as one that cannot be. */
function takeClosings(taking: Taking, { now, note }: Pick<Mission, 'now' | 'note'>): void {
  const close = (verb: 'close' | 'fail', { item: id, attempt }: Closing, text: string) => {
    const item = now().state.items.find((one) => one.id === id);
    if (item === undefined || !canClose(item)) return refused(instead(now(), verb, id, item, canClose));
    if (attempt !== undefined && attempt !== item.attempt)
      return refused(`this is attempt ${item.attempt} at item "${id}", and not ${attempt}`);
    note({ kind: 'closed', item: id, outcome: verb === 'close' ? 'done' : 'failed', note: text });
    return done(verb === 'close' ? `item "${id}" is done` : `item "${id}" has failed: it waits for retry or skip`);
  };
  taking.on(missionMessages.close, (asked) => close('close', asked, `${asked.note} (${asked.by})`));
  taking.on(missionMessages.fail, (asked) => close('fail', asked, `${asked.reason} (${asked.by})`));
}

type Closing = { readonly item: string; readonly attempt?: number | undefined };

function instead(
  { state }: MissionCarry,
  verb: string,
  id: string,
  item: Item | undefined,
  fits: (item: Item) => boolean,
): string {
  const { items } = state;
  if (item === undefined) return `there is no item "${id}"; the items are ${items.map((one) => one.id).join(', ')}`;
  const fit = items.filter(fits).map((one) => `${one.id} (${one.state.kind})`);
  const possible = fit.length === 0 ? 'it fits no item now' : `it fits ${fit.join(', ')}`;
  return `item "${id}" is ${item.state.kind}, which ${verb} does not fit; ${possible}`;
}
