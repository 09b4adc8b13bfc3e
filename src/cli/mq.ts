/** `gt mq`: what waits to land, and what is said about one of it. */
import type { Message } from '../contract/message.js';
import type { z } from 'zod';
import { refineryMessages } from '../contract/messages.js';
import { queueQuery, type QueueView } from '../contract/refinery.js';
import { refineryOf, rigOfRefinery } from '../town/address.js';
import { nearest } from '../town/nearest.js';
import { short, timeAt } from '../town/wording.js';
import { withCalls, type Calls } from './calls.js';
import { columns } from './columns.js';
import { CliError, readArguments, takeOne, UsageError, type Command } from './command.js';
import { print } from './print.js';
import { SERVER_OPTIONS } from './server-place.js';
import { contentOf, WHO_OPTIONS } from './step.js';
import { mustBeRig } from './town.js';

type Queue = { readonly rig: string; readonly queue: QueueView };

export const list: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...SERVER_OPTIONS, json: { type: 'boolean' } });
    const [rig, ...more] = positionals;
    if (more.length > 0) throw new UsageError('gt mq list takes one rig, or none');
    if (rig !== undefined) await mustBeRig(rig, values.town);
    await withCalls(values, async (calls) => {
      const queues = await queuesOf(calls, rig);
      print(values.json === true ? JSON.stringify(queues, null, 2) : shown(queues));
    });
  },
};

export const retry = saying('retry', refineryMessages.retry);
export const hold = saying('hold', refineryMessages.hold);
export const remove = saying('remove', refineryMessages.remove);

function saying(verb: string, message: Message<z.ZodType>): Pick<Command, 'run'> {
  return {
    run: async (args) => {
      const { values, positionals } = readArguments(args, {
        ...WHO_OPTIONS,
        rig: { type: 'string' },
        reason: { type: 'string' },
      });
      const request = takeOne(`mq ${verb}`, 'request', positionals);
      const { rig, reason, id } = values;
      if (verb === 'retry' && reason !== undefined) throw new UsageError('gt mq retry takes no --reason');
      if (rig !== undefined) await mustBeRig(rig, values.town);
      const content = contentOf(message, values, { request, ...(reason === undefined ? {} : { reason }) });
      await withCalls(values, async (calls) => {
        const to = rig === undefined ? await queueWith(calls, request) : refineryOf(rig);
        print(await calls.update(to, message, content, id));
      });
    },
  };
}

/** A rig whose refinery is not there has nothing that waits. */
async function queuesOf(calls: Calls, rig?: string): Promise<readonly Queue[]> {
  const there = await calls.list('GtRole="refinery" AND ExecutionStatus="Running"');
  const wanted = there.filter((id) => rig === undefined || id === refineryOf(rig));
  return Promise.all(
    wanted.map(async (id) => ({ rig: rigOfRefinery(id) ?? id, queue: await calls.query(id, queueQuery) })),
  );
}

async function queueWith(calls: Calls, request: string): Promise<string> {
  const queues = await queuesOf(calls);
  const found = queues.find(({ queue }) => queue.some(({ id }) => id === request));
  if (found !== undefined) return refineryOf(found.rig);
  const near = nearest(
    request,
    queues.flatMap(({ queue }) => queue.map(({ id }) => id)),
  );
  const hint =
    near === null ? 'gt mq list shows what does; one that has left has its verdict' : `did you mean "${near}"?`;
  throw new CliError(`no request "${request}" waits to land; ${hint}`);
}

function shown(queues: readonly Queue[]): string {
  const rows = queues.flatMap(({ rig, queue }) =>
    queue.map(({ position, id, branch, target, mission, priority, stage, expectedMs }) => [
      rig,
      `${position}`,
      id,
      `${branch} → ${target}`,
      mission,
      `${priority}`,
      short(stage),
      expectedMs === undefined ? '' : timeAt(expectedMs),
    ]),
  );
  if (rows.length === 0) return 'nothing waits to land';
  return columns([['rig', 'place', 'request', 'branch', 'mission', 'priority', 'stands', 'expected'], ...rows]);
}
