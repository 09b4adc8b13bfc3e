import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Ledger } from '../../src/ledger/ledger.js';
import { makeFolder, runGit } from '../support/repos.js';

const entry = (id: string) => ({ what: 'x', id, kind: 'notice', at: 'now' });

async function makeLedger() {
  const town = await makeFolder();
  await runGit(town, ['init', '--quiet', '--initial-branch=main']);
  const file = join(town, 'ledger', 'h1.jsonl');
  return {
    town,
    file,
    ledger: new Ledger(town, file),
    lines: async () => (await readFile(file, 'utf8')).trimEnd().split('\n'),
  };
}

test('a record is written once, committed, and begins with what it is', async () => {
  const { town, ledger, lines } = await makeLedger();
  expect(await Promise.all([ledger.append(entry('a')), ledger.append(entry('a')), ledger.append(entry('b'))])).toEqual([
    true,
    false,
    true,
  ]);
  expect(await lines()).toEqual([
    '{"id":"a","kind":"notice","at":"now","what":"x"}',
    '{"id":"b","kind":"notice","at":"now","what":"x"}',
  ]);
  expect(await runGit(town, ['log', '--format=%s'])).toBe('ledger: b\nledger: a');
  expect(await runGit(town, ['status', '--porcelain'])).toBe('');
});

test('another life of the writer knows what stands there, and commits what a crash left', async () => {
  const { town, file, ledger, lines } = await makeLedger();
  await mkdir(join(town, 'ledger'), { recursive: true });
  await appendFile(file, `${JSON.stringify(entry('a'))}\n`);
  expect(await ledger.append(entry('a'))).toBe(false);
  expect(await lines()).toHaveLength(1);
  expect(await runGit(town, ['status', '--porcelain'])).toBe('');
});

test('a line torn by a crash is set aside, and written whole when it comes again', async () => {
  const { town, file, ledger, lines } = await makeLedger();
  await mkdir(join(town, 'ledger'), { recursive: true });
  await appendFile(file, `${JSON.stringify(entry('a'))}\n{"id":"b","ki`);
  expect(await ledger.append(entry('b'))).toBe(true);
  expect((await lines()).map((line) => (JSON.parse(line) as { id: string }).id)).toEqual(['a', 'b']);
  expect(await readFile(`${file}.torn`, 'utf8')).toBe('{"id":"b","ki\n');
});

test('a commit of somebody else is not swept in', async () => {
  const { town, ledger } = await makeLedger();
  await appendFile(join(town, 'mine.txt'), 'not yet\n');
  await runGit(town, ['add', 'mine.txt']);
  await ledger.append(entry('a'));
  expect(await runGit(town, ['show', '--name-only', '--format=', 'HEAD'])).toBe('ledger/h1.jsonl');
  expect(await runGit(town, ['status', '--porcelain'])).toBe('A  mine.txt');
});
