/**
 * What is kept of somebody who is attached to an agent: what the agent calls by its door, as a transcript; and what its models say that they have
 * used, told to its mission and written into the ledger. As of a session, but by `gt attach` itself: no workflow has asked for it.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { Account } from '../agents/account.js';
import { openDoor } from '../agents/door.js';
import type { Door } from '../agents/door.js';
import { openJournal } from '../agents/journal.js';
import type { Asker } from '../agents/key-proxy.js';
import { Meter } from '../agents/meter.js';
import { attachedPortOf } from '../agents/port.js';
import { Pulse } from '../agents/pulse.js';
import { RunOfProgram } from '../agents/run-of-program.js';
import type { SessionContext } from '../agents/runtime.js';
import { authorOf } from '../git/author.js';
import { commitFile } from '../git/commit.js';
import { Ledger } from '../ledger/ledger.js';
import type { Prices } from '../town/prices.js';
import type { SessionSpec } from '../town/session.js';
import { leave } from './attached-left.js';
import { Purses } from './purse.js';
import { recordSession } from './session-record.js';
import type { Places } from './places.js';

type Means = {
  readonly call: SessionContext['call'];
  readonly places: Pick<Places, 'journal' | 'attachedLeft'>;
  readonly paths: { readonly dir: string; readonly ledger: string; readonly state: string };
  readonly prices: Prices;
  readonly host: string;
  readonly warn: (trouble: string) => void;
};

export type AttachedSession = {
  readonly door: Door;
  /** For the key proxy: its models' answers are counted. */
  readonly asker: Asker;
  /** Once the program has ended. Throws RuntimeTrouble when an answer could not be written down, or the mission cannot be told now. */
  readonly end: () => Promise<void>;
  readonly close: () => Promise<void>;
};

export async function openAttached(last: SessionSpec, means: Means): Promise<AttachedSession> {
  const { call, places, paths, prices, host, warn } = means;
  const run = randomUUID();
  const spec = { ...last, sessionId: `${last.sessionId}/attached-${run.slice(0, 8)}` };
  const path = places.journal(spec.sessionId);
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const left = await leave(places, { spec, run });
  const journal = await openJournal(path, { sessionId: spec.sessionId, run });
  const context: SessionContext = {
    signal: new AbortController().signal,
    journal,
    call,
    folder,
    heartbeat: () => undefined,
    purse: async () => null,
    outputFile: join(folder, 'output.json'),
    exec: () => Promise.reject(new Error('nothing is run by the door')),
  };
  const door = await openDoor(spec, context, { tools: attachedPortOf(spec), hearsNudges: false });
  const asker = unlimited(new Meter({ journal, prices, model: spec.runtime.model }));
  return {
    door,
    asker,
    end: async () => {
      await asker.settled();
      // Whoever is attached to the molecule is the only one, and so is the writer of this file.
      const file = join(paths.ledger, `${host}.attached-${spec.molecule}.jsonl`);
      const author = authorOf('gastown', 'ledger@gastown.local');
      const ledger = new Ledger(file, {
        commit: (message) => commitFile({ repo: paths.dir, file: relative(paths.dir, file), message, author }),
        warn,
      });
      const record = { ledger, purses: new Purses(call), call, state: paths.state };
      await recordSession(record, { spec, run, journal, path, result: null, isAttached: true });
      await rm(left);
      asker.throwIfBroken();
    },
    close: async () => {
      await door.close();
      await journal.close();
    },
  };
}

/** Whoever is there ends it: no limit does, no silence and no provider. */
function unlimited(meter: Meter): RunOfProgram {
  return new RunOfProgram({
    meter,
    pulse: new Pulse(),
    account: new Account(),
    limit: async () => null,
    canBeStopped: false,
    waited: () => undefined,
  });
}
