/** One try to land a batch of requests: stacked on their target, verified together, pushed as one. */
import type { Laid, Landed, Prepared, Stacked } from '../contract/merge-activities.js';
import type { MergeRequest } from '../town/refinery.js';
import type { RigSnapshot } from '../town/rig.js';
import { unreachable } from '../town/unreachable.js';
import { lossOf, onHost, town } from './hands.js';
import type { Outcome } from './refinery-outcome.js';
import { gatesOf, judgeOf, type Fault } from './refinery-gates.js';
import {
  batchTask,
  membersOf,
  taskOf,
  type Made,
  type Member,
  type Pushing,
  type Stack,
  type Turn,
} from './refinery-turn.js';

export type Watcher = {
  /** An earlier try may have left its worktree. */
  readonly again: boolean;
  /** Who has tried it so often gives it up for a while. */
  readonly isLast: boolean;
  readonly stage: (stage: string) => void;
  /** Why a request is to be worked no more, null if it is. */
  readonly removed: (id: string) => string | null;
  /** What was made of the same batch ahead. */
  readonly ahead: Made | null;
  /** What an earlier try, on a host that was lost then, may have pushed, by request. */
  readonly pushing: Pushing;
  /** Their push was under way when the host was lost. */
  readonly mayHaveLanded: (members: readonly Member[]) => void;
  /** The gates of all of it begin, on this commit. */
  readonly begins: (turn: Turn, tip: string) => void;
  /** Not all of it lands. */
  readonly turnsRed: () => void;
  /** These of the batch are worked no more this time. */
  readonly release: (requests: readonly MergeRequest[]) => void;
  /** Called once, as soon as it is known, for each of which anything is known. */
  readonly settle: (request: MergeRequest, outcome: Outcome) => Promise<void>;
};

/** What is to be tried once more at once, as the target or the host was another one in the end. All others that have no outcome wait for their turn. */
export type Left = {
  readonly requests: readonly MergeRequest[];
  /** Their host was. */
  readonly isLost: boolean;
};

const NOTHING: Left = { requests: [], isLost: false };

type Known = { readonly request: MergeRequest; readonly outcome: Outcome };
/** `known`: outcomes; `left`: what goes on; `told`: outcomes that were told before. */
type Tried = { readonly known: readonly Known[]; readonly left: Left; readonly told?: readonly Known[] };

/** What one try works with. */
type Try = Turn & { readonly watcher: Watcher };

/** All of `batch` are for one target, and the first gives its name to what is made for them. */
export async function mergeOnce(
  batch: readonly MergeRequest[],
  rig: RigSnapshot,
  patience: number,
  watcher: Watcher,
): Promise<Left> {
  const [first] = batch;
  if (first === undefined) return NOTHING;
  const unwanted = stoppedOf(batch, watcher);
  if (unwanted.length > 0 && !watcher.again) return settled(watcher, unwanted);
  const host = await town(patience).chooseHost.executeWithOptions({ summary: `host for ${first.id}` }, []);
  const how = { batch, rig, patience, host, pushing: watcher.pushing, watcher };
  if (unwanted.length > 0) {
    await clearUp(how, first, []);
    return settled(watcher, unwanted);
  }
  watcher.stage('rebasing');
  const stacked = await orLost(stackedOf(how, first), null);
  if (stacked === null) return { requests: batch, isLost: true };
  const { known, left, told = [] } = await landed(stacked, how, first);
  // The next try begins by throwing away what is there of this one, if it is for all of it. What is left on a host that is lost is in nobody's way.
  if (left.requests.length < batch.length && !left.isLost) await clearUp(how, first, [...told, ...known]);
  await settled(watcher, known);
  return left;
}

async function settled({ settle }: Watcher, known: readonly Known[]): Promise<Left> {
  await Promise.all(known.map(({ request, outcome }) => settle(request, outcome)));
  return NOTHING;
}

function stoppedOf(requests: readonly MergeRequest[], watcher: Watcher): readonly Known[] {
  return requests.flatMap((request) => {
    const why = watcher.removed(request.id);
    return why === null ? [] : [{ request, outcome: { kind: 'removed', why } as const }];
  });
}

/** What is left on a host that is lost is in nobody's way. */
async function clearUp(how: Try, first: MergeRequest, known: readonly Known[]): Promise<void> {
  const { batch, patience, host } = how;
  const merged = new Set(known.flatMap(({ request, outcome }) => (outcome.kind === 'merged' ? [request.id] : [])));
  const others = batch.flatMap(({ id }) => (id === first.id || merged.has(id) ? [] : [id]));
  const more = batch.length === 1 ? {} : { others };
  const closing = { ...taskOf(how, first), landed: merged.has(first.id), ...more };
  const summary = `clear up · ${first.id}`;
  await orLost(onHost(patience, host).closeMerge.executeWithOptions({ summary }, [closing]), undefined);
}

async function stackedOf(how: Try, first: MergeRequest): Promise<Stacked> {
  const { batch, patience, host } = how;
  const hands = onHost(patience, host);
  const { target } = first;
  if (batch.length === 1) {
    const summary = `rebase ${first.branch} on ${target}`;
    return asStacked(await hands.prepareMerge.executeWithOptions({ summary }, [taskOf(how, first)]));
  }
  const { ahead } = how.watcher;
  const before = ahead === null ? {} : { before: { base: ahead.base, all: ahead.all } };
  const summary = `stack ${batch.length} branches on ${target}`;
  return hands.stackMerges.executeWithOptions({ summary }, [{ ...batchTask(how, first.id, target), ...before }]);
}

/** One alone is prepared by an act of its own, which knows no others. */
function asStacked(prepared: Prepared): Stacked {
  switch (prepared.kind) {
    case 'refused':
      return prepared;
    case 'prepared': {
      const { base, worktree, tip } = prepared;
      return { kind: 'stacked', base, worktree, all: [{ kind: 'stacked', tip }] };
    }
    case 'conflict':
    case 'empty':
      return { kind: 'stacked', base: prepared.base, all: [prepared] };
    case 'landed':
    case 'missing':
      return { kind: 'stacked', base: '', all: [prepared] };
    default:
      return unreachable(prepared);
  }
}

async function landed(stacked: Stacked, how: Try, first: MergeRequest): Promise<Tried> {
  const { batch, watcher } = how;
  if (stacked.kind === 'refused') return allOf(batch, { kind: 'refused', why: refusal(stacked.reason) });
  const { base, worktree = null, all } = stacked;
  const known = batch.flatMap((request, at) => knownOf(request, all[at], base));
  const members = membersOf(batch, all);
  if (members.length === 0) return { known, left: NOTHING };
  // Whose polecat hears of an end clears up after it: not in the tree that has its name, in which the gates of the others run.
  const isLater = ({ request }: Known) => request === first;
  const gone = batch.filter((one) => ![...known, ...members].some(({ request }) => request === one));
  const told = [...known.filter((one) => !isLater(one)), ...stoppedOf(gone, watcher)];
  await settled(watcher, told);
  watcher.release([...told.map(({ request }) => request), ...gone]);
  const stack = { members, target: first.target, base, worktree, name: first.id };
  const asBefore = { requests: members.map(({ request }) => request), isLost: true };
  const tried = (await orLost(verifyAndLand(stack, how), null)) ?? { known: [], left: asBefore };
  return { known: [...known.filter(isLater), ...tried.known], left: tried.left, told };
}

const allOf = (requests: readonly MergeRequest[], outcome: Outcome): Tried => ({
  known: requests.map((request) => ({ request, outcome })),
  left: NOTHING,
});

const refusal = (reason: string): string => `the target refuses the push: ${reason}`;

function knownOf(request: MergeRequest, laid: Laid | undefined, base: string): readonly Known[] {
  switch (laid?.kind) {
    case 'conflict':
      return [{ request, outcome: { kind: 'conflict', files: laid.files, base } }];
    case 'empty':
      // Every patch of the branch is on the target already.
      return [{ request, outcome: { kind: 'merged', commit: base } }];
    case 'landed':
      return [{ request, outcome: { kind: 'merged', commit: laid.commit } }];
    case 'missing':
      return [{ request, outcome: { kind: 'missing' } }];
    case 'stacked':
    case 'later':
    case undefined:
      return [];
    default:
      return unreachable(laid);
  }
}

async function verifyAndLand(stack: Stack, how: Try): Promise<Tried> {
  const { members } = stack;
  const { watcher } = how;
  const requests = members.map(({ request }) => request);
  const found = await gatesOf(stack, judgeOf(how, members), {
    stage: watcher.stage,
    isStopped: () => requests.some(({ id }) => watcher.removed(id) !== null),
    begins: (tip) => watcher.begins(how, tip),
    turnsRed: watcher.turnsRed,
  });
  if (found.kind === 'stopped') return { known: stoppedOf(requests, watcher), left: NOTHING };
  if (found.kind === 'red-target') return allOf(requests, ofTarget(found.fault, stack.target));
  const [culprit, ...others] = requests.slice(found.green);
  const known = stoppedOf(others, watcher);
  const faulty = faultOf(culprit, found.fault, known);
  if (found.green === 0) return faulty;
  // One that somebody wants out of it takes the others out with it, who are tried without it next.
  const stopped = stoppedOf(requests.slice(0, found.green), watcher);
  if (stopped.length > 0) return { known: [...stopped, ...faulty.known], left: NOTHING };
  await settled(watcher, faulty.known);
  watcher.release(requests.slice(found.green));
  return land(stack, found.green, how);
}

function ofTarget(fault: Fault, target: string): Outcome {
  const { kind, gate, log } = fault;
  if (kind === 'could-not-run') return { ...notRun(fault), isOfTarget: true };
  return { kind: 'refused', isOfTarget: true, why: `gate "${gate}" fails on ${target} alone, too: ${log}` };
}

const notRun = ({ gate, log }: Fault) => ({ kind: 'held', why: `gate "${gate}" could not run: ${log}` }) as const;

/** `known`: what is known of others. */
function faultOf(culprit: MergeRequest | undefined, fault: Fault | null, known: readonly Known[]): Tried {
  if (fault === null || culprit === undefined) return { known, left: NOTHING };
  const { kind, gate, log } = fault;
  const outcome: Outcome = kind === 'failed' ? { kind: 'gate-failed', gate, log } : notRun(fault);
  return { known: [{ request: culprit, outcome }, ...known], left: NOTHING };
}

/** So many of the lowest. */
async function land({ members, target, base }: Stack, count: number, how: Try): Promise<Tried> {
  const { patience, host, watcher } = how;
  const landing = members.slice(0, count);
  const top = landing.at(-1);
  if (top === undefined) return { known: [], left: NOTHING };
  // Which is tried alone.
  if (top.request.onlyVerify === true)
    return { known: [{ request: top.request, outcome: { kind: 'verified', base } }], left: NOTHING };
  watcher.stage('landing');
  const { tip } = top;
  const below = landing.slice(0, -1).map(({ request, tip: at }) => ({ request: request.id, tip: at }));
  const task = { ...taskOf(how, top.request), base, tip, ...(below.length === 0 ? {} : { below }) };
  const summary = `push ${tip.slice(0, 10)} to ${target}${below.length === 0 ? '' : `, ${count} requests`}`;
  const pushed: Landed | null = await orLost(
    onHost(patience, host).landMerge.executeWithOptions({ summary }, [task]),
    null,
  );
  const requests = landing.map(({ request }) => request);
  if (pushed === null) {
    watcher.mayHaveLanded(landing);
    return { known: [], left: { requests, isLost: true } };
  }
  switch (pushed.kind) {
    case 'merged': {
      const known = landing.map((one) => ({
        request: one.request,
        outcome: { kind: 'merged', commit: one.tip } as const,
      }));
      return { known, left: NOTHING };
    }
    case 'moved':
      return watcher.isLast
        ? allOf(requests, {
            kind: 'refused',
            why: `${target} goes on faster than what is to land there can be verified`,
          })
        : { known: [], left: { requests, isLost: false } };
    case 'refused':
      return allOf(requests, { kind: 'refused', why: refusal(pushed.reason) });
    default:
      return unreachable(pushed);
  }
}

/** `then` stands for what an act on a host gives that is lost meanwhile. */
function orLost<T, Then>(acting: Promise<T>, then: Then): Promise<T | Then> {
  return acting.catch((error: unknown) => {
    if (lossOf(error) === null) throw error;
    return then;
  });
}
