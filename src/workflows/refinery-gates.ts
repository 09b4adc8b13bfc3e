/** The gates of a stack of requests: once for all of them, and where they do not pass, for so many of the lowest as it takes to know who is at fault. */
import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import { confined } from '../town/confinement.js';
import type { GateVerdict } from '../town/gate-verdict.js';
import { narrowed, probesOf, type Search } from '../town/merge-search.js';
import { inSessions } from './hands.js';
import { patched } from './patches.js';
import { commandMs } from './patience.js';
import type { Member, Stack, Turn } from './refinery-turn.js';

/** Where gates may run beside each other. */
const PROBES_AT_ONCE = 2;

export type Found =
  /** So many of the lowest may land. `fault`: why the one above them may not, null where all may. */
  | { readonly kind: 'found'; readonly green: number; readonly fault: Fault | null }
  /** Nor does the target alone pass. */
  | { readonly kind: 'red-target'; readonly fault: Fault }
  /** Somebody wants one of them out of it. */
  | { readonly kind: 'stopped' };
export type Fault = Exclude<GateVerdict, { readonly kind: 'passed' }>;

/** Who judges, where, and how the gates are shut in. */
export type Judge = Pick<Turn, 'rig' | 'patience' | 'host'> & { readonly held: ReturnType<typeof confined> };

/** What they run a model may have written, whatever the rig's own runtime is. */
export function judgeOf({ rig, patience, host }: Turn, members: readonly Member[]): Judge {
  const workedBy = members.flatMap(({ request }) => request.workedBy ?? []);
  return { rig, patience, host, held: confined(rig, [rig.runtime.kind, ...workedBy]) };
}

/** Hears how it goes, and says when it is to end. */
export type Listener = {
  readonly stage: (stage: string) => void;
  readonly isStopped: () => boolean;
  /** The gates of the topmost begin. */
  readonly begins: (tip: string) => void;
  /** They do not pass. */
  readonly turnsRed: () => void;
};

type Bench = Judge & Listener;

export async function gatesOf(stack: Stack, judge: Judge, listener: Listener): Promise<Found> {
  const bench = { ...judge, ...listener };
  bench.stage(`gates: ${bench.rig.gates.map((gate) => gate.name).join(', ')}`);
  const top = stack.members.length;
  bench.begins(tipOf(stack, top));
  const verdict = await unlessStopped(bench, () => verdictOn(stack, judge));
  // What is known of one alone counts, whatever somebody wants of it.
  if (verdict === null || (top > 1 && bench.isStopped())) return { kind: 'stopped' };
  if (verdict.kind === 'passed') return { kind: 'found', green: top, fault: null };
  bench.turnsRed();
  return searched(stack, bench, verdict);
}

/** On the topmost. */
export function verdictOn(stack: Stack, judge: Judge): Promise<GateVerdict> {
  const { members, worktree, name } = stack;
  const summary = `gates · ${name}${withOthers(members.length - 1)}`;
  return run(stack, judge, { name, tip: tipOf(stack, members.length), worktree }, summary);
}

/** The topmost does not pass: it fails, or could not run, which is no less the fault of one. */
async function searched(stack: Stack, bench: Bench, top: Fault): Promise<Found> {
  const atOnce = bench.rig.merge?.concurrent === false ? 1 : PROBES_AT_ONCE;
  const faults = new Map([[stack.members.length, top]]);
  let search: Search = { green: 0, red: stack.members.length };
  for (let probes = probesOf(search, atOnce); probes.length > 0; probes = probesOf(search, atOnce)) {
    bench.stage(`looking which of ${search.red - search.green} does not pass`);
    const found = await unlessStopped(bench, () => all(probes.map((count) => probe(stack, bench, count))));
    if (found === null) return { kind: 'stopped' };
    const verdicts = probes.flatMap((count, at) => (found[at] === undefined ? [] : [[count, found[at]] as const]));
    for (const [count, verdict] of verdicts) if (verdict.kind !== 'passed') faults.set(count, verdict);
    search = narrowed(search, new Map(verdicts.map(([count, verdict]) => [count, verdict.kind === 'passed'])));
  }
  const fault = faults.get(search.red) ?? top;
  // One alone that could not run was tried on the target by that act itself.
  const isAsked = fault.kind === 'failed' || stack.members.length > 1;
  if (search.green > 0 || !isAsked || !patched('what fails on the target, too, is nobody’s fault', '0.14'))
    return { kind: 'found', green: search.green, fault };
  return askedTarget(stack, bench, fault);
}

/** What each gives, when all have ended. */
async function all<T>(acts: readonly Promise<T>[]): Promise<readonly T[]> {
  const ends = await Promise.allSettled(acts);
  return ends.map((end) => {
    if (end.status === 'rejected') throw end.reason;
    return end.value;
  });
}

/** Of the lowest one: it is not at fault for what its target does not pass, either. */
async function askedTarget(stack: Stack, bench: Bench, fault: Fault): Promise<Found> {
  const { name, base, target } = stack;
  bench.stage(`gates of ${target} alone`);
  const onTarget = await unlessStopped(bench, () =>
    run(stack, bench, { name: `${name}.target`, tip: base, worktree: null }, `gates · ${target} alone`),
  );
  if (onTarget === null) return { kind: 'stopped' };
  const isSame = onTarget.kind === fault.kind && onTarget.gate === fault.gate;
  return isSame ? { kind: 'red-target', fault: onTarget } : { kind: 'found', green: 0, fault };
}

async function probe(stack: Stack, bench: Bench, count: number): Promise<GateVerdict> {
  const id = stack.members[count - 1]?.request.id ?? stack.name;
  const summary = `gates · ${id}${withOthers(count - 1)}`;
  return run(stack, bench, { name: `${id}.probe`, tip: tipOf(stack, count), worktree: null }, summary);
}

/** `worktree`: null where it is to be made. */
type Tree = { readonly name: string; readonly tip: string; readonly worktree: string | null };

function run({ base, target }: Stack, judge: Judge, tree: Tree, summary: string): Promise<GateVerdict> {
  const { rig, patience, host, held } = judge;
  const { name: request, tip, worktree } = tree;
  const gates = {
    request,
    ...(worktree === null ? {} : { worktree }),
    gates: rig.gates,
    timeoutMs: commandMs(patience),
    tip,
    target: { rig: rig.name, branch: target, base },
    ...held,
  };
  return inSessions(patience, host).runGates.executeWithOptions({ summary }, [gates]);
}

function tipOf({ members, base }: Stack, count: number): string {
  return members[count - 1]?.tip ?? base;
}

const withOthers = (others: number): string => (others === 0 ? '' : ` on ${others} more`);

/** What `act` gives, or null when one of its requests was taken out of the queue before: then the act is cancelled, and has ended. */
function unlessStopped<T>({ isStopped }: Bench, act: () => Promise<T>): Promise<T | null> {
  return CancellationScope.cancellable(async () => {
    const acting = act().then(
      (value) => ({ value }),
      (error: unknown) => {
        if (isCancellation(error) && isStopped()) return null;
        throw error;
      },
    );
    await Promise.race([acting, condition(isStopped)]);
    // Ends whichever of the two is still going.
    CancellationScope.current().cancel();
    return (await acting)?.value ?? null;
  });
}
