/**
 * A host's name for as long as its state folder lives: its task queues carry it, and sandboxes stay where it is. A file and
 * not the machine's name, which changes with networks and comes again in containers.
 */
import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const ID_BYTES = 4;

export async function hostId(state: string): Promise<string> {
  const file = join(state, 'host-id');
  const known = await read(file);
  if (known !== null) return known;
  await mkdir(state, { recursive: true });
  const mine = `h${randomBytes(ID_BYTES).toString('hex')}`;
  const draft = `${file}.${mine}`;
  await writeFile(draft, `${mine}\n`, { flush: true });
  // A link fails when the file is there: of two that start at once, both take the first one's.
  await link(draft, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await rm(draft, { force: true });
  return (await read(file)) ?? mine;
}

async function read(file: string): Promise<string | null> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return text.trim() === '' ? null : text.trim();
}
