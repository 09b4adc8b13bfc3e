/** Commands for the merge queues of a town. */
import { lazy, type Command } from './command.js';
import { SERVER_USAGE } from './mol-commands.js';
import { WHO_USAGE } from './step-commands.js';

const REQUEST = `  REQUEST               its id, as gt mq list has it
  --rig RIG             whose queue; if not given all are looked through`;

const WHY = '  --reason TEXT         why, for the record\n';

const usage = (verb: string, options = ''): string =>
  `gt mq ${verb} REQUEST [options]\n\n${REQUEST}\n${options}${WHO_USAGE}\n${SERVER_USAGE}`;

export const mqCommands: readonly Command[] = [
  lazy(
    'mq list',
    'List what waits to land, in its order, how it stands, and when its verdict is to be expected.',
    `gt mq list [RIG] [options]\n\n  RIG                   if not given the queues of all rigs\n  --json                for programs\n${SERVER_USAGE}`,
    async () => (await import('./mq.js')).list,
  ),
  lazy(
    'mq retry',
    'Let a request that is held try again.',
    usage('retry'),
    async () => (await import('./mq.js')).retry,
  ),
  lazy(
    'mq hold',
    'Keep a request from landing, also while its gates run, until gt mq retry.',
    usage('hold', WHY),
    async () => (await import('./mq.js')).hold,
  ),
  lazy(
    'mq remove',
    'Take a request out of its queue; its polecat is told.',
    usage('remove', WHY),
    async () => (await import('./mq.js')).remove,
  ),
];
