/**
 * File access held to the worktree: neither `..` nor a link leads out of it, nor into a `.git`, of the worktree or of a repository
 * inside it: what such a one is set to run is run by git, for a mere look at the worktree.
 */
import { lstat, realpath } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';

export type Inside = { readonly ok: true; readonly path: string } | { readonly ok: false; readonly why: string };

/** The absolute path of a file of the worktree, which need not exist yet. */
export async function inside(worktree: string, file: string): Promise<Inside> {
  const refused = (why: string): Inside => ({ ok: false, why: `"${file}" ${why}` });
  const root = await realpath(worktree);
  const wanted = resolve(root, file);
  if (wanted !== root && !wanted.startsWith(root + sep)) return refused('is outside the worktree');
  if (isGits(relative(root, wanted))) return refused('belongs to git');
  const real = await realOf(wanted);
  if (real !== root && !real.startsWith(root + sep)) return refused('is a link that leads out of the worktree');
  if (isGits(relative(root, real))) return refused('is a link into what belongs to git');
  return { ok: true, path: wanted };
}

function isGits(path: string): boolean {
  return path.split(sep).some((part) => part.toLowerCase() === '.git');
}

/** Where a path really leads: the nearest part of it that exists, resolved, and the rest. A dangling link leads where it says. */
async function realOf(path: string): Promise<string> {
  const stat = await lstat(path).catch(() => null);
  if (stat === null) return join(await realOf(dirname(path)), relative(dirname(path), path));
  return realpath(path).catch(() => sep);
}
