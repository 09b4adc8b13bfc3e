/** The board of a channel: who gets what, what keeps anybody from it, and what was published last. */
import { clip } from './board.js';
import { lackedBy, retained } from './channel.js';
import type { ChannelState, Published, Refused, Subscriber, Trouble } from './channel.js';
import { matches, matchText } from './channel-match.js';
import { shellWord } from './shell-text.js';
import { table } from './table.js';
import { code, short, timeAt } from './wording.js';

/** More are listed by `gt channel show`. */
const SHOWN_MAX = 20;

type Now = { readonly nowMs: number; readonly isClosed: boolean };

export function channelBoard(address: string, state: ChannelState, { nowMs, isClosed }: Now): string {
  if (isClosed) return `${address} is closed; all that was published is in the ledger.`;
  const { retention, subscribers } = state;
  const kept = retained(state, nowMs);
  const head = `${count(kept.length, 'message')} of the last ${retention.hours} h, at most ${retention.messages}; ${count(subscribers.length, 'subscriber')}. ${story(state)}`;
  const troubles = subscribers.flatMap((one) => [
    ...(one.refused === null ? [] : refusedLines(address, one, one.refused, kept)),
    ...(one.trouble === null ? [] : troubleLines(address, one, one.trouble)),
  ]);
  const heads = ['subscriber', 'gets', 'had', 'lacks', 'missed', 'last'];
  const rows = subscribers.map((one) => rowOf(state, one));
  const last = kept
    .slice(-SHOWN_MAX)
    .toReversed()
    .map(({ id, from, subject, atMs }) => [short(id), short(from), short(subject), timeAt(atMs)]);
  return clip(
    [
      head,
      ...troubles,
      ...(rows.length === 0 ? [] : ['', ...table(heads, rows)]),
      ...(last.length === 0 ? [] : ['', ...table(['message', 'from', 'about', 'came'], last)]),
    ].join('\n'),
  );
}

/** Hooks that lack a mission, which none of them will start by itself. */
export function hooksInTrouble({ subscribers }: ChannelState): readonly string[] {
  return subscribers.flatMap(({ id, refused }) => (refused === null ? [] : [id]));
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

function story(state: ChannelState): string {
  const behind = state.subscribers.filter(({ next }) => next < state.next).map(({ id }) => short(id));
  if (behind.length === 0) return 'Nothing happens until something is published.';
  return `On its way to ${behind.slice(0, SHOWN_MAX).join(', ')}.`;
}

function troubleLines(address: string, { id, hook }: Subscriber, trouble: Trouble): readonly string[] {
  const { why, sinceMs, tries, missed, againAtMs } = trouble;
  const since = `since ${timeAt(sinceMs)}: ${short(why)}.`;
  const inWords = hook === null ? 'cannot be reached' : 'cannot start a mission';
  if (againAtMs !== null) return ['', `> ${short(id)} ${inWords} ${since} It is tried again at ${timeAt(againAtMs)}.`];
  const again = `gt channel subscribe ${nameIn(address)} ${shellWord(id)} … --since ${missed}`;
  return [
    '',
    `> **${short(id)} is away** ${since} Tried ${tries} times; ${lost(missed)} in the ledger alone. Once it is there, \`${again}\` sends what is kept of them.`,
  ];
}

/** How many of the last it takes to come back to the first of them: some later ones may have begun their missions. */
function refusedLines(
  address: string,
  { id, match }: Subscriber,
  { why, sinceMs, place, count: times }: Refused,
  kept: readonly Published[],
): readonly string[] {
  const back = kept.filter((message) => message.place >= place && matches(match, message)).length;
  const again = `gt channel hook ${nameIn(address)} ${shellWord(id)} …`;
  const mend =
    back === 0
      ? `None of them is kept here any more; \`${again}\` begins anew with what comes next.`
      : `Once that is mended, \`${again} --since ${back}\` starts what is missing and still kept; what was started is not started again.`;
  return [
    '',
    `> **${id} lacks missions** since ${timeAt(sinceMs)}: ${short(why)}. ${lost(times)} in the ledger alone. ${mend}`,
  ];
}

const nameIn = (address: string): string => address.replace(/^channel\//, '');
const lost = (messages: number): string => (messages === 1 ? '1 message is' : `${messages} messages are`);

function rowOf(state: ChannelState, one: Subscriber): readonly string[] {
  const { id, match, hook, had, missed, last } = one;
  const gets = hook === null ? '' : `mission ${code(hook.formula)} in ${hook.rig}, of `;
  const done = last === null ? '' : [timeAt(last.atMs), last.mission ?? short(last.message)].join(' ');
  return [
    short(id),
    short(`${gets}${matchText(match)}`),
    `${had}`,
    `${lackedBy(state, one).length}`,
    `${missed}`,
    done,
  ];
}
