/** Which town a command is about: the one named, else `GT_TOWN`, else the one this folder lies in. */
import { resolve } from 'node:path';
import type { Town } from '../config.js';
import { own } from '../town/own.js';
import type { TownSnapshot } from '../town/rig.js';
import { findTown, townOfEnvironment, whyNoTown } from '../town-folder.js';
import { CliError } from './command.js';

/** The option that every command about a town takes. */
export const TOWN_OPTION = { town: { type: 'string' } } as const;

/** The town's folder, absolute; a named one is not looked into. Throws CliError when none is named and none is around. */
export async function townFolder(named?: string): Promise<string> {
  const found = await townAround(named);
  if (found !== null) return found;
  throw new CliError(
    `no town is here: ${process.cwd()} and the folders above it have no town.toml. Name one with --town DIR, or make one: gt init DIR`,
  );
}

/** As `townFolder`, but null when none is named and none is around. */
export async function townAround(named?: string): Promise<string | null> {
  const chosen = named ?? townOfEnvironment();
  return chosen === null ? findTown(process.cwd()) : resolve(chosen);
}

/** Throws CliError for a folder that is no town, or none that may be read. */
export async function mustBeTown(dir: string): Promise<void> {
  const why = await whyNoTown(dir);
  if (why !== null) throw new CliError(why);
}

/** Throws CliError with every problem of its `town.toml`. */
export async function openTown(named?: string): Promise<Town> {
  const { readTown } = await import('../config.js');
  const read = await readTown(await townFolder(named));
  if (!read.ok) throw new CliError(read.problems.join('\n'));
  return read.town;
}

/** Throws CliError for a rig that the town does not have, with those that it has. */
export function mustHaveRig({ rigs }: TownSnapshot, rig: string): void {
  if (own(rigs, rig) === undefined)
    throw new CliError(`there is no rig "${rig}": the town has ${Object.keys(rigs).join(', ') || 'none yet'}`);
}

/** As the town around us has them; of one elsewhere its workflows know. */
export async function mustBeRig(rig: string, named?: string): Promise<void> {
  const dir = await townAround(named);
  if (dir !== null) mustHaveRig((await openTown(dir)).snapshot, rig);
}
