/** Commands about the sessions of agents: to watch them, to speak to them, to see what they cost. */
import { lazy, TOWN_USAGE, type Command } from './command.js';
import { SERVER_USAGE } from './mol-commands.js';
import { WHO_USAGE } from './step-commands.js';

const WHAT = `  WHAT                  an agent, as RIG/polecats/NAME; or a molecule, MOL/STEP, MOL/STEP/SESSION: of several the newest session`;

export const sessionCommands: readonly Command[] = [
  lazy(
    'peek',
    'Show what a session of this host says and does.',
    `gt peek WHAT [--follow] [options]

${WHAT}
  --follow              as it goes on, and the sessions after it, until Ctrl-C
${SERVER_USAGE}`,
    async () => (await import('./peek.js')).peek,
  ),
  lazy(
    'attach',
    "Go on with an agent's conversation at this terminal, while its molecule is held or its step waits.",
    `gt attach WHAT [options]

  WHAT                  an agent, as RIG/polecats/NAME, whose sandbox is on this host; or its molecule
${SERVER_USAGE}`,
    async () => (await import('./attach.js')).attach,
  ),
  lazy(
    'nudge',
    'Tell an agent something before its next turn, or show what it was told and has heard.',
    `gt nudge AGENT [TEXT] [--cycle] [--wait] [options]

  AGENT                 as RIG/polecats/NAME
  TEXT                  in quotes; without it, and without --cycle, what the agent was told so far is shown
  --cycle               the session hands over to a fresh one
  --wait                until a session has heard it
${WHO_USAGE}
${SERVER_USAGE}`,
    async () => (await import('./nudge.js')).nudge,
  ),
  lazy(
    'seance',
    'Ask about a session that has ended, by its transcript; costs one answer of a model.',
    `gt seance WHAT QUESTION [--model MODEL] [options]

${WHAT}
  QUESTION              in quotes
  --model MODEL         Anthropic's, with the ANTHROPIC_API_KEY of this terminal; if not given, the
                        session's own where that was worked by Anthropic's API
${SERVER_USAGE}`,
    async () => (await import('./seance.js')).seance,
  ),
  lazy(
    'costs',
    'Show what sessions of models have cost, as the ledger has it.',
    `gt costs [--by WHAT] [--mission ID] [--since DAY] [--json] [options]

  --by WHAT             mission (if not given), molecule, step, session, agent, rig, model, runtime or day
  --mission ID          of one mission
  --since DAY           as 2026-11-30
  --json                for programs
${TOWN_USAGE}`,
    async () => (await import('./costs.js')).costs,
  ),
  lazy(
    'budget',
    'Set what a mission may spend; what its budget held goes on.',
    `gt budget MISSION DOLLARS [options]

  MISSION               its workflow id
  DOLLARS               for example 12.50
${WHO_USAGE}
${SERVER_USAGE}`,
    async () => (await import('./budget.js')).budget,
  ),
];
