/** `gt close`, `skip`, `fail`, `retry`: what is said about a step, as Updates. */
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import * as z from 'zod';
import type { Message } from '../contract/message.js';
import { moleculeMessages } from '../contract/messages.js';
import { Json } from '../town/act.js';
import { withCalls, type Content } from './calls.js';
import { readArguments, takeOne, UsageError, type Command } from './command.js';
import { print } from './print.js';
import { SERVER_OPTIONS } from './server-place.js';

export const WHO_OPTIONS = { ...SERVER_OPTIONS, by: { type: 'string' }, id: { type: 'string' } } as const;
const STEP_OPTIONS = { ...WHO_OPTIONS, mol: { type: 'string' }, token: { type: 'string' } } as const;

export type WhoValues = { readonly [Key in keyof typeof WHO_OPTIONS]?: string | undefined };

export const close: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, {
      ...STEP_OPTIONS,
      note: { type: 'string' },
      output: { type: 'string' },
      outcome: { type: 'string' },
      allow: { type: 'string', multiple: true },
      continue: { type: 'boolean' },
    });
    const { note, output, outcome, token, allow } = values;
    const [step, ...more] = positionals;
    if (step === undefined) throw new UsageError('gt close takes one step or several');
    await say(moleculeMessages.close, molNamed(values.mol), values, {
      step: more.length === 0 ? step : positionals,
      ...given({ note, outcome, token }),
      ...(output === undefined ? {} : { output: readOutput(output) }),
      ...(allow === undefined ? {} : { allow: [...allow] }),
      ...(values.continue === true ? { continue: true } : {}),
    });
  },
};

export const skip: Pick<Command, 'run'> = {
  run: async (args) => {
    const options = { ...STEP_OPTIONS, reason: { type: 'string' }, allow: { type: 'string', multiple: true } } as const;
    const { values, positionals } = readArguments(args, options);
    const { mol, reason, token, allow } = values;
    const step = takeOne('skip', 'step', positionals);
    if (reason === undefined) throw new UsageError('gt skip needs --reason TEXT: why, for the record');
    await say(moleculeMessages.skip, molNamed(mol), values, {
      step,
      ...given({ reason, token }),
      ...(allow === undefined ? {} : { allow: [...allow] }),
    });
  },
};

export const fail: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...STEP_OPTIONS, reason: { type: 'string' } });
    const { mol, reason, token } = values;
    const step = takeOne('fail', 'step', positionals);
    if (reason === undefined) throw new UsageError('gt fail needs --reason TEXT: why, for the record');
    await say(moleculeMessages.fail, molNamed(mol), values, { step, ...given({ reason, token }) });
  },
};

export const retry: Pick<Command, 'run'> = {
  run: async (args) => {
    const options = {
      ...STEP_OPTIONS,
      note: { type: 'string' },
      var: { type: 'string', multiple: true },
      from: { type: 'boolean' },
    } as const;
    const { values, positionals } = readArguments(args, options);
    const { mol, note, from, token, var: written } = values;
    const step = takeOne('retry', 'step', positionals);
    await say(moleculeMessages.retry, molNamed(mol), values, {
      step,
      ...given({ note, token }),
      ...(written === undefined ? {} : { vars: (await import('./formula-places.js')).readVars(written) }),
      ...(from === true ? { from } : {}),
    });
  },
};

export async function say(message: Message<z.ZodType>, to: string, values: WhoValues, about: Content): Promise<void> {
  const content = contentOf(message, values, about);
  await withCalls(values, async (calls) => print(await calls.update(to, message, content, values.id)));
}

export function whoAsks({ by }: Pick<WhoValues, 'by'>): string {
  return (by ?? process.env['GT_AGENT'] ?? userInfo().username).trim();
}

/** Throws UsageError for what the message does not take. */
export function contentOf(message: Message<z.ZodType>, values: WhoValues, about: Content): Content {
  const content = { ...about, by: whoAsks(values), ...given({ id: values.id }) };
  const unfit = message.schema.safeParse(content).error;
  if (unfit !== undefined) throw new UsageError(z.prettifyError(unfit));
  return content;
}

/** Throws UsageError when neither an option nor the environment names one. */
export function molNamed(named: string | undefined): string {
  const mol = named ?? process.env['GT_MOLECULE'];
  if (mol === undefined || mol === '')
    throw new UsageError('which molecule? Name it with --mol ID; gt ready lists those that wait');
  return mol;
}

export function readOutput(text: string): Json {
  const written = text === '-' ? readFileSync(0, 'utf8') : text;
  try {
    return Json.parse(JSON.parse(written));
  } catch (error) {
    throw new UsageError(`--output is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

export function given(values: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const])),
  );
}
