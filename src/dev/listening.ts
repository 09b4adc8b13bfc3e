/** Whether a process listens on a port, told by the operating system: that somebody answers there does not say who. */
import { execFile } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { promisify } from 'node:util';

export async function listensOn(pid: number, port: number): Promise<boolean> {
  return process.platform === 'linux' ? onLinux(pid, port) : byLsof(pid, port);
}

const LISTENING = '0A';

async function onLinux(pid: number, port: number): Promise<boolean> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((name) => readFile(`/proc/${pid}/net/${name}`, 'utf8').catch(() => '')),
  );
  const sockets = tables.flatMap((table) =>
    table.split('\n').flatMap((line) => {
      const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
      return state === LISTENING && local.endsWith(`:${hex}`) ? [`socket:[${inode}]`] : [];
    }),
  );
  if (sockets.length === 0) return false;
  const folder = `/proc/${pid}/fd`;
  const open = await readdir(folder).catch(() => []);
  const links = await Promise.all(open.map((fd) => readlink(`${folder}/${fd}`).catch(() => '')));
  return links.some((link) => sockets.includes(link));
}

async function byLsof(pid: number, port: number): Promise<boolean> {
  const args = ['-nP', '-a', '-p', String(pid), `-iTCP:${port}`, '-sTCP:LISTEN', '-t'];
  const { stdout } = await promisify(execFile)('lsof', args).catch(() => ({ stdout: '' }));
  return stdout.trim() === String(pid);
}
