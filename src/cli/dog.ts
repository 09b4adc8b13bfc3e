/** `gt dog`: who is out for the town's own sake, and sending one. */
import { dogsQuery, type Kennel } from '../contract/dog.js';
import { deaconMessages } from '../contract/messages.js';
import { DEACON, dogAt } from '../town/address.js';
import { aboutOf, JOBS } from '../town/dogs.js';
import { listed } from '../town/listed.js';
import { nearest } from '../town/nearest.js';
import { timeAt } from '../town/wording.js';
import { withCalls } from './calls.js';
import { columns } from './columns.js';
import { readArguments, refuseMore, takeOne, UsageError, type Command } from './command.js';
import { print } from './print.js';
import { SERVER_OPTIONS } from './server-place.js';
import { contentOf, WHO_OPTIONS } from './step.js';
import { mustBeRig } from './town.js';

export const list: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...SERVER_OPTIONS, json: { type: 'boolean' } });
    refuseMore('dog list', positionals);
    await withCalls(values, async (calls) => {
      const there = await calls.list('WorkflowType="dog" AND ExecutionStatus="Running"');
      const asked = await calls.call({ kind: 'query', workflow: DEACON, name: dogsQuery.name });
      // What workflows of this version answer.
      const kennel = asked.kind === 'result' ? (asked.value as Kennel) : null;
      print(values.json === true ? JSON.stringify({ there, kennel }, null, 2) : shown(there, kennel));
    });
  },
};

export const send: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, {
      ...WHO_OPTIONS,
      rig: { type: 'string' },
      dry: { type: 'boolean' },
      priority: { type: 'string' },
    });
    const job = takeOne('dog send', 'job', positionals);
    if (!JOBS.some((known) => known === job)) throw new UsageError(noErrand(job));
    const { rig, dry, priority } = values;
    if (rig !== undefined) await mustBeRig(rig, values.town);
    const content = contentOf(deaconMessages.send, values, {
      job,
      ...(rig === undefined ? {} : { rig }),
      ...(dry === undefined ? {} : { dry }),
      ...(priority === undefined ? {} : { priority: readPriority(priority) }),
    });
    await withCalls(values, async (calls) =>
      print(await calls.update(DEACON, deaconMessages.send, content, values.id)),
    );
  },
};

function noErrand(job: string): string {
  const near = nearest(job, JOBS);
  return `"${job}" is no errand; ${near === null ? `there are ${listed(JOBS, 'and')}` : `did you mean "${near}"?`}`;
}

function readPriority(text: string): number {
  if (/^[0-4]$/.test(text)) return Number(text);
  throw new UsageError(`--priority is "${text}"; expected a whole number from 0 to 4`);
}

function shown(there: readonly string[], kennel: Kennel | null): string {
  const { out = [], waiting = [], chores = [] } = kennel ?? {};
  const sent = out.map((one) => [dogAt(one.dog), aboutOf(one), `for ${one.by}, home by ${timeAt(one.endsByMs)}`]);
  const others = there.filter((id) => !out.some(({ dog }) => dogAt(dog) === id));
  const rows = [
    ...sent,
    ...others.map((id) => [id, '', `gt explain ${id} says on what errand`]),
    ...waiting.map((one) => [one.id, aboutOf(one), `waits, for ${one.by}`]),
  ];
  const due = chores.map(({ job, lastMs, dueMs }) => [
    job,
    `last ${lastMs === null ? 'never' : timeAt(lastMs)}`,
    `next ${dueMs === null ? 'once work was seen again' : timeAt(dueMs)}`,
  ]);
  const who = rows.length === 0 ? 'No dog is out: gt dog send JOB sends one' : columns(rows);
  return due.length === 0 ? who : `${who}\n\n${columns(due)}`;
}
