/** Commands that make, fill and run a town. */
import { lazy, TOWN_USAGE, type Command } from './command.js';
import { SERVER_USAGE } from './mol-commands.js';

export const townCommands: readonly Command[] = [
  lazy(
    'init',
    'Make a folder a town: town.toml, formulas, ledger, kept in a git repository.',
    'gt init DIR\n\n  DIR   a new folder, an empty one, or a town, to which only what is missing is added',
    async () => (await import('./init.js')).init,
  ),
  lazy(
    'rig add',
    'Add a repository to the town.',
    `gt rig add NAME PATH_OR_URL [options]

  NAME                  lower-case letters, digits and "-"
  PATH_OR_URL           the repository: a folder, or a URL that git understands
  --branch BRANCH       where finished work lands; the repository's default branch if not given
  --gate NAME=COMMAND   a check that runs before work lands; may be given several times
  --names A,B           names of the rig's polecats
  --capacity N          the most polecats at once
  --prefix XX           two to four letters that the ids of its molecules begin with
  --force               also when the program of a gate is not on this machine
${TOWN_USAGE}`,
    async () => (await import('./rig.js')).rigAdd,
  ),
  lazy(
    'rig list',
    'List the repositories of the town.',
    `gt rig list [--json]\n\n  --json                for programs\n${TOWN_USAGE}`,
    async () => (await import('./rig.js')).rigList,
  ),
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
    'doctor',
    'Tell what can run on this machine, what is missing, and what to do about it.',
    `gt doctor [options]

  --json                for programs
${TOWN_USAGE}`,
    async () => (await import('./doctor.js')).doctor,
  ),
  lazy(
    'status',
    'Show the town at a glance: what is open, who works, and what waits for somebody.',
    `gt status [--json] [options]\n\n  --json                for programs\n${SERVER_USAGE}`,
    async () => (await import('./status.js')).status,
  ),
  lazy(
    'agents',
    'List who is at work: polecats, witnesses, refineries, what each does and waits for.',
    `gt agents [options]

  --rig NAME            those of one rig
  --json                for programs
${SERVER_USAGE}`,
    async () => (await import('./status.js')).agents,
  ),
  lazy(
    'feed',
    'Show what happens in the town, a line when it happens, until Ctrl-C.',
    `gt feed [options]

  --rig NAME            of one rig
  --mission ID          of one mission
  --json                for programs, a line of JSON each
${SERVER_USAGE}`,
    async () => (await import('./feed.js')).feed,
  ),
  lazy(
    'demo',
    'Watch a mission of five items in two repositories, from worktrees to commits on both mains.',
    `gt demo [options]

  --model scripted      the Anthropic SDK, against a scripted model on this machine
  --model claude        the real service, with your ANTHROPIC_API_KEY and at your cost; without --model scripts do the work
  --chaos               kill the worker on the way
  --kills N             with --chaos: how often; 5 if not given
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
  --deployment NAME     with --build-id: the version of this worker, on clusters that keep old ones; if not given
                        TEMPORAL_DEPLOYMENT_NAME, else it has none
  --build-id ID         if not given TEMPORAL_WORKER_BUILD_ID
${TOWN_USAGE}`,
    async () => (await import('./worker.js')).worker,
  ),
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
