/** Commands about how people hear outside of the town of what has come to them. */
import { lazy, type Command } from './command.js';
import { SERVER_USAGE } from './mol-commands.js';
import { WHO_USAGE } from './step-commands.js';

const PERSON = `  PERSON                overseer, or a member of a crew as RIG/NAME`;

export const reachCommands: readonly Command[] = [
  lazy(
    'reach test',
    'Tell somebody a test by each way that town.toml has, and show how that went.',
    `gt reach test PERSON [options]\n\n${PERSON}\n${WHO_USAGE}\n${SERVER_USAGE}`,
    async () => (await import('./reach.js')).reachTest,
  ),
  lazy(
    'reach list',
    'List what somebody was told outside of the town, by which way, and how that went.',
    `gt reach list PERSON [--json] [options]\n\n${PERSON}\n  --json                for programs\n${SERVER_USAGE}`,
    async () => (await import('./reach.js')).reachList,
  ),
];
