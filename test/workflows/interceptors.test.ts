/** In what this version has recorded each task that told a workflow something has a command: see `src/workflows/interceptors.ts`. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { here } from '../support/here.js';

type Event = { readonly eventType: string } & Readonly<Record<string, unknown>>;

const { version } = JSON.parse(readFileSync(here('package.json'), 'utf8')) as { readonly version: string };
const FOLDER = here(`test/histories/${version}`);
const files = readdirSync(FOLDER).filter((file) => file.endsWith('.json'));

/** What tells a workflow something. An activity that was called off has told it then. */
const TOLD =
  /_(SIGNALED|FIRED|FAILED|TIMED_OUT|TERMINATED|CANCELED|COMPLETED|CANCEL_REQUESTED)$|CHILD_WORKFLOW_EXECUTION_STARTED$/;
const OF_TASKS = /^EVENT_TYPE_WORKFLOW_TASK_/;
const OF_ACTIVITIES = /^EVENT_TYPE_ACTIVITY_TASK_/;

const nameOf = ({ eventType }: Event) => eventType.replace('EVENT_TYPE_', '');

/** By the number of their events. */
function withoutCommand(events: readonly Event[]): readonly string[] {
  const completed = events.flatMap(({ eventType }, at) =>
    eventType === 'EVENT_TYPE_WORKFLOW_TASK_COMPLETED' ? at : [],
  );
  return completed.flatMap((at, nth) => {
    const next = events[at + 1];
    const isCommand = next === undefined || isOfTask(next);
    const before = events.slice((completed[nth - 1] ?? -1) + 1, at);
    const told = before
      .filter((event) => !isOfTask(event))
      .filter(({ eventType }) => TOLD.test(eventType) && !OF_TASKS.test(eventType));
    const isLate = told.every(({ eventType }) => OF_ACTIVITIES.test(eventType)) && isCalledOff(events.slice(0, at));
    return isCommand || told.length === 0 || isLate ? [] : [`${at + 1}: ${told.map(nameOf).join(', ')}`];
  });
}

/** What a task has brought about. */
const isOfTask = (event: Event) =>
  event.eventType.includes('_EXECUTION_UPDATE_') || 'workflowTaskCompletedEventId' in attributesOf(event);

function attributesOf(event: Event): object {
  const [, value] = Object.entries(event).find(([key]) => key.endsWith('EventAttributes')) ?? [];
  return typeof value === 'object' && value !== null ? value : {};
}

const isCalledOff = (events: readonly Event[]) =>
  events.some(({ eventType }) => eventType === 'EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED');

const eventsOf = (file: string) =>
  (JSON.parse(readFileSync(file, 'utf8')) as { readonly events: readonly Event[] }).events;

test('each task of what this version has recorded', () => {
  expect(files.length).toBeGreaterThan(50);
  const found = files.map((file) => [file, withoutCommand(eventsOf(`${FOLDER}/${file}`))] as const);
  expect(found.filter(([, tasks]) => tasks.length > 0)).toEqual([]);
});

test('it is seen where one has none', () => {
  const folder = here('test/histories/0.10.0');
  const found = readdirSync(folder).flatMap((file) => withoutCommand(eventsOf(`${folder}/${file}`)));
  expect(found.length).toBeGreaterThan(20);
});
