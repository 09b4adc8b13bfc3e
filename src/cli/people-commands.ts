/** Commands for people who are asked for something: what waits for them, and their word on it. */
import { lazy, type Command } from './command.js';
import { SERVER_USAGE } from './mol-commands.js';
import { WHO_USAGE } from './step-commands.js';

const WORKFLOW = `  WORKFLOW              workflow id of the molecule, as gt inbox lists it`;
const STEP = `  STEP                  the step's id; not needed when only one waits for this`;
const MOL = `  --mol MOL             the molecule, where the step alone is named; if not given GT_MOLECULE`;
const TOKEN = `  --token TOKEN         as gt inbox gave it: refused when the step waits anew since, for somebody else`;
const NOBODY = 'What is refused is told with what is possible instead, and exits 1.';

export const peopleCommands: readonly Command[] = [
  lazy(
    'inbox',
    'List all that people are asked for, the most urgent first, each with the command that answers it.',
    `gt inbox [--for PERSON] [--json] [options]

  --for PERSON          overseer, RIG/NAME or RIG/crew/NAME: only what is for them; if not given what is for anybody,
                        with the overseer's mail
  --json                for programs
${SERVER_USAGE}

Questions, approvals, tasks, what went wrong, and mail that nobody has read.`,
    async () => (await import('./inbox.js')).inbox,
  ),
  lazy(
    'answer',
    'Answer a question: of a step that waits for a person, of an agent, or of an escalation.',
    `gt answer WORKFLOW [STEP] TEXT [options]
gt answer WORKFLOW [STEP] --choice CHOICE [options]

${WORKFLOW}, or an escalation's, hq-esc-…
${STEP}
  TEXT                  the answer, in quotes; "-" reads it from standard input
  --choice CHOICE       one of the answers that there are to choose from
${TOKEN}
${WHO_USAGE}
${SERVER_USAGE}

It closes a step that waits for a person, and lets one that asked go on. ${NOBODY}`,
    async () => (await import('./answer.js')).answer,
  ),
  lazy(
    'approve',
    'Open the gates that a step waits for, or say that you approve where several must.',
    `gt approve WORKFLOW [STEP] [--note TEXT] [options]\ngt approve STEP --mol MOL [--note TEXT] [options]\n\n${WORKFLOW}\n${STEP}\n  --note TEXT           why, for the record\n${MOL}\n${TOKEN}\n${WHO_USAGE}\n${SERVER_USAGE}\n\n${NOBODY}`,
    async () => (await import('./answer.js')).approve,
  ),
  lazy(
    'reject',
    'Refuse the approval that a step waits for: it is given up, and others decide what becomes of it.',
    `gt reject WORKFLOW [STEP] --reason TEXT [options]\ngt reject STEP --mol MOL --reason TEXT [options]\n\n${WORKFLOW}\n${STEP}\n  --reason TEXT         why, for whoever mends it\n${MOL}\n${TOKEN}\n${WHO_USAGE}\n${SERVER_USAGE}\n\n${NOBODY}`,
    async () => (await import('./answer.js')).reject,
  ),
];
