/** Consultations on this host: sessions without a sandbox, for their answers. */
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { SessionActivities } from '../contract/activities.js';
import { copyOut } from '../git/copy-out.js';
import { fetchMirror, openMirror } from '../git/mirror.js';
import { GitError } from '../git/git-error.js';
import { withoutCode, type Answered, type Consultation, type Unread } from '../town/consultation.js';
import type { RigRef } from '../town/rig.js';
import { needsPerson, orRefuse } from './git-trouble.js';
import type { Places } from './places.js';
import type { Remotes } from './remotes.js';
import { runOn, type Means } from './session-run.js';
import { Succession } from './succession.js';

export function consultActivities(places: Places, means: Means, remotes: Remotes): Pick<SessionActivities, 'consult'> {
  const takeOver = new Succession();
  return {
    consult: (asked) => takeOver.as(asked.spec.sessionId, (signal) => consult(places, means, remotes, asked, signal)),
  };
}

/** A folder with the code that it may read, which is gone afterwards. */
async function consult(
  places: Places,
  means: Means,
  remotes: Remotes,
  { spec: asked, code }: Consultation,
  signal: AbortSignal,
): Promise<Answered> {
  const path = places.reading(asked.sessionId);
  const spec = { ...asked, worktree: path };
  let unread: readonly Unread[] = [];
  const prepare = async () => {
    await clearOld(places.readings);
    await rm(path, { recursive: true, force: true });
    await mkdir(path, { recursive: true });
    unread = await copyAll(code, (rig) => copyOf(rig, places.mirror(rig.name), remotes, join(path, rig.name)));
    return withoutCode(spec, unread);
  };
  // The town's own repository lies around it.
  const env = { GIT_CEILING_DIRECTORIES: dirname(path) };
  try {
    const result = await runOn(places, means, spec, { tree: { mirror: null, path }, env, prepare }, signal);
    return unread.length === 0 ? result : { ...result, unread };
  } finally {
    await rm(path, { recursive: true, force: true });
  }
}

/** One whose code cannot be had does not hold up what is asked of the others; where none can be had, nothing is asked. */
async function copyAll(code: readonly RigRef[], copy: (rig: RigRef) => Promise<void>): Promise<readonly Unread[]> {
  const failed: { readonly rig: string; readonly error: Error }[] = [];
  for (const rig of code) {
    try {
      await copy(rig);
    } catch (error) {
      if (!(error instanceof GitError) && !needsPerson(error)) throw error;
      failed.push({ rig: rig.name, error });
    }
  }
  const [first] = failed;
  if (first !== undefined && failed.length === code.length)
    await orRefuse(first.rig, () => Promise.reject(first.error));
  return failed.map(({ rig, error }) => ({ rig, why: error.message }));
}

/** A copy that is not whole is none. */
async function copyOf(rig: RigRef, mirror: string, { urlOf, letIn }: Remotes, path: string): Promise<void> {
  try {
    await openMirror({ path: mirror, url: await urlOf(rig) });
    await letIn(mirror, rig, () => fetchMirror(mirror));
    await copyOut({ mirror, ref: `refs/remotes/origin/${rig.branch}`, path });
  } catch (error) {
    await rm(path, { recursive: true, force: true });
    throw error;
  }
}

/** No session lasts so long. */
const OLD_MS = 7 * 24 * 60 * 60 * 1_000;

/** A worker that was killed leaves its copies, and another host may have gone on. */
async function clearOld(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => null);
    if (found !== null && Date.now() - found.mtimeMs > OLD_MS) await rm(path, { recursive: true, force: true });
  }
}
