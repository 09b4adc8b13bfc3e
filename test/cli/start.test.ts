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

test.each(['gt-formulas.cjs', 'gt-client.cjs'])('V8 takes the code that was made of %s', async (name) => {
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', IS_REJECTED, here(`dist/${name}`)]);
  expect(stdout.trim()).toBe('false');
});

test('gt cook reads one file, with no more of the libraries in it than it needs', async () => {
  const file = ['bin/gt.js', 'dist/gt-formulas.cjs'];
  expect(await filesRead(['cook', 'shiny', '--var', 'feature=login'])).toEqual(file);
  // A variable of this one has a pattern.
  expect(await filesRead(['cook', 'towers-of-hanoi'])).toEqual([...file, 'node_modules/re2js/build/index.cjs']);
  const code = await readFile(here('dist/gt-formulas.cjs'), 'utf8');
  expect(code).toContain('StepTable');
  // A way of zod that is not used, its German, and the schemas that only workers read with.
  for (const unused of ['fromJSONSchema', 'Eingabe', 'StepKind']) expect(code).not.toContain(unused);
});

test('gt --version reads no library, and nothing of what talks to a server', async () => {
  expect(await filesRead(['--version'])).toEqual(['bin/gt.js', 'dist/gt-formulas.cjs']);
});

test('what talks to a server reads one file, too, with no more of the protocol in it than it speaks', async () => {
  expect(await filesRead(['ready', '--help'])).toEqual(['bin/gt.js', 'dist/gt-client.cjs']);
  const code = await readFile(here('dist/gt-client.cjs'), 'utf8');
  // Methods that the SDK calls and that we do, what a request has in it, what failures bring along, and a message of an event of a history.
  const spoken = [
    'UpdateWorkflowExecution',
    'DeleteWorkflowExecution',
    'WaitPolicy',
    'MultiOperationExecutionFailure',
    'ActivityTaskScheduledEventAttributes',
  ];
  for (const type of spoken) expect(code).toContain(`"${type}":{`);
  for (const unspoken of [
    'PollWorkflowTaskQueue',
    'CreateSchedule',
    'FileDescriptorProto',
    'CloudService',
    'RegisterNamespace',
  ])
    expect(code).not.toContain(`"${unspoken}":{`);
});

test('the code of another version of Node is left aside', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'gt-start-'));
  try {
    for (const part of ['bin', 'dist', 'formulas']) await cp(here(part), join(dir, part), { recursive: true });
    await writeFile(join(dir, 'dist/gt-formulas.cjs.code'), 'of another version');
    const cook = [join(dir, 'bin/gt.js'), 'cook', 'shiny', '--var', 'feature=login'];
    const { stdout } = await promisify(execFile)(process.execPath, cook);
    expect(stdout).toContain('Design login');
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
