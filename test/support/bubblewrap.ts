/** Bubblewrap for tests: as it is installed, or fetched once from Debian's packages into the cache where the product finds it. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { bubblewrapPlaces, findBubblewrap } from '../../src/process/bubblewrap.js';

/** Why there is none, null when there is one. */
export async function missingBubblewrap(): Promise<string | null> {
  if (process.platform !== 'linux') return 'bubblewrap is for Linux';
  if ((await findBubblewrap(bubblewrapPlaces())) !== null) return null;
  try {
    await fetchIt();
    return null;
  } catch (error) {
    return `bubblewrap is not installed and could not be fetched: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Several test files may do so at once: whoever is first puts a whole folder in its place. */
async function fetchIt(): Promise<void> {
  const run = promisify(execFile);
  const home = cacheOf(bubblewrapPlaces().at(-1) ?? '');
  await mkdir(dirname(home), { recursive: true });
  const folder = await mkdtemp(`${home}.`);
  try {
    await run('apt-get', ['download', 'bubblewrap'], { cwd: folder });
    const [deb = ''] = await readdir(folder);
    await run('dpkg', ['-x', deb, 'unpacked'], { cwd: folder });
    await rename(join(folder, 'unpacked'), home).catch(() => undefined);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** `<cache>/bubblewrap` of `<cache>/bubblewrap/usr/bin/bwrap`. */
function cacheOf(program: string): string {
  return dirname(dirname(dirname(program)));
}
