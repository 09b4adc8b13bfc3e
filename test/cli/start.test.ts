import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { runCli } from '../support/cli.js';
import { here } from '../support/here.js';

const Coverage = z.object({ result: z.array(z.object({ url: z.string() })) });

/** The files of code that a run of `gt` reads, as Node notes them down. */
async function filesRead(args: readonly string[]): Promise<readonly string[]> {
  const notes = await mkdtemp(join(tmpdir(), 'gt-start-'));
  try {
    const { code, stderr } = await runCli(args, { cwd: notes, env: { NODE_V8_COVERAGE: notes } });
    if (code !== 0) throw new Error(stderr);
    const [note = ''] = await readdir(notes);
    const { result } = Coverage.parse(JSON.parse(await readFile(join(notes, note), 'utf8')));
    const urls = result.map(({ url }) => url).filter((url) => url.startsWith('file:'));
    return urls.map((url) => relative(here('.'), fileURLToPath(url))).toSorted();
  } finally {
    await rm(notes, { recursive: true, force: true });
  }
}

test('gt cook reads few files, with no more of the libraries in them than it needs', async () => {
  const files = await filesRead(['cook', 'towers-of-hanoi']);
  expect(files).toEqual([
    'bin/gt.js',
    'dist/cli/command.js',
    'dist/cli/cook.js',
    'dist/cli/main.js',
    'dist/cli/stopping.js',
    'dist/formula-shelf.js',
    'dist/formula/cook.js',
    'dist/town/nearest.js',
    'dist/town/paths.js',
  ]);
  const compiler = await readFile(here('dist/formula/cook.js'), 'utf8');
  for (const unused of ['fromJSONSchema', 'zod/v4/locales/de.js', 'dist/town/protomolecule.js'])
    expect(compiler).not.toContain(unused);
});

test('gt --version reads no library', async () => {
  const files = await filesRead(['--version']);
  expect(files).not.toContain('dist/formula/cook.js');
  expect(files.filter((file) => file.startsWith('node_modules'))).toEqual([]);
});
