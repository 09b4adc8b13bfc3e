/** A word to an agent at work, told before its next turn: a nudge, or mail that does not wait. */
import * as z from 'zod';
import { cut } from './findings.js';
import { stateOf, type Inbox, type KeptMail } from './inbox.js';
import { interrupts, isHandoff } from './mail.js';
import { untrusted } from './untrusted.js';

export const Nudge = z.object({
  id: z.string(),
  by: z.string(),
  text: z.string(),
  /** It is also asked to hand over to a fresh session. */
  cycle: z.boolean(),
  atMs: z.number(),
  /** The session that has heard it; null while none has. */
  heardBy: z.string().nullable(),
  /** It is this mail of its inbox, which counts as read once it is heard. */
  mail: z.string().optional(),
  /** Told as a session begins, and later no more. */
  atStart: z.literal(true).optional(),
});
export type Nudge = z.infer<typeof Nudge>;

/** Of mail, at once: the others follow once these are heard. */
const TOLD_MAX = 20;
const BODY_CHARS_MAX = 4_000;
/** That mail waits, as an agent is told when it begins. */
export const INBOX_NUDGE = 'inbox';

export function nudgeText({ by, text, mail }: Pick<Nudge, 'by' | 'text' | 'mail'>): string {
  if (mail === undefined) return `A word from ${by}: ${text}`;
  return `Mail has come that does not wait. Go on with your step once you know of it; \`reply\` answers it.\n${untrusted(`mail of ${by}`, text)}`;
}

/** What the agent of an inbox is told of it: mail that does not wait, and when a session begins that other mail does. */
export function nudgesOf(inbox: Inbox): readonly Nudge[] {
  const unread = inbox.filter((mail) => stateOf(mail) === 'unread' && !isHandoff(mail));
  const waiting = unread.filter((mail) => !interrupts(mail));
  const [first] = waiting;
  const mails = waiting.length === 1 ? '1 mail waits' : `${waiting.length} mails wait`;
  const text = `${mails} unread in your inbox: \`inbox\` shows what it is.`;
  const told = { by: 'the town', text, cycle: false, heardBy: null };
  return [
    ...unread.filter(interrupts).slice(0, TOLD_MAX).map(nudgeOf),
    ...(first === undefined ? [] : [{ ...told, id: INBOX_NUDGE, atMs: first.atMs ?? 0, atStart: true as const }]),
  ];
}

const MAIL_NUDGE = 'mail ';

function nudgeOf({ id, from, subject, body, atMs = 0 }: KeptMail): Nudge {
  const text = cut(`Mail: ${id}\nSubject: ${subject}\n\n${body}`, BODY_CHARS_MAX);
  return { id: `${MAIL_NUDGE}${id}`, by: from, text, cycle: false, atMs, heardBy: null, mail: id };
}

/** The mails among what an agent has heard. */
export function mailsHeard(ids: readonly string[]): readonly string[] {
  return ids.flatMap((id) => (id.startsWith(MAIL_NUDGE) ? [id.slice(MAIL_NUDGE.length)] : []));
}
