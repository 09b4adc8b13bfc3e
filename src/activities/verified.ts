/**
 * Which trees have passed which gates, on this host: a file for each, named by what it is about. A gate is taken for a function of its tree, as CI
 * takes it; all of a rig's gates pass together or none is remembered, since one may make what the next one runs.
 */
import { createHash } from 'node:crypto';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gitText } from '../git/git.js';
import type { Confinement } from '../town/confinement.js';
import type { Gate } from '../town/rig.js';
import { forgetOldest } from './forget-oldest.js';

const KEPT_MAX = 2_000;

type About = {
  readonly mirror: string;
  readonly commit: string;
  readonly gates: readonly Gate[];
  readonly confinement: Confinement | null;
};

/** The file of it. Throws GitError where the mirror has no such commit. */
export async function verifiedFile(folder: string, { mirror, commit, gates, confinement }: About): Promise<string> {
  const tree = await gitText(mirror, ['rev-parse', `${commit}^{tree}`]);
  const ran = gates.map(({ name, command, quarantined = false }) => [name, command, quarantined]);
  const said = JSON.stringify([tree, ran, confinement]);
  return join(folder, createHash('sha256').update(said).digest('hex'));
}

export async function isVerified(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

/** Of very many the oldest are forgotten. */
export async function verify(folder: string, file: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(file, '');
  await forgetOldest(folder, KEPT_MAX, KEPT_MAX / 2);
}
