/** Files are written whole or not at all: a kill in the middle of writing must not cost what was in them. */
import { chmod, mkdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * The new text first stands beside the file, under a name that the next try uses again, and then takes its place in one step.
 * Links are followed, and the file keeps its mode.
 */
export async function writeWhole(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const target = await realpath(path).catch(() => path);
  const known = await stat(target).catch(() => null);
  const part = join(dirname(target), `.${basename(target)}.gt-part`);
  // Made anew, so that a link of this name, planted by whoever, is not written through.
  await rm(part, { force: true });
  await writeFile(part, text, { flag: 'wx', flush: true });
  if (known !== null) await chmod(part, known.mode);
  await rename(part, target);
}
