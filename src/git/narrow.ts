/**
 * What a program that is shut in may do with git: commit and rebase on the branch of its worktree. Everything else of the mirror can be
 * read and not changed: other branches, tags, hooks, settings, and which worktree belongs to which folder.
 */
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ORIGIN_FILE } from './origin.js';
import { markShutIn, metadataOf, READY_FILE, SHUT_IN_FILE, type Place } from './worktree.js';

type Shown = {
  readonly writable: readonly string[];
  readonly readable: readonly string[];
  /** Files that hold the way to the remote, which may have a password in it. */
  readonly hidden: readonly string[];
};

/** Of a worktree on no branch (null) nothing of git's can be changed, but files of the tree. */
export async function narrowed(place: Place, branch: string | null): Promise<Shown> {
  const { mirror, path } = place;
  const metadata = await metadataOf(place);
  const fixed = [mirror, join(path, '.git')];
  const hidden = [join(mirror, ORIGIN_FILE)];
  if (branch === null || metadata === null) return { writable: [path], readable: fixed, hidden };
  await markShutIn(metadata);
  // Beside its branch a polecat has those of its name; git makes and renames a lock there.
  const refs = join('refs', 'heads', dirname(branch));
  const kept = [join(mirror, refs), join(mirror, 'logs', refs)];
  await Promise.all(kept.map((folder) => mkdir(folder, { recursive: true })));
  const objects = join(mirror, 'objects');
  return {
    hidden,
    writable: [path, objects, metadata, ...kept],
    readable: [
      ...fixed,
      // What was packed is never written again.
      ...['pack', 'info'].map((name) => join(objects, name)),
      // Whose worktree this is.
      ...['gitdir', 'commondir', READY_FILE, SHUT_IN_FILE].map((name) => join(metadata, name)),
    ],
  };
}

/** For git inside: nothing of the user's or the machine's settings, and no tidying up, for which it may not write enough. */
export const NARROW_GIT: Readonly<Record<string, string>> = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_COUNT: '2',
  GIT_CONFIG_KEY_0: 'gc.auto',
  GIT_CONFIG_VALUE_0: '0',
  GIT_CONFIG_KEY_1: 'core.fsmonitor',
  GIT_CONFIG_VALUE_1: 'false',
};
