/** `gt demo`: a whole mission on this machine, from an empty folder to commits on two mains. */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { clientOf } from '../client.js';
import { readAnthropic, readTown } from '../config.js';
import { TOWN_QUEUE } from '../contract/task-queues.js';
import { killOnTheWay } from '../dev/chaos.js';
import { readBoard, shareOf } from '../dev/demo-board.js';
import type { Asking, Board } from '../dev/demo-board.js';
import { commitsOf, digestsIn } from '../dev/demo-report.js';
import { makeDemoTown } from '../dev/demo-town.js';
import type { DemoTown } from '../dev/demo-town.js';
import { DEMO_MISSION } from '../dev/demo-work.js';
import { screenOn } from '../dev/demo-screen.js';
import { demoModel } from '../dev/demo-model.js';
import type { DemoModel } from '../dev/demo-model.js';
import { raiseTown } from '../dev/raise.js';
import type { RaisedTown } from '../dev/raise.js';
import { townPaths } from '../town/paths.js';
import type { TownPaths } from '../town/paths.js';
import type { Command } from './command.js';
import { CliError, readArguments, refuseMore, UsageError } from './command.js';
import { write } from './print.js';
import { GT } from './program.js';
import { hearStop, orStopped, Stopped, untilStopped } from './stopping.js';

const MISSION_ID = 'demo';
const LOOK_MS = 250;
const KILLS = 5;
const KILLS_MAX = 100;
const screen = screenOn({
  isTTY: process.stdout.isTTY,
  get columns() {
    return process.stdout.columns;
  },
  write,
});

export const demo: Pick<Command, 'run'> = {
  run: async (args) => {
    const stop = hearStop();
    const options = readOptions(args);
    const dir = options.dir === null ? await mkdtemp(join(tmpdir(), 'gastown-demo-')) : resolve(options.dir);
    await mustBeEmpty(dir);
    const model = await demoModel(options.model);
    try {
      const begun = await begin(dir, model, stop).catch(async (error: unknown) => {
        if (options.dir === null && isUnused(dir, error)) await rm(dir, { recursive: true, force: true });
        throw error;
      });
      await show(begun, options, stop);
    } finally {
      await model.stop();
    }
  },
};

type Begun = { readonly town: DemoTown; readonly paths: TownPaths; readonly raised: RaisedTown };

async function begin(dir: string, model: DemoModel, signal: AbortSignal): Promise<Begun> {
  const town = await makeDemoTown(dir, model.tables).catch((error: unknown) => cannotHold(dir, error));
  const read = await readTown(dir);
  if (!read.ok) throw new CliError(read.problems.join('\n'));
  say(`A town in ${dir}, with two repositories: ${Object.keys(town.repositories).join(', ')}.`);
  const raised = await raiseTown(read.town, { say, port: null, uiPort: null, env: model.env, signal });
  return { town, paths: read.town.paths, raised };
}

/** Nothing was done in the folder: what is left there would only be litter. A server that failed leaves its log. */
function isUnused(dir: string, error: unknown): boolean {
  return error instanceof Stopped || !existsSync(townPaths(dir).state);
}

async function show(begun: Begun, options: Options, stop: AbortSignal): Promise<void> {
  const { town, paths, raised } = begun;
  try {
    say(`Temporal UI: ${raised.uiUrl}`);
    await runMission(begun, options, stop);
    await report(town, paths.ledger);
    if (options.keep) {
      say(`The town stays up: ${raised.uiUrl}. Ctrl-C stops it.`);
      await untilStopped(stop);
    } else say(`To look around: ${GT} up ${town.dir}, then open the Temporal UI that it names; the one above is gone.`);
  } catch (error) {
    throw error instanceof Stopped ? new Stopped(howToGoOn(town.dir, options)) : error;
  } finally {
    if (stop.aborted) say('Stopping …');
    await raised.stop();
  }
}

function howToGoOn(dir: string, { model }: Options): string {
  const where = `stopped; the town is in ${dir}`;
  if (model === 'scripted')
    return `${where}. Its scripted model ended with the demo: start another demo to see it whole`;
  return `${where}. To go on with its mission: ${GT} up ${dir}`;
}

async function mustBeEmpty(dir: string): Promise<void> {
  const entries = await readdir(dir).catch((error: NodeJS.ErrnoException) =>
    error.code === 'ENOENT' ? [] : cannotHold(dir, error),
  );
  if (entries.length > 0)
    throw new CliError(`${dir} is not empty; name another folder for the demo's town, or leave --dir out`);
}

function cannotHold(dir: string, error: unknown): never {
  if (!(error instanceof Error && 'code' in error)) throw error;
  throw new CliError(`${dir} cannot hold the demo's town: ${error.message}`);
}

type Options = {
  readonly model: 'script' | 'scripted' | 'claude';
  readonly chaos: boolean;
  readonly kills: number;
  readonly seed: number;
  readonly dir: string | null;
  readonly keep: boolean;
};

function readOptions(args: readonly string[]): Options {
  const { values, positionals } = readArguments(args, {
    model: { type: 'string' },
    chaos: { type: 'boolean', default: false },
    kills: { type: 'string' },
    seed: { type: 'string' },
    dir: { type: 'string' },
    keep: { type: 'boolean', default: false },
  });
  refuseMore('demo', positionals);
  const model = values.model ?? 'script';
  if (model !== 'script' && model !== 'scripted' && model !== 'claude') {
    throw new UsageError(`--model is "${model}"; expected scripted or claude, or leave it out to run without a model`);
  }
  if (model === 'claude' && readAnthropic().apiKey === null) {
    throw new CliError('--model claude needs a key: set ANTHROPIC_API_KEY, or see the same work with --model scripted');
  }
  const seed = Number(values.seed ?? Date.now() % 10_000);
  if (!Number.isInteger(seed)) throw new UsageError(`--seed is "${values.seed}"; expected a whole number`);
  if (values.kills !== undefined && !values.chaos)
    throw new UsageError('--kills is for --chaos: give both, or neither');
  const kills = Number(values.kills ?? KILLS);
  if (!Number.isInteger(kills) || kills < 1 || kills > KILLS_MAX)
    throw new UsageError(`--kills is "${values.kills}"; expected a whole number from 1 to ${KILLS_MAX}`);
  return { model, seed, kills, chaos: values.chaos, dir: values.dir ?? null, keep: values.keep };
}

async function runMission(begun: Begun, { chaos, kills, seed }: Options, stop: AbortSignal): Promise<void> {
  const { raised } = begun;
  const connection = await Connection.connect({ address: raised.address });
  const over = new AbortController();
  const stuck = new AbortController();
  try {
    const client = clientOf({ connection, payloads: null });
    const began = Date.now();
    const handle = await client.workflow.start('mission', {
      taskQueue: TOWN_QUEUE,
      workflowId: MISSION_ID,
      args: [DEMO_MISSION],
    });
    // The board that was drawn last, until it has been judged: none is kept that was read before a kill.
    let drawn: Board | null = null;
    const progress = async () => {
      const board = drawn;
      drawn = null;
      return board === null ? null : shareOf(board);
    };
    const killing = chaos
      ? killOnTheWay({ pid: raised.workerPid, progress, kills, seed, say, signal: over.signal })
      : null;
    const watching = watch(client, over.signal, (board) => {
      drawn = board;
      const asks = board.rows.find((row) => row.asks !== null)?.asks ?? null;
      if (asks !== null) stuck.abort(new CliError(howToAnswer(begun, asks)));
    });
    try {
      const early = AbortSignal.any([stop, stuck.signal]);
      // The call itself ends with the signal, too: one left over would be tried again on a connection that is closed.
      const result = connection.withAbortSignal(early, () => handle.result());
      await orStopped(result, early);
    } finally {
      over.abort();
      await watching;
      await killing;
    }
    say(`Landed after ${((Date.now() - began) / 1_000).toFixed(1)} s.`);
  } finally {
    await connection.close();
  }
}

/** In a demo there is nobody to answer: it ends, and says how the answer can be given later. */
function howToAnswer({ town, raised }: Begun, { molecule, step, why }: Asking): string {
  const input = `'{"step": "${step}"}'`;
  return [
    `the step ${step} of ${molecule} waits for an answer: ${why}`,
    `The town is in ${town.dir}. When the reason is gone, start it and have the step tried again:`,
    `  ${GT} up ${town.dir}`,
    `  ${raised.cli} workflow update execute --address ${raised.address} -w ${molecule} --name retry --input ${input}`,
  ].join('\n');
}

/** Draws until it is told to stop. A board that cannot be read now (a worker was just killed) is read a moment later. */
async function watch(client: Client, signal: AbortSignal, onDrawn: (board: Board) => void): Promise<void> {
  while (!signal.aborted) {
    await look(client, onDrawn);
    await pause(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
  await look(client, onDrawn);
}

async function look(client: Client, onDrawn: (board: Board) => void): Promise<void> {
  const board = await readBoard(client, MISSION_ID).catch(() => null);
  if (board === null) return;
  screen.draw(board);
  onDrawn(board);
}

async function report(town: DemoTown, ledger: string): Promise<void> {
  for (const [rig, repository] of Object.entries(town.repositories)) {
    say(`\n${rig}, main:`);
    for (const line of await commitsOf(repository)) say(`  ${line}`);
  }
  say(`
On the way the clock was handed off between two sessions, as every session may be. The footer was sent back once: its first
version had a FIXME in it, which the gate lint refuses.

Digests in the ledger:`);
  for (const line of await digestsIn(ledger)) say(`  ${line}`);
  say('');
}

function say(line: string): void {
  screen.say(line);
}
