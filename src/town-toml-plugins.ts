/** The tables `[plugins.<name>]` of town.toml: formulas that the town runs by itself. */
import * as z from 'zod';
import { durationMs, DURATION_FORM } from './formula/durations.js';
import { channelOf } from './town/address.js';
import { HOOK_USD } from './town/channel-input.js';
import { listed } from './town/listed.js';
import { nearest } from './town/nearest.js';
import type { Plugins } from './town/plugin.js';
import { amount, form, text } from './town-toml-fields.js';

export const PLUGIN_NAME = /^[a-z][a-z0-9-]{0,39}$/;
/** Five fields, or as the Temporal server takes it besides: seconds and years, a word, a time zone before it. */
const CRON = /^(CRON_TZ=\S+\s+)?(@[a-z]+(\s+\S+)?|[\d*/,?-]\S*(\s+[\w*/,?#-]+){4,6})$/i;

const values = z.record(
  z.string(),
  z.union([z.string(), z.number(), z.boolean()], 'a text, a number, true or false is expected').transform(String),
  'a table of values is expected, for example { depth = 2 }',
);
const patterns = z.record(z.string(), text('4f1c*'), 'a table of patterns is expected, for example { Commit = "*" }');

export const plugin = {
  formula: text('audit'),
  rig: text('server'),
  cooldown: text('6h')
    .refine((written) => durationMs(written) !== null, `a duration is expected: ${DURATION_FORM}`)
    .optional(),
  cron: form(
    CRON,
    'five fields are expected, as in "0 3 * * *" for three in the morning, or a word as "@daily"',
  ).optional(),
  event: text('channel/deploys')
    .refine(
      (written) => channelOf(written) !== null,
      'the address of a channel is expected, for example "channel/deploys"',
    )
    .optional(),
  from: text('ci').optional(),
  subject: text('*failed').optional(),
  keys: patterns.optional(),
  take: z.record(z.string(), text('subject'), 'a table is expected, for example { feature = "subject" }').optional(),
  vars: values.optional(),
  notify: z.array(text('overseer'), 'a list of addresses is expected, for example ["overseer"]').optional(),
  budget: amount(HOOK_USD).optional(),
};
type Table = z.infer<z.ZodObject<typeof plugin>>;

const TRIGGERS = ['cooldown', 'cron', 'event'] as const;
const OF_EVENTS = ['from', 'subject', 'keys', 'take'] as const;
type Report = (path: readonly (string | number)[], message: string) => void;

/** What the settings of one plugin say of each other, and of the town. Speaks only of what has the right form. */
export function checkPlugins(document: Readonly<Record<string, unknown>>, report: Report): void {
  const tables = z.record(z.string(), z.record(z.string(), z.unknown())).safeParse(document['plugins']).data ?? {};
  const rigs = Object.keys(z.record(z.string(), z.unknown()).safeParse(document['rigs']).data ?? {});
  for (const [name, table] of Object.entries(tables)) {
    const at = ['plugins', name];
    const given = TRIGGERS.filter((key) => Object.hasOwn(table, key));
    const [first] = given;
    if (first === undefined) report(at, `plugins.${name} says not when it runs; ${listed(TRIGGERS)} is expected`);
    if (given.length > 1)
      report([...at, given[1] ?? ''], `plugins.${name} has ${listed(given, 'and')}; one of them is expected`);
    if (first !== undefined && first !== 'event')
      for (const key of OF_EVENTS.filter((one) => Object.hasOwn(table, one)))
        report(
          [...at, key],
          `plugins.${name}.${key} is for a plugin that runs with messages; event is expected with it`,
        );
    const { rig } = table;
    if (typeof rig !== 'string' || rig.trim() === '' || rigs.includes(rig)) continue;
    const near = nearest(rig, rigs);
    const hint = near === null ? `there is ${listed(rigs) || 'none yet: gt rig add'}` : `did you mean ${near}?`;
    report([...at, 'rig'], `plugins.${name}.rig is "${rig}", which is no rig of the town; ${hint}`);
  }
}

/** Nothing where there are none. */
export function pluginsFrom(tables: Readonly<Record<string, Table>> = {}): { readonly plugins?: Plugins } {
  const plugins = Object.entries(tables).map(([name, one]) => {
    const { formula, rig, vars = {}, notify = [], budget: usd = HOOK_USD } = one;
    return [name, { formula, rig, vars, notify, usd, trigger: triggerOf(one) }] as const;
  });
  return plugins.length === 0 ? {} : { plugins: Object.fromEntries(plugins) };
}

function triggerOf({ cooldown, cron, event = '', from, subject, keys, take = {} }: Table): Plugins[string]['trigger'] {
  if (cron !== undefined) return { kind: 'cron', line: cron };
  if (cooldown !== undefined) return { kind: 'cooldown', everyMs: durationMs(cooldown) ?? 0 };
  const match = {
    ...(from === undefined ? {} : { from }),
    ...(subject === undefined ? {} : { subject }),
    ...(keys === undefined ? {} : { keys }),
  };
  return { kind: 'event', channel: event, match, take };
}
