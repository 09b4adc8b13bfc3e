/**
 * `npm run bench`: molecules against plain workflows that do the same acts, which do nothing, on the same server by the same kind of
 * worker. By turns, so that what else this machine does falls on both alike. `npm run bench -- latency` measures that part alone.
 */
import type { Client, WorkflowHandle } from '@temporalio/client';
import type { Acceptance } from '../../src/contract/activities.js';
import { moleculeMessages } from '../../src/contract/messages.js';
import type { Hook } from '../../src/contract/molecule.js';
import { startOfMolecule } from '../../src/contract/search-attributes.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import type { Protomolecule } from '../../src/town/protomolecule.js';
import { DEFAULT_LIMITS } from '../../src/town/rig.js';
import { NO_USAGE } from '../../src/town/session.js';
import type { SessionResult, SessionSpec } from '../../src/town/session.js';
import { cookText } from '../support/formula.js';
import { measuredBy, median, tell, tellJson } from './figures.js';
import { BENCH_HOST } from './bench-host.js';
import { PLAIN_QUEUE, withWorkers } from './bench-workers.js';

const STEPS = 10;
const LATENCY_RUNS = 15;
const STORM = 200;
const STORM_RUNS = 6;
const FAN = 100;
const FAN_RUNS = 5;
const CLOSES = 200;
const CLOSE_RUNS = 3;

const closed: SessionResult = { outcome: 'closed', verdict: 'done', summary: 'done', usage: NO_USAGE, notes: [] };
const accepted: Acceptance = { kind: 'accepted', head: '0'.repeat(40) };
const ACTS = {
  runSession: (spec?: SessionSpec) =>
    Promise.resolve(
      spec?.step.id === 'list' ? { ...closed, output: { list: Array.from({ length: FAN }, (_, at) => at) } } : closed,
    ),
  acceptStep: () => Promise.resolve(accepted),
  record: () => Promise.resolve(),
  // On nobody's hook every step waits for a person.
  cook: () => Promise.resolve(chain(CLOSES)),
};

const HOOK: Hook = {
  mission: 'bench',
  item: 'bench',
  agent: 'bench/polecats/Toast',
  rig: {
    name: 'bench',
    url: '/nowhere',
    branch: 'main',
    gates: [],
    names: ['Toast'],
    capacity: 1,
    prefix: 'be',
    runtime: { kind: 'anthropic', model: 'auto' },
  },
  limits: DEFAULT_LIMITS,
  name: 'Toast',
  incarnation: 1,
  host: BENCH_HOST,
  sandbox: { path: '/nowhere', branch: 'polecat/Toast', base: '0'.repeat(40) },
  round: 0,
};

function cooked(text: string): Protomolecule {
  const result = cookText(text);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.protomolecule;
}

function chain(steps: number): Protomolecule {
  const tables = Array.from({ length: steps }, (_, at) => {
    const needs = at === 0 ? '' : `needs = ["s${at - 1}"]\n`;
    return `[[steps]]\nid = "s${at}"\ntitle = "Step ${at}"\ndescription = "Do what step ${at} asks for."\n${needs}`;
  });
  return cooked(`formula = "x"\n${tables.join('')}`);
}

const fan = (): Protomolecule =>
  cooked(`formula = "x"
[[steps]]
id = "list"
title = "List"
output = { list = ["number"] }
[[steps]]
id = "each"
title = "Work on each"
[steps.loop]
for_each = "list.output.list"
var = "entry"
[[steps.loop.body]]
id = "work"
title = "Work on {entry}"
`);

type Bench = { readonly start: Start };
type Start = (kind: 'molecule' | 'plain' | 'bare', argument: unknown) => Promise<WorkflowHandle>;

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1_000;
}

/**
 * The median time of both and of their ratio, turn by turn. Who goes first changes: the server's database grows, and whoever goes second has it
 * a little slower.
 */
async function pair(runs: number, ours: () => Promise<unknown>, theirs: () => Promise<unknown>) {
  const turns: { readonly ours: number; readonly theirs: number }[] = [];
  for (let run = 0; run < runs; run += 1) {
    turns.push(
      run % 2 === 0
        ? { ours: await seconds(ours), theirs: await seconds(theirs) }
        : { theirs: await seconds(theirs), ours: await seconds(ours) },
    );
  }
  return {
    ours: median(turns.map((turn) => turn.ours)),
    theirs: median(turns.map((turn) => turn.theirs)),
    ratio: median(turns.map((turn) => turn.ours / turn.theirs)),
  };
}

type OnHook = { readonly proto: Protomolecule; readonly hook: Hook };
const onHook = (proto: Protomolecule): OnHook => ({ proto, hook: HOOK });
const isOnHook = (argument: unknown): argument is OnHook =>
  typeof argument === 'object' && argument !== null && 'hook' in argument;

async function benchLatency({ start }: Bench): Promise<void> {
  const proto = chain(STEPS);
  const run = async (kind: 'molecule' | 'plain', argument: unknown) => (await start(kind, argument)).result();
  const { ours, theirs, ratio } = await pair(
    LATENCY_RUNS,
    () => run('molecule', onHook(proto)),
    () => run('plain', STEPS),
  );
  tell('plain workflow of 10 steps', theirs * 1_000, 'ms');
  tell('molecule of 10 steps', ours * 1_000, 'ms');
  tell('latency of a molecule', ratio, 'times', 'at most 1.25', ratio <= 1.25);
}

async function benchThroughput({ start }: Bench): Promise<void> {
  const proto = chain(STEPS);
  const storm = async (kind: 'molecule' | 'plain', argument: unknown) => {
    const handles = await Promise.all(Array.from({ length: STORM }, () => start(kind, argument)));
    await Promise.all(handles.map((handle) => handle.result()));
  };
  const { ours, theirs, ratio } = await pair(
    STORM_RUNS,
    () => storm('molecule', onHook(proto)),
    () => storm('plain', STEPS),
  );
  tell('plain workflows, 200 at once', STORM / theirs, 'a second');
  tell('molecules, 200 at once', STORM / ours, 'a second');
  tell('throughput of molecules', 1 / ratio, 'times', 'at least 0.8', 1 / ratio >= 0.8);
}

/** In one sandbox what a fan-out adds is worked one after the other: a plain workflow does as much that does 101 steps in a row. */
async function benchFan({ start }: Bench): Promise<void> {
  const proto = fan();
  const { ratio } = await pair(
    FAN_RUNS,
    async () => (await start('molecule', onHook(proto))).result(),
    async () => (await start('plain', FAN + 1)).result(),
  );
  tell('fan-out of 100, to 101 in a row', ratio, 'times', 'at most 1.25', ratio <= 1.25);
}

/** Turn by turn: what else the machine does in these seconds falls on both. */
async function benchCloses({ start }: Bench): Promise<void> {
  const times: { readonly ours: number; readonly theirs: number }[] = [];
  for (let run = 0; run < CLOSE_RUNS; run += 1) {
    const [molecule, bare] = [await start('molecule', { formula: 'chain' }), await start('bare', CLOSES)];
    for (let at = 0; at < CLOSES; at += 1) {
      const args: [unknown] = [{ step: `s${at}`, continue: true }];
      times.push({
        ours: await seconds(() => molecule.executeUpdate(moleculeMessages.close.update, { args })),
        theirs: await seconds(() => bare.executeUpdate('touch')),
      });
    }
    await Promise.all([molecule.result(), bare.result()]);
  }
  const [ours, theirs] = [times.map((each) => each.ours), times.map((each) => each.theirs)];
  const ratio = median(ours) / median(theirs);
  tell('bare Update, round trip', median(theirs) * 1_000, 'ms');
  tell('close --continue, round trip', median(ours) * 1_000, 'ms');
  tell('close --continue', ratio, 'times', 'at most 1.3', ratio <= 1.3);
}

/** What a step leaves behind, by two lengths, so that beginning and end do not count. */
async function benchHistory({ start }: Bench): Promise<void> {
  const [short, long] = [10, 60];
  const sizes = await Promise.all(
    [short, long].map(async (steps) => {
      const handle = await start('molecule', onHook(chain(steps)));
      await handle.result();
      const { historyLength, historySize = 0 } = await handle.describe();
      return { historyLength, historySize };
    }),
  );
  const per = (what: 'historyLength' | 'historySize') =>
    ((sizes[1]?.[what] ?? 0) - (sizes[0]?.[what] ?? 0)) / (long - short);
  tell('events of history a step', per('historyLength'), 'events');
  tell('history a step', per('historySize') / 1_024, 'KiB');
}

function startBy(client: Client): Start {
  let started = 0;
  return (kind, argument) =>
    client.workflow.start(kind, {
      taskQueue: kind === 'molecule' ? TOWN_QUEUE : PLAIN_QUEUE,
      workflowId: `bench-${(started += 1)}`,
      args: [argument],
      ...(isOnHook(argument) ? { typedSearchAttributes: startOfMolecule(argument.hook, argument.proto) } : {}),
    });
}

/** The first of each kind costs what no other does. */
async function warmUp({ start }: Bench): Promise<void> {
  const [molecule, plain] = [await start('molecule', onHook(chain(STEPS))), await start('plain', STEPS)];
  await Promise.all([molecule.result(), plain.result()]);
}

const PARTS = {
  latency: benchLatency,
  throughput: benchThroughput,
  fan: benchFan,
  close: benchCloses,
  history: benchHistory,
};

const asked = process.argv.slice(2);
measuredBy('npm run bench');
await withWorkers(
  () => ACTS,
  async (client) => {
    const bench = { start: startBy(client) };
    await warmUp(bench);
    for (const [name, part] of Object.entries(PARTS)) {
      if (asked.length > 0 && !asked.includes(name)) continue;
      measuredBy(`npm run bench -- ${name}`);
      await part(bench);
    }
  },
);
tellJson();
