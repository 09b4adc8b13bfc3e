/** Long acts on one host: a session of an agent, the gates of a merge. Each first ends what a dead forerunner left running. */
import { Context } from '@temporalio/activity';
import { endAttached } from '../agents/attached.js';
import { RuntimeTrouble } from '../agents/trouble.js';
import type { HostActivities, SessionActivities } from '../contract/activities.js';
import { authorOf } from '../git/author.js';
import type { SessionLeft, SessionResult, SessionSpec } from '../town/session.js';
import { afterReset } from './after-reset.js';
import { settleAttached } from './attached-left.js';
import { orRefuse } from './git-trouble.js';
import { runGates } from './merge-gates.js';
import type { Places } from './places.js';
import { leftIn } from './session-failure.js';
import { recordSession } from './session-record.js';
import { leftBehind, runOn, type Means } from './session-run.js';
import { Succession } from './succession.js';

/** One of them is a short act, and waits for no session. */
export function sessionActivities(
  places: Places,
  means: Means,
): Omit<SessionActivities, 'consult'> & Pick<HostActivities, 'settleSession'> {
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

async function runSession(
  places: Places,
  means: Means,
  spec: SessionSpec,
  signal: AbortSignal,
  endOthers: () => Promise<void>,
): Promise<SessionResult> {
  await endAttached(places.attached(spec.molecule), spec.molecule);
  await settleAttached(spec.molecule, places, means.record);
  const { rig, molecule, branch, base: since, agent, isFirst = spec.session === 1, catchUp, worktree } = spec;
  const expected = { molecule, branch, since, step: spec.step.id, author: authorOf(agent), isFirst };
  const place = { mirror: places.mirror(rig), path: worktree };
  const prepare = async (isAgain: boolean) => {
    await orRefuse(rig, () =>
      afterReset(place, { ...expected, isAgain, ...(catchUp === undefined ? {} : { catchUp }) }, endOthers),
    );
    return spec;
  };
  return runOn(places, means, spec, { tree: { ...place, branch }, env: {}, prepare }, signal);
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
