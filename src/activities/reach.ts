/** Acts that tell people outside of the town, by town.toml as it is now. What stands there for a variable is read by the worker alone, and told to nobody. */
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { ReachActivities } from '../contract/reach.js';
import { own } from '../town/own.js';
import { personAt, quietUntilMs, variableIn, type Way } from '../town/reach.js';
import { tellByCommand } from '../ways/command.js';
import { tellSlack, tellWebhook } from '../ways/http.js';
import { WayTrouble, type Errand } from '../ways/way.js';
import type { ReadTown } from './remotes.js';

export type ReachMeans = {
  readonly readTown: ReadTown;
  /** Where commands are run: the town's folder. */
  readonly folder: string;
  /** Of the worker's environment; null where it has none, or an empty one. */
  readonly variable: (name: string) => string | null;
};

export function reachActivities(means: ReachMeans): ReachActivities {
  return {
    waysTo: async ({ person }) => {
      const { name: town, limits, reach } = await read(means);
      const said = personAt(person, reach);
      if (said === null) return null;
      const nowMs = Date.now();
      const { reach: ways, least, atMost, quiet } = said;
      const { patience } = limits;
      return { nowMs, town, patience, ways, least, atMost, quietUntilMs: quietUntilMs(quiet, nowMs) };
    },
    reach: async ({ way: name, message, withinMs }) => {
      const { info, cancellationSignal: signal } = Context.current();
      const tries = info.attempt;
      try {
        const way = own((await read(means)).reach?.ways ?? {}, name);
        if (way === undefined) throw new WayTrouble('for good', `town.toml has no [reach.${name}] any more`);
        await tell(way, means, { message, tries, withinMs, signal });
        return { tries };
      } catch (error) {
        throw error instanceof WayTrouble ? failureOf(error, tries) : error;
      }
    },
  };
}

/** Tried again while it cannot be read: who it is that waits may be told by nobody else. */
async function read({ readTown }: ReachMeans) {
  const now = await readTown();
  if (!now.ok) throw ApplicationFailure.create({ type: 'BadTown', message: now.problems });
  return now.town;
}

function failureOf({ kind, message, afterMs }: WayTrouble, tries: number): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'Unreachable',
    message,
    nonRetryable: kind === 'for good',
    details: [tries],
    ...(afterMs === null ? {} : { nextRetryDelay: afterMs }),
  });
}

async function tell(way: Way, { variable, folder: cwd }: ReachMeans, errand: Errand): Promise<void> {
  const value = (setting: string): string => {
    const name = variableIn(setting);
    const found = name === null ? setting : variable(name);
    if (found === null)
      throw new WayTrouble('for good', `the worker's environment has no ${name}, which town.toml names`);
    return found;
  };
  switch (way.kind) {
    case 'webhook':
      return tellWebhook(urlIn(value(way.url), ['http:', 'https:']), errand);
    case 'slack':
      return tellSlack(urlIn(value(way.url), ['http:', 'https:']), errand);
    case 'email': {
      const { user, password, from, to } = way;
      const secret = {
        ...(user === undefined ? {} : { user: value(user) }),
        ...(password === undefined ? {} : { password: value(password) }),
      };
      // The library is read when there is a letter.
      const { tellByEmail } = await import('../ways/email.js');
      return tellByEmail({ server: urlIn(value(way.server), ['smtp:', 'smtps:']), from, to, ...secret }, errand);
    }
    case 'command':
      return tellByCommand({ program: way.program, args: way.args, cwd }, errand);
  }
}

/** Of a variable nobody has seen yet whether it is one. */
function urlIn(text: string, protocols: readonly string[]): string {
  if (URL.canParse(text) && protocols.includes(new URL(text).protocol)) return text;
  throw new WayTrouble('for good', `its address is no ${protocols.join('// or ')}// URL`);
}
