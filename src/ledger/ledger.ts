/**
 * The ledger: what must outlive the histories, as JSON lines in the town folder's git repository. Append-only, one file a
 * writer, every record once: an id that stands in the file is not written again. A line torn by a crash is set aside, never
 * silently dropped. A record counts once it is on disk: a commit that fails comes with the next record.
 */
import { mkdir, open, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

export type Record = {
  readonly id: string;
  readonly kind: string;
  readonly at: string;
  readonly [fact: string]: unknown;
};

export type LedgerHands = {
  /** Commits the file as it is on disk, and nothing else. */
  readonly commit: (message: string) => Promise<void>;
  /** Told when that fails: the ledger itself is whole. */
  readonly warn: (trouble: string) => void;
};

export class Ledger {
  readonly #file: string;
  readonly #hands: LedgerHands;
  #known: Set<string> | null = null;
  #tail: Promise<unknown> = Promise.resolve();

  /** `file` belongs to this writer alone. */
  constructor(file: string, hands: LedgerHands) {
    this.#file = file;
    this.#hands = hands;
  }

  /** On disk when it returns, and committed if that can be. Answers false when the record stood there already. */
  append(record: Record): Promise<boolean> {
    return this.#inTurn(async () => {
      const isNew = await this.#add(record);
      // Also when the record is old: the crash may have come between its line and its commit.
      await this.#commit(`ledger: ${record.id}`);
      return isNew;
    });
  }

  /** Several at once, with one commit. */
  appendAll(records: readonly Record[]): Promise<void> {
    return this.#inTurn(async () => {
      for (const record of records) await this.#add(record);
      await this.#commit(`ledger: ${records[0]?.id ?? 'nothing'} and ${Math.max(0, records.length - 1)} more`);
    });
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const mine = this.#tail.then(act);
    this.#tail = mine.catch(() => undefined);
    return mine;
  }

  async #add(record: Record): Promise<boolean> {
    const known = (this.#known ??= await this.#load());
    if (known.has(record.id)) return false;
    await this.#write(record);
    known.add(record.id);
    return true;
  }

  /** A line that could not be written whole, for want of room, is taken back: the next one must not be glued to it. */
  async #write({ id, kind, at, ...facts }: Record): Promise<void> {
    const handle = await open(this.#file, 'a');
    try {
      const { size } = await handle.stat();
      try {
        await handle.appendFile(`${JSON.stringify({ id, kind, at, ...facts })}\n`);
        await handle.sync();
      } catch (error) {
        await handle.truncate(size);
        throw error;
      }
    } finally {
      await handle.close();
    }
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

  async #commit(message: string): Promise<void> {
    try {
      await this.#hands.commit(message);
    } catch (error) {
      this.#hands.warn(`${this.#file} is not committed, which the next record makes up for: ${String(error)}`);
    }
  }
}

function idOf(line: string): string {
  const record: unknown = JSON.parse(line);
  if (typeof record !== 'object' || record === null || !('id' in record))
    throw new Error(`a ledger line has no id: ${line}`);
  return String(record.id);
}
