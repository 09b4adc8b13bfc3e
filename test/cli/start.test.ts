import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
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

/** Asked of a process that has the settings of `gt`. */
const IS_REJECTED = `
const { readFileSync } = require('node:fs');
const [code, cachedData] = ['', '.code'].map((end) => readFileSync(process.argv[1] + end));
console.log(new (require('node:vm').Script)(code.toString('latin1'), { cachedData }).cachedDataRejected);`;

async function evaluated(script: string): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', script, here('dist/quick.cjs')]);
  return stdout.trim();
}

test('gt cook reads one file, with no more of the libraries in it than it needs, and the code that was made of it', async () => {
  expect(await filesRead(['cook', 'towers-of-hanoi'])).toEqual(['bin/gt.js', 'dist/quick.cjs']);
  const quick = await readFile(here('dist/quick.cjs'), 'utf8');
  for (const unused of ['fromJSONSchema', 'zod/v4/locales/de.js', 'src/town/protomolecule.ts'])
    expect(quick).not.toContain(unused);
  expect(await evaluated(IS_REJECTED)).toBe('false');
});

test('the code of another version of Node is left aside', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'gt-start-'));
  try {
    for (const part of ['bin', 'dist', 'formulas']) await cp(here(part), join(dir, part), { recursive: true });
    await writeFile(join(dir, 'dist/quick.cjs.code'), 'of another version');
    const { stdout } = await promisify(execFile)(process.execPath, [join(dir, 'bin/gt.js'), 'cook', 'towers-of-hanoi']);
    expect(stdout).toContain('towers-of-hanoi');
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});

test('gt --version reads no library', async () => {
  const files = await filesRead(['--version']);
  expect(files).not.toContain('dist/quick.cjs');
  expect(files.filter((file) => file.startsWith('node_modules'))).toEqual([]);
});
