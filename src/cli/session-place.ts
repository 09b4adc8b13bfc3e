/** Where the sessions of this host lie, found by what people call them. */
import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { placesIn } from '../activities/places.js';
import { lifecycleQuery } from '../contract/polecat.js';
import { townPaths } from '../town/paths.js';
import { withCalls } from './calls.js';
import { CliError } from './command.js';
import type { ServerValues } from './server-place.js';

export type SessionPlace = { readonly id: string; readonly folder: string; readonly journal: string };

/** What is named: of an agent, `<rig>/polecats/<Name>`, the molecule at work; else a molecule, a step of it, or a session of that. */
export async function sessionsMeant(values: ServerValues, what: string): Promise<string> {
  if (!what.includes('/polecats/')) return what;
  let molecule = '';
  await withCalls(values, async ({ query }) => {
    ({ molecule } = await query(what, lifecycleQuery));
  });
  return molecule;
}

/** The newest session of `<molecule>[/<step>[/<number>]]`. Throws CliError when this host has none. */
export async function newestSession(town: string, what: string): Promise<SessionPlace> {
  const all = await sessionsUnder(town, what.split('/'));
  const newest = all.toSorted((a, b) => b.atMs - a.atMs)[0];
  if (newest === undefined)
    throw new CliError(
      `this host has no session of ${what}: none has begun, or it was on another host, whose ${sessionsOf(town)} has it`,
    );
  return newest;
}

const sessionsOf = (town: string) => join(townPaths(town).state, 'sessions');

async function sessionsUnder(
  town: string,
  parts: readonly string[],
): Promise<readonly (SessionPlace & { readonly atMs: number })[]> {
  const [molecule = '', ...rest] = parts;
  if (rest.length < 2) {
    // As a folder of a session is named by its id, the folders above it are.
    const above = dirname(dirname(placesIn(townPaths(town).state).journal([...parts, 'x'].join('/'))));
    const names = await readdir(join(above)).catch(() => []);
    const found = names
      .filter((name) => !name.includes('.before-'))
      .map((name) => sessionsUnder(town, [...parts, name]));
    return (await Promise.all(found)).flat();
  }
  const id = [molecule, ...rest].join('/');
  const journal = placesIn(townPaths(town).state).journal(id);
  const file = await stat(journal).catch(() => null);
  return file === null ? [] : [{ id, folder: dirname(journal), journal, atMs: file.mtimeMs }];
}
