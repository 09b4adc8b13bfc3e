/** Acts of dogs on one host: what nobody has any more, the ledger that lies here, its backups, the host itself, and its mirrors. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import type { Client } from '@temporalio/client';
import type { HostActivities } from '../contract/activities.js';
import type { Findings } from '../contract/dog-activities.js';
import { backUp } from '../git/backup.js';
import { commitOf, gitText } from '../git/git.js';
import { Blocked } from '../git/git-error.js';
import { fetchMirror, openMirror } from '../git/mirror.js';
import { checkLines } from '../town/ledger-lines.js';
import { orRefuse } from './git-trouble.js';
import { findOrphans } from './orphans.js';
import type { Places } from './places.js';
import type { Remotes } from './remotes.js';

/** Generations of backups. */
const KEEP = 7;

/** Of the town's folder here. */
type Folders = { readonly town: string; readonly state: string; readonly ledger: string };

export type DogMeans = {
  readonly client: Client;
  readonly folders: Folders;
  /** What `gt doctor` finds here to be missing, and what the town cannot run without. */
  readonly checkUp: () => Promise<
    readonly { readonly about: string; readonly says: string; readonly remedy: string }[]
  >;
};

type DogActivities = Pick<HostActivities, 'findOrphans' | 'backUpLedger' | 'checkLedger' | 'checkHost' | 'tidyMirror'>;

export function dogActivities(places: Places, { urlOf }: Remotes, means: DogMeans): DogActivities {
  const { client, folders, checkUp } = means;
  return {
    findOrphans: ({ rig, only }) =>
      orRefuse(rig.name, async () => {
        if (!(await isThere(places.mirror(rig.name)))) return { orphans: [], wrong: [] };
        return findOrphans(client, places, { ...rig, url: await urlOf(rig) }, only);
      }),
    backUpLedger: ({ dry }) => backUpLedger(folders, dry),
    checkLedger: ({ records }) => checkLedger(folders.ledger, records),
    checkHost: async ({ host }) => {
      const missing = await checkUp();
      const wrong = missing.map(({ about, says, remedy }) => `${host}: ${about}: ${says}; ${remedy}`);
      return { did: wrong.length === 0 ? [`${host} has what the town asks for`] : [], wrong };
    },
    tidyMirror: ({ rig }) =>
      orRefuse(rig.name, async () => {
        const path = places.mirror(rig.name);
        if (!(await isThere(path))) return { did: [], wrong: [] };
        await openMirror({ path, url: await urlOf(rig) });
        await fetchMirror(path);
        return { did: [`the mirror of ${rig.name} is up to date, and tidy`], wrong: [] };
      }),
  };
}

async function backUpLedger({ town, state, ledger }: Folders, dry: boolean): Promise<Findings> {
  const folder = join(state, 'backups');
  if (dry) {
    const last = (await namesIn(folder))
      .filter((name) => name.endsWith('.bundle'))
      .toSorted()
      .at(-1);
    return { did: [last === undefined ? `there is no backup in ${folder}` : `the last backup is ${last}`], wrong: [] };
  }
  const files = `${relative(town, ledger)}/*.jsonl`;
  try {
    const { file, isNew, lines, dropped } = await backUp({ repo: town, folder, files, keep: KEEP });
    const loose = await uncommitted(town, ledger);
    const said = isNew
      ? `${basename(file)}: ${lines} records`
      : `${basename(file)}: nothing has changed since, ${lines} records`;
    return {
      did: [
        said,
        ...(dropped > 0 ? [`${dropped} older made room: ${KEEP} are kept`] : []),
        ...(loose === 0
          ? []
          : [`${loose} files of the ledger have lines that are not committed yet: they come with the next backup`]),
      ],
      wrong: [],
    };
  } catch (error) {
    if (!(error instanceof Blocked)) throw error;
    return { did: [], wrong: [error.message] };
  }
}

async function uncommitted(town: string, ledger: string): Promise<number> {
  if ((await commitOf(town, 'HEAD', { ofPerson: true })) === null) return 0;
  const listed = await gitText(town, ['status', '--porcelain', '--', relative(town, ledger)], { ofPerson: true });
  return listed === '' ? 0 : listed.split('\n').length;
}

async function checkLedger(
  folder: string,
  records: readonly string[],
): Promise<Findings & { readonly lacks: readonly string[] }> {
  const names = (await namesIn(folder)).filter((name) => name.endsWith('.jsonl'));
  const seen = new Set<string>();
  const did: string[] = [];
  const wrong: string[] = [];
  for (const name of names) {
    const { ids, problems } = checkLines(await readFile(join(folder, name), 'utf8'));
    for (const id of ids) seen.add(id);
    did.push(`${name}: ${ids.length} records`);
    wrong.push(...problems.map((problem) => `${name}:${problem}`));
  }
  return { did, wrong, lacks: records.filter((id) => !seen.has(id)) };
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}
