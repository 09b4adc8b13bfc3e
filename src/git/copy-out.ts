/** The files of a commit in a folder of their own, without git: to be read, and thrown away. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { git } from './git.js';

/** `path` must not be there, or be empty. */
export async function copyOut({ mirror, ref, path }: Record<'mirror' | 'ref' | 'path', string>): Promise<void> {
  await mkdir(path, { recursive: true });
  const index = join(path, '.git-index');
  const env = { GIT_INDEX_FILE: index };
  await git(mirror, ['read-tree', ref], { env });
  await git(mirror, [`--git-dir=${mirror}`, `--work-tree=${path}`, 'checkout-index', '--all', '--quiet'], { env });
  await rm(index, { force: true });
}
