/** What stands in a live town's ledger. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LiveTown } from './live-town.js';

/** All records of a kind, in the order of each file; `T` is what this version writes. */
export async function recordsOf<T>({ dir }: Pick<LiveTown, 'dir'>, kind: string): Promise<readonly T[]> {
  const folder = join(dir, 'ledger');
  const files = (await readdir(folder).catch(() => [])).filter((file) => file.endsWith('.jsonl'));
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  const lines = texts.flatMap((text) => text.split('\n').filter((line) => line.endsWith('}')));
  return lines.filter((line) => line.includes(`"kind":"${kind}"`)).map((line) => JSON.parse(line) as T);
}
