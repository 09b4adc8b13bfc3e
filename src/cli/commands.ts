/** Every command of `gt`, in the order in which `gt help` lists them. Nothing here is read before it is called: `gt` starts at once. */
import { channelCommands } from './channel-commands.js';
import type { Command } from './command.js';
import { crewCommands } from './crew-commands.js';
import { dogCommands } from './dog-commands.js';
import { escalationCommands } from './escalation-commands.js';
import { formulaCommands } from './formula-commands.js';
import { mailCommands } from './mail-commands.js';
import { molCommands } from './mol-commands.js';
import { mqCommands } from './mq-commands.js';
import { peopleCommands } from './people-commands.js';
import { reachCommands } from './reach-commands.js';
import { sessionCommands } from './session-commands.js';
import { slingCommands } from './sling-commands.js';
import { stepCommands } from './step-commands.js';
import { townCommands } from './town-commands.js';
import { wishCommands } from './wish-commands.js';

export const commands: readonly Command[] = [
  ...townCommands,
  ...formulaCommands,
  ...molCommands,
  ...stepCommands,
  ...peopleCommands,
  ...slingCommands,
  ...sessionCommands,
  ...mailCommands,
  ...crewCommands,
  ...reachCommands,
  ...escalationCommands,
  ...channelCommands,
  ...mqCommands,
  ...dogCommands,
  ...wishCommands,
];
