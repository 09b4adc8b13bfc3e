/**
 * An inbox, the oldest mail first: what has come, what was read, and what was taken up. It is bounded. What has no room in it any more is
 * for the ledger: what was taken up before what was only read, and what nobody has read last of all.
 */
import * as z from 'zod';
import { Mail, PRIORITIES } from './mail.js';

export const MAILS_MAX = 100;

/** `acked`: whoever it is for has taken it up. */
const STATES = ['unread', 'read', 'acked'] as const;
type MailState = (typeof STATES)[number];

/** A mail as it is kept. Without time and state: in an inbox of before 0.7. */
export const KeptMail = Mail.extend({ atMs: z.number().int().optional(), state: z.enum(STATES).optional() });
export type KeptMail = z.infer<typeof KeptMail>;

export type Inbox = readonly KeptMail[];

export const stateOf = ({ state = 'unread' }: KeptMail): MailState => state;

/** With the mail; `overflow`: what had to make room for it, which is never the mail that has just come. */
export function delivered(inbox: Inbox, mail: Mail, atMs: number): { readonly inbox: Inbox; readonly overflow: Inbox } {
  const overflow = inbox.toSorted(byWorth).slice(0, Math.max(0, inbox.length + 1 - MAILS_MAX));
  const kept = inbox.filter((one) => !overflow.includes(one));
  return { inbox: [...kept, { ...mail, atMs, state: 'unread' }], overflow };
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
