/** What a person is told, by whichever way: what it is about, from whom, and the commands that read and answer it. */
import { OVERSEER } from './address.js';
import { isAnsweredByReply } from './escalation-mail.js';
import { byUrgency, type Inbox, type KeptMail } from './inbox.js';
import { shellWord } from './shell-text.js';
import { asLine, short, timeAt } from './wording.js';

/** `id`: under which a telling that comes twice is known. */
export type ReachMessage = {
  readonly id: string;
  readonly town: string;
  readonly to: string;
  readonly kind: 'mail' | 'digest' | 'test';
  readonly isUrgent: boolean;
  readonly subject: string;
  readonly text: string;
  readonly mails: readonly MailTold[];
};

type MailTold = {
  readonly id: string;
  readonly from: string;
  readonly subject: string;
  readonly priority: string;
  readonly at: string;
};

type About = Pick<ReachMessage, 'id' | 'town' | 'to'>;

const BODY_CHARS_MAX = 3_000;
/** A digest names so many; the inbox has the others. */
const LISTED_MAX = 20;

export function tellingOf(
  about: About,
  telling: { readonly mails: Inbox; readonly gone: number; readonly isUrgent: boolean },
): ReachMessage {
  const mails = byUrgency(telling.mails);
  const [only] = mails;
  const isOne = only !== undefined && mails.length === 1 && telling.gone === 0;
  const count = mails.length + telling.gone;
  return {
    ...about,
    kind: isOne ? 'mail' : 'digest',
    isUrgent: telling.isUrgent,
    subject: isOne
      ? short(`[${about.town}] ${only.subject}`)
      : `[${about.town}] ${count} ${telling.isUrgent ? 'urgent mails' : 'mails'} for ${about.to}`,
    text: isOne ? inFull(only, about.to) : digest(mails, telling.gone, about.to),
    mails: mails.map((mail) => ({ ...said(mail), id: mail.id })),
  };
}

/** By which somebody sees that a way works. */
export function testOf(about: About): ReachMessage {
  const text = `This is a test: mail for ${about.to} is told by this way. Nothing is to be done.\n\n    ${gt('gt mail inbox', about.to)}`;
  const subject = `[${about.town}] a test for ${about.to}`;
  return { ...about, kind: 'test', isUrgent: false, subject, text, mails: [] };
}

function inFull(mail: KeptMail, to: string): string {
  const { from, priority, at } = said(mail);
  const body = mail.body.length > BODY_CHARS_MAX ? `${mail.body.slice(0, BODY_CHARS_MAX)}…` : mail.body;
  const head = `From ${from} to ${to}, ${priority}, ${at} UTC.`;
  return [head, ...(body.trim() === '' ? [] : [body.trim()]), commandsFor(mail, to)].join('\n\n');
}

function digest(mails: Inbox, gone: number, to: string): string {
  const rows = mails.slice(0, LISTED_MAX).map((mail) => {
    const { from, subject, priority, at } = said(mail);
    return `- ${subject}\n  from ${from}, ${priority}, ${at} UTC: ${readCommand(mail, to)}`;
  });
  const more = mails.length - LISTED_MAX;
  return [
    `${mails.length} mails wait for ${to} to be read.`,
    rows.join('\n'),
    ...(more > 0 ? [`${more} more are in the inbox.`] : []),
    ...(gone > 0 ? [`${gone} had no room there any more, and are in the ledger: gt mail search finds them.`] : []),
    `All of them:\n    ${gt('gt mail inbox', to)}\n    temporal workflow query -w ${shellWord(to)} --type inbox`,
  ].join('\n\n');
}

function commandsFor(mail: KeptMail, to: string): string {
  if (!isPlain(mail.id)) return `All mail:\n    ${gt('gt mail inbox', to)}`;
  // It names the commands that are an answer itself.
  if (!isAnsweredByReply(mail)) return `Read it:\n    ${readCommand(mail, to)}`;
  const answer = shellWord(JSON.stringify({ mail: mail.id, body: 'YOUR ANSWER' }));
  return [
    'Read it, answer it:',
    `    ${readCommand(mail, to)}`,
    `    ${gt(`gt mail reply ${shellWord(mail.id)} --body 'YOUR ANSWER'`, to)}`,
    `    temporal workflow update execute -w ${shellWord(to)} --name reply --input ${answer}`,
  ].join('\n');
}

const readCommand = ({ id }: KeptMail, to: string): string =>
  isPlain(id) ? gt(`gt mail read ${shellWord(id)}`, to) : gt('gt mail inbox', to);

const gt = (command: string, to: string): string => (to === OVERSEER ? command : `${command} --as ${shellWord(to)}`);

/** Of an id that somebody has made up no command is made. */
const isPlain = (id: string): boolean => /^[^\p{Cc}]+$/u.test(id);

function said({ id, from, subject, priority = 'normal', atMs = 0 }: KeptMail): MailTold {
  return { id: asLine(id), from: short(from), subject: short(subject), priority, at: timeAt(atMs) };
}
