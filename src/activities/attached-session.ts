/**
 * What is kept of somebody who is attached to an agent: what the agent calls by its door, as a transcript; and what its models say that they have
 * used, told to its mission and written into the ledger. As of a session, but by `gt attach` itself: no workflow has asked for it.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import * as z from 'zod';
import { Account } from '../agents/account.js';
import { openDoor } from '../agents/door.js';
import type { Door } from '../agents/door.js';
import { entriesIn, openJournal } from '../agents/journal.js';
import type { Asker } from '../agents/key-proxy.js';
import { Meter } from '../agents/meter.js';
import { attachedPortOf } from '../agents/port.js';
import { Pulse } from '../agents/pulse.js';
import { RunOfProgram } from '../agents/run-of-program.js';
import type { SessionContext } from '../agents/runtime.js';
import { RuntimeTrouble } from '../agents/trouble.js';
import { authorOf } from '../git/author.js';
import { commitFile } from '../git/commit.js';
import { Ledger } from '../ledger/ledger.js';
import type { Prices } from '../town/prices.js';
import type { SessionSpec } from '../town/session.js';
import { Purses } from './purse.js';
import { recordSession } from './session-record.js';
import type { Recorder } from './session-record.js';
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

const Left = z.object({
  run: z.string(),
  spec: z.object({
    sessionId: z.string(),
    mission: z.string(),
    molecule: z.string(),
    rig: z.string(),
    agent: z.string(),
    session: z.number(),
    step: z.object({ id: z.string(), title: z.string() }),
    runtime: z.object({
      kind: z.enum(['script', 'anthropic', 'command']),
      model: z.string(),
      agent: z.object({ command: z.string() }).optional(),
    }),
  }),
});

/** By which the worker records what a `gt attach` that is killed cannot. */
async function leave(places: Pick<Places, 'attachedLeft'>, left: z.infer<typeof Left>): Promise<string> {
  const folder = places.attachedLeft(left.spec.molecule);
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${left.run}.json`);
  await writeFile(file, JSON.stringify(Left.parse(left)));
  return file;
}

/** Once nobody is attached to the molecule any more. What cannot be told now is told before its next session. */
export async function settleAttached(
  molecule: string,
  places: Pick<Places, 'journal' | 'attachedLeft'>,
  record: Recorder,
): Promise<void> {
  const folder = places.attachedLeft(molecule);
  for (const name of await readdir(folder).catch(() => [])) {
    const file = join(folder, name);
    const left = Left.safeParse(
      await readFile(file, 'utf8')
        .then(JSON.parse)
        .catch(() => null),
    );
    try {
      // One that is torn was left before anything was asked.
      if (left.success) await recordLeft(left.data, places, record);
      await rm(file, { force: true });
    } catch (error) {
      if (!(error instanceof RuntimeTrouble)) throw error;
    }
  }
}

async function recordLeft(
  { spec: { runtime, ...told }, run }: z.infer<typeof Left>,
  { journal }: Pick<Places, 'journal'>,
  record: Recorder,
): Promise<void> {
  const { kind, model, agent } = runtime;
  const spec = { ...told, runtime: { kind, model, ...(agent === undefined ? {} : { agent }) } };
  const path = journal(spec.sessionId);
  await recordSession(record, {
    spec,
    run,
    path,
    journal: { entries: await entriesIn(path) },
    result: null,
    isAttached: true,
  });
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
