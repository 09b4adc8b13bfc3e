/** What the demo shows at its end: the commits on both mains with their authors, and the digests of the ledger. */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

export async function commitsOf(repository: string): Promise<readonly string[]> {
  const form = '--format=%h  %an  %s';
  const { stdout } = await promisify(execFile)('git', ['-C', repository, 'log', '--reverse', form, 'main']);
  return stdout.trim().split('\n');
}

export async function digestsIn(ledger: string): Promise<readonly string[]> {
  const files = (await readdir(ledger)).filter((file) => file.endsWith('.jsonl'));
  const texts = await Promise.all(files.map((file) => readFile(join(ledger, file), 'utf8')));
  const records = texts.flatMap((text) => text.trim().split('\n')).map((line): unknown => JSON.parse(line));
  return records.flatMap(digestLine);
}

function digestLine(record: unknown): readonly string[] {
  if (typeof record !== 'object' || record === null || !('kind' in record)) return [];
  const facts = new Map(Object.entries(record));
  const steps = facts.get('steps');
  const count = Array.isArray(steps) ? steps.length : 0;
  const text = (key: string) => String(facts.get(key));
  if (record.kind === 'mission')
    return [`${text('mission')}  mission  ${text('outcome')}: ${text('landed')} of ${text('total')} items`];
  if (record.kind !== 'molecule') return [];
  return [
    `${text('molecule')}  ${text('formula')}  ${text('agent')}  ${text('outcome')}: ${many('step', count)}, ${many('session', Number(facts.get('sessions')))}`,
  ];
}

function many(word: string, n: number): string {
  return `${n} ${word}${n === 1 ? '' : 's'}`;
}
