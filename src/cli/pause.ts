/** `gt pause`, `gt resume`: whatever can be held, or all rigs, and with them the town. */
import type { z } from 'zod';
import type { Message } from '../contract/message.js';
import { missionMessages } from '../contract/messages.js';
import { withCalls, type Content } from './calls.js';
import { CliError, readArguments, refuseMore, takeOne, UsageError, type Command } from './command.js';
import { print } from './print.js';
import { contentOf, WHO_OPTIONS, type WhoValues } from './step.js';

const OPTIONS = { ...WHO_OPTIONS, all: { type: 'boolean' } } as const;

type Values = WhoValues & { readonly all?: boolean | undefined };

/** Each rig has one. */
const WITNESSES = 'WorkflowType="witness" AND ExecutionStatus="Running"';

export const pause: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...OPTIONS, reason: { type: 'string' } });
    if (values.reason === undefined) throw new UsageError('gt pause needs --reason TEXT: why, for the record');
    await say(missionMessages.pause, positionals, values, { reason: values.reason });
  },
};

export const resume: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, OPTIONS);
    await say(missionMessages.resume, positionals, values, {});
  },
};

async function say(
  message: Message<z.ZodType>,
  positionals: readonly string[],
  values: Values,
  about: Content,
): Promise<void> {
  if (values.all === true) refuseMore(`${message.name} --all`, positionals);
  const one = values.all === true ? null : takeOne(message.name, 'workflow id', positionals);
  const content = contentOf(message, values, about);
  await withCalls(values, async (calls) => {
    if (one !== null) return print(await calls.update(one, message, content, values.id));
    const witnesses = await calls.list(WITNESSES);
    if (witnesses.length === 0)
      throw new CliError('no rig is at work: one is once a mission has asked for a slot there');
    const problems: string[] = [];
    for (const id of witnesses) {
      const said = calls.update(id, message, content, values.id);
      await said.then(
        (answer) => print(`${id}: ${answer}`),
        (error: unknown) => problems.push(`${id}: ${told(error)}`),
      );
    }
    if (problems.length > 0) throw new CliError(problems.join('\n'));
  });
}

function told(error: unknown): string {
  if (error instanceof CliError) return error.message;
  throw error;
}
