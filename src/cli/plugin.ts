/** `gt plugin`: formulas that the town runs by itself. */
import { ScheduleNotFoundError, WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';
import { randomUUID } from 'node:crypto';
import type { DogInput } from '../contract/dog.js';
import { attribute } from '../contract/search-attributes.js';
import { TOWN_QUEUE } from '../contract/task-queues.js';
import { own } from '../town/own.js';
import { pluginDog, pluginId, triggerText, type Plugin, type Plugins } from '../town/plugin.js';
import { printSpan } from '../town/span.js';
import { columns } from './columns.js';
import { CliError, readArguments, refuseMore, takeOne, type Command } from './command.js';
import { print } from './print.js';
import { withServer } from './server.js';
import { SERVER_OPTIONS } from './server-place.js';
import { openTown } from './town.js';

export const list: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...SERVER_OPTIONS, json: { type: 'boolean' } });
    refuseMore('plugin list', positionals);
    const { plugins = {} } = (await openTown(values.town)).snapshot;
    if (Object.keys(plugins).length === 0 && values.json !== true)
      return print('town.toml has no plugin: docs/dogs.md tells how one is written');
    await withServer(values, async (client) => {
      const all = await Promise.all(
        Object.entries(plugins).map(async ([name, plugin]) => ({
          name,
          ...plugin,
          ...(await timesOf(client, name, plugin)),
        })),
      );
      print(values.json === true ? JSON.stringify(all, null, 2) : shown(all));
    });
  },
};

export const run: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...SERVER_OPTIONS, id: { type: 'string' } });
    const plugin = takeOne('plugin run', 'plugin', positionals);
    const { plugins = {}, limits } = (await openTown(values.town)).snapshot;
    const known = own<Plugins[string]>(plugins, plugin);
    if (known === undefined)
      throw new CliError(`there is no plugin "${plugin}": town.toml has ${Object.keys(plugins).join(', ') || 'none'}`);
    const workflowId = `${pluginDog(plugin)}-${values.id ?? randomUUID()}`;
    const input: DogInput = { job: 'plugin', plugin, rests: false, dry: false, patience: limits.patience };
    await withServer(values, async (client) => {
      await client.workflow
        .start('dog', {
          workflowId,
          taskQueue: TOWN_QUEUE,
          workflowIdReusePolicy: 'REJECT_DUPLICATE',
          args: [input],
          staticSummary: `plugin ${plugin}`,
          typedSearchAttributes: [
            { key: attribute.role, value: 'dog' },
            { key: attribute.phase, value: 'working' },
            { key: attribute.rig, value: [known.rig] },
          ],
        })
        .catch((error: unknown) => {
          if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
        });
      print(`${plugin} runs: gt explain ${workflowId}`);
    });
  },
};

/** `next`: null when it runs with messages, rests, or is paused; `isInStep`: the server knows of it. */
type Times = { readonly last: string | null; readonly next: string | null; readonly isInStep: boolean };

async function timesOf(client: Client, name: string, { trigger }: Plugin): Promise<Times> {
  if (trigger.kind === 'event') return { last: null, next: null, isInStep: true };
  try {
    const { info, state } = await client.schedule.getHandle(pluginId(name)).describe();
    const last = info.recentActions.at(-1)?.takenAt.toISOString() ?? null;
    const isCron = trigger.kind === 'cron' && !state.paused;
    return { last, next: isCron ? (info.nextActionTimes[0]?.toISOString() ?? null) : null, isInStep: true };
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
    return { last: null, next: null, isInStep: false };
  }
}

function shown(all: readonly (Plugin & Times & { readonly name: string })[]): string {
  return columns(
    all.map((one) => [
      one.name,
      `${one.formula} in ${one.rig}`,
      triggerText(one, printSpan),
      one.isInStep ? (one.last === null ? '' : `last ${one.last}`) : 'the server does not know of it yet',
      one.next === null ? '' : `next ${one.next}`,
    ]),
  );
}
