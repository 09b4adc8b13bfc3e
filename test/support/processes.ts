/** What still runs in a folder: the proof that nothing was left behind. Linux only; elsewhere it finds nothing. */
import { readdir, readFile, readlink } from 'node:fs/promises';

export async function processesIn(folder: string): Promise<readonly string[]> {
  const pids = await readdir('/proc').then(
    (names) => names.filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid),
    () => [],
  );
  const found = await Promise.all(
    pids.map(async (pid) => {
      const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '');
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      const isThere = cwd === folder || cwd.startsWith(`${folder}/`) || command.includes(folder);
      return isThere && command !== '' ? [`${pid} ${command.replaceAll('\0', ' ').trim()}`] : [];
    }),
  );
  return found.flat();
}
