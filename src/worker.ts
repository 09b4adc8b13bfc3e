/**
 * The composition root of a worker: the only place where workflows, acts, git, agents and the ledger meet. One process polls
 * three task queues: the town's, and this host's two. Workflow code comes as a bundle made at build time, so that a restart
 * costs a second.
 */
import { chmod, stat } from 'node:fs/promises';
import type { Client } from '@temporalio/client';
import { NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { InjectedSinks, NativeConnectionOptions, WorkerOptions } from '@temporalio/worker';
import type { WorkerDeploymentVersion } from '@temporalio/common';
import { perform } from './calls.js';
import { clearLeft } from './activities/left-sandboxes.js';
import { keepDaemon } from './activities/daemon.js';
import { clientOf } from './client.js';
import { activitiesOf } from './activities/registry.js';
import { townShelf } from './formula-shelf.js';
import { PluginKeeper } from './activities/plugins.js';
import { tellAllReachable, tellsWhoIsReachable } from './activities/reachable.js';
import { placesIn, type Places } from './activities/places.js';
import { hideTown } from './activities/shell.js';
import { Purses } from './activities/purse.js';
import { waitsAfterResets } from './activities/wait-after-reset.js';
import type { Runtimes } from './activities/session-run.js';
import type { TownDeps } from './activities/town.js';
import { accountsIn, Room } from './agents/account.js';
import type { AnthropicSettings } from './agents/anthropic.js';
import type { ProgramSettings } from './agents/command.js';
import type { Runtime as AgentRuntime } from './agents/runtime.js';
import { cleaned, knowSecrets } from './agents/secrets.js';
import { scriptRuntime } from './agents/script.js';
import type { BoardSinks } from './contract/boards.js';
import { Relayed, type Call } from './contract/calls.js';
import type { ReachSinks } from './contract/reach.js';
import type { ResetSinks } from './contract/resets.js';
import { hostQueue, identityOn, sessionQueue, TOWN_QUEUE } from './contract/task-queues.js';
import { authorOf } from './git/author.js';
import { commitFile } from './git/commit.js';
import { Ledger } from './ledger/ledger.js';
import { startProgramsElsewhere } from './process/starter.js';
import { workflowCode } from './dev/bundle-workflows.js';
import { hostId } from './dev/host-id.js';
import { largePayloads } from './large-payloads.js';
import { openRelay } from './relay.js';
import { WORKER_LOG } from './worker-log.js';
import { LONG_TASKS, spareCallStacks } from './workflow-threads.js';
import { DAEMON } from './town/address.js';
import type { Keys } from './town/agents.js';
import { variablesOf } from './town/reach.js';
import { payloadsIn, relayIn } from './town/paths.js';
import type { Prices } from './town/prices.js';
import { hostname } from 'node:os';
import { join, relative } from 'node:path';

export type WorkerSettings = {
  readonly connection: Pick<NativeConnectionOptions, 'address' | 'tls' | 'apiKey' | 'metadata'>;
  readonly namespace: string;
  /** The town's folder, its state folder, and the ledger's. */
  readonly town: string;
  readonly state: string;
  readonly ledger: string;
  readonly readTown: TownDeps['readTown'];
  readonly anthropic: { readonly apiKey: string | null; readonly baseUrl: string | null };
  /** For agents that are programs of their own. */
  readonly keys: Keys;
  /** Values that must never leave this process, those in the URLs of rigs among them. */
  readonly secrets: (urls: readonly string[]) => readonly string[];
  /** Of this process, which ways to people may name. */
  readonly variable: (name: string) => string | null;
  /** The most sessions and gates at once on this host. */
  readonly sessionsMax: number;
  /** The most requests to models at once, null for any number. */
  readonly modelRequestsMax: number | null;
  /** Null: workflows go on with whatever worker there is. */
  readonly version: WorkerDeploymentVersion | null;
  /** Whether Temporal's query `__stack_trace` is answered, at ten times the cost of all that workflows do. */
  readonly callStacks: boolean;
};

const GRACE = '2 seconds';

type RunningWorker = { readonly done: Promise<void>; readonly stop: () => void };

/** Runs until `stop` is called; rejects when a worker fails beyond repair. */
export async function startWorker(settings: WorkerSettings): Promise<RunningWorker> {
  startProgramsElsewhere();
  const readTown = knowingSecrets(settings);
  await readTown();
  return connected({ ...settings, readTown });
}

/**
 * Other users of the machine have no way there: an agent can leave a program that runs as whom it belongs to, which is the user of this process, and
 * what sessions say is not theirs to read.
 */
async function keepFromOthers(folder: string): Promise<void> {
  const { mode } = await stat(folder);
  // Another's folder is his to close.
  await chmod(folder, mode & 0o7770).catch(() => undefined);
}

const warn = (trouble: string) => Runtime.instance().logger.warn(trouble);

async function connected(settings: WorkerSettings): Promise<RunningWorker> {
  Runtime.install({ shutdownSignals: [], ...WORKER_LOG });
  if (!settings.callStacks) spareCallStacks();
  const connection = await NativeConnection.connect(settings.connection);
  await hideTown([settings.town, settings.state]);
  const host = await hostId(settings.state);
  await keepFromOthers(settings.state);
  const places = placesIn(settings.state);
  const payloads = payloadsIn(settings.state);
  const dataConverter = largePayloads(payloads);
  const client = clientOf({ connection, namespace: settings.namespace, payloads });
  const ledger = ledgerOf(settings, host);
  /** For sessions: what they say stands in histories. */
  const call = (one: Call, whenAccepted?: () => void) => perform(client, cleaned(one), whenAccepted);
  const plugins = new PluginKeeper({ client, call, readTown: settings.readTown });
  const activities = activitiesOf(
    {
      client,
      call,
      host,
      places,
      ledger,
      formulas: townShelf(settings.town),
      readTown: settings.readTown,
    },
    places,
    { runtimes: runtimesOf(settings), call, record: { ledger, purses: new Purses(call), call, state: settings.state } },
    { folders: settings, checkUp: () => checkUpIn(settings.town), plugins },
    settings,
  );
  const shared = {
    connection,
    namespace: settings.namespace,
    identity: identityOn(host, `${process.pid}@${hostname()}`),
    dataConverter,
    shutdownGraceTime: GRACE,
    maxHeartbeatThrottleInterval: '1 second',
    ...deploymentOf(settings.version),
  } satisfies Partial<WorkerOptions>;
  const workers = await Promise.all([
    Worker.create({
      ...shared,
      taskQueue: TOWN_QUEUE,
      ...(await workflowCode(payloads)),
      sinks: sinksOf(client, settings),
      activities: { ...activities.town },
      maxConcurrentActivityTaskExecutions: 1_000,
      stickyQueueScheduleToStartTimeout: '2 seconds',
      ...LONG_TASKS,
    }),
    Worker.create({
      ...shared,
      taskQueue: hostQueue(host),
      activities: { ...activities.host },
      maxConcurrentActivityTaskExecutions: 50,
    }),
    Worker.create({
      ...shared,
      taskQueue: sessionQueue(host),
      activities: { ...activities.sessions },
      maxConcurrentActivityTaskExecutions: settings.sessionsMax,
    }),
  ]);
  const relay = await openRelay(relayIn(settings.state), relayedBy(client, settings));
  putInOrder({ client, host, places, settings, plugins });
  const done = Promise.all(workers.map((worker) => worker.run()))
    .finally(relay.close)
    .then(() => connection.close());
  return { done, stop: () => workers.forEach((worker) => worker.shutdown()) };
}

/** What workflows tell their worker, and no history has. */
const sinksOf = (
  client: Client,
  { readTown }: WorkerSettings,
): InjectedSinks<BoardSinks & ReachSinks & ResetSinks> => ({
  boards: { shown: { fn: () => undefined, callDuringReplay: false } },
  resets: { seen: { fn: waitsAfterResets(client, warn), callDuringReplay: true } },
  people: { haveMail: { fn: tellsWhoIsReachable(client, readTown, warn), callDuringReplay: false } },
});

type Scene = {
  readonly client: Client;
  readonly host: string;
  readonly places: Places;
  readonly settings: WorkerSettings;
  readonly plugins: PluginKeeper;
};

/** Beside the work, which goes on already. */
function putInOrder({ client, host, places, plugins, settings: { readTown } }: Scene): void {
  void plugins.begin().catch((error: Error) => warn(`plugins are not in step with town.toml yet: ${error.message}`));
  void clearLeft({ client, host, places, readTown }).catch((error: Error) =>
    warn(`sandboxes of a lost host stay: ${error.message}`),
  );
  void tellAllReachable(client, readTown).catch((error: Error) =>
    warn(`people are told of their mail when more has come: ${error.message}`),
  );
  void readTown()
    .then(async (read) => (read.ok ? keepDaemon(client, read.town.limits.patience) : undefined))
    .catch((error: Error) =>
      warn(`no schedule \`${DAEMON}\`, so that nobody looks after the deacon: ${error.message}`),
    );
}

/** As `gt doctor` does, whose code is read when a dog is sent for it. */
async function checkUpIn(dir: string) {
  const [{ readTown }, { checkUp }] = await Promise.all([import('./config.js'), import('./dev/checkup.js')]);
  const read = await readTown(dir);
  if (!read.ok) return read.problems.map((says) => ({ about: 'town.toml', says, remedy: 'correct it' }));
  const findings = await checkUp(read.town);
  return findings.flatMap(({ about, says, remedy, isNeeded }) =>
    remedy !== null && (isNeeded || about === 'room') ? [{ about, says, remedy }] : [],
  );
}

/** Of a rig that was added since, or has another password now, the secret is known before anything is done there. What was one stays one. */
function knowingSecrets({ readTown, secrets, variable }: WorkerSettings): WorkerSettings['readTown'] {
  let known: ReadonlySet<string> = new Set(secrets([]));
  knowSecrets([...known]);
  return async () => {
    const read = await readTown();
    const urls = read.ok ? Object.values(read.town.rigs).map(({ url }) => url) : [];
    const named = read.ok ? variablesOf(read.town.reach).flatMap((name) => variable(name) ?? []) : [];
    const all = new Set([...known, ...secrets(urls), ...named]);
    if (all.size > known.size) knowSecrets([...all]);
    known = all;
    return read;
  };
}

/** Calls for the server that this worker is connected to. */
function relayedBy(client: Client, { connection, namespace }: WorkerSettings): (sent: unknown) => Promise<unknown> {
  return async (sent) => {
    const relayed = Relayed.parse(sent);
    const isOurs = relayed.address === connection.address && relayed.namespace === namespace;
    return isOurs ? perform(client, relayed.call) : null;
  };
}

/** A workflow stays with the version that began it; long-lived ones move on as they continue as new (`workflows/start`). */
function deploymentOf(version: WorkerSettings['version']): Pick<WorkerOptions, 'workerDeploymentOptions'> {
  if (version === null) return {};
  return { workerDeploymentOptions: { version, useWorkerVersioning: true, defaultVersioningBehavior: 'PINNED' } };
}

function runtimesOf({ anthropic, keys, modelRequestsMax, readTown, town }: WorkerSettings): Runtimes {
  const accounts = accountsIn(new Room(modelRequestsMax));
  const prices = pricesFrom(readTown);
  return {
    script: scriptRuntime(),
    anthropic: anthropicWhenAsked({ ...anthropic, prices, account: accounts.anthropic }),
    command: commandWhenAsked(keys, town, { prices, accounts }),
  };
}

/** The SDK would be a fifth of a worker's start: it is read when a session asks for a model. */
function anthropicWhenAsked(settings: AnthropicSettings): AgentRuntime {
  return {
    kind: 'anthropic',
    run: async (spec, context) => {
      const { anthropicRuntime } = await import('./agents/anthropic.js');
      return anthropicRuntime(settings).run(spec, context);
    },
  };
}

/** Nor is the server of the Model Context Protocol read before an agent wants one. */
function commandWhenAsked(keys: Keys, town: string, shared: ProgramSettings): AgentRuntime {
  return {
    kind: 'command',
    run: async (spec, context) => {
      const { commandRuntime } = await import('./agents/command.js');
      const { findSdk } = await import('./agents/sdk.js');
      return commandRuntime(keys, { ...shared, sdkHere: () => findSdk(town) }).run(spec, context);
    },
  };
}

/** As town.toml has them now; while it cannot be read, as it had them when it last could. */
function pricesFrom(readTown: WorkerSettings['readTown']): () => Promise<Prices> {
  let known: Prices = {};
  return async () => {
    const read = await readTown();
    if (read.ok) known = read.town.prices;
    return known;
  };
}

/** In the town folder's own repository, where people look for it. */
function ledgerOf({ town, ledger }: WorkerSettings, host: string): Ledger {
  const file = join(ledger, `${host}.jsonl`);
  const author = authorOf('gastown', 'ledger@gastown.local');
  return new Ledger(file, {
    commit: (message) => commitFile({ repo: town, file: relative(town, file), message, author }),
    warn,
  });
}
