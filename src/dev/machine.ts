/** What the search for the Temporal CLI needs to know of this machine, as one value, so that tests can make up machines. */
import { homedir } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';

export type Machine = {
  /** Handed to the programs that fetch: proxies, certificates and package indexes are set up there. */
  readonly env: Readonly<Record<string, string>>;
  /** The operator's own choice of a Temporal CLI, a path. */
  readonly temporalCli: string | null;
  readonly searchPath: readonly string[];
  /** The folder of this user's caches. */
  readonly caches: string;
  /** As Node names them: `linux`, `x64`. */
  readonly platform: string;
  readonly arch: string;
  /** Programs that may be a Python with pip, in the order of trial. */
  readonly pythons: readonly string[];
  /** Where Temporal publishes its CLI. */
  readonly cdn: string;
  readonly fetch: typeof fetch;
};

export function machine(env: NodeJS.ProcessEnv = process.env): Machine {
  const set = Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
  return {
    env: set,
    temporalCli: set['TEMPORAL_CLI'] || null,
    searchPath: (set['PATH'] ?? '').split(delimiter).filter(isAbsolute),
    caches: cachesOf(set),
    platform: process.platform,
    arch: process.arch,
    pythons: ['python3', 'python'],
    cdn: 'https://temporal.download',
    fetch,
  };
}

function cachesOf(env: Readonly<Record<string, string>>): string {
  const home = env['HOME'] || homedir();
  if (process.platform === 'darwin') return join(home, 'Library', 'Caches');
  const chosen = env['XDG_CACHE_HOME'] ?? '';
  return isAbsolute(chosen) ? chosen : join(home, '.cache');
}
