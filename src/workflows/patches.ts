/**
 * Patches: what workflows do otherwise than in an earlier version, whose histories must replay. A mark of the SDK is two events and a
 * write of search attributes, so one mark stands for all changes up to its version, by whichever a workflow meets first; histories of
 * 0.1 to 0.4 marked each change by itself. Once the histories of a version are recorded, what changes needs a mark of the next.
 */
import { patched as isMarked } from '@temporalio/workflow';

/** Versions, the newest first. */
const MARKS = ['0.15', '0.14', '0.13', '0.12', '0.11', '0.10', '0.9', '0.8', '0.7', '0.6', '0.5'] as const;
type Mark = (typeof MARKS)[number];

/**
 * Whether this workflow follows the change, which came with version `since`; always, in a workflow that begins now. Before 0.5 a change
 * was marked by its name.
 */
export function patched(change: string, since: Mark = '0.5'): boolean {
  return [...MARKS.slice(0, MARKS.indexOf(since) + 1), change].some((mark) => isMarked(mark));
}
