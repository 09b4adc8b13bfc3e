/** Which town a command is about: the one named, else `GT_TOWN`, else the one this folder lies in. */
import { resolve } from 'node:path';
import { findTown, readTown, townOfEnvironment, type Town } from '../config.js';
import { CliError } from './command.js';

/** The option that every command about a town takes. */
export const TOWN_OPTION = { town: { type: 'string' } } as const;
export const TOWN_USAGE =
  '  --town DIR            the town; if not given GT_TOWN, else the folder around you that has a town.toml';

/** The town's folder, absolute; a named one is not looked into. Throws CliError when none is named and none is around. */
export async function townFolder(named?: string): Promise<string> {
  const chosen = named ?? townOfEnvironment();
  if (chosen !== null) return resolve(chosen);
  const found = await findTown(process.cwd());
  if (found !== null) return found;
  throw new CliError(
    `no town is here: ${process.cwd()} and the folders above it have no town.toml. Name one with --town DIR, or make one: gt init DIR`,
  );
}

/** Throws CliError with every problem of its `town.toml`. */
export async function openTown(named?: string): Promise<Town> {
  const read = await readTown(await townFolder(named));
  if (!read.ok) throw new CliError(read.problems.join('\n'));
  return read.town;
}
