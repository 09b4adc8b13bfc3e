/** The ledger of a town as it lies here. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type * as z from 'zod';

/**
 * Records of one kind, of all hosts whose ledgers are here, each in its order. `sign`: what stands in each of them, so that not all need to be
 * parsed. A torn line is the ledger's to mend, and whatever does not fit is another record.
 */
export async function recordsIn<T>(folder: string, sign: string, schema: z.ZodType<T>): Promise<readonly T[]> {
  const names = await readdir(folder).catch(() => []);
  const texts = names.filter((name) => name.endsWith('.jsonl')).map((name) => readFile(join(folder, name), 'utf8'));
  const lines = (await Promise.all(texts)).flatMap((text) => text.split('\n'));
  return lines.filter((line) => line.includes(sign) && line.endsWith('}')).flatMap((line) => recordOf(line, schema));
}

function recordOf<T>(line: string, schema: z.ZodType<T>): readonly T[] {
  try {
    return [schema.parse(JSON.parse(line))];
  } catch {
    return [];
  }
}
