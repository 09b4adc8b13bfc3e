/** `gt channel`: what is published for many, who gets it, and what begins with it. */
import { messagesQuery, subscribersQuery, type SubscriberView } from '../contract/channel.js';
import { channelMessages } from '../contract/channel.js';
import { attribute } from '../contract/search-attributes.js';
import type { Json } from '../town/act.js';
import { channelAt, channelOf, OVERSEER } from '../town/address.js';
import type { Published } from '../town/channel.js';
import { matchText } from '../town/channel-match.js';
import { bodyOf } from '../town/mail.js';
import { timeAt } from '../town/wording.js';
import { newId, withCalls, type Content } from './calls.js';
import { columns } from './columns.js';
import { CliError, readArguments, refuseMore, UsageError, type Command } from './command.js';
import { readVars, VAR_OPTION } from './formula-places.js';
import { readBody, readPriority } from './mail.js';
import { print } from './print.js';
import { SERVER_OPTIONS } from './server-place.js';
import { contentOf, WHO_OPTIONS } from './step.js';

const MATCH_OPTIONS = {
  from: { type: 'string' },
  subject: { type: 'string' },
  key: { type: 'string', multiple: true },
  since: { type: 'string' },
} as const;

type MatchValues = {
  readonly from?: string | undefined;
  readonly subject?: string | undefined;
  readonly key?: readonly string[] | undefined;
  readonly since?: string | undefined;
};

export const publish: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, {
      ...SERVER_OPTIONS,
      as: { type: 'string' },
      id: { type: 'string' },
      subject: { type: 'string' },
      body: { type: 'string' },
      key: { type: 'string', multiple: true },
      priority: { type: 'string' },
      json: { type: 'boolean' },
    });
    const channel = channelNamed('publish NAME', positionals, 1);
    const { subject, body, priority, as: from = OVERSEER, id = newId('ms') } = values;
    if (subject === undefined) throw new UsageError('gt channel publish needs --subject TEXT');
    const content = {
      id,
      from,
      subject,
      ...(body === undefined ? {} : { body: readBody(body) }),
      keys: pairsOf('key', values.key),
      ...(priority === undefined ? {} : { priority: readPriority(priority) }),
    };
    await withCalls(values, async (calls) => {
      const says = await calls.update(channel, channelMessages.publish, content, id);
      print(values.json === true ? JSON.stringify({ id, channel, says }) : says);
    });
  },
};

export const subscribe: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...WHO_OPTIONS, ...MATCH_OPTIONS });
    const channel = channelNamed('subscribe NAME ADDRESS', positionals, 2);
    const { subscribe: message } = channelMessages;
    const content = contentOf(message, values, { subscriber: positionals[1] ?? '', ...matchOf(values) });
    await withCalls(values, async (calls) => print(await calls.update(channel, message, content, values.id)));
  },
};

export const hook: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, {
      ...WHO_OPTIONS,
      ...MATCH_OPTIONS,
      ...VAR_OPTION,
      formula: { type: 'string' },
      rig: { type: 'string' },
      take: { type: 'string', multiple: true },
      notify: { type: 'string', multiple: true },
      budget: { type: 'string' },
    });
    const channel = channelNamed('hook NAME HOOK', positionals, 2);
    const { formula, rig, notify = [], budget } = values;
    if (formula === undefined || rig === undefined)
      throw new UsageError(
        'gt channel hook needs --formula NAME and --rig NAME: what begins with a message, and where',
      );
    const mission = {
      formula,
      rig,
      vars: readVars(values.var),
      take: pairsOf('take', values.take),
      notify: [...notify],
      ...(budget === undefined ? {} : { budget: { usd: readUsd(budget) } }),
    };
    const { subscribe: message } = channelMessages;
    const about = { subscriber: positionals[1] ?? '', ...matchOf(values), hook: mission };
    const content = contentOf(message, values, about);
    await withCalls(values, async (calls) => print(await calls.update(channel, message, content, values.id)));
  },
};

export const unsubscribe: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, WHO_OPTIONS);
    const channel = channelNamed('unsubscribe NAME SUBSCRIBER', positionals, 2);
    const { unsubscribe: message } = channelMessages;
    const content = contentOf(message, values, { subscriber: positionals[1] ?? '' });
    await withCalls(values, async (calls) => print(await calls.update(channel, message, content, values.id)));
  },
};

export const retain: Pick<Command, 'run'> = {
  run: async (args) => {
    const options = { ...WHO_OPTIONS, messages: { type: 'string' }, hours: { type: 'string' } } as const;
    const { values, positionals } = readArguments(args, options);
    const channel = channelNamed('retain NAME', positionals, 1);
    const { messages, hours } = values;
    if (messages === undefined && hours === undefined)
      throw new UsageError('gt channel retain needs --messages N, or --hours N, or both');
    const { retain: message } = channelMessages;
    const content = contentOf(message, values, {
      ...(messages === undefined ? {} : { messages: readNumber('messages', messages, /^\d+$/) }),
      ...(hours === undefined ? {} : { hours: readNumber('hours', hours, /^\d+(?:\.\d+)?$/) }),
    });
    await withCalls(values, async (calls) => print(await calls.update(channel, message, content, values.id)));
  },
};

export const list: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...SERVER_OPTIONS, json: { type: 'boolean' } });
    refuseMore('channel list', positionals);
    await withCalls(values, async (calls) => {
      const found = await calls.list(`${attribute.role.name}="channel" AND ExecutionStatus="Running"`);
      if (values.json === true) return print(JSON.stringify(found, null, 2));
      print(found.length === 0 ? 'none: gt channel publish and gt channel subscribe begin one' : found.join('\n'));
    });
  },
};

export const show: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...SERVER_OPTIONS, json: { type: 'boolean' } });
    const channel = channelNamed('show NAME [MESSAGE]', positionals, positionals.length === 2 ? 2 : 1);
    const [, id] = positionals;
    await withCalls(values, async (calls) => {
      const messages = await calls.query(channel, messagesQuery);
      if (id !== undefined) {
        const message = messages.find((one) => one.id === id);
        if (message === undefined)
          throw new CliError(
            `${channel} has no message ${id}: gt channel show ${channel} lists what is kept, the ledger has all`,
          );
        return print(values.json === true ? JSON.stringify(message, null, 2) : inFull(message));
      }
      const subscribers = await calls.query(channel, subscribersQuery);
      if (values.json === true) return print(JSON.stringify({ channel, subscribers, messages }, null, 2));
      print(`${subscribersText(subscribers)}\n\n${messagesText(messages)}`);
    });
  },
};

/** The address of the channel that stands first, by its name or its address; `usage` has as many arguments as are expected. */
function channelNamed(usage: string, positionals: readonly string[], count: number): string {
  const [name] = positionals;
  if (name === undefined || positionals.length !== count) throw new UsageError(`expected gt channel ${usage}`);
  const address = name.startsWith('channel/') ? name : channelAt(name);
  if (channelOf(address) !== null) return address;
  throw new UsageError(`"${name}" is no name of a channel: letters, digits, ".", "_" and "-", for example deploys`);
}

/** `--key A=b`, each name once. Throws UsageError. */
function pairsOf(option: string, texts: readonly string[] = []): Readonly<Record<string, string>> {
  const pairs = new Map<string, string>();
  for (const text of texts) {
    const at = text.indexOf('=');
    const name = text.slice(0, Math.max(0, at));
    if (name === '') throw new UsageError(`--${option} is "${text}"; NAME=VALUE is expected`);
    if (pairs.has(name)) throw new UsageError(`--${option} gives ${name} twice: give it once`);
    pairs.set(name, text.slice(at + 1));
  }
  return Object.fromEntries(pairs);
}

function matchOf({ from, subject, key, since }: MatchValues): Content {
  const match: Record<string, Json> = {
    ...(from === undefined ? {} : { from }),
    ...(subject === undefined ? {} : { subject }),
    ...(key === undefined ? {} : { keys: pairsOf('key', key) }),
  };
  return { match, ...(since === undefined ? {} : { since: readSince(since) }) };
}

function readSince(text: string): 'all' | number {
  if (text === 'all') return text;
  if (text === 'none') return 0;
  if (/^\d{1,7}$/.test(text)) return Number(text);
  throw new UsageError(`--since is "${text}"; expected all, none, or how many of the last`);
}

function readNumber(option: string, text: string, form: RegExp): number {
  if (form.test(text)) return Number(text);
  throw new UsageError(`--${option} is "${text}"; expected a number, for example 24`);
}

function readUsd(text: string): number {
  const usd = Number(text);
  if (Number.isFinite(usd) && usd > 0) return usd;
  throw new UsageError(`--budget is "${text}"; expected dollars, for example 5`);
}

function subscribersText(subscribers: readonly SubscriberView[]): string {
  if (subscribers.length === 0) return 'no subscribers: gt channel subscribe NAME ADDRESS adds one';
  const rows = subscribers.map((one) => [
    one.id,
    one.hook === null ? 'mail' : `mission ${one.hook.formula} in ${one.hook.rig}`,
    matchText(one.match),
    `${one.had}`,
    `${one.lacks}`,
    `${one.missed}`,
    standOf(one),
  ]);
  return columns([['subscriber', 'gets', 'of', 'had', 'lacks', 'missed', ''], ...rows]);
}

function standOf({ trouble, refused, last }: SubscriberView): string {
  if (trouble !== null) return `in vain since ${timeAt(trouble.sinceMs)}: ${trouble.why}`;
  if (refused !== null) return `lacks missions since ${timeAt(refused.sinceMs)}: ${refused.why}`;
  return last?.mission ?? '';
}

function messagesText(messages: readonly Published[]): string {
  if (messages.length === 0) return 'no messages';
  const rows = messages.map(({ id, atMs, from, subject }) => [id, timeAt(atMs), from, subject]);
  return columns([['message', 'came', 'from', 'about'], ...rows]);
}

function inFull({ from, subject, keys, body }: Published): string {
  return [`From: ${from}`, `Subject: ${subject}`, '', bodyOf(keys, body)].join('\n');
}
