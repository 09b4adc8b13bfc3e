/** `gt wish`: what somebody wants, in words, and what becomes of it. */
import { readFileSync } from 'node:fs';
import type * as z from 'zod';
import type { Message } from '../contract/message.js';
import { mayorMessages, wishesQuery } from '../contract/mayor.js';
import { Json } from '../town/act.js';
import { MAYOR } from '../town/address.js';
import { standOf, wishText } from '../town/wish-board.js';
import type { Wish } from '../town/wish.js';
import { short, timeAt } from '../town/wording.js';
import { newId, withCalls, type Calls, type Content } from './calls.js';
import { columns } from './columns.js';
import { CliError, readArguments, refuseMore, takeOne, UsageError, type Command } from './command.js';
import { print } from './print.js';
import { SERVER_OPTIONS } from './server-place.js';
import { contentOf, WHO_OPTIONS, type WhoValues } from './step.js';

const LOOK = { ...SERVER_OPTIONS, json: { type: 'boolean' } } as const;

export const wish: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, {
      ...WHO_OPTIONS,
      rig: { type: 'string' },
      budget: { type: 'string' },
      yes: { type: 'boolean' },
      json: { type: 'boolean' },
    });
    const [words, ...more] = positionals;
    if (words === undefined || more.length > 0)
      throw new UsageError('gt wish takes what you want as one argument, in quotes');
    const { rig, budget, yes, id = newId('ws') } = values;
    const { sling } = mayorMessages;
    const content = contentOf(sling, values, {
      id,
      wish: words,
      ...(rig === undefined ? {} : { rig }),
      ...(budget === undefined ? {} : { budget: { usd: readUsd(budget) } }),
      ...(yes === true ? { approve: 'start' } : {}),
    });
    await withCalls(values, async (calls) => {
      const says = await calls.update(MAYOR, sling, content, id);
      print(values.json === true ? JSON.stringify({ id, says }) : says);
    });
  },
};

export const list: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, LOOK);
    refuseMore('wish list', positionals);
    await withCalls(values, async (calls) => {
      const wishes = await wishesIn(calls);
      if (values.json === true) return print(JSON.stringify(wishes, null, 2));
      if (wishes.length === 0) return print('none: gt wish "WORDS" says what you want');
      const rows = wishes.map(({ id, text, state, sinceMs }) => [id, timeAt(sinceMs), standOf(state), short(text)]);
      print(columns([['wish', 'since', 'is', 'wants'], ...rows]));
    });
  },
};

export const show: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, LOOK);
    const id = takeOne('wish show', 'wish', positionals);
    await withCalls(values, async (calls) => {
      const found = (await wishesIn(calls)).find((one) => one.id === id);
      if (found === undefined)
        throw new CliError(
          `there is no wish ${id}: gt wish list shows them, and the ledger has those that are long over`,
        );
      print(values.json === true ? JSON.stringify(found, null, 2) : wishText(found));
    });
  },
};

/** Without a mayor nothing was wished. */
async function wishesIn({ call }: Calls): Promise<readonly Wish[]> {
  const answer = await call({ kind: 'query', workflow: MAYOR, name: wishesQuery.name });
  if (answer.kind === 'missing') return [];
  if (answer.kind !== 'result') throw new CliError(answer.why);
  return answer.value as readonly Wish[]; // as this version's mayor answers
}

export const approve: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, WHO_OPTIONS);
    await say(mayorMessages.approve, values, { wish: takeOne('wish approve', 'wish', positionals) });
  },
};

export const change: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...WHO_OPTIONS, words: { type: 'string' } });
    const id = takeOne('wish change', 'wish', positionals);
    if (values.words === undefined) throw new UsageError('gt wish change needs --words TEXT: what is to be otherwise');
    await say(mayorMessages.change, values, { wish: id, words: values.words });
  },
};

export const reject: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...WHO_OPTIONS, reason: { type: 'string' } });
    const { reason } = values;
    const about = { wish: takeOne('wish reject', 'wish', positionals), ...(reason === undefined ? {} : { reason }) };
    await say(mayorMessages.reject, values, about);
  },
};

export const plan: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...WHO_OPTIONS, file: { type: 'string' } });
    const id = takeOne('wish plan', 'wish', positionals);
    if (values.file === undefined)
      throw new UsageError('gt wish plan needs --file FILE: the input of a mission, as JSON');
    await say(mayorMessages.plan, values, { wish: id, mission: readMission(values.file) });
  },
};

async function say(message: Message<z.ZodType>, values: WhoValues, about: Content): Promise<void> {
  const content = contentOf(message, values, about);
  await withCalls(values, async (calls) => print(await calls.update(MAYOR, message, content, values.id)));
}

function readMission(file: string): Json {
  try {
    return Json.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    throw new CliError(`${file} cannot be read as JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function readUsd(text: string): number {
  const usd = Number(text);
  if (Number.isFinite(usd) && usd > 0) return usd;
  throw new UsageError(`--budget is "${text}"; expected dollars, for example 5`);
}
