/** A shell that is shut in, in a sandbox of its own. */
import { join } from 'node:path';
import { shellIn } from '../../src/activities/shell.js';
import { authorEnvironment } from '../../src/git/author.js';
import { plainEnvironment } from '../../src/process/environment.js';
import type { RunOptions, RunResult } from '../../src/process/run.js';
import { DEFAULT_CONFINEMENT } from '../../src/town/confinement.js';
import type { Confinement } from '../../src/town/confinement.js';
import { BRANCH, makeRig, openSandbox, TOAST } from './sandboxes.js';

export const LEVEL: Confinement = { ...DEFAULT_CONFINEMENT, level: 'bubblewrap' };
export const env = plainEnvironment(authorEnvironment(TOAST));

type Cell = {
  readonly town: string;
  readonly mirror: string;
  readonly path: string;
  readonly head: string;
  readonly git: (...args: readonly string[]) => Promise<string>;
  readonly sh: (command: string, options?: Partial<RunOptions>) => Promise<RunResult>;
};

export async function cell(confinement: Partial<Confinement> = {}): Promise<Cell> {
  const rig = await makeRig();
  const { path, head } = await openSandbox(rig);
  const tree = { mirror: rig.mirror, path, branch: BRANCH };
  const shell = await shellIn(tree, { ...LEVEL, ...confinement });
  const sh = (command: string, options: Partial<RunOptions> = {}) =>
    shell(command, { env, timeoutMs: 30_000, ...options });
  const git = async (...args: readonly string[]) => {
    const open = await shellIn(tree, null);
    return (await open(`git ${args.join(' ')}`, { env })).stdout.trim();
  };
  return { town: join(rig.folder, 'town'), mirror: rig.mirror, path, head, git, sh };
}
