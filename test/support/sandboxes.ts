/** A rig with its mirror, and polecats' branches in it, for tests of what works on them. */
import { join } from 'node:path';
import { authorOf } from '../../src/git/author.js';
import { pushBranch } from '../../src/git/branch.js';
import { commitAll } from '../../src/git/commit.js';
import { openMirror } from '../../src/git/mirror.js';
import { openWorktree, type Worktree } from '../../src/git/worktree.js';
import { makeFolder, makeRepo, writeFiles, type Files, type Repo } from './repos.js';

export const TOAST = authorOf('server/polecats/Toast');
export const BRANCH = 'polecat/Toast/se-1a2b3c4d';

export type Rig = { readonly origin: Repo; readonly mirror: string; readonly folder: string };

/** A repository (bare unless said otherwise) and the town's mirror of it. */
export async function makeRig(
  options: { readonly files?: Files; readonly bare?: boolean; readonly scheme?: 'file' } = {},
): Promise<Rig> {
  const folder = await makeFolder();
  const origin = await makeRepo({ bare: true, ...options, path: join(folder, 'the rig') });
  const mirror = join(folder, 'town', 'server', 'mirror.git');
  const url = options.scheme === 'file' ? `file://${encodeURI(origin.path)}` : origin.path;
  await openMirror({ path: mirror, url });
  return { origin, mirror, folder };
}

export async function openSandbox(rig: Rig, name = 'Toast', branch = BRANCH): Promise<Worktree> {
  const path = join(rig.folder, 'town', 'server', 'polecats', name);
  return openWorktree({ mirror: rig.mirror, path, branch, from: 'origin/main' });
}

/** Writes the files in a sandbox, commits and pushes them as the engine does after a step; the new head. */
export async function finishStep(rig: Rig, sandbox: Worktree, files: Files, message = 'a step'): Promise<string> {
  await writeFiles(sandbox.path, files);
  const head = await commitAll({ mirror: rig.mirror, path: sandbox.path, message, author: TOAST });
  const expected = sandbox.head === sandbox.base ? null : sandbox.head;
  const pushed = await pushBranch({ mirror: rig.mirror, branch: sandbox.branch, sha: head, expected });
  if (pushed.kind !== 'pushed') throw new Error(`the push of ${sandbox.branch} was ${pushed.kind}`);
  return head;
}
