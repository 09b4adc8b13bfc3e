/** The Temporal server that a command talks to: the one named, that of Temporal's own configuration, or the town's own. */
import { readEnvironment } from '../config.js';
import type { Environment } from '../config.js';
import { readRunningServer } from '../running-server.js';
import { townPaths } from '../town/paths.js';
import { CliError } from './command.js';
import { mustBeTown, townAround, TOWN_OPTION } from './town.js';

export const SERVER_OPTIONS = { ...TOWN_OPTION, address: { type: 'string' } } as const;

export type ServerValues = { readonly town?: string | undefined; readonly address?: string | undefined };

export type ServerPlace = Environment['temporal'] & {
  readonly address: string;
  /** Of the town that is named or around us; null when there is none. */
  readonly town: string | null;
};

/** Throws CliError when a town is named that is not up. */
export async function findServer(values: ServerValues): Promise<ServerPlace> {
  const { temporal } = readEnvironment();
  const town = await townAround(values.town);
  const address = values.address ?? temporal.address ?? (await addressOfTown(town, values.town));
  return { ...temporal, address, town };
}

async function addressOfTown(dir: string | null, named: string | undefined): Promise<string> {
  const running = dir === null ? null : readRunningServer(townPaths(dir).server);
  if (running !== null) return running.address;
  if (dir !== null) await mustBeTown(dir);
  if (dir !== null && named !== undefined) throw new CliError(`the town ${dir} is not up: start it with: gt up ${dir}`);
  return 'localhost:7233';
}

export const refusedBy = ({ address }: ServerPlace, why: string) =>
  new CliError(`the server at ${address} refuses: ${why}`);

export const noExecution = (id: string) =>
  new CliError(
    `there is no workflow ${id}: gt mol list --all shows the molecules, \`temporal workflow list\` all that there are`,
  );
