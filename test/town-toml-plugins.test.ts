/** What town.toml says of plugins. */
import { expect, test } from 'vitest';
import { hookOfPlugin, missionOfPlugin } from '../src/town/plugin.js';
import { readTownText } from '../src/town-toml.js';

const RIG = '[rigs.server]\nurl = "/srv/server"\n';

function pluginsOf(text: string) {
  const read = readTownText(`${RIG}${text}`);
  if (!read.ok) throw new Error(read.problems.join('\n'));
  return read.settings.plugins;
}

test('a plugin runs by a clock, after a rest, or with messages of a channel', () => {
  const plugins = pluginsOf(`
[plugins.nightly]
formula = "audit"
rig = "server"
cron = "0 3 * * *"
vars = { depth = 2, deep = true }
notify = ["overseer"]
budget = 5
[plugins.tidy]
formula = "tidy"
rig = "server"
cooldown = "1h30m"
[plugins.mend]
formula = "shiny"
rig = "server"
event = "channel/deploys"
subject = "*failed"
keys = { Commit = "*" }
take = { feature = "subject" }
`);
  expect(plugins).toEqual({
    nightly: {
      formula: 'audit',
      rig: 'server',
      vars: { depth: '2', deep: 'true' },
      notify: ['overseer'],
      usd: 5,
      trigger: { kind: 'cron', line: '0 3 * * *' },
    },
    tidy: {
      formula: 'tidy',
      rig: 'server',
      vars: {},
      notify: [],
      usd: 20,
      trigger: { kind: 'cooldown', everyMs: 5_400_000 },
    },
    mend: {
      formula: 'shiny',
      rig: 'server',
      vars: {},
      notify: [],
      usd: 20,
      trigger: {
        kind: 'event',
        channel: 'channel/deploys',
        match: { subject: '*failed', keys: { Commit: '*' } },
        take: { feature: 'subject' },
      },
    },
  });
  expect(readTownText(RIG)).toMatchObject({ ok: true, settings: expect.not.objectContaining({ plugins: {} }) });
});

test.each(['@daily', '*/5 * * * *', '0 3 * * MON-FRI', 'CRON_TZ=Europe/Berlin 0 3 * * *', '0 0 3 * * * 2027'])(
  'the time %j is taken',
  (line) => {
    expect(pluginsOf(`[plugins.a]\nformula = "f"\nrig = "server"\ncron = "${line}"`)?.['a']?.trigger).toEqual({
      kind: 'cron',
      line,
    });
  },
);

const WHOLE = 'formula = "f"\nrig = "server"\n';

test.each<[string, number, string]>([
  [`[plugins.a]\n${WHOLE}`, 3, 'plugins.a says not when it runs; cooldown, cron or event is expected'],
  [
    `[plugins.a]\n${WHOLE}cron = "@daily"\ncooldown = "1h"`,
    6,
    'plugins.a has cooldown and cron; one of them is expected',
  ],
  [
    `[plugins.a]\n${WHOLE}cron = "at noon"`,
    6,
    'plugins.a.cron is "at noon"; five fields are expected, as in "0 3 * * *" for three in the morning, or a word as "@daily"',
  ],
  [
    `[plugins.a]\n${WHOLE}cooldown = "soon"`,
    6,
    'plugins.a.cooldown is "soon"; a duration is expected: write it as 90s, 30m, 1h30m or 7d',
  ],
  [
    `[plugins.a]\n${WHOLE}event = "deploys"`,
    6,
    'plugins.a.event is "deploys"; the address of a channel is expected, for example "channel/deploys"',
  ],
  [
    `[plugins.a]\n${WHOLE}cron = "@daily"\nsubject = "x"`,
    7,
    'plugins.a.subject is for a plugin that runs with messages; event is expected with it',
  ],
  [
    '[plugins.a]\nformula = "f"\nrig = "sever"\ncron = "@daily"',
    5,
    'plugins.a.rig is "sever", which is no rig of the town; did you mean server?',
  ],
  [
    '[plugins.a]\nrig = "server"\ncron = "@daily"',
    3,
    'plugins.a.formula is missing; a text is expected, for example "audit"',
  ],
  [`[plugins.a]\n${WHOLE}corn = "@daily"`, 6, 'plugins.a.corn is no key; did you mean cron?'],
  [
    `[plugins.A]\n${WHOLE}cron = "@daily"`,
    3,
    'plugins.A: a plugin is named with lower-case letters, digits and "-", at most 40',
  ],
])('%j is told with its line, what was found and what is possible', (text, line, message) => {
  const read = readTownText(`${RIG}${text}`);
  expect(read.ok ? [] : read.problems).toContain(`town.toml:${line}: ${message}`);
});

test('a run is a mission of one item, a plugin of messages a hook of its channel', () => {
  const plugins = pluginsOf(`
[plugins.nightly]
${WHOLE}cron = "@daily"
[plugins.mend]
${WHOLE}event = "channel/deploys"
from = "ci"
`);
  const { nightly, mend } = plugins ?? {};
  if (nightly === undefined || mend === undefined) throw new Error('they were not read');
  expect(missionOfPlugin('nightly', nightly, 'one')).toEqual({
    key: 'one',
    input: {
      title: '[plugin nightly] f',
      work: [{ id: 'nightly', rig: 'server', formula: 'f', vars: {}, origins: {} }],
      notify: [],
      budget: { usd: 20 },
    },
  });
  expect(hookOfPlugin('nightly', nightly)).toBeNull();
  expect(hookOfPlugin('mend', mend)).toMatchObject({
    subscriber: 'plugin-mend',
    match: { from: 'ci' },
    hook: { formula: 'f', rig: 'server', budget: { usd: 20 } },
  });
});
