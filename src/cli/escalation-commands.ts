/** Commands for trouble that climbs until somebody answers. */
import { lazy, type Command } from './command.js';
import { SERVER_USAGE } from './mol-commands.js';
import { WHO_USAGE } from './step-commands.js';

const ESCALATION = '  ESCALATION            its id, as gt escalation list has it';

export const escalationCommands: readonly Command[] = [
  lazy(
    'escalate',
    'Bring trouble before those who can answer, tier by tier; the same trouble is one escalation.',
    `gt escalate "TEXT" [options]

  TEXT                  in one sentence what is wrong, or asked
  --category WORD       decision, help (if not given), blocked, failed, emergency, gate_timeout or lifecycle
  --severity WORD       CRITICAL, HIGH or MEDIUM (if not given); an emergency is CRITICAL
  --choice TEXT         an answer that would do; once for each
  --tried TEXT          what was tried before
  --rig RIG             the rig that it is about
  --mission MISSION     the mission that it is about
  --json                {"id", "says"} for programs
${WHO_USAGE}
${SERVER_USAGE}

Whoever tells of it under an address with an inbox (--by) has mail of the answer.`,
    async () => (await import('./escalation.js')).escalate,
  ),
  lazy(
    'escalation list',
    'List what is escalated, the worst first.',
    `gt escalation list [options]

  --severity WORD       CRITICAL, HIGH or MEDIUM alone
  --tier ADDRESS        only what waits for this tier, as overseer
  --rig RIG             only what is about this rig
  --mission MISSION     only what is about this mission
  --all                 with those that are over, as long as the server has them
  --json                for programs
${SERVER_USAGE}`,
    async () => (await import('./escalation-list.js')).list,
  ),
  lazy(
    'escalation show',
    'Show an escalation: what it is, who is asked, who waits, and the chain.',
    `gt escalation show ESCALATION [--json] [options]\n\n${ESCALATION}\n  --json                for programs\n${SERVER_USAGE}`,
    async () => (await import('./escalation-list.js')).show,
  ),
  lazy(
    'escalation ack',
    'Take an escalation up: its tier has four times as long from then on.',
    `gt escalation ack ESCALATION [--note TEXT] [options]\n\n${ESCALATION}\n  --note TEXT           for the record\n${WHO_USAGE}\n${SERVER_USAGE}`,
    async () => (await import('./escalation.js')).ack,
  ),
  lazy(
    'escalation resolve',
    'Answer an escalation: whoever waits goes on with that.',
    `gt escalation resolve ESCALATION [--action WORD] [options]

${ESCALATION}
  --action WORD         retry (if not given), close, skip, fail, reassign, set or budget
  --note TEXT           the answer in words: it is in the prompt of the next session
  --output JSON         with close: what the step leaves; "-" reads it from standard input
  --var NAME=VALUE      with set: a variable of the molecule, and its new value; once for each
  --usd N               with budget: what the mission may spend from now on
  --allow MARK          with close and skip: push a line that only looks like a secret, by the mark that the refusal names; may be repeated
  --waiter WHO          only the one of this name, as gt escalation show has it; all if not given
${WHO_USAGE}
${SERVER_USAGE}`,
    async () => (await import('./escalation.js')).resolve,
  ),
  lazy(
    'escalation forward',
    'Give an escalation to the next tier.',
    `gt escalation forward ESCALATION [--reason TEXT] [options]\n\n${ESCALATION}\n  --reason TEXT         why, for the record\n${WHO_USAGE}\n${SERVER_USAGE}`,
    async () => (await import('./escalation.js')).forward,
  ),
  lazy(
    'escalation note',
    'Add what is known of an escalation.',
    `gt escalation note ESCALATION "TEXT" [options]\n\n${ESCALATION}\n  TEXT                  in quotes\n${WHO_USAGE}\n${SERVER_USAGE}`,
    async () => (await import('./escalation.js')).note,
  ),
];
