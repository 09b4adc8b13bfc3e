/** A real town for a test: its own folder, repositories, Temporal server and worker process, all gone afterwards. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Connection } from '@temporalio/client';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { readTown } from '../../src/config.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import { raiseTown } from '../../src/dev/raise.js';
import type { RaisedTown } from '../../src/dev/raise.js';
import { clientOf } from '../../src/client.js';
import { townPaths } from '../../src/town/paths.js';
import { processesIn } from './processes.js';
import { makeRepo } from './repos.js';

const run = promisify(execFile);

export type RigPlan = {
  readonly files?: Readonly<Record<string, string>>;
  readonly bare?: boolean;
  readonly gates?: Readonly<Record<string, string>>;
  readonly capacity?: number;
  /** Of its slots, if not the usual ones. */
  readonly names?: readonly string[];
  /** Instead of the town's, key by key. */
  readonly runtime?: Readonly<Record<string, string>>;
  readonly confinement?: Readonly<Record<string, string>>;
  readonly merge?: Readonly<Record<string, string | number | boolean>>;
  /** The URL of the repository at that path, which is the path itself if not given. */
  readonly url?: (path: string) => string;
};

export type TownPlan = {
  readonly rigs: Readonly<Record<string, RigPlan>>;
  /** Name → TOML text, put into the town's own formulas. */
  readonly formulas?: Readonly<Record<string, string>>;
  readonly patience?: number;
  readonly limits?: Readonly<Record<string, number>>;
  readonly runtime?: Readonly<Record<string, string>>;
  /** By name, agents that are programs of their own. */
  readonly agents?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
  /** If not given, no session is asked about trouble: who answers is the test. */
  readonly escalation?: string;
  /** If not given, nothing is shut in; `{}`: as the town does it by itself. */
  readonly confinement?: Readonly<Record<string, string | number | readonly string[]>>;
  /** By model, in dollars for a million tokens. */
  readonly prices?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly env?: Readonly<Record<string, string>>;
  /** More of the server's dynamic configuration. */
  readonly dynamicConfig?: readonly string[];
};

export type LiveTown = {
  readonly dir: string;
  readonly raised: RaisedTown;
  readonly client: Client;
  /** Path of a rig's repository. */
  readonly repository: (rig: string) => string;
  /** The Temporal CLI against this town's server; answers its output, also when it fails. */
  readonly temporal: (...args: string[]) => Promise<{ readonly code: number; readonly output: string }>;
  readonly startMission: (id: string, input: unknown) => Promise<WorkflowHandle>;
  /** `sha author subject` of the target, oldest first. */
  readonly log: (rig: string, ref?: string) => Promise<readonly string[]>;
  readonly git: (rig: string, ...args: string[]) => Promise<string>;
  readonly stop: () => Promise<void>;
};

export async function makeTownFolder(plan: TownPlan): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'gt-town-'));
  await mkdir(join(dir, 'formulas'), { recursive: true });
  await run('git', ['-C', dir, 'init', '--quiet', '-b', 'main']);
  await writeFile(join(dir, '.gitignore'), '.gt/\nrepositories/\n');
  const tables = await Promise.all(Object.entries(plan.rigs).map(([rig, how]) => makeRig(dir, rig, how)));
  const limits = Object.entries({ patience: plan.patience ?? 0.1, ...plan.limits }).map(
    ([key, value]) => `${key} = ${value}`,
  );
  const runtime = Object.entries(plan.runtime ?? { kind: 'script' }).map(([key, value]) => `${key} = "${value}"`);
  const prices = Object.entries(plan.prices ?? {}).flatMap(([model, one]) => [
    `[prices.${JSON.stringify(model)}]`,
    ...Object.entries(one).map(([key, value]) => `${key} = ${value}`),
  ]);
  const agents = Object.entries(plan.agents ?? {}).flatMap(([name, one]) => [
    `[agents.${name}]`,
    ...Object.entries(one).map(([key, value]) => `${key} = ${JSON.stringify(value)}`),
  ]);
  const confinement = Object.entries(plan.confinement ?? { level: 'none' }).map(
    ([key, value]) => `${key} = ${JSON.stringify(value)}`,
  );
  const confined = ['[confinement]', ...confinement];
  const parts = [
    '[town]',
    'name = "test"',
    '[limits]',
    ...limits,
    '[runtime]',
    ...runtime,
    ...confined,
    plan.escalation ?? '[escalation]\nsessions = false',
    ...agents,
    ...prices,
    ...tables,
  ];
  await writeFile(join(dir, 'town.toml'), `${parts.join('\n')}\n`);
  for (const [name, text] of Object.entries(plan.formulas ?? {})) {
    await writeFile(join(dir, 'formulas', `${name}.formula.toml`), text);
  }
  return dir;
}

async function makeRig(dir: string, rig: string, plan: RigPlan): Promise<string> {
  const { files, bare, gates, capacity, names, runtime = {}, confinement = {}, merge = {}, url = (at) => at } = plan;
  const path = join(dir, 'repositories', rig);
  await makeRepo({ path, bare: bare ?? false, branch: 'main', files: files ?? { 'README.md': `${rig}\n` } });
  const lines = Object.entries(gates ?? {}).map(([name, command]) => `${name} = ${JSON.stringify(command)}`);
  const tables = Object.entries({ confinement, merge, runtime }).flatMap(([table, one]) =>
    Object.entries(one).map(([key, value]) => `${table}.${key} = ${JSON.stringify(value)}\n`),
  );
  const pool = names === undefined ? '' : `names = ${JSON.stringify(names)}\n`;
  return `[rigs.${rig}]\nurl = ${JSON.stringify(url(path))}\nbranch = "main"\ncapacity = ${capacity ?? 5}\n${pool}${tables.join('')}[rigs.${rig}.gates]\n${lines.join('\n')}\n`;
}

export async function liveTown(plan: TownPlan): Promise<LiveTown> {
  const dir = await makeTownFolder(plan);
  const raised = await raise(dir, plan);
  const connection = await Connection.connect({ address: raised.address });
  const client = clientOf({ connection, payloads: townPaths(dir).payloads });
  const repository = (rig: string) => join(dir, 'repositories', rig);
  const git = async (rig: string, ...args: string[]) =>
    (await run('git', ['-C', repository(rig), ...args])).stdout.trim();
  return {
    dir,
    raised,
    client,
    repository,
    temporal: (...args) => temporalCli(raised, args),
    startMission: (id, input) =>
      client.workflow.start('mission', { taskQueue: TOWN_QUEUE, workflowId: id, args: [input] }),
    log: async (rig, ref = 'main') => (await git(rig, 'log', '--reverse', '--format=%h %an %s', ref)).split('\n'),
    git,
    stop: async () => {
      await connection.close();
      await raised.stop();
      const left = await processesIn(dir);
      await rm(dir, { recursive: true, force: true, maxRetries: 5 });
      if (left.length > 0) throw new Error(`processes were left: ${left.join('; ')}`);
    },
  };
}

/** The town of a folder, on free ports, in this process (its server and worker are processes of their own). */
export async function raise(dir: string, { env, dynamicConfig }: TownPlan): Promise<RaisedTown> {
  const read = await readTown(dir);
  if (!read.ok) throw new Error(read.problems.join('\n'));
  return raiseTown(read.town, {
    say: () => undefined,
    port: null,
    uiPort: null,
    ...(env === undefined ? {} : { env }),
    ...(dynamicConfig === undefined ? {} : { dynamicConfig }),
  });
}

async function temporalCli(raised: RaisedTown, args: readonly string[]): Promise<{ code: number; output: string }> {
  try {
    const { stdout, stderr } = await run(raised.cli, [...args, '--address', raised.address], {
      maxBuffer: 64 * 1024 * 1024,
    });
    return { code: 0, output: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }; // what execFile rejects with
    return { code, output: stdout + stderr };
  }
}

/** How long the last look may still take. */
const LOOK_MS_MAX = 60_000;

/** What comes soon is seen soon, and what takes long is not asked for all the time: each look is work for server and worker. */
const LOOK_EVERY_MS_MIN = 25;
const LOOK_EVERY_MS_MAX = 250;
/** Between two looks at least so many times as long as one takes: a look by a program costs as much as twenty queries, and on a busy machine keeps back what it waits for. */
const REST_FACTOR = 3;
const REST_MS_MAX = 1_000;

/** Campaigns that are run whole keep both processors from what waits beside them. */
const PATIENCE_FACTOR = process.env['GT_LONG'] === undefined ? 1 : 3;

/** Waits until `look` answers something else than null, false or undefined; fails with `what` after `seconds`, in the long run three times as many. */
export async function until<T>(
  what: string,
  look: () => Promise<T | null | false | undefined>,
  seconds = 60,
): Promise<T> {
  const end = Date.now() + seconds * PATIENCE_FACTOR * 1_000;
  let last: unknown = null;
  for (let everyMs = LOOK_EVERY_MS_MIN; Date.now() < end; everyMs = Math.min(LOOK_EVERY_MS_MAX, everyMs * 1.5)) {
    const begunMs = Date.now();
    // A look itself may never end: what is asked of a workflow whose tasks fail waits for ever.
    const over = pause(end - Date.now() + LOOK_MS_MAX, null, { ref: false });
    const seen = await Promise.race([look(), over]).catch((error: unknown) => {
      last = error;
      return null;
    });
    if (seen !== null && seen !== false && seen !== undefined) return seen;
    const tookMs = Date.now() - begunMs;
    await pause(Math.max(everyMs, Math.min(REST_MS_MAX, REST_FACTOR * tookMs)));
  }
  throw new Error(`waited ${seconds * PATIENCE_FACTOR} s in vain: ${what}${last === null ? '' : ` (${inFull(last)})`}`);
}

/** With what it came from: that a call failed says little. */
function inFull(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${inFull(error.cause)}`;
}

/** How many commits of the target have this subject: each item's patch must be there once. */
export function count(log: readonly string[], subject: string): number {
  return log.filter((line) => line.endsWith(` ${subject}`)).length;
}
