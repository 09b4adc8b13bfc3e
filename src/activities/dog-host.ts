/** Acts of dogs on one host: what nobody has any more, the ledger that lies here, its backups, the host itself, and its mirrors. */
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import type { Client } from '@temporalio/client';
import type { HostActivities } from '../contract/activities.js';
import type { Findings } from '../contract/dog-activities.js';
import { authorOf } from '../git/author.js';
import { backUp, linesIn } from '../git/backup.js';
import { commitFile } from '../git/commit.js';
import { commitOf } from '../git/git.js';
import { fetchMirror, openMirror } from '../git/mirror.js';
import { LedgerLines } from '../town/ledger-lines.js';
import { needsPerson, orRefuse } from './git-trouble.js';
import { findOrphans } from './orphans.js';
import type { Places } from './places.js';
import type { Remotes } from './remotes.js';

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

async function backUpLedger(folders: Folders, dry: boolean): Promise<Findings> {
  const { town, state, ledger } = folders;
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
    const loose = await commitLoose(folders, files);
    const { file, isNew, lines, fuller, dropped } = await backUp({ repo: town, folder, files });
    const said = isNew
      ? `${basename(file)}: ${lines} records`
      : `${basename(file)}: nothing has changed since, ${lines} records`;
    const shrunk =
      fuller === null
        ? []
        : [
            `the ledger has ${lines} records, and ${fuller.file} has ${fuller.lines}: something was taken out, so no backup is dropped; git clone ${fuller.file} has it still; if it was meant, move that file elsewhere`,
          ];
    return {
      did: [said, ...(dropped > 0 ? [`${dropped} older made room`] : [])],
      wrong: [...(loose === null ? [] : [loose]), ...shrunk],
    };
  } catch (error) {
    if (!needsPerson(error)) throw error;
    return { did: [], wrong: [error.message] };
  }
}

const LEDGER = authorOf('gastown', 'ledger@gastown.local');

/** A backup has what is committed. What is on the disk alone is committed first; in words, when it cannot be. */
async function commitLoose({ town, ledger }: Folders, files: string): Promise<string | null> {
  if ((await commitOf(town, 'HEAD', { ofPerson: true })) === null) return null;
  // On the disk first: what comes meanwhile is committed by whoever writes it.
  const names = (await namesIn(ledger)).filter((name) => name.endsWith('.jsonl'));
  let onDisk = 0;
  for (const name of names) onDisk += await countLines(join(ledger, name));
  if ((await linesIn(town, files)) >= onDisk) return null;
  const troubles: string[] = [];
  for (const name of names) {
    const file = join(relative(town, ledger), name);
    const message = `ledger: lines of ${name}`;
    await commitFile({ repo: town, file, message, author: LEDGER }).catch((error: unknown) =>
      troubles.push(String(error)),
    );
  }
  const lacking = onDisk - (await linesIn(town, files));
  if (lacking <= 0) return null;
  const folder = relative(town, ledger);
  const why = troubles[0] === undefined ? '' : ` (${troubles[0]})`;
  return `${lacking} lines of the ledger are on the disk and in no commit, so no backup has them${why}: git -C ${town} add --force ${folder} && git -C ${town} commit -m ledger -- ${folder}`;
}

async function countLines(path: string): Promise<number> {
  let count = 0;
  for await (const chunk of createReadStream(path)) for (const byte of chunk as Buffer) if (byte === 10) count += 1;
  return count;
}

async function checkLedger(
  folder: string,
  records: readonly string[],
): Promise<Findings & { readonly lacks: readonly string[] }> {
  const names = (await namesIn(folder)).filter((name) => name.endsWith('.jsonl'));
  const lacks = new Set(records);
  const did: string[] = [];
  const wrong: string[] = [];
  for (const name of names) {
    const lines = new LedgerLines();
    for await (const piece of createReadStream(join(folder, name), 'utf8')) lines.take(String(piece));
    for (const id of records) if (lines.has(id)) lacks.delete(id);
    did.push(`${name}: ${lines.records} records`);
    wrong.push(...lines.problems.map((problem) => `${name}:${problem}`));
  }
  return { did, wrong, lacks: [...lacks] };
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
