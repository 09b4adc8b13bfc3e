import { appendFile, mkdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { authorOf } from '../../src/git/author.js';
import { commitFile } from '../../src/git/commit.js';
import { Ledger } from '../../src/ledger/ledger.js';
import { makeFolder, runGit } from '../support/repos.js';

const entry = (id: string) => ({ what: 'x', id, kind: 'notice', at: 'now' });

async function makeLedger() {
  const town = await makeFolder();
  await runGit(town, ['init', '--quiet', '--initial-branch=main']);
  const name = join('ledger', 'h1.jsonl');
  const file = join(town, name);
  const warnings: string[] = [];
  const author = authorOf('gastown', 'ledger@gastown.local');
  const ledger = new Ledger(file, {
    commit: (message) => commitFile({ repo: town, file: name, message, author }),
    warn: (trouble) => warnings.push(trouble),
  });
  return {
    town,
    file,
    ledger,
    warnings,
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

test('a record is kept though another git holds the lock, and committed with the next one', async () => {
  const { town, ledger, lines, warnings } = await makeLedger();
  const lock = join(town, '.git', 'index.lock');
  await writeFile(lock, '');
  expect(await ledger.append(entry('a'))).toBe(true);
  expect(await lines()).toHaveLength(1);
  expect(warnings).toEqual([expect.stringContaining('another git program holds the lock')]);
  await rm(lock);
  await ledger.append(entry('b'));
  expect(await runGit(town, ['show', 'HEAD:ledger/h1.jsonl'])).toBe((await lines()).join('\n'));
  expect(await runGit(town, ['status', '--porcelain'])).toBe('');
});

test('a lock that a crash left in the town folder is taken away', async () => {
  const { town, ledger, warnings } = await makeLedger();
  const lock = join(town, '.git', 'index.lock');
  await writeFile(lock, '');
  await utimes(lock, new Date(0), new Date(0));
  await ledger.append(entry('a'));
  expect(warnings).toEqual([]);
  expect(await runGit(town, ['log', '--format=%an %s'])).toBe('gastown ledger: a');
});

test('a town folder that is no repository has its ledger all the same', async () => {
  const { town, ledger, lines, warnings } = await makeLedger();
  await rm(join(town, '.git'), { recursive: true });
  expect(await ledger.append(entry('a'))).toBe(true);
  expect(await lines()).toHaveLength(1);
  expect(warnings).toHaveLength(1);
});
