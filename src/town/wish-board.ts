/** What people are shown of wishes: one in full, all of them on the mayor's board, and the letters that ask them for a word. */
import { isInboxAddress, MAYOR, OVERSEER } from './address.js';
import { clip } from './board.js';
import { deadLines, type DeadLetter } from './dead-letters.js';
import type { Health } from './health.js';
import { SUBJECT_CHARS_MAX, type Mail } from './mail.js';
import { spentText } from './prices.js';
import { shellWord } from './shell-text.js';
import { table } from './table.js';
import { unreachable } from './unreachable.js';
import { missionOf } from './wish-mission.js';
import { mayStart, type Wish, type WishState } from './wish.js';
import { asLine, code, named, short, timeAt } from './wording.js';

export function mayorBoard(
  wishes: readonly Wish[],
  unread: number,
  letters: number,
  dead: readonly DeadLetter[] = [],
): string {
  const open = wishes.filter(({ state }) => state.kind !== 'closed');
  const asked = open.filter(waitsForPerson).map(({ id }) => id);
  const head = [
    open.length === 0 ? 'No wish is open.' : `${open.length} ${open.length === 1 ? 'wish is' : 'wishes are'} open.`,
    ...(asked.length === 0 ? [] : [`A person is asked about ${named(asked)}.`]),
    ...(unread === 0 ? [] : [`Mails unread: ${unread} (gt mail inbox --as ${MAYOR}).`]),
    ...(letters === 0 ? [] : [`Letters on their way to the overseer: ${letters}.`]),
  ];
  const rows = wishes
    .toReversed()
    .map((wish) => [wish.id, short(wish.text), standOf(wish.state), timeAt(wish.sinceMs)]);
  const plans = open.filter(waitsForPerson).flatMap((wish) => ['', `## ${wish.id}`, '', wishText(wish)]);
  return clip(
    [
      head.join(' '),
      ...(rows.length === 0 ? [] : ['', ...table(['wish', 'wants', 'is', 'since'], rows)]),
      ...plans,
      ...deadLines(dead),
    ].join('\n'),
  );
}

export function waitsForPerson({ state }: Wish): boolean {
  return state.kind === 'proposed' || state.kind === 'unplanned';
}

type PlannerSeen = Health & { readonly agent: string; readonly seenMs: number; readonly item: string };

/** Who plans for the mayor: a consultation for each wish that is being planned. `busy`: wishes with an act under way. */
export function plannersOf(wishes: readonly Wish[], busy: readonly string[], nowMs: number): readonly PlannerSeen[] {
  return wishes.flatMap(({ id, state, sessions, sinceMs }): PlannerSeen[] => {
    if (state.kind !== 'planning') return [];
    const seen = { agent: MAYOR, item: id, seenMs: nowMs };
    if (!busy.includes(id))
      return [{ ...seen, kind: 'waiting', fact: `${id} is planned once another consultation has ended` }];
    const fact = `session ${Math.max(1, sessions)} plans ${id}, which is to be planned since ${timeAt(sinceMs)}`;
    return [{ ...seen, kind: 'working', fact }];
  });
}

/** In a few words. */
export function standOf(state: WishState): string {
  switch (state.kind) {
    case 'planning':
      return 'being planned';
    case 'checking':
      return 'its plan is being checked';
    case 'proposed':
      return 'planned, waits for approval';
    case 'unplanned':
      return `waits for a person: ${short(state.why)}`;
    case 'starting':
      return 'its mission is being started';
    case 'started':
      return `${state.mission} works on it`;
    case 'closed':
      return `${state.end}: ${short(state.says)}`;
    default:
      return unreachable(state);
  }
}

/** One in full: what was wished and said, the plan as it would begin, and what can be said now. */
export function wishText(wish: Wish): string {
  const { by, text, atMs, words, plan, state, sessions, usage } = wish;
  const cost =
    sessions === 0
      ? []
      : [`Planned in ${sessions} ${sessions === 1 ? 'session' : 'sessions'}, for ${spentText(usage)}.`];
  return [
    ...text.split('\n').map((line) => `> ${line}`),
    '',
    `Wished by ${by} at ${timeAt(atMs)}; ${standOf(state)}.`,
    ...words.map((word) => `${word.by} has said: ${asLine(word.text)}`),
    ...cost,
    ...(plan === null ? [] : ['', ...planText(wish)]),
    ...sayable(wish),
  ].join('\n');
}

function planText(wish: Wish): readonly string[] {
  const { plan, preview } = wish;
  const mission = missionOf(wish);
  if (plan === null || mission === null) return [];
  const rows = mission.work.map(({ id, title = '', rig, formula, needs = [] }) => {
    const found = preview?.find((one) => one.id === id);
    const size =
      found === undefined ? '' : `${found.legs === undefined ? '' : `${found.legs} legs, `}${found.steps} steps`;
    return [id, title, rig, formula, size, needs.join(', ')];
  });
  const vars = mission.work.flatMap(({ id, vars: values }) =>
    Object.entries(values).map(([name, value]) => `- ${id}: ${name} = ${asLine(value)}`),
  );
  const reasons = mission.work.flatMap(({ id }) => {
    const reason = plan.reasons[id];
    return reason === undefined ? [] : [`- ${id}: ${asLine(reason)}`];
  });
  const budget = mission.budget === undefined ? [] : [`It may spend ${mission.budget.usd} dollars.`];
  return [
    `The plan of ${plan.by}${mission.title === undefined ? '' : `: ${mission.title}`}`,
    ...(plan.reason === '' ? [] : [asLine(plan.reason)]),
    ...(plan.unread ?? []).map(
      ({ rig, why }) => `Planned without the code of ${rig}, which could not be read: ${asLine(why)}`,
    ),
    '',
    ...table(['item', 'title', 'rig', 'formula', 'comes to', 'needs'], rows),
    ...(vars.length === 0 ? [] : ['', 'What its agents are told:', ...vars]),
    ...(reasons.length === 0 ? [] : ['', 'Why:', ...reasons]),
    ...budget,
  ];
}

/** The commands that fit now. */
function sayable({ id, state }: Wish): readonly string[] {
  const one = shellWord(id);
  const change = `gt wish change ${one} --words "..."     another plan, with this in mind`;
  const plan = `gt wish plan ${one} --file FILE        a plan of your own: the input of a mission, as JSON`;
  const reject = `gt wish reject ${one} --reason "..."    nothing comes of it`;
  const approve = `gt wish approve ${one}                 starts it`;
  if (state.kind === 'proposed') return ['', approve, change, plan, reject];
  if (mayStart(state)) return ['', `${approve} as it is planned, once that is mended`, change, plan, reject];
  if (state.kind === 'unplanned') return ['', plan, change, reject];
  if (state.kind === 'started') {
    const look = `gt explain ${shellWord(state.mission)}              shows how it goes`;
    return ['', look, `gt wish reject ${one} --reason "..."    closes the wish; its mission goes on`];
  }
  return [];
}

/** Of a mission that has not told anybody itself: to those whom it would have told, and to the overseer. */
export function lettersOfEnd(wish: Wish): readonly Mail[] {
  const { id, atMs, turn, state } = wish;
  if (state.kind !== 'closed') return [];
  const { end, says } = state;
  const told = missionOf(wish)?.notify.filter((to) => to !== MAYOR) ?? [];
  return [...new Set([OVERSEER, ...told])].map((to) => ({
    id: `wish/${id}@${atMs}/${turn}/ended/${to}`.slice(0, 2_000),
    from: MAYOR,
    to,
    subject: asLine(`WISH ${id}: ${end}`).slice(0, SUBJECT_CHARS_MAX),
    body: clip(
      `${says}. It was ended from outside, and has told nobody itself; polecats that it had at work finish what they have.\n\n${wishText(wish)}`,
    ),
  }));
}

/** To the overseer, and to whoever wished it if that is another with an inbox. */
export function lettersAbout(wish: Wish): readonly Mail[] {
  const { id, atMs, turn, tries, by, state } = wish;
  const about = state.kind === 'proposed' ? 'planned, and waits for approval' : 'a person is asked';
  const subject = asLine(`WISH ${id}: ${about}`).slice(0, SUBJECT_CHARS_MAX);
  const readers = [OVERSEER, ...(isInboxAddress(by) && by !== OVERSEER ? [by] : [])];
  return readers.map((to) => ({
    id: `wish/${id}@${atMs}/${turn}.${tries}/${state.kind}/${to}`.slice(0, 2_000),
    from: MAYOR,
    to,
    subject,
    body: clip(wishText(wish)),
  }));
}

/** For those who search by what is waited for. */
export function waitedFor(wishes: readonly Wish[]): string {
  const asked = wishes.filter(waitsForPerson).map(({ id }) => id);
  return asked.length === 0
    ? ''
    : `${OVERSEER}: ${asked.map((id) => code(id)).join(', ')}`.replaceAll('`', '').slice(0, 200);
}
