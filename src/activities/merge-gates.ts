/**
 * The gates of a merge, run on the very tree that would land. A gate that finds nothing to run there is tried on the target
 * alone, in a tree of its own: so a branch that took away what its gate runs is told from a gate that never was.
 */
import type { SessionActivities } from '../contract/activities.js';
import { buildFresh, own } from '../git/worktree.js';
import type { Place } from '../git/worktree.js';
import { plainEnvironment } from '../process/environment.js';
import { killMarked } from '../process/mark.js';
import type { RunResult } from '../process/run.js';
import { foundNothing, judgeByTarget, judgeGate } from '../town/gate-verdict.js';
import type { GateVerdict } from '../town/gate-verdict.js';
import type { Gate } from '../town/rig.js';
import { howItEnded, tailOf } from './accept.js';
import { progressHere } from './beating.js';
import { needsPerson } from './git-trouble.js';
import type { Places } from './places.js';
import { shellIn, whyUnconfined } from './shell.js';

type GateRun = Parameters<SessionActivities['runGates']>[0];

/** In order, up to the first that does not pass. Gates see nothing of the worker's environment. */
export async function runGates(places: Places, request: GateRun, signal: AbortSignal): Promise<GateVerdict> {
  try {
    for (const [at, gate] of request.gates.entries()) {
      const result = await runGate(gate, placeOf(places, request), request, signal);
      const verdict = judgeGate(gate.name, result.end, logOf(gate, result));
      if (verdict.kind === 'could-not-run' && foundNothing(result.end)) {
        return await askTarget(places, request, { before: request.gates.slice(0, at), gate, verdict }, signal);
      }
      if (verdict.kind !== 'passed') return verdict;
    }
    return { kind: 'passed' };
  } catch (error) {
    const why = whyUnconfined(error);
    if (why === null) throw error;
    return { kind: 'could-not-run', gate: request.gates[0]?.name ?? '', log: why };
  } finally {
    await killMarked(markOf(request));
  }
}

type Unsettled = Exclude<GateVerdict, { readonly kind: 'passed' }>;

/** The gates `before` are run there, too: they may make what `gate` runs. Whoever closes the merge removes the tree. */
async function askTarget(
  places: Places,
  request: GateRun,
  { before, gate, verdict }: { readonly before: readonly Gate[]; readonly gate: Gate; readonly verdict: Unsettled },
  signal: AbortSignal,
): Promise<GateVerdict> {
  const { target } = request;
  // Asked for by a workflow of before, which named no target.
  if (target === undefined) return verdict;
  const place = { mirror: places.mirror(target.rig), path: places.mergeTarget(target.rig, request.request) };
  try {
    await killMarked(markOf(request));
    await own(place, () => buildFresh(place, target.base));
    for (const one of before) await runGate(one, place, request, signal);
    const result = await runGate(gate, place, request, signal);
    return judgeByTarget(verdict, target.branch, result.end, logOf(gate, result));
  } catch (error) {
    if (!needsPerson(error)) throw error;
    return { ...verdict, log: `${verdict.log}\nIt could not be tried on ${target.branch} alone: ${error.message}` };
  }
}

async function runGate(
  { name, command }: Gate,
  place: Place,
  request: GateRun,
  signal: AbortSignal,
): Promise<RunResult> {
  progressHere()(() => ({ gate: name }));
  const env = plainEnvironment({ CI: 'true' });
  const { timeoutMs, confinement = null } = request;
  const shell = await shellIn({ ...place, branch: null }, confinement);
  const result = await shell(command, { env, mark: markOf(request), signal, timeoutMs });
  signal.throwIfAborted();
  return result;
}

/** Asked for by a workflow of before, which named no target, it is not shut in, and nobody asks for its mirror. */
function placeOf(places: Places, { target, worktree }: GateRun): Place {
  return { mirror: target === undefined ? '' : places.mirror(target.rig), path: worktree };
}

function logOf({ command }: Gate, result: RunResult): string {
  return `\`${command}\` ${howItEnded(result)}\n${tailOf(result)}`;
}

function markOf({ request }: Pick<GateRun, 'request'>): string {
  return `gates/${request}`;
}
