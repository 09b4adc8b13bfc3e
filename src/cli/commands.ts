/** Every command of `gt`, in the order in which `gt help` lists them. */
import type { Command } from './command.js';
import { formulaCheck } from './formula.js';
import { init } from './init.js';
import { rigAdd, rigList } from './rig.js';
import { TOWN_USAGE } from './town.js';

export const commands: readonly Command[] = [
  init,
  rigAdd,
  rigList,
  lazy(
    'up',
    'Start the town on this machine: a Temporal server, its UI and a worker.',
    `gt up [DIR] [options]

  DIR                   the town, as --town
  --port N              of the server; if not given that of the last start, town.toml's or 7233, or a free one
  --ui-port N           of the Temporal UI; if not given in the same way, 8233
${TOWN_USAGE}`,
    async () => (await import('./up.js')).up,
  ),
  lazy(
    'demo',
    'Watch a mission of five items in two repositories, from worktrees to commits on both mains.',
    `gt demo [options]

  --model scripted      the Anthropic SDK, against a scripted model on this machine
  --model claude        the real service, with your ANTHROPIC_API_KEY and at your cost; without --model scripts do the work
  --chaos               kill the worker five times on the way
  --seed N              a whole number: the same moments for the same number; any if not given
  --dir DIR             a new or empty folder for the demo's town; a new one for temporary files if not given
  --keep                leave the town up at the end, until Ctrl-C`,
    async () => (await import('./demo.js')).demo,
  ),
  lazy(
    'worker',
    'Work for a town on a Temporal server or cluster.',
    `gt worker [options]

  --address HOST:PORT   the Temporal server; if not given TEMPORAL_ADDRESS, else what Temporal's own configuration says,
                        else localhost:7233
  --embedded            the server is the town's own: Temporal's configuration says nothing about it (used by gt up)
${TOWN_USAGE}`,
    async () => (await import('./worker.js')).worker,
  ),
  formulaCheck,
  lazy(
    'model serve',
    'Serve a scripted model over HTTP, to try formulas and towns without a model.',
    `gt model serve --script FILE [options]

  --script FILE         the rules, a JSON file: see docs/model-server.md
  --port N              a free one if not given
  --key K               the only key that is taken; any if not given`,
    async () => (await import('./model.js')).modelServe,
  ),
];

/** A command whose code, and all of Temporal behind it, is read only when it is called. */
function lazy(name: string, summary: string, usage: string, load: () => Promise<Pick<Command, 'run'>>): Command {
  return { name, summary, usage, run: async (args) => (await load()).run(args) };
}
