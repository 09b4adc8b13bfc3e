/**
 * `npm run bench:idle`: an hour of a town whose roles have all worked and have nothing to do, in three minutes: its patience is a twentieth, and
 * its schedule ticks as often as it would in that hour. Every event that is written meanwhile is counted, by who wrote it, and so is every request
 * to a model.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { temporal } from '@temporalio/proto';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import { startModelServer } from '../../src/dev/model-server.js';
import { TICK_MS } from '../../src/town/watchdog.js';
import { gt } from '../support/gt.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { measuredBy, tell, tellJson } from './figures.js';

const PATIENCE = 0.05;
const HOUR_MS = 3_600_000 * PATIENCE;
const TICKS = HOUR_MS / (TICK_MS * PATIENCE);
/** For so long nothing may be written before the hour begins. */
const QUIET_MS = 2 * TICK_MS * PATIENCE;
/** A boot: it begins, asks, decides and ends. */
const EVENTS_A_TICK = 11;

/** A model works on it. */
const ASKED = `
formula = "asked"
[[steps]]
id = "work"
title = "Do it"
agent = "anthropic"
`;

type HistoryEvent = temporal.api.history.v1.IHistoryEvent;

async function everybodyWorks(town: LiveTown): Promise<void> {
  const work = [{ id: 'one', rig: 'server', formula: 'asked' }];
  await (await town.startMission('busy', { work, notify: ['overseer'] })).result();
  const words = [
    ['crew', 'add', 'server/ann'],
    ['mail', 'send', 'server/crew/ann', '--subject', 'lunch?', '--body', 'At one?'],
    ['mail', 'send', 'mayor', '--subject', 'good morning', '--body', 'Nothing is wanted.'],
    ['sling', 'server/crew/ann', '--title', 'Look at the flaky test', '--text', 'It fails on Mondays.'],
    ['dog', 'send', 'doctor'],
    ['channel', 'publish', 'news', '--subject', 'all has landed', '--body', 'see main'],
  ];
  for (const args of words) {
    const { code, stderr } = await gt([...args, '--town', town.dir], { TEMPORAL_ADDRESS: undefined });
    if (code !== 0) throw new Error(`gt ${args.join(' ')}: ${stderr}`);
  }
}

/** Of all that is open: workflow id → events. */
async function lengths({ client }: LiveTown): Promise<Readonly<Record<string, number>>> {
  const found: Record<string, number> = {};
  for await (const { workflowId, runId } of client.workflow.list({ query: 'ExecutionStatus="Running"' })) {
    const { historyLength } = await client.workflow.getHandle(workflowId, runId).describe();
    found[`${workflowId} ${runId}`] = historyLength;
  }
  return Object.fromEntries(Object.entries(found).filter(([id]) => !id.startsWith('boot')));
}

/** Boots that began in the time and have ended. */
async function bootsOf({ client }: LiveTown, fromMs: number, toMs: number): Promise<readonly HistoryEvent[][]> {
  const query = 'WorkflowType="boot" AND ExecutionStatus!="Running"';
  const all: HistoryEvent[][] = [];
  for await (const { workflowId, runId, startTime } of client.workflow.list({ query })) {
    if (startTime.getTime() < fromMs || startTime.getTime() >= toMs) continue;
    const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    all.push([...(events ?? [])]);
  }
  return all;
}

const acts = (events: readonly HistoryEvent[]) =>
  events.filter((event) => (event.activityTaskScheduledEventAttributes ?? null) !== null).length;
const most = (counts: readonly number[]) => Math.max(0, ...counts);

async function measure(town: LiveTown, requests: () => number): Promise<void> {
  await everybodyWorks(town);
  await until(
    'nothing more is written',
    async () => {
      const before = JSON.stringify(await lengths(town));
      await pause(QUIET_MS);
      return JSON.stringify(await lengths(town)) === before;
    },
    300,
  );
  const [before, asked, fromMs] = [await lengths(town), requests(), Date.now()];
  console.log(`open: ${Object.keys(before).length} workflows on ${TOWN_QUEUE}; an hour of ${TICKS} ticks begins`);
  await pause(HOUR_MS);
  const [after, toMs] = [await lengths(town), Date.now() - TICK_MS * PATIENCE];
  const grown = Object.entries(after).flatMap(([id, events]) =>
    events === before[id] ? [] : [`${id}: ${before[id] ?? 0} → ${events}`],
  );
  for (const line of grown) console.log(line);
  const elsewhere = Object.entries(after).reduce((sum, [id, events]) => sum + events - (before[id] ?? 0), 0);
  const boots = await bootsOf(town, fromMs, toMs);
  tell('idle-ticks', boots.length, 'boots', `>= ${TICKS - 3}`, boots.length >= TICKS - 3);
  const events = most(boots.map(({ length }) => length));
  tell('idle-events-a-tick', events, 'events', `<= ${EVENTS_A_TICK}`, events <= EVENTS_A_TICK);
  const activities = most(boots.map(acts));
  tell('idle-acts-a-tick', activities, 'activities', '<= 1', activities <= 1);
  tell('idle-events-of-others', elsewhere, 'events', '0', elsewhere === 0);
  tell('idle-model-requests', requests() - asked, 'requests', '0', requests() === asked);
}

measuredBy('npm run bench:idle');
const turns = [
  { tools: [{ name: 'write_file', input: { path: 'done.txt', text: 'done\n' } }] },
  { tools: [{ name: 'close', input: { summary: 'it is done', verdict: 'done' } }] },
];
const server = await startModelServer({ script: { rules: [{ when: [], turns }] } });
const town = await liveTown({
  rigs: { server: { bare: true } },
  formulas: { asked: ASKED },
  patience: PATIENCE,
  runtime: { kind: 'anthropic', model: 'scripted', base_url: server.url },
  env: { ANTHROPIC_API_KEY: 'scripted' },
});
try {
  await measure(town, () => server.requests().length);
} finally {
  await town.stop();
  await server.stop();
}
tellJson();
