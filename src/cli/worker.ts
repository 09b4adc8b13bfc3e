/** `gt worker`: works for a town on any Temporal. `gt up` starts one as its child; on a cluster it is run by itself. */
import { setTimeout as pause } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import type { WorkerDeploymentVersion } from '@temporalio/common';
import {
  OWN_SERVER,
  readAnthropic,
  readEnvironment,
  readKeys,
  readSecrets,
  readTown,
  readVariable,
  withRuntimes,
} from '../config.js';
import { endLeftover } from '../dev/leftovers.js';
import { registerSearchAttributes } from '../dev/search-attributes.js';
import { townPaths } from '../town/paths.js';
import { startWorker } from '../worker.js';
import type { Command } from './command.js';
import { CliError, readArguments, refuseMore } from './command.js';
import { hearStop } from './stopping.js';
import { townFolder } from './town.js';

/** Time for sessions to end what they run. */
const ORPHAN_MS_MAX = 8_000;
const OWNER_LOOK_EVERY_MS = 100;
const OWNER_LOOKS_MAX = 20;

export const worker: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, {
      town: { type: 'string' },
      address: { type: 'string' },
      embedded: { type: 'boolean', default: false },
      deployment: { type: 'string' },
      'build-id': { type: 'string' },
    });
    refuseMore('worker', positionals);
    const dir = await townFolder(values.town);
    const parent = hearParent(townPaths(dir).server);
    try {
      const running = await start(dir, values);
      parent.obey(running.stop);
      await running.done;
    } finally {
      await parent.letGo();
    }
  },
};

type Wish = {
  readonly address?: string | undefined;
  readonly embedded: boolean;
  readonly deployment?: string | undefined;
  readonly 'build-id'?: string | undefined;
};

/** As Temporal's own controller of workers names them in the environment. */
function versionOf({ deployment, 'build-id': build }: Wish): WorkerDeploymentVersion | null {
  const deploymentName = deployment ?? process.env['TEMPORAL_DEPLOYMENT_NAME'] ?? '';
  const buildId = build ?? process.env['TEMPORAL_WORKER_BUILD_ID'] ?? '';
  if (deploymentName === '' && buildId === '') return null;
  if (deploymentName !== '' && buildId !== '') return { deploymentName, buildId };
  throw new CliError(
    `a version of workers is a deployment and a build id: --${buildId === '' ? 'build-id' : 'deployment'} is missing`,
  );
}

async function start(dir: string, wish: Wish): ReturnType<typeof startWorker> {
  const read = await readTown(dir);
  if (!read.ok) throw new CliError(read.problems.join('\n'));
  const { address: named, embedded } = wish;
  const version = embedded ? null : versionOf(wish);
  const { town } = read;
  const anthropic = readAnthropic();
  const temporal = embedded ? OWN_SERVER : readEnvironment().temporal;
  const address = named ?? temporal.address ?? 'localhost:7233';
  const connection = {
    address,
    metadata: temporal.metadata,
    ...(temporal.tls === null ? {} : { tls: temporal.tls }),
    ...(temporal.apiKey === null ? {} : { apiKey: temporal.apiKey }),
  };
  const client = await Connection.connect(connection).catch((error: Error) => {
    throw new CliError(
      `no Temporal server answers at ${address} (${error.message}): start one with \`gt up\`, or name another by --address or TEMPORAL_ADDRESS`,
    );
  });
  await registerSearchAttributes(client, temporal.namespace);
  await client.close();
  return startWorker({
    connection,
    namespace: temporal.namespace,
    town: town.dir,
    state: town.paths.state,
    ledger: town.paths.ledger,
    readTown: async () => {
      const now = await readTown(dir);
      if (!now.ok) return { ok: false, problems: now.problems.join('\n') };
      return { ok: true, town: withRuntimes(now.town.snapshot, { hasKey: anthropic.apiKey !== null }) };
    },
    anthropic: { apiKey: anthropic.apiKey, baseUrl: town.anthropic.baseUrl ?? anthropic.baseUrl },
    keys: readKeys(town.anthropic.baseUrl),
    secrets: readSecrets,
    variable: readVariable,
    sessionsMax: town.sessionsMax,
    modelRequestsMax: town.modelRequestsMax,
    version,
    callStacks: readVariable('GT_CALL_STACKS') === '1',
  });
}

type Parent = {
  /** From here on the worker polls: it is stopped in order. */
  readonly obey: (stop: () => void) => void;
  /** Lets go of the parent, whose channel would keep this process alive. */
  readonly letGo: () => Promise<void>;
};

/**
 * Ends with SIGTERM or SIGINT, and when `gt up` is no more: then with the server that it would have ended, since a town without
 * its supervisor is down. Listens from the first moment, since the parent may be gone before there is anything to stop.
 */
function hearParent(serverRecord: string): Parent {
  let stop: (() => void) | null = null;
  let isOrphan = false;
  const leave = async () => {
    await endServerOf(serverRecord);
    process.exit();
  };
  const onOrphaned = () => {
    if (isOrphan) return;
    isOrphan = true;
    stop?.();
    // With a server that is gone, too, a worker would wait long for its last answers.
    setTimeout(() => void leave(), stop === null ? 0 : ORPHAN_MS_MAX);
  };
  const isChild = process.send !== undefined;
  if (isChild) {
    process.once('disconnect', onOrphaned);
    if (!process.connected) onOrphaned();
  }
  return {
    obey: (stopNow) => {
      stop = stopNow;
      const heard = hearStop();
      heard.addEventListener('abort', stopNow, { once: true });
      // The parent may have gone at this very moment, which `disconnect` then tells.
      if (isChild) process.send?.('ready', undefined, undefined, () => undefined);
    },
    letGo: async () => {
      if (isOrphan) await leave();
      process.off('disconnect', onOrphaned);
      if (process.connected) process.disconnect();
    },
  };
}

/** The channel closes a moment before its process is gone: until then that one still looks like the server's owner. */
async function endServerOf(serverRecord: string): Promise<void> {
  for (let left = OWNER_LOOKS_MAX; left > 0; left -= 1) {
    const isEnded = await endLeftover(serverRecord).then(
      () => true,
      () => false,
    );
    if (isEnded) return;
    await pause(OWNER_LOOK_EVERY_MS);
  }
}
