/**
 * Plugins of town.toml on the server: a schedule for each that runs by time, a hook of a channel for each that runs with messages. Looked at first, then
 * brought in step: what town.toml does not have any more goes, and what others have made is let be.
 */
import { ScheduleNotFoundError, ScheduleOverlapPolicy } from '@temporalio/client';
import type { Client, ScheduleOptions } from '@temporalio/client';
import { subscribersQuery } from '../contract/channel.js';
import type { Answer, Call } from '../contract/calls.js';
import type { MissionStart } from '../contract/activities.js';
import type { Findings, PluginStart } from '../contract/dog-activities.js';
import type { DogInput } from '../contract/dog.js';
import { channelMessages } from '../contract/channel.js';
import { attribute } from '../contract/search-attributes.js';
import { TOWN_QUEUE } from '../contract/task-queues.js';
import { canonicalHash } from '../formula/canonical.js';
import { Json } from '../town/act.js';
import type { MissionOrder } from '../town/mission-order.js';
import { own } from '../town/own.js';
import {
  hookOfPlugin,
  isPluginId,
  missionOfPlugin,
  pluginDog,
  pluginId,
  type Plugin,
  type Plugins,
} from '../town/plugin.js';
import { refuse } from './beating.js';
import type { ReadTown } from './remotes.js';

const ANSWER_MS_MAX = 10_000;
const CATCH_UP_MS = 60_000;

type Deps = {
  readonly client: Client;
  readonly readTown: ReadTown;
  readonly call: (call: Call) => Promise<Answer>;
};

/** Of one worker: it knows what it has brought in step last, so that to look costs no call. */
export class PluginKeeper {
  readonly #deps: Deps;
  /** Null: that has failed, or was not tried yet. */
  #known: string | null = null;
  #isTried = false;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  async areChanged(): Promise<boolean> {
    const read = await this.#deps.readTown();
    return this.#isTried && read.ok && this.#known !== keyOf(read.town.plugins, read.town.limits.patience);
  }

  async keep(): Promise<Findings & { readonly key: string }> {
    const read = await this.#deps.readTown();
    if (!read.ok) throw refuse('BadTown', read.problems);
    const { plugins = {}, limits } = read.town;
    const key = keyOf(plugins, limits.patience);
    this.#isTried = true;
    this.#known = null;
    const schedules = await keepSchedules(this.#deps.client, plugins, limits.patience);
    const hooks = await keepHooks(this.#deps, plugins);
    this.#known = key;
    return { did: [...schedules.did, ...hooks.did], wrong: [...schedules.wrong, ...hooks.wrong], key };
  }

  /** When the worker starts. What is wrong is told by the next boot, which does it again. */
  async begin(): Promise<void> {
    const { wrong } = await this.keep();
    if (wrong.length > 0) this.#known = null;
  }
}

const keyOf = (plugins: Plugins = {}, patience: number): string =>
  canonicalHash(Json.parse({ plugins, patience })).slice(0, 16);

async function keepSchedules(client: Client, plugins: Plugins, patience: number): Promise<Findings> {
  const did: string[] = [];
  const wrong: string[] = [];
  const timed = Object.entries(plugins).filter(([, { trigger }]) => trigger.kind !== 'event');
  for await (const { scheduleId, action } of client.schedule.list()) {
    if (!isPluginId(scheduleId) || timed.some(([name]) => pluginId(name) === scheduleId)) continue;
    if (action?.workflowType !== 'dog') continue;
    await client.schedule.getHandle(scheduleId).delete().catch(unlessGone);
    did.push(`the schedule ${scheduleId} is gone`);
  }
  for (const [name, plugin] of timed) {
    const options = scheduleOf(name, plugin, patience);
    try {
      if (await keepSchedule(client, options)) did.push(`the schedule ${options.scheduleId} is as town.toml has it`);
    } catch (error) {
      wrong.push(
        `the schedule of plugin ${name} cannot be made: ${error instanceof Error ? said(error) : String(error)}`,
      );
    }
  }
  return { did, wrong };
}

const said = (error: Error): string => (error.cause instanceof Error ? said(error.cause) : error.message);

/** False: it was so already. One that is paused stays so. */
async function keepSchedule(client: Client, { scheduleId, spec, action, policies }: Schedule): Promise<boolean> {
  const handle = client.schedule.getHandle(scheduleId);
  const known = await handle.describe().catch(unlessGone);
  if (known === null) {
    const made = await client.schedule.create({ scheduleId, spec, action, policies });
    // What has never run is due. Said with its creation it would run beside the first that comes by time.
    if (policies.overlap === ScheduleOverlapPolicy.BUFFER_ONE) await made.trigger(policies.overlap);
    return true;
  }
  if (known.action.workflowType !== 'dog') throw new Error('another schedule has its name');
  if (known.action.memo?.[AS] === action.memo[AS]) return false;
  await handle.update(({ state: now }) => ({ spec, action, policies, state: now }));
  return true;
}

/** What it was made of: the server keeps the rest in a form of its own. */
const AS = 'madeOf';

type Schedule = ReturnType<typeof scheduleOf>;

function scheduleOf(name: string, plugin: Plugin, patience: number) {
  const { trigger, rig } = plugin;
  const rests = trigger.kind === 'cooldown';
  const input: DogInput = { job: 'plugin', plugin: name, rests, dry: false, patience };
  return {
    scheduleId: pluginId(name),
    spec:
      trigger.kind === 'cooldown' ? { intervals: [{ every: trigger.everyMs }] } : { cronExpressions: cronOf(trigger) },
    action: {
      type: 'startWorkflow',
      workflowType: 'dog',
      workflowId: pluginDog(name),
      taskQueue: TOWN_QUEUE,
      args: [input],
      memo: { [AS]: canonicalHash(Json.parse({ trigger, rig, patience })) },
      staticSummary: `plugin ${name}`,
      typedSearchAttributes: [
        { key: attribute.role, value: 'dog' },
        { key: attribute.phase, value: 'working' },
        { key: attribute.rig, value: [rig] },
      ],
    },
    // A dog that rests ends when the next may run: the tick that it has missed is made up for then, and no other.
    policies: {
      overlap: rests ? ScheduleOverlapPolicy.BUFFER_ONE : ScheduleOverlapPolicy.SKIP,
      catchupWindow: CATCH_UP_MS,
    },
  } satisfies ScheduleOptions;
}

const cronOf = (trigger: Plugin['trigger']): string[] => (trigger.kind === 'cron' ? [trigger.line] : []);

async function keepHooks({ client, call }: Deps, plugins: Plugins): Promise<Findings> {
  const did: string[] = [];
  const wrong: string[] = [];
  const wanted = Object.entries(plugins).flatMap(([name, plugin]) => {
    const { trigger } = plugin;
    const hook = hookOfPlugin(name, plugin);
    return trigger.kind === 'event' && hook !== null ? [{ channel: trigger.channel, hook }] : [];
  });
  const { subscribe, unsubscribe } = channelMessages;
  const tell = async (workflow: string, name: string, content: object, says: string) => {
    const updateId = `${name}:${crypto.randomUUID()}`;
    const answer = await call({ kind: 'update', workflow, name, content: Json.parse(content), updateId });
    if (answer.kind === 'result') did.push(says);
    else wrong.push(`${says}: no, ${'why' in answer ? answer.why : `there is no ${workflow}`}`);
  };
  const known = await hooksOf(client);
  for (const { channel, id } of known)
    if (!wanted.some((one) => one.channel === channel && one.hook.subscriber === id))
      await tell(
        channel,
        unsubscribe.name,
        { subscriber: id, by: 'town.toml' },
        `the hook ${id} of ${channel} is gone`,
      );
  for (const { channel, hook } of wanted) {
    const there = known.find((one) => one.channel === channel && one.id === hook.subscriber);
    if (there?.as === canonicalHash(Json.parse({ match: hook.match, hook: hook.hook }))) continue;
    const says = `the hook ${hook.subscriber} of ${channel} is as town.toml has it`;
    await tell(channel, subscribe.name, { ...hook, by: 'town.toml' }, says);
  }
  return { did, wrong };
}

type Known = { readonly channel: string; readonly id: string; readonly as: string };

/** Of all channels that are open. One that does not answer is asked when it does: its hooks stay as they were. */
async function hooksOf(client: Client): Promise<readonly Known[]> {
  const found: Known[] = [];
  for await (const { workflowId: channel } of client.workflow.list({
    query: 'GtRole="channel" AND ExecutionStatus="Running"',
  })) {
    const ask = () => client.workflow.getHandle(channel).query(subscribersQuery);
    for (const { id, match, hook } of await client.withDeadline(Date.now() + ANSWER_MS_MAX, ask))
      if (isPluginId(id) && hook !== undefined && hook !== null)
        found.push({ channel, id, as: canonicalHash(Json.parse({ match, hook })) });
  }
  return found;
}

export async function startPlugin(
  readTown: ReadTown,
  start: (order: MissionOrder) => Promise<MissionStart>,
  { plugin: name, key }: { readonly plugin: string; readonly key: string },
): Promise<PluginStart> {
  const read = await readTown();
  if (!read.ok) throw refuse('BadTown', read.problems);
  const { plugins = {} } = read.town;
  const plugin = own(plugins, name);
  if (plugin === undefined)
    return { refused: `town.toml has no plugin "${name}": it has ${Object.keys(plugins).join(', ') || 'none'}` };
  const started = await start(missionOfPlugin(name, plugin, key));
  if (started.kind === 'refused') return { refused: started.why };
  const { trigger } = plugin;
  return { mission: started.mission, restMs: trigger.kind === 'cooldown' ? trigger.everyMs : null };
}

function unlessGone(error: unknown): null {
  if (error instanceof ScheduleNotFoundError) return null;
  throw error;
}
