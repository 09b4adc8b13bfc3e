/**
 * The ledger: what must outlive the histories, as JSON lines in the town folder's git repository. Append-only, one file a
 * writer, every record once: an id that stands in the file is not written again. A line torn by a crash is set aside, never
 * silently dropped.
 */
import { execFile } from 'node:child_process';
import { mkdir, open, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, relative } from 'node:path';
import { promisify } from 'node:util';

export type Record = {
  readonly id: string;
  readonly kind: string;
  readonly at: string;
  readonly [fact: string]: unknown;
};

export class Ledger {
  readonly #file: string;
  readonly #town: string;
  #known: Set<string> | null = null;
  #tail: Promise<unknown> = Promise.resolve();

  /** `town` is the folder whose repository keeps the ledger; `file` lies in it and belongs to this writer alone. */
  constructor(town: string, file: string) {
    this.#town = town;
    this.#file = file;
  }

  /** On disk and committed when it returns. Answers false when the record stood there already. */
  append(record: Record): Promise<boolean> {
    const mine = this.#tail.then(() => this.#append(record));
    this.#tail = mine.catch(() => undefined);
    return mine;
  }

  async #append(record: Record): Promise<boolean> {
    const known = (this.#known ??= await this.#load());
    const isNew = !known.has(record.id);
    if (isNew) {
      const handle = await open(this.#file, 'a');
      try {
        const { id, kind, at, ...facts } = record;
        await handle.appendFile(`${JSON.stringify({ id, kind, at, ...facts })}\n`);
        await handle.sync();
      } finally {
        await handle.close();
      }
      known.add(record.id);
    }
    // Also when the record is old: the crash may have come between its line and its commit.
    await this.#commit(record.id);
    return isNew;
  }

  async #load(): Promise<Set<string>> {
    await mkdir(dirname(this.#file), { recursive: true });
    const text = await readFile(this.#file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    const end = text.lastIndexOf('\n') + 1;
    const torn = text.slice(end);
    if (torn !== '') await this.#setAside(text.slice(0, end), torn);
    return new Set(text.slice(0, end).split('\n').filter(Boolean).map(idOf));
  }

  async #setAside(whole: string, torn: string): Promise<void> {
    await writeFile(`${this.#file}.torn`, `${torn}\n`, { flag: 'a' });
    await writeFile(`${this.#file}.new`, whole);
    await rename(`${this.#file}.new`, this.#file);
  }

  async #commit(id: string): Promise<void> {
    const path = relative(this.#town, this.#file);
    const git = (...args: string[]) => promisify(execFile)('git', ['-C', this.#town, ...args]);
    await git('add', '--', path);
    const { stdout } = await git('diff', '--cached', '--name-only', '--', path);
    if (stdout.trim() === '') return;
    const who = ['-c', 'user.name=gastown', '-c', 'user.email=ledger@gastown.local', '-c', 'core.hooksPath=/dev/null'];
    await git(...who, 'commit', '--quiet', '--no-verify', '--no-gpg-sign', '-m', `ledger: ${id}`, '--', path);
  }
}

function idOf(line: string): string {
  const record: unknown = JSON.parse(line);
  if (typeof record !== 'object' || record === null || !('id' in record))
    throw new Error(`a ledger line has no id: ${line}`);
  return String(record.id);
}
