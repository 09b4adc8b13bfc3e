/** Commands for those who write to each other. */
import { lazy, type Command } from './command.js';
import { SERVER_USAGE } from './mol-commands.js';
import { WHO_USAGE } from './step-commands.js';

const AS = `  --as ADDRESS          whose inbox; if not given the overseer's`;
const MAIL = `  MAIL                  its id, as gt mail inbox lists it`;
const MAILS = `  MAIL                  ids, as gt mail inbox lists them`;
const BODY = `  --body TEXT           "-" reads it from standard input`;

export const mailCommands: readonly Command[] = [
  lazy(
    'mail send',
    'Write to an agent or a person; with --wait, show the answer.',
    `gt mail send ADDRESS --subject TEXT [options]

  ADDRESS               as overseer, RIG/crew/NAME, RIG/polecats/NAME; to channel/NAME it is published;
                        to a group, @town, @crew, @polecats, @witnesses, @rig/RIG, @crew/RIG, @polecats/RIG or a
                        pattern such as 'server/crew/*', everybody who belongs there now has it
  --subject TEXT        what it is about, in a few words
${BODY}
  --text TEXT           all of it instead, "Subject: …", then "Body:" and what is indented below it; "-" reads it from
                        standard input
  --priority WORD       urgent, high, normal (if not given) or low
  --delivery WORD       to an agent at work: interrupt, before its next turn, or queue, in its inbox; if not given,
                        what is urgent interrupts
  --wait SECONDS        until an answer has come, at most so long
  --as ADDRESS          who writes, and gets the answer; if not given the overseer
  --id ID               makes a repetition harmless: under the same id it is sent once
${SERVER_USAGE}`,
    async () => (await import('./mail.js')).send,
  ),
  lazy(
    'mail inbox',
    'List the mail of somebody, the most urgent first.',
    `gt mail inbox [--unread] [--json] [options]

  --unread              only what nobody has read yet
  --json                for programs
${AS}
${SERVER_USAGE}`,
    async () => (await import('./mail.js')).inbox,
  ),
  lazy(
    'mail read',
    'Show a mail, which then counts as read; one that was put away is looked for in the ledger.',
    `gt mail read MAIL [--thread] [options]

${MAIL}
  --thread              with all that is of the same thread
${AS}
${WHO_USAGE}
${SERVER_USAGE}`,
    async () => (await import('./mail.js')).read,
  ),
  lazy(
    'mail ack',
    'Say that mail is taken up.',
    `gt mail ack MAIL [MAIL …] [options]\n\n${MAILS}\n${AS}\n${WHO_USAGE}\n${SERVER_USAGE}`,
    async () => (await import('./mail.js')).ack,
  ),
  lazy(
    'mail reply',
    'Answer a mail; the answer goes to whoever sent it.',
    `gt mail reply MAIL --body TEXT [options]\n\n${MAIL}\n${BODY}\n${AS}\n${WHO_USAGE}\n${SERVER_USAGE}`,
    async () => (await import('./mail.js')).reply,
  ),
  lazy(
    'mail archive',
    'Put mail away, into the ledger.',
    `gt mail archive MAIL [MAIL …] [options]\n\n${MAILS}\n${AS}\n${WHO_USAGE}\n${SERVER_USAGE}`,
    async () => (await import('./mail.js')).archive,
  ),
  lazy(
    'mail search',
    'Find mail that has this text, in the inbox and in the ledger.',
    `gt mail search TEXT [--json] [options]

  TEXT                  in quotes, in whatever case; of the sender, the subject or the body
  --json                for programs
${AS}
${SERVER_USAGE}`,
    async () => (await import('./mail-search.js')).search,
  ),
];
