/** What gates have printed, as files of the host: the end of it stands in the verdict. */
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { withoutSecrets } from '../agents/secrets.js';
import type { RunResult } from '../process/run.js';

/** Requests of a rig whose output is kept. */
const KEPT_MAX = 200;

/** The file. */
export async function keepOutput(folder: string, name: string, { stdout, stderr }: RunResult): Promise<string> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${name}.log`);
  await writeFile(file, withoutSecrets(`${stdout}${stderr}`));
  await forgetOldest(dirname(folder), basename(folder));
  return file;
}

async function forgetOldest(all: string, here: string): Promise<void> {
  const names = (await readdir(all)).filter((name) => name !== here);
  if (names.length < KEPT_MAX) return;
  const ages = await Promise.all(names.map(async (name) => ({ name, atMs: (await stat(join(all, name))).mtimeMs })));
  const old = ages.toSorted((a, b) => a.atMs - b.atMs).slice(0, names.length - KEPT_MAX + 1);
  await Promise.all(old.map(({ name }) => rm(join(all, name), { recursive: true, force: true })));
}
