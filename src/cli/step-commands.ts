/** Commands for those who work on the steps of molecules, agents and people, and for those who steer them. */
import { lazy, type Command } from './command.js';
import { SERVER_USAGE } from './mol-commands.js';

const MOL = `  --mol MOL             workflow id of the molecule; if not given GT_MOLECULE`;
const ALLOW = `  --allow MARK          push a line that only looks like a secret, by the mark that the refusal names; may be repeated`;
const TOKEN = `  --token TOKEN         as gt mol current gave it: refused when the step waits anew since, for somebody else`;
export const WHO_USAGE = `  --by WHO              who asks, for the record; if not given GT_AGENT, else your name on this machine
  --id ID               makes a repetition harmless: under the same id nothing happens twice`;

export const stepCommands: readonly Command[] = [
  lazy(
    'ready',
    'List the steps that wait for somebody, of one molecule or of all.',
    `gt ready [MOL] [--json] [options]\n\n  MOL                   workflow id of a molecule; if not given all that are open\n  --json                for programs\n${SERVER_USAGE}`,
    async () => (await import('./step-show.js')).ready,
  ),
  lazy(
    'close',
    'Close a step that waits for you, or several; answers with what is next.',
    `gt close STEP [STEP …] [--continue] [options]

  STEP                  the step's id, as gt ready lists it; several close in this order, all or none, when nothing must be checked
  --continue            answer with the next step's instructions, also when a session works on it
  --note TEXT           what was done, in a sentence
  --output JSON         what the step leaves to those after it, as its formula declares; "-" reads it from standard input
  --outcome WORD        done (if not given), no-changes, or failed: then others decide what becomes of the step
${ALLOW}
${MOL}
${TOKEN}
${WHO_USAGE}
${SERVER_USAGE}

The step counts as closed when its checks have passed. What is refused is told with what is possible instead, and exits 1.`,
    async () => (await import('./step.js')).close,
  ),
  lazy(
    'skip',
    'Close a step as skipped; those that need it go on.',
    `gt skip STEP --reason TEXT [options]\n\n  STEP                  the step's id\n  --reason TEXT         why, for the record\n${ALLOW}\n${MOL}\n${TOKEN}\n${WHO_USAGE}\n${SERVER_USAGE}`,
    async () => (await import('./step.js')).skip,
  ),
  lazy(
    'fail',
    'Fail a step that waits, and with it the molecule.',
    `gt fail STEP --reason TEXT [options]\n\n  STEP                  the step's id\n  --reason TEXT         why, for the record\n${MOL}\n${TOKEN}\n${WHO_USAGE}\n${SERVER_USAGE}`,
    async () => (await import('./step.js')).fail,
  ),
  lazy(
    'retry',
    'Answer a step that escalated: a new session, iteration or wait begins; or go back to before a step.',
    `gt retry STEP [--from] [--note TEXT] [--var NAME=VALUE …] [options]\n\n  STEP                  the step's id\n  --from                go back: the step and all that came of it are done again, and the sandbox goes back with them\n  --note TEXT           the answer, which the next session is told\n  --var NAME=VALUE      a variable of the formula, and its value from now on; may be repeated; not with --from\n${MOL}\n${TOKEN}\n${WHO_USAGE}\n${SERVER_USAGE}`,
    async () => (await import('./step.js')).retry,
  ),
  lazy(
    'pause',
    'Hold a mission, a polecat or a molecule: nothing new begins in it.',
    `gt pause ID --reason TEXT [options]\ngt pause --all --reason TEXT [options]\n\n  ID                    workflow id of a mission, a polecat, a molecule, or RIG/witness, which holds all work in the rig\n  --all                 all rigs that are at work, and with them the town\n  --reason TEXT         why, for the record\n${WHO_USAGE}\n${SERVER_USAGE}\n\nSessions under way end first. Steps may be closed and answered meanwhile, and what is handed in still lands.`,
    async () => (await import('./pause.js')).pause,
  ),
  lazy(
    'resume',
    'Let what was paused go on.',
    `gt resume ID [options]\ngt resume --all [options]\n\n  ID                    a workflow id\n  --all                 all rigs that are at work\n${WHO_USAGE}\n${SERVER_USAGE}`,
    async () => (await import('./pause.js')).resume,
  ),
  lazy(
    'estop',
    'Stop the whole town: all rigs are held, and those that begin later, until gt thaw.',
    `gt estop [--reason TEXT] [--now] [options]\n\n  --reason TEXT         why, for the record\n  --now                 agents at work are asked to hand over before their next turn, too\n${WHO_USAGE}\n${SERVER_USAGE}\n\nSessions under way end first. What is held otherwise, too, stays held when the town goes on.`,
    async () => (await import('./estop.js')).estop,
  ),
  lazy(
    'thaw',
    'Let a town go on that gt estop holds.',
    `gt thaw [options]\n\n${WHO_USAGE}\n${SERVER_USAGE}`,
    async () => (await import('./estop.js')).thaw,
  ),
  lazy(
    'prime',
    'Tell an agent what it has to do now: its molecule, its steps, how to close them.',
    `gt prime [MOL] [options]\n\n  MOL                   workflow id of the molecule; if not given GT_MOLECULE\n${SERVER_USAGE}`,
    async () => (await import('./prime.js')).prime,
  ),
  lazy(
    'hook',
    'Show what an agent or a person has on the hook.',
    `gt hook [--as ADDRESS] [--json] [options]

  --as ADDRESS          RIG/polecats/NAME or RIG/crew/NAME, which may also stand by itself; if not given GT_AGENT
  --json                for programs
${SERVER_USAGE}`,
    async () => (await import('./step-show.js')).hook,
  ),
  lazy(
    'explain',
    'Say how a mission, a molecule, a polecat or a role stands, and on whom it waits.',
    `gt explain ID [options]
gt explain --history FILE

  ID                    a workflow id
  --history FILE        a history instead, from temporal workflow show -w ID --output json: no server is asked
${SERVER_USAGE}`,
    async () => (await import('./explain.js')).explain,
  ),
  lazy(
    'export',
    'Print all that is known of a mission, and of all that work for it, as JSON.',
    `gt export ID [options]\n\n  ID                    a workflow id\n${SERVER_USAGE}`,
    async () => (await import('./export.js')).exportState,
  ),
];
