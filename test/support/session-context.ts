/** What an activity gives a session, for one that is by itself: there is no town. Where it is shut in, its mirror lies in its folder. */
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { shellIn } from '../../src/activities/shell.js';
import type { Journal } from '../../src/agents/journal.js';
import type { SessionContext } from '../../src/agents/runtime.js';
import { plainEnvironment } from '../../src/process/environment.js';
import type { SessionSpec } from '../../src/town/session.js';
import { noTown } from './no-town.js';

export const MIRROR = 'mirror.git';

type Own = {
  readonly folder: string;
  /** Path of its journal. */
  readonly path: string;
  readonly journal: Journal;
  readonly signal: AbortSignal;
};

export async function contextBy(spec: SessionSpec, { folder, path, journal, signal }: Own): Promise<SessionContext> {
  const output = join(folder, 'output');
  await mkdir(output, { recursive: true });
  const tree = { mirror: join(folder, MIRROR), path: spec.worktree, branch: spec.branch, more: [output] };
  const shell = await shellIn(tree, spec.confinement ?? null);
  return {
    signal,
    journal,
    heartbeat: () => undefined,
    call: noTown,
    purse: async () => null,
    folder,
    outputFile: join(output, `${basename(path)}.json`),
    exec: (command, { env = {}, signal: sooner, ...options } = {}) =>
      shell(command, {
        env: plainEnvironment(env),
        mark: spec.sessionId,
        signal: sooner === undefined ? signal : AbortSignal.any([signal, sooner]),
        ...options,
      }),
  };
}
