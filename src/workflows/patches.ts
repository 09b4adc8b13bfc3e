/**
 * Patches: what workflows do otherwise than in an earlier version, whose histories must replay. A mark of the SDK is two events and a
 * write of search attributes, so one mark stands for all changes up to its version, by whichever a workflow meets first; histories of
 * 0.1 to 0.4 marked each change by itself. Once histories of 0.5 are recorded, a change needs a mark of its own version.
 */
import { patched as isMarked } from '@temporalio/workflow';

const MARK = '0.5';

/** Whether this workflow follows the change; always, in a workflow that begins now. `change` is what it was marked by before 0.5. */
export function patched(change: string): boolean {
  return isMarked(MARK) || isMarked(change);
}
