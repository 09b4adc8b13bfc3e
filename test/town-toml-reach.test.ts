/** What town.toml says of ways to people. */
import { expect, test } from 'vitest';
import { readTownText } from '../src/town-toml.js';

const WAYS = `
[reach.desk]
kind = "webhook"
url = "https://example.org/hook"
[reach.chat]
kind = "slack"
url = "env:SLACK_HOOK"
[reach.letters]
kind = "email"
server = "smtp://mail.example.org:587"
from = "town@example.org"
to = "ada@example.org"
user = "env:SMTP_USER"
password = "env:SMTP_PASSWORD"
[reach.own]
kind = "command"
program = "notify-send"
`;

function reachOf(text: string) {
  const read = readTownText(text);
  if (!read.ok) throw new Error(read.problems.join('\n'));
  return read.settings.reach;
}

test('ways of each kind, and who is told by which', () => {
  const people = `
[people.overseer]
reach = ["chat", "letters"]
least = "high"
quiet = "22:00-07:30"
zone = "Europe/Berlin"
at_most = 3
[people."crew/ann"]
reach = ["desk"]
[people."server/crew/bob"]
reach = ["own"]
quiet = "12:00-13:00"
`;
  expect(reachOf(WAYS + people)).toEqual({
    ways: {
      desk: { kind: 'webhook', url: 'https://example.org/hook' },
      chat: { kind: 'slack', url: 'env:SLACK_HOOK' },
      letters: {
        kind: 'email',
        server: 'smtp://mail.example.org:587',
        from: 'town@example.org',
        to: 'ada@example.org',
        user: 'env:SMTP_USER',
        password: 'env:SMTP_PASSWORD',
      },
      own: { kind: 'command', program: 'notify-send', args: [] },
    },
    people: {
      overseer: {
        reach: ['chat', 'letters'],
        least: 'high',
        atMost: 3,
        quiet: { from: 1_320, to: 450, zone: 'Europe/Berlin' },
      },
      'crew/ann': { reach: ['desk'], least: 'normal', atMost: 12 },
      'server/crew/bob': { reach: ['own'], least: 'normal', atMost: 12, quiet: { from: 720, to: 780, zone: 'UTC' } },
    },
  });
});

test('ways that nobody is told by are nothing', () => {
  expect(reachOf(WAYS)).toBeUndefined();
});

const DESK = '[reach.desk]\nkind = "webhook"\nurl = "https://example.org"\n';
const SECRET = '"env:NAME" is expected, a variable of the worker\'s environment';

test.each([
  ['[reach.a]\nkind = "fax"', 2, 'reach.a.kind is "fax"; webhook, slack, email or command is expected'],
  [
    '[reach.A]\nkind = "slack"\nurl = "env:X"',
    1,
    'reach.A: a way is named with lower-case letters, digits and "-", at most 40',
  ],
  ['[reach.a]\nkind = "webhook"', 1, 'reach.a has no url; a way of kind "webhook" needs url'],
  [
    '[reach.a]\nkind = "webhook"\nurl = "example.org"',
    3,
    'reach.a.url is "example.org"; an address is expected, for example "https://example.org/hook", or "env:NAME" for a variable of the worker\'s environment',
  ],
  [
    '[reach.a]\nkind = "command"\nprogram = "sh"\nurl = "https://example.org"',
    4,
    'reach.a.url is not for a way of kind "command", which has kind, program and args',
  ],
  ['[reach.a]\nkind = "slack"\nurl = "https://hooks.slack.com/T0/B0/x"', 3, `reach.a.url is a secret: ${SECRET}`],
  [
    '[reach.a]\nkind = "email"\nserver = "smtp://m"\nfrom = "a@b"\nto = "c@d"\nuser = "u"\npassword = "hunter2"',
    7,
    `reach.a.password is a secret: ${SECRET}`,
  ],
  [
    '[reach.a]\nkind = "email"\nserver = "smtp://m"\nfrom = "a@b"\nto = "c@d"\nuser = "u"',
    1,
    'reach.a has one of user and password; both are expected, or neither',
  ],
  [
    `${DESK}[people.overseer]\nreach = []`,
    5,
    'people.overseer.reach is []; at least one way is expected, for example ["desk"]',
  ],
  [
    `${DESK}[people.overseer]\nreach = ["dask"]`,
    5,
    'people.overseer.reach has "dask", which is no way of the town; did you mean desk?',
  ],
  [`${DESK}[people.ann]\nreach = ["desk"]`, 4, 'people.ann: overseer, "crew/NAME" or "RIG/crew/NAME" is expected'],
  [
    `${DESK}[people.overseer]\nreach = ["desk"]\nquiet = "10pm"`,
    6,
    'people.overseer.quiet is "10pm"; hours are expected, for example "22:00-07:00"',
  ],
  [
    `${DESK}[people.overseer]\nreach = ["desk"]\nquiet = "07:00-07:00"`,
    6,
    'people.overseer.quiet is no time at all: it ends when it begins',
  ],
  [
    `${DESK}[people.overseer]\nreach = ["desk"]\nzone = "UTC"`,
    6,
    'people.overseer.zone is for quiet hours; quiet is expected with it',
  ],
  [
    `${DESK}[people.overseer]\nreach = ["desk"]\nquiet = "22:00-07:00"\nzone = "Mars"`,
    7,
    'people.overseer.zone is "Mars"; a time zone is expected, for example "Europe/Berlin"',
  ],
])('%j is told with its line, what was found and what is possible', (text, line, message) => {
  const read = readTownText(text);
  expect(read.ok ? [] : read.problems).toEqual([`town.toml:${line}: ${message}`]);
});
