/** What gates have printed, as files of the host: the end of it stands in the verdict. */
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { withoutSecrets } from '../agents/secrets.js';
import type { RunResult } from '../process/run.js';
import { forgetOldest } from './forget-oldest.js';

/** Requests of a rig whose output is kept. */
const KEPT_MAX = 200;

/** The file. */
export async function keepOutput(folder: string, name: string, { stdout, stderr }: RunResult): Promise<string> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${name}.log`);
  await writeFile(file, withoutSecrets(`${stdout}${stderr}`));
  // Its time is when a file was added there last, and not when one was written anew.
  const now = new Date();
  await utimes(folder, now, now);
  await forgetOldest(dirname(folder), KEPT_MAX);
  return file;
}
