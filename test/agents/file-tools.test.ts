/** What the tools for files do not show or take they say: a model believes that what it is not told is not there. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FILE_TOOLS } from '../../src/agents/file-tools.js';
import { scriptRuntime } from '../../src/agents/script.js';
import { contextOf, makeBench, specOf } from '../support/sessions.js';
import type { Bench } from '../support/sessions.js';

async function call(bench: Bench, name: string, input: Readonly<Record<string, string>>): Promise<string> {
  const spec = specOf(bench, null);
  const { text = '' } =
    (await FILE_TOOLS.find((one) => one.name === name)?.run(input, spec, await contextOf(bench, spec))) ?? {};
  return text;
}

const many = (count: number, text: string) =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`many/${String(at).padStart(4, '0')}.txt`, text]));

test('that there are more files than are listed and searched', async () => {
  const bench = await makeBench({ ...many(1_000, 'hay\n') });
  expect(await call(bench, 'list_files', { path: '.' })).toMatch(/^<untrusted/);
  expect(await call(bench, 'search_files', { text: 'needle' })).toBe('nothing found');
  await writeFile(join(bench.worktree, 'many/9999.txt'), 'needle\n');
  expect(await call(bench, 'list_files', { path: '.' })).toMatch(
    /^The first 1000 files; there are more\. Name a folder/,
  );
  expect(await call(bench, 'search_files', { text: 'needle' })).toBe(
    'nothing found. Not all was searched: only the first 1000 files were searched: name a folder.',
  );
});

test('that there are more lines than are shown, and files that are too large', async () => {
  const bench = await makeBench({ 'a.txt': 'hay\n'.repeat(201), 'b.txt': 'x'.repeat(300_000) });
  const found = await call(bench, 'search_files', { text: 'hay' });
  expect(found).toMatch(/^Not all was searched: these are the first 200 lines of more\.\n<untrusted/);
  expect(found).toContain('a.txt:200: hay\n</untrusted>');
  expect(await call(bench, 'search_files', { text: 'xx' })).toBe(
    'nothing found. Not all was searched: 1 of the files is too large.',
  );
});

test('a file that is not in UTF-8 is shown as far as it can be, and edited by nobody who would spoil it', async () => {
  const bench = await makeBench();
  const file = join(bench.worktree, 'old.txt');
  const bytes = Buffer.from('caf\u00E9\none\n', 'latin1');
  await writeFile(file, bytes);
  expect(await call(bench, 'read_file', { path: 'old.txt' })).toMatch(
    /^It is not in UTF-8: .*\n<untrusted from="file old\.txt">\ncaf\uFFFD\none\n/,
  );
  expect(await call(bench, 'edit_file', { path: 'old.txt', find: 'one', replace: 'two' })).toContain('is not in UTF-8');
  for (const act of [
    { append: 'old.txt', text: 'two\n' },
    { replace: 'old.txt', find: 'one', with: 'two' },
  ]) {
    const one = await makeBench();
    await writeFile(join(one.worktree, 'old.txt'), bytes);
    const spec = specOf(one, [act, { close: 'done' }]);
    expect(await scriptRuntime().run(spec, await contextOf(one, spec))).toMatchObject({
      verdict: 'failed',
      summary: expect.stringContaining('old.txt is not in UTF-8') as string,
    });
    expect(await readFile(join(one.worktree, 'old.txt'))).toEqual(bytes);
  }
  expect(await readFile(file)).toEqual(bytes);
});
