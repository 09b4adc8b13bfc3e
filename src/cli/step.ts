/** `gt close`, `skip`, `fail`, `retry`, `approve`: what is said to a molecule about one of its steps, as Updates. */
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { z } from 'zod';
import { moleculeMessages, type Message } from '../contract/messages.js';
import { Json } from '../town/protomolecule.js';
import { readArguments, UsageError, type Command } from './command.js';
import { ofExecution, refused, SERVER_OPTIONS, withServer } from './server.js';

const STEP_OPTIONS = {
  ...SERVER_OPTIONS,
  mol: { type: 'string' },
  by: { type: 'string' },
  id: { type: 'string' },
} as const;

type StepValues = { readonly [Key in keyof typeof STEP_OPTIONS]?: string | undefined };

export const close: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, {
      ...STEP_OPTIONS,
      note: { type: 'string' },
      output: { type: 'string' },
      outcome: { type: 'string' },
      continue: { type: 'boolean' },
    });
    const { note, output, outcome } = values;
    await say(moleculeMessages.close, 'close', positionals, values, {
      ...given({ note, outcome }),
      ...(output === undefined ? {} : { output: readOutput(output) }),
      ...(values.continue === true ? { continue: true } : {}),
    });
  },
};

export const skip = withText('skip', moleculeMessages.skip, 'reason');
export const fail = withText('fail', moleculeMessages.fail, 'reason');
export const retry = withText('retry', moleculeMessages.retry, 'note');
export const approve = withText('approve', moleculeMessages.approve, 'note');

/** A verb with one text beside the step; a reason must be given, a note may be. */
function withText(verb: string, message: Message<z.ZodType>, text: 'reason' | 'note'): Pick<Command, 'run'> {
  return {
    run: async (args) => {
      const { values, positionals } = readArguments(args, { ...STEP_OPTIONS, [text]: { type: 'string' } });
      const written = Object.entries(values).find(([key]) => key === text)?.[1];
      if (text === 'reason' && written === undefined)
        throw new UsageError(`gt ${verb} needs --reason TEXT: why, for the record`);
      await say(message, verb, positionals, values, given({ [text]: written }));
    },
  };
}

async function say(
  message: Message<z.ZodType>,
  verb: string,
  positionals: readonly string[],
  values: StepValues,
  content: Readonly<Record<string, Json>>,
): Promise<void> {
  const [step, ...more] = positionals;
  if (step === undefined || more.length > 0) throw new UsageError(`gt ${verb} takes one step`);
  const mol = molNamed(values.mol);
  const by = values.by ?? process.env['GT_AGENT'] ?? userInfo().username;
  const whole = { ...content, step, by, ...given({ id: values.id }) };
  const unfit = message.schema.safeParse(whole);
  if (!unfit.success) throw new UsageError(z.prettifyError(unfit.error));
  await withServer(values, (client) =>
    ofExecution(mol, async () => {
      // One id for the message and for the Update: asked again after a lost answer, the server gives the first one.
      const options = {
        args: [whole] as [unknown],
        ...(values.id === undefined ? {} : { updateId: `${verb}:${values.id}` }),
      };
      const answer = client.workflow.getHandle(mol).executeUpdate(message.update, options);
      console.log(await answer.catch(refused));
    }),
  );
}

/** Throws UsageError when neither an option nor the environment names one. */
export function molNamed(named: string | undefined): string {
  const mol = named ?? process.env['GT_MOLECULE'];
  if (mol === undefined || mol === '')
    throw new UsageError('which molecule? Name it with --mol ID; gt ready lists those that wait');
  return mol;
}

function readOutput(text: string): Json {
  const written = text === '-' ? readFileSync(0, 'utf8') : text;
  try {
    return Json.parse(JSON.parse(written));
  } catch (error) {
    throw new UsageError(`--output is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function given(values: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const])),
  );
}
