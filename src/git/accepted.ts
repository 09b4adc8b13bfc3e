/**
 * How far the engine has brought a branch: to the commit that it told the molecule at work, from the one that this knew before. Whoever
 * knows of neither was reset. Refs of the mirror, which nobody who is shut in can write; they also keep what the branch no longer holds.
 */
import { commitOf, git, gitText } from './git.js';

const TO = 'refs/gt/accepted/';
const FROM = 'refs/gt/accepted-from/';

type Branch = { readonly mirror: string; readonly branch: string };

export type Accepted = { readonly from: string; readonly to: string };

/** Null for a branch of which nothing was noted. */
export async function lastAccepted({ mirror, branch }: Branch): Promise<Accepted | null> {
  const form = '--format=%(objectname) %(refname)';
  const listed = await gitText(mirror, ['for-each-ref', form, TO + branch, FROM + branch]);
  const at = new Map(
    listed.split('\n').map((line) => {
      const [commit = '', ref = ''] = line.split(' ');
      return [ref, commit];
    }),
  );
  const [from, to] = [at.get(FROM + branch), at.get(TO + branch)];
  return from === undefined || to === undefined ? null : { from, to };
}

/** A `from` that is not in the mirror can be nobody's again. */
export async function noteAccepted({ mirror, branch }: Branch, { from, to }: Accepted): Promise<void> {
  const before = from === to ? to : ((await commitOf(mirror, from)) ?? to);
  const input = `update ${TO}${branch} ${to}\nupdate ${FROM}${branch} ${before}\n`;
  await git(mirror, ['update-ref', '--stdin'], { input });
}

export async function forgetAccepted({ mirror, branch }: Branch): Promise<void> {
  for (const ref of [TO, FROM]) await git(mirror, ['update-ref', '-d', ref + branch]);
}
