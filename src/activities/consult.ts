/** Consultations on this host: sessions without a sandbox, for their answers. */
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { SessionActivities } from '../contract/activities.js';
import { copyOut } from '../git/copy-out.js';
import { fetchMirror, openMirror } from '../git/mirror.js';
import type { Consultation } from '../town/consultation.js';
import type { SessionResult } from '../town/session.js';
import { orRefuse } from './git-trouble.js';
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
  { urlOf, letIn }: Remotes,
  { spec: asked, code }: Consultation,
  signal: AbortSignal,
): Promise<SessionResult> {
  const path = places.reading(asked.sessionId);
  const prepare = async () => {
    await clearOld(places.readings);
    await rm(path, { recursive: true, force: true });
    await mkdir(path, { recursive: true });
    for (const rig of code) {
      const mirror = places.mirror(rig.name);
      await orRefuse(rig.name, async () => {
        await openMirror({ path: mirror, url: await urlOf(rig) });
        await letIn(mirror, rig, () => fetchMirror(mirror));
        await copyOut({ mirror, ref: `refs/remotes/origin/${rig.branch}`, path: join(path, rig.name) });
      });
    }
  };
  // The town's own repository lies around it.
  const env = { GIT_CEILING_DIRECTORIES: dirname(path) };
  try {
    return await runOn(
      places,
      means,
      { ...asked, worktree: path },
      { tree: { mirror: null, path }, env, prepare },
      signal,
    );
  } finally {
    await rm(path, { recursive: true, force: true });
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
