/** The board of an inbox: what waits to be read, and the command that reads it. */
import { OVERSEER } from './address.js';
import { clip } from './board.js';
import { byUrgency, stateOf, type Inbox, type KeptMail } from './inbox.js';
import { shellWord } from './shell-text.js';
import { table } from './table.js';
import { short, timeAt } from './wording.js';

/** More are listed by `gt mail inbox`. */
const SHOWN_MAX = 20;

export function inboxBoard(owner: string, inbox: Inbox, isGone: boolean): string {
  if (isGone) return `${owner} is no more in this town; what was in the inbox is in the ledger.`;
  const unread = byUrgency(inbox.filter((mail) => stateOf(mail) === 'unread'));
  const others = byUrgency(inbox.filter((mail) => stateOf(mail) !== 'unread'));
  const rows = [...unread, ...others].slice(0, SHOWN_MAX).map(rowOf);
  const heads = ['mail', 'from', 'about', 'priority', 'state', 'came'];
  const mails = rows.length === 0 ? [] : ['', ...table(heads, rows)];
  const more = inbox.length > SHOWN_MAX ? [`\n${inbox.length - SHOWN_MAX} more: gt mail inbox lists them.`] : [];
  const [first] = unread;
  const as = owner === OVERSEER ? '' : ` --as ${shellWord(owner)}`;
  // Of an id that somebody has made up no command is made.
  const ask = first !== undefined && /^[\w.:/@-]+$/.test(first.id) ? [`\n> \`gt mail read ${first.id}${as}\``] : [];
  const head = `${unread.length} of ${inbox.length} mails unread. ${story(unread.length)}`;
  return clip([head, ...ask, ...mails, ...more].join('\n'));
}

/** On the board of whoever has other things to show: how much mail there is, and the command that lists it. Nothing when there is none. */
export function mailLines(owner: string, inbox: Inbox): readonly string[] {
  if (inbox.length === 0) return [];
  const unread = inbox.filter((mail) => stateOf(mail) === 'unread').length;
  return ['', `${unread} of ${inbox.length} mails unread: \`gt mail inbox --as ${shellWord(owner)}\` lists them.`];
}

function rowOf(mail: KeptMail): readonly string[] {
  const { id, from, subject, priority = 'normal', atMs = 0 } = mail;
  return [short(id), short(from), short(subject), priority, stateOf(mail), timeAt(atMs)];
}

function story(unread: number): string {
  return unread === 0 ? 'Nothing happens until a mail comes.' : 'They wait to be read; nothing else waits on that.';
}
