/** Plugins: chores of a town's own, each a formula that runs by a clock, after a rest, or with a message of a channel. */
import * as z from 'zod';
import { dogAt } from './address.js';
import type { MissionOrder } from './mission-order.js';
import { ChannelHook, Subscription } from './channel-input.js';
import { Match } from './channel-match.js';
import { unreachable } from './unreachable.js';

/** What brings it about. `everyMs`: from the end of one run to the beginning of the next. */
const Trigger = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('cooldown'), everyMs: z.number().int().positive() }),
  z.strictObject({ kind: z.literal('cron'), line: z.string().min(1) }),
  z.strictObject({ kind: z.literal('event'), channel: z.string().min(1), match: Match, take: ChannelHook.shape.take }),
]);

/** As town.toml has it. */
export const Plugin = z.strictObject({
  formula: z.string().min(1),
  rig: z.string().min(1),
  vars: z.record(z.string(), z.string()),
  notify: z.array(z.string().min(1)),
  /** The most that each run may spend. */
  usd: z.number().positive(),
  trigger: Trigger,
});
export type Plugin = z.infer<typeof Plugin>;
export type Plugins = Readonly<Record<string, Plugin>>;

const PREFIX = 'plugin-';

/** Of its schedule, of its hook on a channel, and of the dogs that run it. */
export const pluginId = (name: string): string => `${PREFIX}${name}`;
export const isPluginId = (id: string): boolean => id.startsWith(PREFIX);
export const pluginDog = (name: string): string => dogAt(pluginId(name));

const TITLE_CHARS_MAX = 200;

/** `key`: of one run; however often it is asked for, there is one mission of it. */
export function missionOfPlugin(name: string, { formula, rig, vars, notify, usd }: Plugin, key: string): MissionOrder {
  const title = `[plugin ${name}] ${formula}`.slice(0, TITLE_CHARS_MAX);
  return { key, input: { title, work: [{ id: name, rig, formula, vars, origins: {} }], notify, budget: { usd } } };
}

/** The subscription that begins a mission with each message; null for a plugin that runs by time. */
export function hookOfPlugin(name: string, { formula, rig, vars, notify, usd, trigger }: Plugin): Subscription | null {
  if (trigger.kind !== 'event') return null;
  const { match, take } = trigger;
  const hook = { formula, rig, vars: { ...vars }, take, notify: [...notify], budget: { usd } };
  return Subscription.parse({ subscriber: pluginId(name), match, hook });
}

/** When it runs, in words. */
export function triggerText({ trigger }: Plugin, spanOf: (ms: number) => string): string {
  switch (trigger.kind) {
    case 'cooldown':
      return `${spanOf(trigger.everyMs)} after it has ended`;
    case 'cron':
      return `at ${trigger.line}`;
    case 'event':
      return `with messages of ${trigger.channel}`;
    default:
      return unreachable(trigger);
  }
}
