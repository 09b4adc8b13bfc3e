/**
 * The gates of a merge, run on the very tree that would land, unless its like has passed them before. A gate that finds nothing to run
 * there is tried on the target alone, in a tree of its own: so a branch that took away what its gate runs is told from a gate that never was.
 */
import { log } from '@temporalio/activity';
import type { SessionActivities } from '../contract/activities.js';
import { buildFresh, own, removeWorktree } from '../git/worktree.js';
import type { Place } from '../git/worktree.js';
import { plainEnvironment } from '../process/environment.js';
import { killMarked } from '../process/mark.js';
import type { RunResult } from '../process/run.js';
import { foundNothing, judgeByTarget, judgeGate } from '../town/gate-verdict.js';
import type { GateVerdict } from '../town/gate-verdict.js';
import type { Gate } from '../town/rig.js';
import { howItEnded, tailOf } from './accept.js';
import { progressHere } from './beating.js';
import { keepOutput } from './gate-output.js';
import { leave, needsPerson } from './git-trouble.js';
import type { Places } from './places.js';
import { shellIn, whyUnconfined } from './shell.js';
import { isVerified, verifiedFile, verify } from './verified.js';

type GateRun = Parameters<SessionActivities['runGates']>[0];

/** In order, up to the first that does not pass. Gates see nothing of the worker's environment. */
export async function runGates(places: Places, request: GateRun, signal: AbortSignal): Promise<GateVerdict> {
  const known = await knownOf(places, request);
  if (known !== null && (await isVerified(known))) return { kind: 'passed', isKnown: true };
  try {
    const why = isProbe(request) ? await makeTree(placeOf(places, request), request) : null;
    if (why !== null) return { kind: 'could-not-run', gate: request.gates[0]?.name ?? '', log: why };
    const verdict = await runAll(places, request, signal);
    if (verdict.kind === 'passed' && known !== null && request.target !== undefined)
      await verify(places.verified(request.target.rig), known).catch(leave);
    return verdict;
  } catch (error) {
    const why = whyUnconfined(error);
    if (why === null) throw error;
    return { kind: 'could-not-run', gate: request.gates[0]?.name ?? '', log: why };
  } finally {
    await killMarked(markOf(request));
    if (isProbe(request)) await removeTrees(places, request).catch(leave);
  }
}

async function removeTrees(places: Places, request: GateRun): Promise<void> {
  const place = placeOf(places, request);
  await removeWorktree(place);
  const { target } = request;
  if (target !== undefined)
    await removeWorktree({ mirror: place.mirror, path: places.mergeTarget(target.rig, request.request) });
}

/** It has a tree for this look alone. */
const isProbe = ({ worktree }: GateRun): boolean => worktree === undefined;

/** Why there can be none; null when there is. */
async function makeTree(place: Place, { tip, request }: GateRun): Promise<string | null> {
  if (tip === undefined) throw new Error(`nobody says at which commit ${request} is to be looked at`);
  try {
    await own(place, () => buildFresh(place, tip));
    return null;
  } catch (error) {
    if (!needsPerson(error)) throw error;
    return error.message;
  }
}

async function runAll(places: Places, request: GateRun, signal: AbortSignal): Promise<GateVerdict> {
  const notes: string[] = [];
  for (const [at, gate] of request.gates.entries()) {
    const { verdict, end, failures } = await runTried(places, gate, request, signal);
    if (verdict.kind === 'passed') {
      if (failures > 0)
        notes.push(
          `${gate.name} is flaky: it failed ${failures === 1 ? 'once' : `${failures} times`} on this tree, and then passed`,
        );
    } else if (gate.quarantined === true) notes.push(`${gate.name} is quarantined: ${verdict.log}`);
    else if (verdict.kind === 'could-not-run' && foundNothing(end))
      return askTarget(places, request, { before: request.gates.slice(0, at), gate, verdict }, signal);
    else return verdict;
  }
  for (const note of notes) log.warn(`gates of ${request.request}: ${note}`);
  return notes.length === 0 ? { kind: 'passed' } : { kind: 'passed', notes };
}

type Unsettled = Exclude<GateVerdict, { readonly kind: 'passed' }>;
type Tried = { readonly verdict: GateVerdict; readonly end: RunResult['end']; readonly failures: number };

/** One that has failed is run again as often as its rig says. */
async function runTried(places: Places, gate: Gate, request: GateRun, signal: AbortSignal): Promise<Tried> {
  const { retries = 0 } = gate;
  for (let failures = 0; ; failures += 1) {
    const result = await runGate(gate, placeOf(places, request), request, signal);
    const verdict = judgeGate(gate.name, result.end, await logOf(places, gate, request, result));
    if (verdict.kind !== 'failed' || failures === retries) return { verdict, end: result.end, failures };
  }
}

/** Null where it is not known what the tree is of. */
async function knownOf(places: Places, { target, tip, gates, confinement }: GateRun): Promise<string | null> {
  if (target === undefined || tip === undefined) return null;
  const about = { mirror: places.mirror(target.rig), commit: tip, gates, confinement: confinement ?? null };
  return verifiedFile(places.verified(target.rig), about).catch(() => null);
}

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
    return judgeByTarget(verdict, target.branch, result.end, logLines(gate, result));
  } catch (error) {
    if (!needsPerson(error)) throw error;
    return { ...verdict, log: `${verdict.log}\nIt could not be tried on ${target.branch} alone: ${error.message}` };
  }
}

async function runGate(gate: Gate, place: Place, request: GateRun, signal: AbortSignal): Promise<RunResult> {
  progressHere()(() => ({ gate: gate.name }));
  const env = plainEnvironment({ CI: 'true' });
  const { confinement = null } = request;
  const { timeoutMs = request.timeoutMs } = gate;
  const shell = await shellIn({ ...place, branch: null }, confinement);
  const result = await shell(gate.command, { env, mark: markOf(request), signal, timeoutMs });
  signal.throwIfAborted();
  return result;
}

/** Asked for by a workflow of before, which named no target, it is not shut in, and nobody asks for its mirror. */
function placeOf(places: Places, { target, worktree, request }: GateRun): Place {
  if (target === undefined) return { mirror: '', path: worktree ?? '' };
  return { mirror: places.mirror(target.rig), path: worktree ?? places.merge(target.rig, request) };
}

/** What it has printed is kept, and the end of it told. */
async function logOf(places: Places, gate: Gate, { request, target }: GateRun, result: RunResult): Promise<string> {
  const lines = logLines(gate, result);
  if (target === undefined || judgeGate(gate.name, result.end, '').kind === 'passed') return lines;
  const file = await keepOutput(places.gateOutput(target.rig, request), gate.name, result);
  return `${lines}\nAll that is kept of it: ${file}`;
}

function logLines({ command }: Gate, result: RunResult): string {
  return `\`${command}\` ${howItEnded(result)}\n${tailOf(result)}`;
}

function markOf({ request }: Pick<GateRun, 'request'>): string {
  return `gates/${request}`;
}
