/**
 * An inbox, the oldest mail first: what has come, what was read, and what was taken up. It is bounded. What has no room in it any more is
 * for the ledger: what was taken up before what was only read, and what nobody has read last of all.
 */
import * as z from 'zod';
import { bytesOf } from './bytes.js';
import { Mail, PRIORITIES } from './mail.js';

export const MAILS_MAX = 100;
/** Of all of them together, as JSON: they go from run to run, and are what a query answers. */
export const INBOX_BYTES_MAX = 500_000;
/** On its way to the ledger, which may be away: while there is more, no mail is taken. */
const LEAVING_BYTES_MAX = 300_000;

/** `acked`: whoever it is for has taken it up. */
const STATES = ['unread', 'read', 'acked'] as const;
type MailState = (typeof STATES)[number];

/** A mail as it is kept. Without time and state: in an inbox of before 0.7. */
export const KeptMail = Mail.extend({ atMs: z.number().int().optional(), state: z.enum(STATES).optional() });
export type KeptMail = z.infer<typeof KeptMail>;

export type Inbox = readonly KeptMail[];

export const stateOf = ({ state = 'unread' }: KeptMail): MailState => state;

/** Whether they have at most so many bytes. Most inboxes are small, which is seen without counting. */
function areWithin(inbox: Inbox, bytesMax: number): boolean {
  const most = inbox.reduce((sum, mail) => sum + BYTES_BESIDES + BYTES_A_CHAR * charsOf(mail), 0);
  return most <= bytesMax || inbox.reduce((sum, mail) => sum + bytesOf(mail), 0) <= bytesMax;
}

/** At most, in JSON: of a control character, and of keys, numbers and words that stand in each mail. */
const BYTES_A_CHAR = 6;
const BYTES_BESIDES = 400;

function charsOf({ id, from, to, subject, body, replyTo = '', thread = '' }: KeptMail): number {
  return [id, from, to, subject, body, replyTo, thread].reduce((sum, { length }) => sum + length, 0);
}

/** Whether nothing has to make room for the mail by its size. */
export function isLight(inbox: Inbox, mail: Mail): boolean {
  return areWithin([...inbox, mail], INBOX_BYTES_MAX - STAMP_BYTES);
}

/** With its time and state a mail is so much longer. */
const STAMP_BYTES = 100;

/** Why a mail cannot be taken now, or ever; null when it can. `leaving`: what is not in the ledger yet. */
export function whyNoRoom(mail: Mail, leaving: Inbox, owner: string): string | null {
  if (!isLight([], mail)) return `a mail has at most ${INBOX_BYTES_MAX} bytes, and this one has ${bytesOf(mail)}`;
  if (areWithin(leaving, LEAVING_BYTES_MAX)) return null;
  return `${leaving.length} mails of ${owner} are not in the ledger yet, which is written first: send it again later`;
}

/**
 * With the mail; `overflow`: what had to make room for it, by number or by size, which is never the mail that has just come. `bytesMax`: other than
 * usual, as before 0.10.
 */
export function delivered(
  inbox: Inbox,
  mail: Mail,
  atMs: number,
  bytesMax = INBOX_BYTES_MAX,
): { readonly inbox: Inbox; readonly overflow: Inbox } {
  const come: KeptMail = { ...mail, atMs, state: 'unread' };
  const order = inbox.toSorted(byWorth);
  let count = Math.max(0, inbox.length + 1 - MAILS_MAX);
  while (count < order.length && !areWithin([...order.slice(count), come], bytesMax)) count += 1;
  const overflow = order.slice(0, count);
  return { inbox: [...inbox.filter((one) => !overflow.includes(one)), come], overflow };
}

/** What can go first of all: a stable order, so that of those alike the oldest goes. */
function byWorth(a: KeptMail, b: KeptMail): number {
  return STATES.indexOf(stateOf(b)) - STATES.indexOf(stateOf(a)) || urgencyOf(b) - urgencyOf(a);
}

const urgencyOf = ({ priority = 'normal' }: Mail): number => PRIORITIES.indexOf(priority);

/** The most urgent first, of those alike the oldest. */
export function byUrgency(inbox: Inbox): Inbox {
  return inbox.toSorted((a, b) => urgencyOf(a) - urgencyOf(b));
}

/** With these mails in this state, but for those that are further already. */
export function marked(inbox: Inbox, ids: readonly string[], state: MailState): Inbox {
  const isBefore = (one: KeptMail) => STATES.indexOf(stateOf(one)) < STATES.indexOf(state);
  return inbox.map((one) => (ids.includes(one.id) && isBefore(one) ? { ...one, state } : one));
}

/** Without these mails, and they themselves. */
export function taken(inbox: Inbox, ids: readonly string[]): { readonly inbox: Inbox; readonly mails: Inbox } {
  return { inbox: inbox.filter(({ id }) => !ids.includes(id)), mails: inbox.filter(({ id }) => ids.includes(id)) };
}

/** The first mail that answers this one. */
export function answerTo(inbox: Inbox, id: string): KeptMail | undefined {
  return inbox.find(({ replyTo }) => replyTo === id);
}

/** All of a mail, for whoever reads it. */
export function inFull({ from, to, subject, priority, replyTo, body }: KeptMail): string {
  return [
    `From: ${from}`,
    `To: ${to}`,
    ...(priority === undefined ? [] : [`Priority: ${priority}`]),
    ...(replyTo === undefined ? [] : [`Reply-To: ${replyTo}`]),
    `Subject: ${subject}`,
    '',
    body,
  ].join('\n');
}

/** All of the same thread, the oldest first. */
export function threadOf(inbox: Inbox, { id, thread = id }: Mail): Inbox {
  return inbox.filter((one) => (one.thread ?? one.id) === thread);
}

/** Why these are not all mails of the inbox; null when they are. */
export function whyNotIn(inbox: Inbox, ids: readonly string[], owner: string): string | null {
  const [unknown] = ids.filter((id) => !inbox.some((one) => one.id === id));
  if (unknown === undefined) return null;
  const offer = inbox.length === 0 ? 'it is empty' : `it holds ${inbox.map(({ id }) => id).join(', ')}`.slice(0, 500);
  return `the inbox of ${owner} has no mail "${unknown.slice(0, 200)}"; ${offer}`;
}
