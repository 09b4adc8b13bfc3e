/** Commands for the town's own chores. */
import { lazy, type Command } from './command.js';
import { SERVER_USAGE } from './mol-commands.js';
import { WHO_USAGE } from './step-commands.js';

export const dogCommands: readonly Command[] = [
  lazy(
    'dog list',
    'Show which dogs are out, what waits for one, and when each chore is due.',
    `gt dog list [--json] [options]\n\n  --json                for programs\n${SERVER_USAGE}`,
    async () => (await import('./dog.js')).list,
  ),
  lazy(
    'dog send',
    'Send a dog on an errand: clean, backup, verify, doctor or compact.',
    `gt dog send JOB [options]

  JOB                   clean: sandboxes and branches that nobody has any more; what is not on the remote is brought there
                        backup: the repository of the ledger, as a bundle in .gt/backups
                        verify: each line of the ledger, and that no mission is missing
                        doctor: what gt doctor looks at, on each host
                        compact: what has ended long ago goes off the server; mirrors are tidied up
  --rig NAME            only what is of this rig
  --dry                 only look, and say what would be done
  --priority N          0 is the most urgent, 4 the least; 2 if not given
${WHO_USAGE}
${SERVER_USAGE}`,
    async () => (await import('./dog.js')).send,
  ),
  lazy(
    'plugin list',
    'List the plugins of town.toml: what each runs, and when.',
    `gt plugin list [--json] [options]\n\n  --json                for programs\n${SERVER_USAGE}`,
    async () => (await import('./plugin.js')).list,
  ),
  lazy(
    'plugin run',
    'Run a plugin now, whenever else it runs.',
    `gt plugin run NAME [options]

  NAME                  of a table [plugins.NAME] of town.toml
  --id ID               makes a repetition harmless: under the same id it runs once
${SERVER_USAGE}`,
    async () => (await import('./plugin.js')).run,
  ),
];
