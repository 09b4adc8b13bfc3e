/** Long acts on one host: a session of an agent, the gates of a merge. Each first ends what a dead forerunner left running. */
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Context } from '@temporalio/activity';
import { endAttached } from '../agents/attached.js';
import { entriesIn, isOfOtherRun, openJournal, setAside } from '../agents/journal.js';
import type { Journal } from '../agents/journal.js';
import type { Runtime, SessionContext } from '../agents/runtime.js';
import { RuntimeTrouble } from '../agents/trouble.js';
import type { HostActivities, SessionActivities } from '../contract/activities.js';
import { authorEnvironment, authorOf } from '../git/author.js';
import { plainEnvironment } from '../process/environment.js';
import { killMarked } from '../process/mark.js';
import { spentIdOf, type SessionLeft, type SessionResult, type SessionSpec } from '../town/session.js';
import { afterReset } from './after-reset.js';
import { settleAttached } from './attached-left.js';
import { progressHere } from './beating.js';
import { orRefuse } from './git-trouble.js';
import { runGates } from './merge-gates.js';
import type { Places } from './places.js';
import { failureOf, leftIn } from './session-failure.js';
import { recordSession, type Recorder } from './session-record.js';
import { shellIn } from './shell.js';
import { SignsOfLife } from './signs-of-life.js';

export type Runtimes = Readonly<Record<SessionSpec['runtime']['kind'], Runtime>>;

/** What sessions of a worker share. */
export type Means = {
  readonly runtimes: Runtimes;
  readonly call: SessionContext['call'];
  readonly record: Recorder;
};

/** One of them is a short act, and waits for no session. */
export function sessionActivities(
  places: Places,
  means: Means,
): SessionActivities & Pick<HostActivities, 'settleSession'> {
  const takeOver = new Succession();
  return {
    runSession: (spec) =>
      takeOver.as(spec.sessionId, (signal) =>
        runSession(places, means, spec, signal, () => takeOver.end(`${spec.molecule}/`, spec.sessionId)),
      ),
    settleSession: (spec) => takeOver.as(spec.sessionId, () => settleSession(places, means, spec)),
    runGates: (request) => takeOver.as(`gates/${request.request}`, (signal) => runGates(places, request, signal)),
  };
}

/**
 * A later attempt of the same act ends the earlier one of this process before it begins: after a heartbeat time-out of a
 * worker that was only busy, both would otherwise work on one tree.
 */
class Succession {
  readonly #running = new Map<string, { readonly controller: AbortController; readonly ended: Promise<unknown> }>();

  /** Ends all acts whose keys begin so, but for one. */
  async end(prefix: string, but: string): Promise<void> {
    const others = [...this.#running].filter(([key]) => key.startsWith(prefix) && key !== but);
    for (const [key, { controller }] of others) controller.abort(new Error(`${but} took over from ${key}`));
    await Promise.all(others.map(([, { ended }]) => ended));
  }

  async as<T>(key: string, act: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const forerunner = this.#running.get(key);
    forerunner?.controller.abort(new Error(`a later attempt of ${key} took over`));
    const controller = new AbortController();
    const mine = (forerunner?.ended ?? Promise.resolve()).then(async () => {
      await killMarked(key);
      return act(AbortSignal.any([controller.signal, Context.current().cancellationSignal]));
    });
    const entry = { controller, ended: mine.catch(() => undefined) };
    this.#running.set(key, entry);
    try {
      return await mine;
    } finally {
      if (this.#running.get(key) === entry) this.#running.delete(key);
    }
  }
}

async function runSession(
  places: Places,
  means: Means,
  spec: SessionSpec,
  signal: AbortSignal,
  endOthers: () => Promise<void>,
): Promise<SessionResult> {
  await endAttached(places.attached(spec.molecule), spec.molecule);
  await settleAttached(spec.molecule, places, means.record);
  const path = places.journal(spec.sessionId);
  const run = Context.current().info.workflowExecution?.runId;
  const isAgain = run !== undefined && (await isOfOtherRun(path, run));
  const { molecule, branch, base: since, agent, isFirst = spec.session === 1, catchUp } = spec;
  const expected = { molecule, branch, since, step: spec.step.id, author: authorOf(agent), isFirst, isAgain };
  const ended = { spec, run: run ?? '', path };
  let journal: Journal | null = null;
  try {
    await orRefuse(spec.rig, () =>
      afterReset(
        { mirror: places.mirror(spec.rig), path: spec.worktree },
        { ...expected, ...(catchUp === undefined ? {} : { catchUp }) },
        endOthers,
      ),
    );
    if (isAgain) await setAside(path);
    journal = await openJournal(path, { sessionId: spec.sessionId, ...(run === undefined ? {} : { run }) });
    const own = { signal, journal, folder: dirname(path) };
    const context = await contextFor(places, means, spec, own, spentIdOf(spec.sessionId, ended.run));
    const result = await means.runtimes[spec.runtime.kind].run(spec, context);
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

/** A session with which nobody goes on, and of which nobody heard that it had ended: what is kept of it is kept. Answers what it left. */
async function settleSession(places: Places, { record }: Means, spec: SessionSpec): Promise<SessionLeft> {
  const path = places.journal(spec.sessionId);
  const run = Context.current().info.workflowExecution?.runId;
  const journal = await leftBehind(path, run);
  if (journal.entries.length === 0) return {};
  const left = leftIn(journal, spec.sessionId, run ?? '');
  try {
    await recordSession(record, { spec, run: run ?? '', journal, path, result: null });
    return left;
  } catch (error) {
    if (!(error instanceof RuntimeTrouble) || error.type !== 'Town.Unreachable') throw error;
    // Its molecule waits for no mission that takes no tasks now.
    return { ...left, isOpen: true };
  }
}

/** What the attempts so far have written, as far as it can be read. */
async function leftBehind(path: string, run: string | undefined): Promise<Pick<Journal, 'entries'>> {
  const isOther = run !== undefined && (await isOfOtherRun(path, run));
  return { entries: isOther ? [] : await entriesIn(path) };
}

/** All that a session has, but for its assignment. Throws when it cannot be shut in as it must be. */
async function contextFor(
  places: Places,
  { call, record }: Means,
  spec: SessionSpec,
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
  });
  const output = join(folder, 'output');
  await mkdir(output, { recursive: true });
  const tree = { mirror: places.mirror(spec.rig), path: spec.worktree, branch: spec.branch, more: [output] };
  const shell = await shellIn(tree, spec.confinement ?? null);
  return {
    ...own,
    heartbeat: (progress) => {
      signs.sign();
      tell(() => ({ ...progress, spentId, signs: signs.told() }));
    },
    call,
    purse: (usd) => record.purses.left(spec, usd),
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
