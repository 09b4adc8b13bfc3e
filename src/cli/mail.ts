/** `gt mail`: what people and agents write to each other, sent, read and answered. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { inboxQuery } from '../contract/inbox.js';
import { AWAIT_SECONDS_MAX, inboxMessages, mailMessage } from '../contract/messages.js';
import { channelOf, OVERSEER } from '../town/address.js';
import { isGroup } from '../town/group.js';
import { byUrgency, inFull, stateOf, threadOf, type Inbox } from '../town/inbox.js';
import { readMailText } from '../town/mail-text.js';
import { DELIVERIES, PRIORITIES } from '../town/mail.js';
import { short, timeAt } from '../town/wording.js';
import { newId, withCalls, type Calls } from './calls.js';
import { columns } from './columns.js';
import { CliError, readArguments, refuseMore, takeOne, UsageError, type Command } from './command.js';
import { putAway } from './mail-put-away.js';
import { print } from './print.js';
import { noExecution } from './server-place.js';
import { contentOf, WHO_OPTIONS } from './step.js';
import { townAround } from './town.js';

/** Whose inbox: the person at the terminal is the overseer, unless it says otherwise. */
const BOX_OPTIONS = { ...WHO_OPTIONS, as: { type: 'string' } } as const;
/** Between two times of asking for an answer, the first and the longest. */
const PAUSE_MS = 500;
const PAUSE_MS_MAX = 30_000;
const SECONDS_MAX = 30 * 24 * 3_600;

export const send: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, {
      ...BOX_OPTIONS,
      subject: { type: 'string' },
      body: { type: 'string' },
      text: { type: 'string' },
      priority: { type: 'string' },
      delivery: { type: 'string' },
      wait: { type: 'string' },
    });
    const to = takeOne('mail send', 'address', positionals);
    const { priority, delivery, as: from = OVERSEER, id = newId('ml') } = values;
    const written = readWritten(values);
    const seconds = values.wait === undefined ? null : readSeconds(values.wait);
    const isForMany = isGroup(to) || channelOf(to) !== null;
    if (isForMany && seconds !== null)
      throw new UsageError(`--wait is for one who answers, and ${to} is for many: their answers come to the inbox`);
    const mail = {
      id,
      from,
      to,
      ...written,
      ...(priority === undefined ? {} : { priority: readPriority(priority) }),
      ...(delivery === undefined ? {} : { delivery: readDelivery(delivery) }),
    };
    await withCalls(values, async (calls) => {
      const says = await calls.update(to, mailMessage, mail, id);
      print(isGroup(to) ? `${id}: ${says}` : isForMany ? says : whereIsIt(id, to, says));
      if (seconds !== null) print(await awaited(id, from, seconds, calls));
    });
  },
};

/** As who has it says, which may pass it on. */
function whereIsIt(id: string, to: string, says: string): string {
  return says === 'taken' ? `${id} is in the inbox of ${to}` : `${id}: ${to} says: ${says}`;
}

type Written = { readonly subject?: string; readonly body?: string; readonly text?: string };

function readWritten({ subject, body, text }: Written): { readonly subject: string; readonly body: string } {
  if (text === undefined) {
    if (subject === undefined) throw new UsageError('gt mail send needs --subject TEXT, or --text TEXT');
    return { subject, body: body === undefined ? '' : readBody(body) };
  }
  if (subject !== undefined || body !== undefined)
    throw new UsageError('--text is all of the mail: --subject and --body stand in it');
  const reading = readMailText(readBody(text));
  if (!reading.ok) throw new UsageError(`--text: ${reading.problem}`);
  return { subject: reading.subject, body: reading.body };
}

export const inbox: Pick<Command, 'run'> = {
  run: async (args) => {
    const options = { ...BOX_OPTIONS, unread: { type: 'boolean' }, json: { type: 'boolean' } } as const;
    const { values, positionals } = readArguments(args, options);
    refuseMore('mail inbox', positionals);
    await withCalls(values, async (calls) => {
      const all = byUrgency(await inboxOf(values.as ?? OVERSEER, calls));
      const shown = values.unread === true ? all.filter((mail) => stateOf(mail) === 'unread') : all;
      print(values.json === true ? JSON.stringify(shown, null, 2) : listed(shown));
    });
  },
};

export const read: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...BOX_OPTIONS, thread: { type: 'boolean' } });
    const id = takeOne('mail read', 'mail, by its id', positionals);
    const owner = values.as ?? OVERSEER;
    await withCalls(values, async (calls) => {
      const seen = await inboxOr(owner, calls);
      const inbox = typeof seen === 'string' ? [] : seen;
      const here = inbox.find((one) => one.id === id);
      const isThread = values.thread === true;
      const dir = here !== undefined && !isThread ? null : await townAround(values.town);
      const put = dir === null ? [] : await putAway(dir, owner);
      const mail = here ?? put.findLast((one) => one.id === id);
      if (mail === undefined)
        throw new CliError(
          typeof seen === 'string'
            ? seen
            : `neither the inbox of ${owner} nor the ledger has a mail ${id}: gt mail inbox lists what is there, gt mail search finds what was put away`,
        );
      if (here !== undefined)
        await calls.update(owner, inboxMessages.read, contentOf(inboxMessages.read, values, { mail: id }));
      const all = [...new Map([...put, ...inbox].map((one) => [one.id, one])).values()];
      print((isThread ? threadOf(all, mail) : [mail]).map(inFull).join('\n\n'));
    });
  },
};

export const ack = toSeveral('ack', inboxMessages.ack);
export const archive = toSeveral('archive', inboxMessages.archive);

export const reply: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...BOX_OPTIONS, body: { type: 'string' } });
    const mail = takeOne('mail reply', 'mail, by its id', positionals);
    if (values.body === undefined) throw new UsageError('gt mail reply needs --body TEXT');
    const id = values.id ?? randomUUID();
    const content = contentOf(inboxMessages.reply, { ...values, id }, { mail, body: readBody(values.body) });
    await withCalls(values, async (calls) =>
      print(await calls.update(values.as ?? OVERSEER, inboxMessages.reply, content, id)),
    );
  },
};

function toSeveral(verb: 'ack' | 'archive', message: typeof inboxMessages.ack): Pick<Command, 'run'> {
  return {
    run: async (args) => {
      const { values, positionals } = readArguments(args, BOX_OPTIONS);
      if (positionals.length === 0) throw new UsageError(`gt mail ${verb} takes one mail or several, by their ids`);
      const content = contentOf(message, values, { mail: positionals });
      await withCalls(values, async (calls) => print(await calls.update(values.as ?? OVERSEER, message, content)));
    },
  };
}

/** As long as was said: the inbox answers once it has come. Throws CliError when none has come until then. */
async function awaited(id: string, from: string, seconds: number, calls: Calls): Promise<string> {
  const { name } = inboxMessages.await;
  const end = Date.now() + seconds * 1_000;
  for (let pauseMs = PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX)) {
    const left = Math.max(1, Math.ceil((end - Date.now()) / 1_000));
    const content = { mail: id, seconds: Math.min(left, AWAIT_SECONDS_MAX), by: 'gt mail send' };
    const updateId = `${name}:${randomUUID()}`;
    const answer = await calls.call({ kind: 'update', workflow: from, name, content, updateId });
    if (answer.kind === 'result') return answer.value as string; // as workflows of this version answer
    const leftMs = end - Date.now();
    if (leftMs <= 0) {
      const why = answer.kind === 'missing' ? noExecution(from).message : answer.why;
      throw new CliError(`no answer to ${id} has come in ${seconds} s: ${why}`);
    }
    // Its run has ended, or it cannot be asked now.
    await pause(Math.min(pauseMs, leftMs));
  }
}

/** Throws CliError when it cannot be looked at. */
async function inboxOf(owner: string, calls: Calls): Promise<Inbox> {
  const seen = await inboxOr(owner, calls);
  if (typeof seen === 'string') throw new CliError(seen);
  return seen;
}

/** Why it cannot be looked at. The overseer, who is there with the first mail, has none before that. */
export async function inboxOr(owner: string, { call }: Calls): Promise<Inbox | string> {
  const answer = await call({ kind: 'query', workflow: owner, name: inboxQuery.name });
  if (answer.kind === 'result') return answer.value as Inbox; // as workflows of this version answer
  if (answer.kind !== 'missing') return answer.why;
  return owner === OVERSEER ? [] : noExecution(owner).message;
}

export function listed(inbox: Inbox): string {
  if (inbox.length === 0) return 'no mail';
  const rows = inbox.map(({ id, from, subject, priority = 'normal', atMs, ...mail }) => [
    short(id),
    stateOf({ id, from, subject, ...mail }),
    priority,
    atMs === undefined ? '' : timeAt(atMs),
    short(from),
    short(subject),
  ]);
  return columns([['mail', 'state', 'priority', 'came', 'from', 'about'], ...rows]);
}

export function readBody(text: string): string {
  return text === '-' ? readFileSync(0, 'utf8') : text;
}

export function readPriority(text: string): string {
  if (PRIORITIES.some((one) => one === text)) return text;
  throw new UsageError(`--priority is "${text}"; expected ${PRIORITIES.join(', ')}`);
}

function readDelivery(text: string): string {
  if (DELIVERIES.some((one) => one === text)) return text;
  throw new UsageError(`--delivery is "${text}"; expected ${DELIVERIES.join(', ')}`);
}

function readSeconds(text: string): number {
  const seconds = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (seconds >= 1 && seconds <= SECONDS_MAX) return seconds;
  throw new UsageError(`--wait is "${text}"; expected seconds, from 1 to ${SECONDS_MAX}`);
}
