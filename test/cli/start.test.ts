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

const Range = z.object({ count: z.number() });
const Code = z.object({ functionName: z.string(), ranges: z.array(Range) });
const Coverage = z.object({ result: z.array(z.object({ url: z.string(), functions: z.array(Code) })) });

/** What a run of `gt` reads and calls, as Node notes it down: each file of code with the names of those of its functions that ran. */
async function codeRun(args: readonly string[], codeExpected = 0): Promise<ReadonlyMap<string, readonly string[]>> {
  const notes = await mkdtemp(join(tmpdir(), 'gt-start-'));
  try {
    const { code, stderr } = await runCli(args, { cwd: notes, env: { NODE_V8_COVERAGE: notes } });
    if (code !== codeExpected) throw new Error(stderr);
    const [note = ''] = await readdir(notes);
    const { result } = Coverage.parse(JSON.parse(await readFile(join(notes, note), 'utf8')));
    const files = result.filter(({ url }) => url.startsWith('file:'));
    return new Map(
      files.map(({ url, functions }) => {
        const ran = functions.filter(({ ranges }) => ranges.some(({ count }) => count > 0));
        return [relative(here('.'), fileURLToPath(url)), ran.map(({ functionName }) => functionName)];
      }),
    );
  } finally {
    await rm(notes, { recursive: true, force: true });
  }
}

async function filesRead(args: readonly string[]): Promise<readonly string[]> {
  return [...(await codeRun(args)).keys()].toSorted();
}

/** Asked of a process that has the settings of `gt`. */
const IS_REJECTED = `
const { readFileSync } = require('node:fs');
const [code, cachedData] = ['', '.code'].map((end) => readFileSync(process.argv[1] + end));
console.log(new (require('node:vm').Script)(code.toString('latin1'), { cachedData }).cachedDataRejected);`;

test.each(['gt-formulas.cjs', 'gt-client.cjs', 'gt-whole.cjs'])(
  'V8 takes the code that was made of %s',
  async (name) => {
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', IS_REJECTED, here(`dist/${name}`)]);
    expect(stdout.trim()).toBe('false');
  },
);

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

test('a worker reads one file of ours, and starts without what only sessions need', async () => {
  const run = await codeRun(['worker', '--town', 'nowhere'], 1);
  const ours = [...run.keys()].filter((file) => !file.startsWith('node_modules/'));
  expect(ours.toSorted()).toEqual(['bin/gt.js', 'dist/gt-whole.cjs']);
  const modules = run.get('dist/gt-whole.cjs') ?? [];
  expect(modules).toContain('src/worker.ts');
  expect(modules.filter((name) => /@anthropic-ai|@modelcontextprotocol|src\/agents\/door/.test(name))).toEqual([]);
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
