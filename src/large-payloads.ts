/**
 * What is too large for a history lies in a folder of the town, once for each content, under the hash of it; the history has a reference.
 * Cooked formulas of thousands of steps and the state of their molecules go this way, through Temporal's External Storage. A file is
 * the payload's data as it is, most often JSON: its path is in the reference that `temporal workflow show` prints.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, utimes } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ExternalStorage, StorageDriverClaim } from '@temporalio/common';
import type { DataConverter, Payload, StorageDriver } from '@temporalio/common';

/** Bytes. The server takes 2 MiB in one payload and 4 MiB in one call, in which a mission may start many polecats. */
const INLINE_BYTES_MAX = 256 * 1024;

/** The name is in every reference: a town that changes it cannot read what it wrote before. */
const NAME = 'town';
const METADATA = 'metadata.';

/** The part of a data converter that says where they are; nothing where no folder is known. */
export function largePayloads(folder: string | null): Pick<DataConverter, 'externalStorage'> {
  if (folder === null) return {};
  const drivers = [new FolderDriver(folder)];
  return { externalStorage: new ExternalStorage({ drivers, payloadSizeThreshold: INLINE_BYTES_MAX }) };
}

class FolderDriver implements StorageDriver {
  readonly name = NAME;
  readonly type = 'gastown.folder';
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async store(_context: unknown, payloads: Payload[]): Promise<StorageDriverClaim[]> {
    return Promise.all(payloads.map(async (payload) => this.#store(payload)));
  }

  /** Throws when a file is missing or is not what was written: Temporal then tries the task again, and nothing is lost. */
  async retrieve(_context: unknown, claims: StorageDriverClaim[]): Promise<Payload[]> {
    return Promise.all(claims.map(async ({ claimData }) => this.#retrieve(claimData)));
  }

  async #store({ data, metadata }: Payload): Promise<StorageDriverClaim> {
    const bytes = data ?? new Uint8Array();
    const sha256 = hashOf(bytes);
    const file = this.#fileOf(sha256);
    const there = await readFile(file).catch(missing);
    if (there?.equals(bytes) !== true) await writeWhole(file, bytes);
    // Who takes old files away must see that a history of today names this one.
    else await utimes(file, new Date(), new Date());
    const kept = Object.entries(metadata ?? {}).map(([key, value]) => [
      METADATA + key,
      Buffer.from(value).toString('latin1'),
    ]);
    return new StorageDriverClaim({ sha256, ...Object.fromEntries(kept) });
  }

  async #retrieve(claim: Readonly<Record<string, string>>): Promise<Payload> {
    const { sha256 = '', ...more } = claim;
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw new Error('a reference to a large payload without its sha256');
    const file = this.#fileOf(sha256);
    const data = await readFile(file).catch(missing);
    if (data === null)
      throw new Error(
        `${file} is missing, to which a history refers: give this host the folder of the one that wrote it`,
      );
    if (hashOf(data) !== sha256)
      throw new Error(`${file} is damaged: its content is not of the hash that it is named by`);
    const metadata = Object.entries(more)
      .filter(([key]) => key.startsWith(METADATA))
      .map(([key, value]) => [key.slice(METADATA.length), Buffer.from(value, 'latin1')] as const);
    return { metadata: Object.fromEntries(metadata), data };
  }

  #fileOf(sha256: string): string {
    return join(this.#folder, sha256.slice(0, 2), sha256);
  }
}

/** Whole when it is there: it comes to its name by a rename, once it is on the disk. */
async function writeWhole(file: string, bytes: Uint8Array): Promise<void> {
  const folder = dirname(file);
  await mkdir(folder, { recursive: true });
  const fresh = `${file}.${randomUUID()}`;
  try {
    await onDisk(await open(fresh, 'wx'), bytes);
    await rename(fresh, file);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
  for (const changed of [folder, dirname(folder)]) await onDisk(await open(changed, 'r'), null);
}

async function onDisk(handle: FileHandle, bytes: Uint8Array | null): Promise<void> {
  try {
    if (bytes !== null) await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function missing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}
