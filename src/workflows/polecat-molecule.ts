import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  ChildWorkflowFailure,
  getExternalWorkflowHandle,
  isCancellation,
  ParentClosePolicy,
  rootCause,
  startChild,
} from '@temporalio/workflow';
import type { MoleculeResult } from '../contract/molecule.js';
import type { PolecatInput, Sandbox } from '../contract/polecat.js';
import { startOfMolecule } from '../contract/search-attributes.js';
import { polecatAt } from '../town/address.js';
import type { RuntimeKind } from '../town/runtime.js';
import type { Protomolecule } from '../town/protomolecule.js';
import { unreachable } from '../town/unreachable.js';
import { failure } from './failing.js';
import { watcher } from './hands.js';
import type { molecule } from './molecule.js';
import { patched } from './patches.js';
import type { PolecatHolds } from './polecat-holds.js';

/** As its molecules told: those that an earlier version ended did not. With those who worked on what it began from. */
export function workedBy(
  { workedBy: before = [] }: Pick<PolecatInput, 'workedBy'>,
  results: readonly MoleculeResult[],
): RuntimeKind[] {
  return [...new Set([...before, ...results.flatMap((result) => result.workedBy ?? [])])];
}

/**
 * Runs a molecule on the polecat's hook, in its sandbox, and returns with its result; a failed one fails the polecat. It ends
 * with its polecat (parent-close policy), since it works in a sandbox that somebody else will then clear. `before`: of the molecules
 * that were there before it.
 */
export async function runMolecule(
  id: string,
  input: PolecatInput,
  sandbox: Sandbox,
  proto: Protomolecule,
  before: readonly MoleculeResult[],
  holds: PolecatHolds,
): Promise<MoleculeResult> {
  const agent = polecatAt(input.rig.name, input.name);
  const { mission, item, rig, limits, name, incarnation, host, from } = input;
  const own = { mission, item: item.id, agent, rig, limits, name, incarnation, host, sandbox };
  const begun = from === undefined ? {} : { from };
  const hook = { ...own, round: before.length, workedBy: workedBy(input, before), ...begun };
  const paused = holds.first;
  try {
    return await untilEnded(id, async () => {
      let child: Started<MoleculeResult>;
      try {
        child = await startChild<typeof molecule>('molecule', {
          workflowId: id,
          args: [
            { proto, hook, ...(paused === null ? {} : { paused: { by: paused.by, why: paused.why, above: agent } }) },
          ],
          parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
          staticSummary: `${proto.formula} · ${input.name} · ${item.id}`,
          typedSearchAttributes: startOfMolecule(hook, proto),
        });
      } catch (error) {
        if (!isAtWork(error)) throw error;
        void holds.tellNow();
        return { result: () => endOf(id, agent, limits.patience) };
      }
      void holds.begun(paused);
      return child;
    });
  } catch (error) {
    if (isCancellation(error)) throw error;
    const isTold = error instanceof ChildWorkflowFailure || error instanceof ApplicationFailure;
    const why = isTold ? (rootCause(error) ?? error.message) : String(error);
    throw failure('PolecatFailed', `molecule ${id} failed: ${why}`);
  }
}

/** A polecat that was reset to before it started its molecule takes over the one of before: nobody else's has its id. */
const isAtWork = (error: unknown): boolean =>
  error instanceof WorkflowExecutionAlreadyStartedError &&
  patched('a molecule that is at work already is taken over', '0.6');

/** As that of a child, which it is not. */
async function endOf(molecule: string, agent: string, patience: number): Promise<MoleculeResult> {
  const summary = `wait for ${molecule}`;
  const end = await watcher(patience).awaitMolecule.executeWithOptions({ summary }, [{ molecule, agent }]);
  switch (end.kind) {
    case 'done':
      return end.result;
    case 'failed':
      throw failure('MoleculeFailed', end.why);
    case 'cancelled':
      throw new CancelledFailure(`molecule ${molecule} was cancelled`);
    default:
      return unreachable(end);
  }
}

type Started<Result> = { readonly result: () => Promise<Result> };

/**
 * Starts a child and waits for its end. When this workflow is cancelled, the child is cancelled by its id: the SDK asks for the run that was
 * started, and the server drops that once the child has gone on in another run, as a long one does, or one that was reset.
 */
async function untilEnded<Result>(id: string, start: () => Promise<Started<Result>>): Promise<Result> {
  const outer = CancellationScope.current();
  if (outer.consideredCancelled) return outer.cancelRequested;
  return CancellationScope.nonCancellable(async () => {
    const child = new CancellationScope();
    const started = child.run(start);
    outer.cancelRequested.catch(async () => {
      if (!patched('a molecule is cancelled whichever its run', '0.6')) return child.cancel();
      // Before it is there nobody can be asked. One that has closed meanwhile needs no cancelling.
      await started.then(() => getExternalWorkflowHandle(id).cancel()).catch(() => undefined);
    });
    return (await started).result();
  });
}
