/** Every command of `gt`, in the order in which `gt help` lists them. */
import type { Command } from './command.js';
import { formulaCheck } from './formula.js';
import { init } from './init.js';
import { rigAdd, rigList } from './rig.js';

export const commands: readonly Command[] = [
  init,
  rigAdd,
  rigList,
  lazy(
    'up',
    'Start the town on this machine: a Temporal server, its UI and a worker.',
    'gt up [DIR] [--port N] [--ui-port N]',
    async () => (await import('./up.js')).up,
  ),
  lazy(
    'demo',
    'Watch a mission of five items in two repositories, from worktrees to commits on both mains.',
    'gt demo [--model scripted|claude] [--chaos [--seed N]] [--dir DIR] [--keep]',
    async () => (await import('./demo.js')).demo,
  ),
  lazy(
    'worker',
    'Work for a town on a Temporal server or cluster.',
    'gt worker [--town DIR] [--address HOST:PORT]',
    async () => (await import('./worker.js')).worker,
  ),
  formulaCheck,
  lazy(
    'model serve',
    'Serve a scripted model over HTTP, to try formulas and towns without a model.',
    'gt model serve --script FILE [--port N] [--key K]',
    async () => (await import('./model.js')).modelServe,
  ),
];

/** A command whose code, and all of Temporal behind it, is read only when it is called. */
function lazy(name: string, summary: string, usage: string, load: () => Promise<Pick<Command, 'run'>>): Command {
  return { name, summary, usage, run: async (args) => (await load()).run(args) };
}
