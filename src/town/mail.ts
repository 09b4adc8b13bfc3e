/**
 * Protocol mail: the messages between roles, in the form a person reads.
 *
 *     Subject: MERGE_READY: Toast
 *     Branch: polecat/Toast/se-1x9k2m4p
 *     Head: 4f1c…
 *
 *     ## freeform Markdown
 *
 * This module alone writes and reads it. Keys are schemas; an unknown type or a missing key is a problem in words.
 */
import * as z from 'zod';
import type { Json } from './act.js';
import { isEscalationId, polecatAt, refineryOf, witnessOf } from './address.js';
import { Strategy } from './strategy.js';
import { RuntimeKind } from './runtime.js';

/** The most urgent first. */
export const PRIORITIES = ['urgent', 'high', 'normal', 'low'] as const;
/** To an agent at work: told before its next turn, or left in its inbox until it looks, or its next session begins. */
export const DELIVERIES = ['interrupt', 'queue'] as const;
const mailId = z.string().min(1).max(2_000);
export const SUBJECT_CHARS_MAX = 500;
export const BODY_CHARS_MAX = 100_000;
/** Of whoever writes: an address, or a name that a board can show. */
export const FROM_CHARS_MAX = 1_000;

export const Mail = z.strictObject({
  /** Repeating a mail under the same id is a no-op. */
  id: mailId,
  from: z.string().min(1),
  to: z.string().min(1),
  subject: z.string().min(1).max(SUBJECT_CHARS_MAX),
  body: z.string().max(BODY_CHARS_MAX),
  /** Absent: normal. */
  priority: z.enum(PRIORITIES).optional(),
  /** Absent: what is urgent, and what answers, interrupts. */
  delivery: z.enum(DELIVERIES).optional(),
  /** The mail that it answers. */
  replyTo: mailId.optional(),
  /** The first mail of what it belongs to. Absent: it is the first itself. */
  thread: mailId.optional(),
  /** Which of those who have the address, one after the other: of a polecat. Absent: whoever has it. */
  fromIncarnation: z.number().int().optional(),
  toIncarnation: z.number().int().optional(),
});
export type Mail = z.infer<typeof Mail>;

/** Since 0.9. Nothing that a mail says depends on them: an earlier reader interrupts nobody, and nobody who works there is another one's successor. */
const SPARED: readonly string[] = ['delivery', 'fromIncarnation'] satisfies readonly (keyof Mail)[];

/**
 * A mail that a reader of an earlier version has refused, without the keys that it does not know; null where that is not why, or one of them is not
 * to be left out: by `toIncarnation` a mail is for somebody who has ended.
 */
export function forOlderReader(content: Json, why: string): Json | null {
  const [, keys] = /^mail: ((?:"\w+"(?:, )?)+) (?:is no key|are no keys) here$/.exec(why) ?? [];
  const unknown = keys?.split(', ').map((key) => key.slice(1, -1)) ?? [];
  if (unknown.length === 0 || unknown.some((key) => !SPARED.includes(key))) return null;
  return Object.fromEntries(Object.entries(content ?? {}).filter(([key]) => !unknown.includes(key)));
}

const line = z.string().min(1);
const aboutBranch = {
  Request: line,
  Branch: line,
  Head: line,
  Target: line,
  Issue: line,
  Mission: line,
  Polecat: line,
  Incarnation: z.coerce.number().int(),
  Rig: line,
};

const aboutWork = {
  Priority: z.coerce.number().int(),
  Round: z.coerce.number().int(),
  /** The models that worked on the branch. Absent where none did: an earlier version does not know the key. */
  'Worked-By': z
    .string()
    .transform((names) => names.split(', '))
    .pipe(z.array(RuntimeKind))
    .optional(),
  /** When the mission began. An earlier version does not know the key. */
  'Mission-Since': z.iso.datetime().optional(),
  /** Absent: as the rig has it. An earlier version does not know the key. */
  Strategy: Strategy.optional(),
  /** It is verified, and lands when its mission says so. An earlier version does not know the key. */
  'Only-Verify': z.literal('yes').optional(),
};

/** The keys of every type of mail that the town itself acts on. */
const PROTOCOL = {
  POLECAT_DONE: z.strictObject({ ...aboutBranch, ...aboutWork }),
  MERGE_READY: z.strictObject({ ...aboutBranch, ...aboutWork }),
  /** An earlier version does not know it. */
  VERIFIED: z.strictObject({ ...aboutBranch, 'Verified-Base': line, 'Verified-At': line }),
  MERGED: z.strictObject({ ...aboutBranch, 'Merge-Commit': line, 'Merged-At': line }),
  MERGE_FAILED: z.strictObject({
    ...aboutBranch,
    'Failure-Type': line,
    'Failed-At': line,
    Gate: z.string().optional(),
  }),
  REWORK_REQUEST: z.strictObject({ ...aboutBranch, 'Conflict-Files': line, 'Requested-At': line }),
} as const;

const aboutLost = {
  Issue: line,
  Mission: line,
  Polecat: line,
  Incarnation: z.coerce.number().int(),
  Rig: line,
  Branch: line,
  /** By which the mission is told from others of its id. An earlier version does not know the key. */
  'Mission-Run': line.optional(),
};

/** The keys of what the town brings to people: of anybody who cannot go on, and of a witness that has cleared up. */
const NOTICES = {
  HELP: z.strictObject({
    Agent: line,
    Mission: line.optional(),
    Issue: line.optional(),
    Problem: line,
    Tried: line.optional(),
    /** Of an escalation, which asks its tiers so itself. Earlier versions do not know these. */
    Escalation: line.optional(),
    Severity: line.optional(),
    Category: line.optional(),
    Waiting: z.coerce.number().int().optional(),
  }),
  /** Its mission is gone, its work is on the remote: somebody may go on from there. */
  RECOVERED_BEAD: z.strictObject({ ...aboutLost, Head: line, 'Recovered-At': line }),
  /** It lies in a sandbox that cannot be emptied: nothing of it is destroyed before somebody has looked. */
  RECOVERY_NEEDED: z.strictObject({ ...aboutLost, 'Cleanup-Status': line, 'Detected-At': line }),
} as const;

type NoticeType = keyof typeof NOTICES;
export const NOTICE_TYPES = Object.keys(NOTICES) as NoticeType[]; // the names in the table
export const HELP = 'HELP';

export type Notice = {
  [T in NoticeType]: { readonly type: T; readonly keys: z.infer<(typeof NOTICES)[T]>; readonly text: string };
}[NoticeType];

type AboutBranch = z.infer<z.ZodObject<typeof aboutBranch>>;

/** The keys that every mail about a branch shares. */
export function branchKeys(keys: AboutBranch): AboutBranch {
  const { Request, Branch, Head, Target, Issue, Mission, Polecat, Incarnation, Rig } = keys;
  return { Request, Branch, Head, Target, Issue, Mission, Polecat, Incarnation, Rig };
}

type Protocol = typeof PROTOCOL;
type MailType = keyof Protocol;
export const MAIL_TYPES = Object.keys(PROTOCOL) as MailType[]; // the keys of a const object are its literal names

export type Letter = {
  [T in MailType]: { readonly type: T; readonly keys: z.infer<Protocol[T]>; readonly text: string };
}[MailType];

type Envelope = { readonly id: string; readonly from: string; readonly to: string };

export function writeMail(envelope: Envelope, brief: string, { type, keys, text }: Letter | Notice): Mail {
  return writtenMail(envelope, type, brief, keys, text);
}

/** Any mail that begins with a word of the town's, and has keys. */
export function writtenMail(envelope: Envelope, type: string, brief: string, keys: object, text: string): Mail {
  return { ...envelope, subject: `${type}: ${oneLine(brief)}`, body: bodyOf(keys, text) };
}

/** `Key: Value` lines, then the text. */
export function bodyOf(keys: object, text: string): string {
  const lines = Object.entries(keys).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}: ${oneLine(Array.isArray(value) ? value.join(', ') : String(value))}`],
  );
  return [lines.join('\n'), text].filter((part) => part !== '').join('\n\n');
}

type Reply = Pick<Mail, 'id' | 'from' | 'body' | 'fromIncarnation'>;

/**
 * In the thread of what it answers, and as urgent. `from`: whose inbox that is in. It is for whoever wrote, and for nobody who has the
 * address after that.
 */
export function replyTo(mail: Mail, { id, from, body, fromIncarnation }: Reply): Mail {
  const { id: answered, from: to, fromIncarnation: toIncarnation, subject, priority, thread = answered } = mail;
  const about = `Re: ${subject.replace(/^(?:Re: )+/, '')}`.slice(0, SUBJECT_CHARS_MAX);
  return {
    id,
    from,
    to,
    subject: about,
    body,
    replyTo: answered,
    thread,
    ...(priority === undefined ? {} : { priority }),
    ...(toIncarnation === undefined ? {} : { toIncarnation }),
    ...(fromIncarnation === undefined ? {} : { fromIncarnation }),
  };
}

/** Whether its reader, when at work, hears of it at once: who has asked would else not know that there is an answer. */
export function interrupts({ delivery, priority, replyTo: answered }: Mail): boolean {
  return delivery === undefined ? priority === 'urgent' || answered !== undefined : delivery === 'interrupt';
}

/** Whether it is for its reader alone, and no message that the town acts on. */
export function isFree({ subject }: Mail): boolean {
  return typeOf(subject) === undefined;
}

/** The word at the head of a subject that the town alone writes; null when anybody may write it. */
export function townsWord(subject: string): string | null {
  return typeOf(subject) ?? TOWNS_WORDS.find((word) => beginsWith(subject, word)) ?? null;
}

/** The keys of a mail of an agent to itself, from one session to the next: the town does not act on it. */
const Handoff = z.strictObject({
  Molecule: line,
  Step: line,
  Session: z.coerce.number().int(),
  Reason: line,
  'Handed-Over-At': line,
});
type Handoff = z.infer<typeof Handoff>;

const HANDOFF = 'HANDOFF';
/** Of a witness to the deacon: see `witness-ping`. */
export const WITNESS_PING = 'WITNESS_PING';
/** Of a dog to the deacon: see `dog-report`. */
export const DOG_DONE = 'DOG_DONE';

const TOWNS_WORDS: readonly string[] = [
  HANDOFF,
  WITNESS_PING,
  DOG_DONE,
  ...NOTICE_TYPES.filter((type) => type !== HELP),
];

export function writeHandoff(envelope: Envelope, brief: string, keys: Handoff, note: string): Mail {
  return writtenMail(envelope, HANDOFF, brief, keys, note);
}

type HandoffReading =
  | { readonly ok: true; readonly keys: Handoff; readonly text: string }
  | { readonly ok: false; readonly problem: string };

/** `text`: the note. */
export function readHandoff(mail: Mail): HandoffReading {
  return readKeys(mail, HANDOFF, Handoff);
}

export function isHandoff({ subject }: Pick<Mail, 'subject'>): boolean {
  return beginsWith(subject, HANDOFF);
}

export function isPing({ subject }: Mail): boolean {
  return beginsWith(subject, WITNESS_PING);
}

/** What it asks help with; null when it is no HELP. */
export function helpIn(subject: string): string | null {
  return beginsWith(subject, HELP) ? subject.slice(HELP.length).replace(/^:\s*/, '') : null;
}

/** Whether an escalation asks its reader: nobody else is to hear of it by that. */
export function isOfEscalation(mail: Mail): boolean {
  return helpIn(mail.subject) !== null && keysOf(mail)['Escalation'] === mail.from && isEscalationId(mail.from);
}

export function isDogDone({ subject }: Mail): boolean {
  return beginsWith(subject, DOG_DONE);
}

function typeOf(subject: string): MailType | undefined {
  return MAIL_TYPES.find((known) => beginsWith(subject, known));
}

function beginsWith(subject: string, word: string): boolean {
  return subject === word || subject.startsWith(`${word}: `);
}

/** Who sends each type within a rig. */
const SENDERS: Readonly<Record<MailType, (rig: string, polecat: string) => readonly string[]>> = {
  POLECAT_DONE: (rig, polecat) => [polecatAt(rig, polecat)],
  MERGE_READY: (rig) => [witnessOf(rig)],
  VERIFIED: (rig) => [refineryOf(rig)],
  MERGED: (rig) => [refineryOf(rig)],
  MERGE_FAILED: (rig) => [refineryOf(rig), witnessOf(rig)],
  REWORK_REQUEST: (rig) => [refineryOf(rig)],
};

/** Why a letter is not to be believed by its reader in this rig; null when it comes from whoever sends such. */
export function forgery(mail: Mail, { type, keys }: Letter, rig: string): string | null {
  const senders = SENDERS[type](rig, keys.Polecat);
  if (senders.includes(mail.from)) return null;
  return notFrom(type, senders.join(' or '), mail);
}

export type Reading = { readonly ok: true; readonly letter: Letter } | { readonly ok: false; readonly problem: string };

export function readMail(mail: Mail): Reading {
  const type = typeOf(mail.subject);
  if (type === undefined) return { ok: false, problem: noneOf(mail, MAIL_TYPES) };
  const read = readKeys(mail, type, PROTOCOL[type]);
  // The schema that has just read the keys is the one of this type, which TypeScript cannot follow through the table.
  if (!read.ok) return read;
  return { ok: true, letter: { type, keys: read.keys, text: read.text } as Letter };
}

type NoticeReading = { readonly ok: true; readonly notice: Notice } | { readonly ok: false; readonly problem: string };

/** Of whoever has to send it: what somebody else signs with its name is not believed. */
export function readNotice(mail: Mail): NoticeReading {
  const type = NOTICE_TYPES.find((one) => beginsWith(mail.subject, one));
  if (type === undefined) return { ok: false, problem: noneOf(mail, NOTICE_TYPES) };
  const read = readKeys(mail, type, NOTICES[type]);
  if (!read.ok) return read;
  const notice = { type, keys: read.keys, text: read.text } as Notice; // as in `readMail`
  const sender = notice.type === HELP ? notice.keys.Agent : witnessOf(notice.keys.Rig);
  return sender === mail.from ? { ok: true, notice } : { ok: false, problem: notFrom(type, sender, mail) };
}

function readKeys<Schema extends z.ZodType>({ from, body }: Mail, type: string, schema: Schema) {
  const { keys, text } = split(body);
  const read = schema.safeParse(keys);
  if (read.success) return { ok: true, keys: read.data, text } as const;
  const wrong = read.error.issues.map((issue) => `${issue.path.join('.') || type}: ${issue.message}`);
  return { ok: false, problem: `${type} from ${from}: ${wrong.join('; ')}` } as const;
}

const noneOf = ({ subject }: Mail, types: readonly string[]): string =>
  `no protocol mail: the subject "${subject}" begins with none of ${types.join(', ')}`;

const notFrom = (type: string, sender: string, { from }: Mail): string =>
  `${type} comes from ${sender.slice(0, 200)}, not from ${from.slice(0, 200)}`;

/** The keys of a mail, whatever they are. */
export const keysOf = ({ body }: Mail): Readonly<Record<string, string>> => split(body).keys;

/** Those of mails that the town acts on. */
export function lettersOf(mails: readonly Mail[]): { readonly mail: Mail; readonly letter: Letter }[] {
  return mails.flatMap((mail) => {
    const reading = readMail(mail);
    return reading.ok ? [{ mail, letter: reading.letter }] : [];
  });
}

function split(body: string): { keys: Record<string, string>; text: string } {
  const { head, text } = headOf(body);
  const keys = head.split('\n').flatMap((row) => {
    const colon = row.indexOf(': ');
    return colon > 0 ? [[row.slice(0, colon), row.slice(colon + 2)] as const] : [];
  });
  return { keys: Object.fromEntries(keys), text };
}

/** What stands before the first empty line, where keys do, and the text behind it. */
export function headOf(body: string): { readonly head: string; readonly text: string } {
  const gap = body.indexOf('\n\n');
  return gap === -1 ? { head: body, text: '' } : { head: body.slice(0, gap), text: body.slice(gap + 2) };
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ');
}
