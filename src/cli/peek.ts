/** `gt peek`: what a session says and does, as it does it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { entriesIn } from '../agents/journal.js';
import { SAID_FILE } from '../agents/said-log.js';
import { transcriptOf } from '../agents/transcript.js';
import { readArguments, takeOne, type Command } from './command.js';
import { print, write } from './print.js';
import { printable } from './printable.js';
import { SERVER_OPTIONS } from './server-place.js';
import { newestSession, sessionsMeant, type SessionPlace } from './session-place.js';
import { hearStop } from './stopping.js';
import { mustBeTown, townFolder } from './town.js';

const LOOK_EVERY_MS = 500;

export const peek: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...SERVER_OPTIONS, follow: { type: 'boolean' } });
    const what = takeOne('peek', 'agent, molecule, step or session', positionals);
    const dir = await townFolder(values.town);
    await mustBeTown(dir);
    const meant = await sessionsMeant(values, what);
    const place = await newestSession(dir, meant);
    if (values.follow === true) return follow(dir, meant, place);
    const parts = (await partsOf(place)).filter((part) => part !== '');
    print(printable(parts.join('\n')).trimEnd());
  },
};

/** Until Ctrl-C: when a session has ended, the one after it. */
async function follow(dir: string, meant: string, first: SessionPlace): Promise<void> {
  const stop = hearStop();
  let place = first;
  let shown: readonly string[] = [];
  while (!stop.aborted) {
    // Of half a line nobody knows what it is to become.
    const parts = (await partsOf(place)).map(wholeLines);
    // Shorter than it was, it is another one, of a molecule that was taken back.
    if (parts.some((part, at) => part.length < (shown[at]?.length ?? 0))) shown = [];
    showMore(parts, shown);
    shown = parts;
    await pause(LOOK_EVERY_MS);
    const newest = await newestSession(dir, meant);
    if (newest.id === place.id) continue;
    showMore(await partsOf(place), shown);
    [place, shown] = [newest, []];
  }
}

function wholeLines(part: string): string {
  return part.slice(0, part.lastIndexOf('\n') + 1);
}

function showMore(parts: readonly string[], shown: readonly string[]): void {
  for (const [at, part] of parts.entries()) write(printable(part.slice(shown[at]?.length ?? 0)));
}

/** The journal's, and what its program has written: each only grows. */
async function partsOf({ id, journal, folder }: SessionPlace): Promise<readonly string[]> {
  const said = await readFile(join(folder, SAID_FILE), 'utf8').catch(() => '');
  return [transcriptOf(id, await entriesIn(journal)), said];
}
