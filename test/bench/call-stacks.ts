/**
 * `npm run bench:stacks`: what workflows cost with and without the SDK's call stacks. Two processes, by turns, replay all histories of the newest
 * version; counted is the CPU of the whole process from its first replay on, the SDK's native code and its reading of histories included.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { spareCallStacks } from '../../src/workflow-threads.js';
import { NOBODY_LOOKS } from '../support/sinks.js';
import { here } from '../support/here.js';
import { measuredBy, median, tell, tellJson } from './figures.js';

const RUNS = 5;
const TIMES = 3;
const KINDS = ['kept', 'spared'] as const;
type Kind = (typeof KINDS)[number];

function histories() {
  const { version } = JSON.parse(readFileSync(here('package.json'), 'utf8')) as { readonly version: string };
  const folder = here(`test/histories/${version}`);
  return readdirSync(folder).map((file) => {
    const history = historyFromJSON(JSON.parse(readFileSync(join(folder, file), 'utf8')));
    const workflowId = history.events?.[0]?.workflowExecutionStartedEventAttributes?.workflowId ?? 'unknown';
    return { history, workflowId };
  });
}

async function replay(all: ReturnType<typeof histories>): Promise<void> {
  const options = {
    workflowBundle: { codePath: here('dist/workflow-bundle.js') },
    dataConverter: { payloadConverterPath: here('dist/workflows/payload-converter.js') },
    sinks: NOBODY_LOOKS,
  };
  for await (const { error } of Worker.runReplayHistories(options, all)) if (error) throw error;
}

/** Milliseconds of CPU. */
async function cost(kind: Kind): Promise<number> {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  if (kind === 'spared') spareCallStacks();
  const all = histories();
  const first = all.slice(0, 1);
  await replay(first);
  const before = process.cpuUsage();
  await replay(Array.from({ length: TIMES }, () => all).flat());
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

function costElsewhere(kind: Kind): number {
  const program = [...process.execArgv, fileURLToPath(import.meta.url), kind];
  return Number(execFileSync(process.execPath, program, { encoding: 'utf8' }));
}

const [asked] = process.argv.slice(2);
const own = KINDS.find((kind) => kind === asked);
if (own === undefined) {
  measuredBy('npm run bench:stacks');
  const costs: Record<Kind, number[]> = { kept: [], spared: [] };
  for (let run = 0; run < RUNS; run += 1) for (const kind of KINDS) costs[kind].push(costElsewhere(kind));
  tell('replay with call stacks', median(costs.kept), 'ms CPU');
  tell('replay without', median(costs.spared), 'ms CPU');
  const ratio = median(costs.kept) / median(costs.spared);
  tell('with, for each without', ratio, 'times', 'at least 1.5', ratio >= 1.5);
  tellJson();
} else {
  console.log(await cost(own));
}
