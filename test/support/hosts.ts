/** Two machines of one town: a folder and a worker each, with nothing in common but the server and the remote of their rig. */
import { copyFile, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { startServer } from '../../src/dev/server.js';
import type { Lifecycle } from '../../src/contract/polecat.js';
import { lifecycleQuery } from '../../src/contract/polecat.js';
import { startGt } from './gt.js';
import type { Running } from './gt.js';
import { makeTownFolder, until } from './live-town.js';
import type { TownPlan } from './live-town.js';
import { processesIn } from './processes.js';
import { runGit } from './repos.js';
import { temporalCli } from './temporal.js';

export type Host = {
  readonly dir: string;
  /** Starts its worker; answers with the host's id. */
  readonly start: () => Promise<string>;
  /** SIGKILL to its worker and all that this started. */
  readonly die: () => Promise<void>;
  /** SIGSTOP and SIGCONT: it sleeps, and wakes as if nothing had been. */
  readonly signal: (signal: 'SIGSTOP' | 'SIGCONT') => Promise<void>;
};

export type Hosts = {
  readonly client: Client;
  readonly address: string;
  readonly hosts: readonly [Host, Host];
  readonly git: (...args: string[]) => Promise<string>;
  /** Path of the remote that all reach. */
  readonly remote: string;
};

/** Of the test: what is to be done when it is over, the last first. Tests that run side by side have one each. */
type Finally = (act: () => Promise<void>) => void;

export async function twoHosts(
  plan: Omit<TownPlan, 'rigs'>,
  after: Finally,
  gates: Readonly<Record<string, string>> = {},
): Promise<Hosts> {
  const store = await folder({ ...plan, rigs: { server: { bare: true, gates } } }, after);
  const server = await startServer({
    cli: await temporalCli(),
    dbFile: `${store}/state/temporal.db`,
    namespace: 'default',
    log: `${store}/logs/server.log`,
    say: () => undefined,
  });
  after(() => server.stop());
  const connection = await Connection.connect({ address: server.address });
  after(() => connection.close());
  const client = new Client({ connection });
  const one = () => host(plan, store, server.address, after);
  const hosts = [await one(), await one()] as const;
  const remote = join(store, 'repositories/server');
  return { client, address: server.address, hosts, remote, git: (...args) => runGit(remote, args) };
}

async function folder(plan: TownPlan, after: Finally): Promise<string> {
  const dir = await makeTownFolder(plan);
  after(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));
  return dir;
}

async function host(plan: Omit<TownPlan, 'rigs'>, store: string, address: string, after: Finally): Promise<Host> {
  const dir = await folder({ ...plan, rigs: {} }, after);
  await copyFile(join(store, 'town.toml'), join(dir, 'town.toml'));
  let worker: Running | null = null;
  const signalAll = async (signal: NodeJS.Signals) => {
    for (const line of await processesIn(dir)) {
      try {
        process.kill(Number(line.split(' ')[0]), signal);
      } catch {
        // It has ended by itself.
      }
    }
  };
  const die = async () => {
    const exited = worker?.end('SIGKILL');
    await until('nothing of the host runs', async () => {
      await signalAll('SIGKILL');
      return (await processesIn(dir)).length === 0;
    });
    await exited;
  };
  after(die);
  return {
    dir,
    die,
    signal: signalAll,
    start: async () => {
      worker = startGt(['worker', '--town', dir, '--address', address], plan.env);
      return until('the host has an id', async () => (await textOf(join(dir, '.gt/host-id'))).trim() || null);
    },
  };
}

/** The polecat of the only item, once it satisfies `what`. */
export async function polecatOf(
  { client }: Hosts,
  what: string,
  isSo: (life: Lifecycle) => boolean | Promise<boolean>,
  seconds = 60,
): Promise<Lifecycle> {
  return until(
    what,
    async () => {
      const life = await client.workflow.getHandle('server/polecats/Toast').query(lifecycleQuery);
      return (await isSo(life)) ? life : null;
    },
    seconds,
  );
}

export async function textOf(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '');
}

/** The desk of a person of the rig, and the worktree that it has on the host that is there. */
export async function deskOf(client: Client) {
  const workflowId = 'server/crew/ann';
  const args = [{ patience: 0.02 }];
  const ann = await client.workflow.start('crew', { taskQueue: 'gastown', workflowId, args });
  const at = () => ann.executeUpdate<string, [object]>('at', { args: [{}] });
  const board = () => ann.query<string>('explain');
  return [{ at, board }, await at()] as const;
}
