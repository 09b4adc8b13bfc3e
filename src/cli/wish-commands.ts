/** Commands for what somebody wants, in words. */
import { lazy, type Command } from './command.js';
import { SERVER_USAGE } from './mol-commands.js';
import { WHO_USAGE } from './step-commands.js';

const WISH = '  WISH                  its id, as gt wish list has it';

export const wishCommands: readonly Command[] = [
  lazy(
    'wish',
    'Say what you want: the mayor makes a mission of it, and shows the plan.',
    `gt wish "WORDS" [options]

  WORDS                 what is wanted, in words
  --rig RIG             whose code the planner reads; that of every rig if not given
  --budget USD          the most that the mission may spend, and that planning it may
  --yes                 start the mission as it is planned, without asking
  --json                {"id", "says"} for programs
${WHO_USAGE}
${SERVER_USAGE}

Without a model the wish waits for a plan of a person: gt wish plan.`,
    async () => (await import('./wish.js')).wish,
  ),
  lazy(
    'wish list',
    'List the wishes, and what became of them.',
    `gt wish list [--json] [options]\n\n  --json                for programs\n${SERVER_USAGE}`,
    async () => (await import('./wish.js')).list,
  ),
  lazy(
    'wish show',
    'Show a wish: its plan, what waits, and what can be said to it.',
    `gt wish show WISH [--json] [options]\n\n${WISH}\n  --json                for programs\n${SERVER_USAGE}`,
    async () => (await import('./wish.js')).show,
  ),
  lazy(
    'wish approve',
    'Start the mission of a wish as it is planned.',
    `gt wish approve WISH [options]\n\n${WISH}\n${WHO_USAGE}\n${SERVER_USAGE}`,
    async () => (await import('./wish.js')).approve,
  ),
  lazy(
    'wish change',
    'Have a wish planned anew, with these words in mind.',
    `gt wish change WISH --words TEXT [options]\n\n${WISH}\n  --words TEXT          what is to be otherwise\n${WHO_USAGE}\n${SERVER_USAGE}`,
    async () => (await import('./wish.js')).change,
  ),
  lazy(
    'wish plan',
    'Give a wish a plan of your own.',
    `gt wish plan WISH --file FILE [options]

${WISH}
  --file FILE           the input of a mission, as JSON: {"title", "work": [{"id", "rig", "formula", "vars", "needs"}]}
${WHO_USAGE}
${SERVER_USAGE}

It is checked, cooked and shown like any other plan; gt wish approve starts it.`,
    async () => (await import('./wish.js')).plan,
  ),
  lazy(
    'wish reject',
    'Give a wish up.',
    `gt wish reject WISH [--reason TEXT] [options]\n\n${WISH}\n  --reason TEXT         why, for the record\n${WHO_USAGE}\n${SERVER_USAGE}\n\nA mission that works on it is left alone: temporal workflow cancel ends one.`,
    async () => (await import('./wish.js')).reject,
  ),
];
