/** Where the town is: small, so that commands that read no more than formulas start at once. */
import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { TOWN_FILE } from './town/paths.js';

/** The nearest folder with a `town.toml`, from `start` upwards; null when there is none. */
export async function findTown(start: string): Promise<string | null> {
  for (let dir = resolve(start); ; dir = dirname(dir)) {
    const file = await stat(join(dir, TOWN_FILE)).catch(() => null);
    if (file?.isFile() === true) return dir;
    if (dir === dirname(dir)) return null;
  }
}

/** The town that `GT_TOWN` names, a folder. */
export function townOfEnvironment(env: NodeJS.ProcessEnv = process.env): string | null {
  return env['GT_TOWN'] || null;
}
