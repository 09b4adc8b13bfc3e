/** The ledger of a town as it lies here, line by line. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Of all hosts whose ledgers are here, each in its order. A torn line is among them: it is the ledger's to mend. */
export async function ledgerLines(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => []);
  const texts = names.filter((name) => name.endsWith('.jsonl')).map((name) => readFile(join(folder, name), 'utf8'));
  return (await Promise.all(texts)).flatMap((text) => text.split('\n'));
}
