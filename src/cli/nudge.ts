/** `gt nudge`: a word to an agent at work, and which session has heard it. */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { polecatMessages } from '../contract/messages.js';
import { nudgesQuery } from '../contract/polecat.js';
import type { Nudge } from '../town/nudge.js';
import { timeAt } from '../town/wording.js';
import { withCalls, type Calls } from './calls.js';
import { CliError, readArguments, UsageError, type Command } from './command.js';
import { print } from './print.js';
import { contentOf, WHO_OPTIONS } from './step.js';

const LOOK_EVERY_MS = 500;

export const nudge: Pick<Command, 'run'> = {
  run: async (args) => {
    const options = { ...WHO_OPTIONS, cycle: { type: 'boolean' }, wait: { type: 'boolean' } } as const;
    const { values, positionals } = readArguments(args, options);
    const [agent, text, ...more] = positionals;
    if (agent === undefined || more.length > 0) throw new UsageError('gt nudge takes an agent, and a text in quotes');
    await withCalls(values, async (calls) => {
      if (text === undefined && values.cycle !== true)
        return print(listed(agent, (await calls.query(agent, nudgesQuery)).filter(isNudge)));
      const id = values.id ?? randomUUID();
      const content = contentOf(
        polecatMessages.nudge,
        { ...values, id },
        {
          text: text ?? 'Let a fresh session go on.',
          ...(values.cycle === true ? { cycle: true } : {}),
        },
      );
      print(await calls.update(agent, polecatMessages.nudge, content, id));
      if (values.wait === true) print(await untilHeard(agent, id, calls));
    });
  },
};

/** As long as it takes: who nudges may press Ctrl-C. Throws CliError when the agent's work has ended without it. */
async function untilHeard(agent: string, id: string, { query, list }: Calls): Promise<string> {
  const open = `WorkflowId=${JSON.stringify(agent)} AND ExecutionStatus="Running"`;
  for (;;) {
    const isOpen = (await list(open)).length > 0;
    const mine = (await query(agent, nudgesQuery)).find((one) => one.id === id);
    if (mine !== undefined && mine.heardBy !== null) return `heard by the session ${mine.heardBy}`;
    if (!isOpen) throw new CliError(`${agent} has ended its work without having heard it`);
    await pause(LOOK_EVERY_MS);
  }
}

/** Mail is listed by `gt mail inbox`. */
const isNudge = ({ mail, atStart }: Nudge): boolean => mail === undefined && atStart === undefined;

function listed(agent: string, nudges: readonly Nudge[]): string {
  if (nudges.length === 0) return `${agent} was told nothing`;
  return nudges.map(lineOf).join('\n');
}

function lineOf({ text, by, atMs, heardBy, cycle }: Nudge): string {
  const state = heardBy === null ? 'not heard yet' : `heard by ${heardBy}`;
  return `${timeAt(atMs)}  ${by}${cycle ? ' (hand over)' : ''}: ${text}  · ${state}`;
}
