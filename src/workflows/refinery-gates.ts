/** The gates of a stack of requests: once for all of them, and where they do not pass, for so many of the lowest as it takes to know who is at fault. */
import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import { confined } from '../town/confinement.js';
import type { GateVerdict } from '../town/gate-verdict.js';
import { narrowed, probesOf, type Search } from '../town/merge-search.js';
import { unreachable } from '../town/unreachable.js';
import { inSessions } from './hands.js';
import { patched } from './patches.js';
import { commandMs } from './patience.js';
import type { Member, Stack, Turn } from './refinery-turn.js';

const PROBES_AT_ONCE = 2;

export type Found =
  /** So many of the lowest may land. `fault`: of the one above them, null where all may. */
  | { readonly kind: 'found'; readonly green: number; readonly fault: Failed | null }
  /** The target alone does not pass. */
  | { readonly kind: 'red-target'; readonly verdict: Failed }
  | { readonly kind: 'could-not-run'; readonly green: number; readonly why: string }
  /** Somebody wants one of them out of it. */
  | { readonly kind: 'stopped' };
type Failed = Extract<GateVerdict, { readonly kind: 'failed' }>;

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
  switch (verdict.kind) {
    case 'passed':
      return { kind: 'found', green: top, fault: null };
    case 'could-not-run':
      return { kind: 'could-not-run', green: 0, why: whyNot(verdict) };
    case 'failed':
      return searched(stack, bench, verdict);
    default:
      return unreachable(verdict);
  }
}

/** On the topmost. */
export function verdictOn(stack: Stack, judge: Judge): Promise<GateVerdict> {
  const { members, worktree, name } = stack;
  const summary = `gates · ${name}${withOthers(members.length - 1)}`;
  return run(stack, judge, { name, tip: tipOf(stack, members.length), worktree }, summary);
}

/** The topmost does not pass. */
async function searched(stack: Stack, bench: Bench, verdict: Failed): Promise<Found> {
  bench.turnsRed();
  const faults = new Map([[stack.members.length, verdict]]);
  let search: Search = { green: 0, red: stack.members.length };
  for (let probes = probesOf(search, PROBES_AT_ONCE); probes.length > 0; probes = probesOf(search, PROBES_AT_ONCE)) {
    bench.stage(`looking which of ${search.red - search.green} does not pass`);
    const found = await unlessStopped(bench, () =>
      Promise.all(probes.map(async (count) => ({ count, verdict: await probe(stack, bench, count) }))),
    );
    if (found === null) return { kind: 'stopped' };
    for (const one of found) if (one.verdict.kind === 'failed') faults.set(one.count, one.verdict);
    search = narrowed(search, new Map(found.map((one) => [one.count, one.verdict.kind === 'passed'])));
    const unrun = found.find((one) => one.verdict.kind === 'could-not-run');
    if (unrun?.verdict.kind === 'could-not-run')
      return { kind: 'could-not-run', green: search.green, why: whyNot(unrun.verdict) };
  }
  const fault = faults.get(search.red) ?? verdict;
  if (search.green > 0 || !patched('what fails on the target, too, is nobody’s fault', '0.14'))
    return { kind: 'found', green: search.green, fault };
  return askedTarget(stack, bench, fault);
}

/** Of the lowest one: it is not at fault for what its target fails of, too. */
async function askedTarget(stack: Stack, bench: Bench, fault: Failed): Promise<Found> {
  const { name, base, target } = stack;
  bench.stage(`gates of ${target} alone`);
  const onTarget = await unlessStopped(bench, () =>
    run(stack, bench, { name: `${name}.target`, tip: base, worktree: null }, `gates · ${target} alone`),
  );
  if (onTarget === null) return { kind: 'stopped' };
  return onTarget.kind === 'failed' ? { kind: 'red-target', verdict: onTarget } : { kind: 'found', green: 0, fault };
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

const whyNot = ({ gate, log }: Extract<GateVerdict, { readonly kind: 'could-not-run' }>): string =>
  `gate "${gate}" could not run: ${log}`;

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
