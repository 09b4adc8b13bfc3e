/** `gt worker`: works for a town on any Temporal. `gt up` starts one as its child; on a cluster it is run by itself. */
import { Connection } from '@temporalio/client';
import { readEnvironment, readTown, withRuntimes } from '../config.js';
import { endLeftover } from '../dev/leftovers.js';
import { registerSearchAttributes } from '../dev/search-attributes.js';
import { startWorker } from '../worker.js';
import type { Command } from './command.js';
import { CliError, readArguments } from './command.js';
import { townFolder } from './town.js';

/** Time for sessions to end what they run. */
const ORPHAN_MS_MAX = 8_000;

export const worker: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values } = readArguments(args, { town: { type: 'string' }, address: { type: 'string' } });
    const dir = await townFolder(values.town);
    const read = await readTown(dir);
    if (!read.ok) throw new CliError(read.problems.join('\n'));
    const { town } = read;
    const environment = readEnvironment();
    const { temporal, anthropic } = environment;
    const address = values.address ?? temporal.address ?? 'localhost:7233';
    const connection = {
      address,
      ...(temporal.tls === undefined ? {} : { tls: temporal.tls }),
      ...(temporal.apiKey === null ? {} : { apiKey: temporal.apiKey }),
    };
    const client = await Connection.connect(connection).catch((error: Error) => {
      throw new CliError(
        `no Temporal server answers at ${address} (${error.message}): start one with \`gt up\`, or name another by --address or TEMPORAL_ADDRESS`,
      );
    });
    await registerSearchAttributes(client, temporal.namespace);
    await client.close();
    const running = await startWorker({
      connection,
      namespace: temporal.namespace,
      town: town.dir,
      state: town.paths.state,
      ledger: town.paths.ledger,
      formulas: town.paths.formulas,
      readTown: async () => {
        const now = await readTown(dir);
        if (!now.ok) return { ok: false, problems: now.problems.join('\n') };
        return { ok: true, town: withRuntimes(now.town.snapshot, { hasKey: anthropic.apiKey !== null }) };
      },
      anthropic: { apiKey: anthropic.apiKey, baseUrl: town.anthropic.baseUrl ?? anthropic.baseUrl },
      sessionsMax: town.sessionsMax,
    });
    const letGo = obeyParent(town.paths.server, running.stop);
    await running.done;
    await letGo();
  },
};

/**
 * Ends with SIGTERM or SIGINT, and when `gt up` is no more: then with the server that it would have ended, since a town without
 * its supervisor is down. Answers what lets go of the parent, whose channel would keep this process alive.
 */
function obeyParent(serverRecord: string, stop: () => void): () => Promise<void> {
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  if (process.send === undefined) return async () => undefined;
  let isOrphan = false;
  const leave = async () => {
    await endLeftover(serverRecord);
    process.exit();
  };
  const onOrphaned = () => {
    isOrphan = true;
    stop();
    // With a server that is gone, too, a worker would wait long for its last answers.
    setTimeout(() => void leave(), ORPHAN_MS_MAX);
  };
  process.once('disconnect', onOrphaned);
  process.send('ready');
  return async () => {
    if (isOrphan) await leave();
    process.off('disconnect', onOrphaned);
    if (process.connected) process.disconnect();
  };
}
