/**
 * One push of one ref, as a compare-and-swap: it happens only if the remote's ref is what the caller thinks it is. What the
 * remote says no to is a value; network trouble throws.
 */
import { withoutCredentials } from '../town/credentials.js';
import { git } from './git.js';
import { GitError, kindOf } from './git-error.js';
import { isLocal } from './mirror.js';
import { originOf } from './origin.js';

/** Makes a checked-out branch of a local repository move with its clean tree, and a dirty tree refuse. */
const LOCAL_RECEIVER = '--receive-pack=git -c receive.denyCurrentBranch=updateInstead receive-pack';

export type PushResult =
  | { readonly kind: 'pushed' }
  /** The remote's ref is, or just became, something else than expected. */
  | { readonly kind: 'stale' }
  /** The remote does not want it: a protected branch, a hook, a dirty working tree. */
  | { readonly kind: 'refused'; readonly reason: string };

/** `sha` null deletes the branch; `expected` null means that it must not exist yet. */
export async function pushIfUnchanged(args: {
  readonly mirror: string;
  readonly branch: string;
  readonly sha: string | null;
  readonly expected: string | null;
  /** See `GitOptions`. */
  readonly mark?: string;
}): Promise<PushResult> {
  const url = await originOf(args.mirror);
  const ref = `refs/heads/${args.branch}`;
  const command = [
    'push',
    '--porcelain',
    '--no-verify',
    '--no-follow-tags',
    '--no-recurse-submodules',
    `--force-with-lease=${ref}:${args.expected ?? ''}`,
    ...(isLocal(url) ? [LOCAL_RECEIVER] : []),
    '--',
    url,
    `${args.sha ?? ''}:${ref}`,
  ];
  const mark = args.mark === undefined ? {} : { mark: args.mark };
  const { code, stdout, stderr } = await git(args.mirror, command, { network: true, codes: [0, 1], ...mark });
  if (code === 0) return { kind: 'pushed' };
  const refusal = /^!\t[^\t]*\t\[([^\]]+)\](?: \((.*)\))?$/m.exec(stdout);
  const why = refusal?.[2] ?? '';
  if (refusal?.[1] === 'rejected' || /failed to update ref|cannot lock ref|incorrect old value/.test(why)) {
    return { kind: 'stale' };
  }
  if (refusal?.[1] === 'remote rejected') return { kind: 'refused', reason: reasonOf(why, stderr) };
  throw new GitError({ kind: kindOf(stderr), command, cwd: args.mirror, code, stderr, how: `exit ${code}` });
}

/** The remote's own word for it, with what its hook printed. */
function reasonOf(why: string, stderr: string): string {
  const told = stderr
    .split('\n')
    .flatMap((line) => /^(?:remote|error): (.*\S)\s*$/.exec(line)?.[1] ?? [])
    .filter((line) => !line.startsWith('failed to push some refs'))
    .join('\n');
  return withoutCredentials(told === '' ? why : `${why}\n${told.slice(0, 2_000)}`);
}
