/**
 * `gt feed`: what happens in the town, a line when it happens. By a list of the server each second, for as long as somebody looks: no workflow is
 * asked, and the town tells nothing for it.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { newsBetween, type News, type Seen } from '../town/feed.js';
import { readArguments, refuseMore, type Command } from './command.js';
import { listed, type Listed } from './listing.js';
import { print } from './print.js';
import { withServer } from './server.js';
import { SERVER_OPTIONS } from './server-place.js';
import { hearStop } from './stopping.js';

const OPTIONS = {
  ...SERVER_OPTIONS,
  rig: { type: 'string' },
  mission: { type: 'string' },
  json: { type: 'boolean' },
} as const;
const LOOK_EVERY_MS = 1_000;
/** The server's lists are a moment behind: what has closed is looked for so long. */
const BEHIND_MS = 60_000;
/** Boots come and go at each tick. */
const TOWNS = 'GtRole IS NOT NULL AND GtRole != "boot"';

export const feed: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, OPTIONS);
    refuseMore('feed', positionals);
    const { rig, mission, json = false } = values;
    const isMeant = (one: Listed) =>
      (rig === undefined || one.rigs.includes(rig)) &&
      (mission === undefined || one.mission === mission || one.id === mission);
    const stop = hearStop();
    await withServer(values, async (client) => {
      let before: readonly Listed[] | null = null;
      while (!stop.aborted) {
        const since = new Date(Date.now() - BEHIND_MS).toISOString();
        const all = await listed(client, `${TOWNS} AND (ExecutionStatus="Running" OR CloseTime > "${since}")`);
        const now = lastUnderEach(all.filter(isMeant));
        for (const news of newsBetween(before, now)) print(lineOf(news, json));
        if (before === null && !json) print(`${now.filter(isOpen).length} are open; what happens from here on:`);
        before = now;
        await pause(LOOK_EVERY_MS, undefined, { signal: stop }).catch(() => undefined);
      }
    });
  },
};

const isOpen = ({ status }: Seen): boolean => status === 'running';

/** An id comes again: the list has the newest first. */
function lastUnderEach(all: readonly Listed[]): readonly Listed[] {
  return [...new Map(all.toReversed().map((one) => [one.id, one])).values()];
}

function lineOf({ id, role, mission, what }: News, isJson: boolean): string {
  const at = new Date();
  if (isJson) return JSON.stringify({ at: at.toISOString(), id, role, mission, what });
  const time = at.toTimeString().slice(0, 8);
  const of = mission === '' || mission === id ? '' : ` (${mission})`;
  return `${time}  ${role.padEnd(9)} ${id}${of}: ${what}`;
}
