/** `gt answer`, `gt approve`, `gt reject`: a person's word, to a step that waits for it or to an escalation. */
import { readFileSync } from 'node:fs';
import { escalationMessages, escalationQuery } from '../contract/escalation.js';
import { moleculeMessages } from '../contract/messages.js';
import { isEscalationId } from '../town/address.js';
import { chosen } from '../town/escalation-answer.js';
import { withCalls } from './calls.js';
import { CliError, readArguments, UsageError, type Command } from './command.js';
import { print } from './print.js';
import { contentOf, given, molNamed, say, WHO_OPTIONS, type WhoValues } from './step.js';

const ANSWER_OPTIONS = { ...WHO_OPTIONS, token: { type: 'string' } } as const;

export const answer: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...ANSWER_OPTIONS, choice: { type: 'string' } });
    const { choice, token } = values;
    const words = choice === undefined ? positionals : [...positionals, choice];
    const [workflow, first, second, ...more] = words;
    if (workflow === undefined || first === undefined || more.length > 0)
      throw new UsageError(
        choice === undefined
          ? 'gt answer takes a workflow, its step if several wait, and the answer in quotes'
          : 'gt answer --choice takes a workflow, and its step if several wait',
      );
    const [step, said] = second === undefined ? [undefined, first] : [first, second];
    const text = said === '-' ? readFileSync(0, 'utf8') : said;
    if (isEscalationId(workflow)) return resolve(workflow, text, step, values);
    await say(moleculeMessages.answer, workflow, values, { ...given({ step, token }), text });
  },
};

export const approve: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...OF_STEP, note: { type: 'string' } });
    const { workflow, step } = meant('approve', values.mol, positionals);
    const { note, token } = values;
    await say(moleculeMessages.approve, workflow, values, given({ step, note, token }));
  },
};

export const reject: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...OF_STEP, reason: { type: 'string' } });
    const { workflow, step } = meant('reject', values.mol, positionals);
    const { reason, token } = values;
    if (reason === undefined) throw new UsageError('gt reject needs --reason TEXT: why, for whoever mends it');
    await say(moleculeMessages.reject, workflow, values, given({ step, reason, token }));
  },
};

const OF_STEP = { ...ANSWER_OPTIONS, mol: { type: 'string' } } as const;

/** `WORKFLOW [STEP]`; where the molecule is named otherwise, as for `gt close`, the step alone. */
function meant(
  verb: string,
  mol: string | undefined,
  positionals: readonly string[],
): { readonly workflow: string; readonly step: string | undefined } {
  const [first, second, ...more] = positionals;
  const named = mol ?? process.env['GT_MOLECULE'] ?? '';
  if (more.length > 0 || (first === undefined && named === '') || (second !== undefined && mol !== undefined))
    throw new UsageError(`gt ${verb} takes a workflow, and its step if several wait`);
  if (first === undefined || (second === undefined && named !== '')) return { workflow: molNamed(mol), step: first };
  return { workflow: first, step: second };
}

/** Whoever waits for it goes on, with the words or as the choice says. */
async function resolve(workflow: string, said: string, step: string | undefined, values: Answer): Promise<void> {
  if (step !== undefined) throw new UsageError(`${workflow} is one escalation, and has no step "${step}"`);
  const { resolve: message } = escalationMessages;
  await withCalls(values, async (calls) => {
    const answered = chosen(workflow, await calls.query(workflow, escalationQuery), said, values.choice !== undefined);
    if (!answered.ok) throw new CliError(answered.why);
    const content = contentOf(message, values, answered.resolution);
    print(await calls.update(workflow, message, content, values.id));
  });
}

type Answer = WhoValues & { readonly choice?: string | undefined };
