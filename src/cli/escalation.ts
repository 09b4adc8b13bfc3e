/** `gt escalate`, `gt escalation ack`, `resolve`, `forward`, `note`: trouble, and what is answered to it. */
import type * as z from 'zod';
import { escalationMessages } from '../contract/escalation.js';
import type { Message } from '../contract/message.js';
import { escalationOf } from '../town/escalation-id.js';
import { Raised } from '../town/escalation-input.js';
import { newId, withCalls, type Content } from './calls.js';
import { readArguments, takeOne, UsageError, type Command } from './command.js';
import { readVars, VAR_OPTION } from './formula-places.js';
import { print } from './print.js';
import { contentOf, readOutput, whoAsks, WHO_OPTIONS, type WhoValues } from './step.js';

export const escalate: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, {
      ...WHO_OPTIONS,
      category: { type: 'string' },
      severity: { type: 'string' },
      choice: { type: 'string', multiple: true },
      tried: { type: 'string' },
      rig: { type: 'string' },
      mission: { type: 'string' },
      json: { type: 'boolean' },
    });
    const text = takeOne('escalate', 'text, in quotes', positionals);
    const { category = 'help', choice, tried, rig, mission } = values;
    const severity = values.severity?.toUpperCase() ?? (category === 'emergency' ? 'CRITICAL' : 'MEDIUM');
    const { join } = escalationMessages;
    const raised = {
      category,
      severity,
      source: 'asked',
      text,
      waiter: { kind: 'telling', at: whoAsks(values), answered: 0 },
      ...(choice === undefined ? {} : { choices: [...choice] }),
      ...(tried === undefined ? {} : { tried }),
      ...(rig === undefined ? {} : { rig }),
      ...(mission === undefined ? {} : { mission }),
    };
    const id = values.id ?? newId('join');
    const escalation = escalationOf(readRaised(raised));
    await withCalls(values, async (calls) => {
      const says = await calls.update(escalation, join, { raised }, id);
      print(values.json === true ? JSON.stringify({ id: escalation, says }) : `${says}: gt explain ${escalation}`);
    });
  },
};

export const ack: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...WHO_OPTIONS, note: { type: 'string' } });
    const { note: words } = values;
    const to = takeOne('escalation ack', 'escalation', positionals);
    await say(to, escalationMessages.ack, values, words === undefined ? {} : { note: words });
  },
};

export const forward: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...WHO_OPTIONS, reason: { type: 'string' } });
    const { reason } = values;
    const to = takeOne('escalation forward', 'escalation', positionals);
    await say(to, escalationMessages.forward, values, reason === undefined ? {} : { reason });
  },
};

export const note: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, WHO_OPTIONS);
    const [to, text, ...more] = positionals;
    if (to === undefined || text === undefined || more.length > 0)
      throw new UsageError('gt escalation note takes an escalation and a text, in quotes');
    await say(to, escalationMessages.note, values, { text });
  },
};

export const resolve: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, {
      ...WHO_OPTIONS,
      ...VAR_OPTION,
      action: { type: 'string' },
      note: { type: 'string' },
      output: { type: 'string' },
      usd: { type: 'string' },
      allow: { type: 'string', multiple: true },
      waiter: { type: 'string' },
    });
    const to = takeOne('escalation resolve', 'escalation', positionals);
    const { action = 'retry', note: words, output, usd, allow, waiter } = values;
    await say(to, escalationMessages.resolve, values, {
      action,
      ...(words === undefined ? {} : { note: words }),
      ...(output === undefined ? {} : { output: readOutput(output) }),
      ...(values.var === undefined ? {} : { vars: readVars(values.var) }),
      ...(usd === undefined ? {} : { usd: readUsd(usd) }),
      ...(allow === undefined ? {} : { allow: [...allow] }),
      ...(waiter === undefined ? {} : { waiter }),
    });
  },
};

async function say(to: string, message: Message<z.ZodType>, values: WhoValues, about: Content): Promise<void> {
  const content = contentOf(message, values, about);
  await withCalls(values, async (calls) => print(await calls.update(to, message, content, values.id)));
}

/** Throws UsageError for what is no trouble. */
function readRaised(raised: object): Raised {
  const { data, error } = Raised.safeParse(raised);
  if (data !== undefined) return data;
  throw new UsageError(error.issues.map(({ path, message }) => `--${path.join('.')}: ${message}`).join('; '));
}

function readUsd(text: string): number {
  const usd = Number(text);
  if (Number.isFinite(usd) && usd > 0) return usd;
  throw new UsageError(`--usd is "${text}"; expected dollars, for example 20`);
}
