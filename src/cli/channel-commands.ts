/** Commands for what is said to many at once. */
import { lazy, type Command } from './command.js';
import { SERVER_USAGE } from './mol-commands.js';
import { WHO_USAGE } from './step-commands.js';

const NAME = `  NAME                  of the channel, for example deploys; with the first word it is there`;
const MATCH = `  --from PATTERN        only what somebody has published whose address fits; "*" in a pattern stands for any text
  --subject PATTERN     only what is about this
  --key NAME=PATTERN    only what has this key, and a value that fits; once for each
  --since WHICH         of what is kept: all, none (if not given), or how many of the last that match; who is known has
                        what waits for it besides`;

export const channelCommands: readonly Command[] = [
  lazy(
    'channel publish',
    'Publish a message to all who have subscribed.',
    `gt channel publish NAME --subject TEXT [options]

${NAME}
  --subject TEXT        what it is about, in a few words
  --body TEXT           "-" reads it from standard input
  --key NAME=VALUE      what programs and hooks read; once for each
  --priority WORD       urgent, high, normal (if not given) or low
  --as ADDRESS          who publishes it, and gets the answers; if not given the overseer
  --id ID               makes a repetition harmless: under the same id it is published once
  --json                {"id", "channel", "says"} for programs
${SERVER_USAGE}`,
    async () => (await import('./channel.js')).publish,
  ),
  lazy(
    'channel subscribe',
    'Send what is published to an inbox, as mail.',
    `gt channel subscribe NAME ADDRESS [options]

${NAME}
  ADDRESS               as overseer, RIG/crew/NAME, RIG/polecats/NAME
${MATCH}
${WHO_USAGE}
${SERVER_USAGE}

Said again for the same address it replaces what was said before.`,
    async () => (await import('./channel.js')).subscribe,
  ),
  lazy(
    'channel hook',
    'Start a mission with each message that matches.',
    `gt channel hook NAME HOOK --formula FORMULA --rig RIG [options]

${NAME}
  HOOK                  a name for it; said again under the same name it is replaced
  --formula FORMULA     what the mission does
  --rig RIG             the rig that it works in
  --var NAME=VALUE      a value for a variable, as it stands; once for each
  --take NAME=PART      a variable that has a part of the message: subject, body, from, id or key:NAME; once for each
  --notify ADDRESS      who hears of each landing; once for each
  --budget USD          the most that each mission may spend; 20 if not given
${MATCH}
${WHO_USAGE}
${SERVER_USAGE}`,
    async () => (await import('./channel.js')).hook,
  ),
  lazy(
    'channel unsubscribe',
    'Send an inbox nothing more, or take a hook away.',
    `gt channel unsubscribe NAME SUBSCRIBER [options]

  NAME                  of the channel
  SUBSCRIBER            an address, or the name of a hook
${WHO_USAGE}
${SERVER_USAGE}`,
    async () => (await import('./channel.js')).unsubscribe,
  ),
  lazy(
    'channel retain',
    'Say how much of what was published is kept for later subscribers.',
    `gt channel retain NAME [--messages N] [--hours N] [options]

${NAME}
  --messages N          at most so many, up to 1000, which it is if nothing was said
  --hours N             none that is older, up to a year; a week if nothing was said
${WHO_USAGE}
${SERVER_USAGE}`,
    async () => (await import('./channel.js')).retain,
  ),
  lazy(
    'channel list',
    'List the channels of the town.',
    `gt channel list [--json] [options]\n\n  --json                for programs\n${SERVER_USAGE}`,
    async () => (await import('./channel.js')).list,
  ),
  lazy(
    'channel show',
    'Show who gets what of a channel, and what is kept there; or one message in full.',
    `gt channel show NAME [MESSAGE] [--json] [options]

  NAME                  of the channel
  MESSAGE               its id, as the list has it
  --json                for programs
${SERVER_USAGE}`,
    async () => (await import('./channel.js')).show,
  ),
];
