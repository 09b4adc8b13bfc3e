/** The id of an escalation is made of its trouble: whoever comes with the same finds the one that is there. */
import { fingerprint } from './fingerprint.js';
import type { Raised, Source, Waiter } from './escalation-input.js';
import { unreachable } from './unreachable.js';

const PREFIX = 'hq-esc-';
const CHARS = 8;

/** What many meet at once, and one answer ends. Anything else is asked for one alone. */
const SHARED: readonly Source[] = [
  'failure',
  'auth',
  'limits',
  'refused',
  'security',
  'host',
  'deaths',
  'stuck',
  'asked',
];

/** Of these another number is another trouble: a port that somebody asks about, the mark of a secret. */
const BY_EACH_WORD: readonly Source[] = ['asked', 'security'];

/** `nth`: of one trouble that more wait for than one escalation has room for. `byEachWord`: see there; before 0.13 a second secret was taken for the first. */
export function escalationOf(raised: Raised, nth = 0, byEachWord = BY_EACH_WORD): string {
  const { category, source, rig = null, text, waiter } = raised;
  const whose = SHARED.includes(source) ? null : waiterKey(waiter);
  const mark = fingerprint([
    rig,
    category,
    source,
    byEachWord.includes(source) ? sameCase(text) : sameText(text),
    whose,
    nth,
  ]);
  return `${PREFIX}${mark.slice(-CHARS).padStart(CHARS, '0')}`;
}

/** Names one who waits, for as long as it is the same wait. */
export function waiterKey(waiter: Waiter): string {
  switch (waiter.kind) {
    case 'step':
      return `${waiter.at}/${waiter.step}@${waiter.token}`;
    case 'item':
      return `${waiter.at}/${waiter.item}`;
    case 'budget':
      return `${waiter.at} (budget)`;
    case 'request':
      return `${waiter.at}/${waiter.request}`;
    case 'telling':
      return waiter.at;
    default:
      return unreachable(waiter);
  }
}

/** However it is written. */
const sameCase = (text: string): string => text.replaceAll(/\s+/g, ' ').trim().toLowerCase();

/** Without what differs from one time to the next: numbers, times and ids, which are words with a digit in them. */
function sameText(text: string): string {
  const words = text
    .replaceAll(/[\w.:-]*\d[\w.:-]*/g, '#')
    .replaceAll(/\b[a-z]{2,4}-[a-z]{8}\b/g, '#')
    .replaceAll('#', ' ');
  return sameCase(words);
}
