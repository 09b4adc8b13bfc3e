/** One session on this host, wherever it works: its journal, what it is given, and what is kept of it. */
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Context } from '@temporalio/activity';
import { entriesIn, isOfOtherRun, openJournal, setAside } from '../agents/journal.js';
import type { Journal } from '../agents/journal.js';
import type { Runtime, SessionContext } from '../agents/runtime.js';
import { authorEnvironment, authorOf } from '../git/author.js';
import { plainEnvironment } from '../process/environment.js';
import { killMarked } from '../process/mark.js';
import { spentIdOf, type SessionResult, type SessionSpec } from '../town/session.js';
import { progressHere } from './beating.js';
import type { Places } from './places.js';
import { failureOf } from './session-failure.js';
import { recordSession, type Recorder } from './session-record.js';
import { shellIn, type Tree } from './shell.js';
import { SignsOfLife } from './signs-of-life.js';

export type Runtimes = Readonly<Record<SessionSpec['runtime']['kind'], Runtime>>;

/** What sessions of a worker share. */
export type Means = {
  readonly runtimes: Runtimes;
  readonly call: SessionContext['call'];
  readonly record: Recorder;
};

/** Where a session works. `prepare`: before it does, in each attempt; `isAgain`: after a reset. Gives what it is told then. */
export type Ground = {
  readonly tree: Tree;
  readonly env: Readonly<Record<string, string>>;
  readonly prepare: (isAgain: boolean) => Promise<SessionSpec>;
};

export async function runOn(
  places: Places,
  means: Means,
  spec: SessionSpec,
  ground: Ground,
  signal: AbortSignal,
): Promise<SessionResult> {
  const path = places.journal(spec.sessionId);
  const run = Context.current().info.workflowExecution?.runId;
  const isAgain = run !== undefined && (await isOfOtherRun(path, run));
  const ended = { spec, run: run ?? '', path };
  let journal: Journal | null = null;
  try {
    const told = await ground.prepare(isAgain);
    if (isAgain) await setAside(path);
    journal = await openJournal(path, { sessionId: spec.sessionId, ...(run === undefined ? {} : { run }) });
    const own = { signal, journal, folder: dirname(path) };
    const context = await contextFor(means, spec, ground, own, spentIdOf(spec.sessionId, ended.run));
    const result = await means.runtimes[spec.runtime.kind].run(told, context);
    await recordSession(means.record, { ...ended, journal, result });
    return result;
  } catch (error) {
    const known = journal ?? (await leftBehind(path, run));
    throw await failureOf(means.record, { ...ended, journal: known, isOpened: journal !== null }, error);
  } finally {
    if (isGivenUp()) means.record.purses.givenUp(spec);
    await journal?.close();
    await killMarked(spec.sessionId);
  }
}

/** What the attempts so far have written, as far as it can be read. */
export async function leftBehind(path: string, run: string | undefined): Promise<Pick<Journal, 'entries'>> {
  const isOther = run !== undefined && (await isOfOtherRun(path, run));
  return { entries: isOther ? [] : await entriesIn(path) };
}

/** All that a session has, but for its assignment. Throws when it cannot be shut in as it must be. */
async function contextFor(
  { call, record }: Means,
  spec: SessionSpec,
  ground: Ground,
  own: Pick<SessionContext, 'signal' | 'journal' | 'folder'>,
  spentId: string,
): Promise<SessionContext> {
  const { signal, folder } = own;
  const tell = progressHere();
  const signs = new SignsOfLife(own.journal, spec);
  const env = plainEnvironment({
    ...authorEnvironment(authorOf(spec.agent)),
    GT_SESSION: spec.sessionId,
    GT_AGENT: spec.agent,
    ...ground.env,
  });
  const output = join(folder, 'output');
  await mkdir(output, { recursive: true });
  const shell = await shellIn({ ...ground.tree, more: [output] }, spec.confinement ?? null);
  return {
    ...own,
    heartbeat: (progress) => {
      signs.sign();
      tell(() => ({ ...progress, spentId, signs: signs.told() }));
    },
    life: { sign: () => signs.sign(), hold: () => signs.hold() },
    call,
    // Whoever asks for an answer has said with it what that may cost.
    purse: async (usd) => (spec.role === undefined ? record.purses.left(spec, usd) : null),
    outputFile: join(output, 'output.json'),
    exec: (command, { env: more = {}, signal: sooner, ...options } = {}) =>
      signs.during(shell, command, {
        env: { ...env, ...more },
        mark: spec.sessionId,
        signal: sooner === undefined ? signal : AbortSignal.any([signal, sooner]),
        ...options,
      }),
  };
}

/** Nobody waits for this attempt any more: of a host that was lost, and lives. One that is to be tried again here is counted until then. */
function isGivenUp(): boolean {
  const details = Context.current().cancellationDetails;
  return details?.notFound === true || details?.timedOut === true;
}
