/** Commands about people who have a desk in a rig. */
import { lazy, type Command } from './command.js';
import { SERVER_USAGE } from './mol-commands.js';
import { WHO_USAGE } from './step-commands.js';

const MEMBER = `  RIG/NAME              the rig, and the person, for example server/ann`;

export const crewCommands: readonly Command[] = [
  lazy(
    'crew add',
    'Give a person a desk in a rig, who can be written to from then on.',
    `gt crew add RIG/NAME [options]\n\n${MEMBER}\n${SERVER_USAGE}`,
    async () => (await import('./crew.js')).crewAdd,
  ),
  lazy(
    'crew remove',
    'Take a person out of the crew; what is in the inbox and on the hook goes to the ledger.',
    `gt crew remove RIG/NAME [options]

${MEMBER}
  --force               also when the worktree holds what is nowhere else: it is first saved as a branch of the remote
${WHO_USAGE}
${SERVER_USAGE}`,
    async () => (await import('./crew.js')).crewRemove,
  ),
  lazy(
    'crew list',
    'List the people of all rigs.',
    `gt crew list [options]\n\n${SERVER_USAGE}`,
    async () => (await import('./crew.js')).crewList,
  ),
  lazy(
    'crew show',
    "Show somebody's desk: what hangs on the hook, what waits for it, which steps wait.",
    `gt crew show RIG/NAME [--json] [options]\n\n${MEMBER}\n  --json                for programs\n${SERVER_USAGE}`,
    async () => (await import('./crew-show.js')).crewShow,
  ),
  lazy(
    'crew at',
    "Print the path of somebody's worktree, which is made if there is none.",
    `gt crew at RIG/NAME [options]\n\n${MEMBER}\n${WHO_USAGE}\n${SERVER_USAGE}`,
    async () => (await import('./crew-show.js')).crewAt,
  ),
  lazy(
    'crew done',
    'Say that work on a hook is done, and the next hangs there at once; or an item of a mission.',
    `gt crew done RIG/NAME [TASK] [options]

${MEMBER}
  TASK                  which one, by its id, or MISSION/ITEM; what hangs on the hook if not given
  --failed              the item cannot be done: it waits for retry or skip
  --note TEXT           what was done, or why not, for the record
${WHO_USAGE}
${SERVER_USAGE}`,
    async () => (await import('./crew-show.js')).crewDone,
  ),
];
