/** Commands that put work onto a hook and take it off again. */
import { lazy, type Command } from './command.js';
import { SERVER_USAGE } from './mol-commands.js';
import { WHO_USAGE } from './step-commands.js';

export const slingCommands: readonly Command[] = [
  lazy(
    'sling',
    'Put work onto a hook: it begins at once, or when its turn comes.',
    `gt sling [FORMULA] TARGET [options]

  FORMULA               the name of a formula of the town, or of a shipped one; a person may be slung words alone
  TARGET                RIG: any polecat of the rig, by a mission of one item
                        RIG/polecats/NAME: the one of that name
                        RIG/crew/NAME: a person, who has the formula's steps as a list to go by
                        mayor: a wish in words, which stand in place of FORMULA; as gt wish
                        deacon/dogs: an errand by its name, in place of FORMULA; as gt dog send
  --var NAME=VALUE      a value for a variable of the formula; once for each
  --title TEXT          what it is, in a few words; if not given the formula's name
  --text TEXT           for a person, what is to be done; "-" reads it from standard input
  --priority N          0, the most urgent, to 4; 2 if not given
${WHO_USAGE}
${SERVER_USAGE}

Answers with the id by which gt unsling takes it off again, and with who has it, or where in the queue it stands.`,
    async () => (await import('./sling.js')).sling,
  ),
  lazy(
    'unsling',
    'Take work off a hook, or out of the queue for one.',
    `gt unsling ID|TARGET [TASK] [options]

  ID                    of a mission that was slung: it is withdrawn, or its polecat ends, and brings what it has done to the remote
  TARGET                as of gt sling: what hangs there, or waits for it alone
  TASK                  of a person's hook, which one, by its id; of the mayor, the wish
  --by WHO              who asks, for the record; if not given GT_AGENT, else your name on this machine
${SERVER_USAGE}`,
    async () => (await import('./sling.js')).unsling,
  ),
];
