/** `gt demo` as a stranger runs it: no key needed, none spent, nothing left. */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startModelServer } from '../../src/dev/model-server.js';
import { gt } from '../support/gt.js';
import { here } from '../support/here.js';
import { count } from '../support/live-town.js';
import { processesIn } from '../support/processes.js';
import { runGit } from '../support/repos.js';
import { IS_LONG, sample, SEED } from '../support/sample.js';

let folder: string;
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'gt-demo-')));
});
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

/** More with `npm run test:long`. */
const KILLS = IS_LONG ? 8 : 3;

/** A key in the environment must not make it spend: this one would fail wherever it was used. */
const KEY = { ANTHROPIC_API_KEY: 'not-a-key', ANTHROPIC_BASE_URL: 'http://127.0.0.1:9' };

const SUBJECTS = {
  server: ['Greet by name', 'Test src/greeting.js', 'Tell the part of the day'],
  web: [
    'Show the greeting',
    'Test src/banner.js',
    'Sign the page',
    'Mend src/footer.js after: gate',
    'Put the page together',
    'Test src/home.js',
  ],
} as const;

async function expectLanded(dir: string, output: string): Promise<void> {
  expect(output).toMatch(/Landed after/);
  expect(output).toMatch(/Temporal UI: http:\/\/127\.0\.0\.1:\d+/);
  expect(output).toMatch(/footer.*1 rework/);
  expect(output).toMatch(/clock.*2 sessions/);
  expect(output).toMatch(/demo-relay .*, 2 sessions/);
  expect(output).toMatch(/demo {2}mission {2}landed: 5 of 5 items/);
  expect(output).not.toMatch(/\b1 (sessions|steps)/);
  expect(output).toContain(`${here('bin/gt.js')} up ${dir}`);
  for (const [rig, subjects] of Object.entries(SUBJECTS)) {
    const repository = join(dir, 'repositories', rig);
    const log = (await runGit(repository, ['log', '--format=%h %an %s', 'main'])).split('\n');
    expect(log).toHaveLength(subjects.length + 1);
    for (const subject of subjects) {
      expect(count(log, subject), subject).toBe(1);
      expect(output).toContain(subject);
    }
    expect(log.filter((line) => line.includes(`${rig}/polecats/`))).toHaveLength(subjects.length);
    expect(await runGit(repository, ['status', '--porcelain'])).toBe('');
    expect(await runGit(repository, ['branch', '--format=%(refname:short)'])).toBe('main');
  }
  expect(await processesIn(dir)).toEqual([]);
}

const isTried = sample('other ways to run the demo', 2, 1);

// They wait more than they work: side by side they take no longer than one.
test.concurrent('the demo lands its five items on both mains, by script, whatever key is there', async () => {
  const dir = join(folder, 'plain');
  const { code, stdout, stderr } = await gt(['demo', '--dir', dir], KEY);
  expect(code, stderr).toBe(0);
  await expectLanded(dir, stdout);
});

test
  .runIf(isTried(0))
  .concurrent('the same through the anthropic runtime over HTTP, with the scripted model server', async () => {
    const dir = join(folder, 'scripted');
    const { code, stdout, stderr } = await gt(['demo', '--model', 'scripted', '--dir', dir], {
      ANTHROPIC_API_KEY: undefined,
    });
    expect(code, stderr).toBe(0);
    await expectLanded(dir, stdout);
  });

test.runIf(isTried(1))(
  `the same commits with the worker killed on the way (${KILLS} times, seed ${SEED})`,
  async () => {
    const dir = join(folder, 'chaos');
    const { code, stdout, stderr } = await gt(
      ['demo', '--chaos', '--kills', String(KILLS), '--seed', String(SEED), '--dir', dir],
      KEY,
    );
    expect(code, stderr).toBe(0);
    // Not all before the work began: some of it was done when the last kills came.
    expect(stdout).toMatch(/\[[1-4]\/5\][^]*kill -9 of the worker/);
    // How many of them find a worker before the last item lands is up to the machine.
    expect(stdout.match(/kill -9 of the worker/g)?.length).toBeGreaterThanOrEqual(Math.ceil(KILLS / 2));
    await expectLanded(dir, stdout);
  },
);

test('the real service without a key is refused in words', async () => {
  const { code, stderr } = await gt(['demo', '--model', 'claude'], { ANTHROPIC_API_KEY: undefined });
  expect(code).toBe(1);
  expect(stderr).toContain('ANTHROPIC_API_KEY');
});

test('a key that the service refuses ends the demo with the reason, and what to do', async () => {
  const server = await startModelServer({ script: { rules: [] }, apiKey: 'another' });
  const dir = join(folder, 'refused');
  const env = { ANTHROPIC_API_KEY: 'wrong', ANTHROPIC_BASE_URL: server.url };
  const { code, stderr } = await gt(['demo', '--model', 'claude', '--dir', dir], env);
  await server.stop();
  expect(code).toBe(1);
  expect(stderr).toMatch(/^gt: the step implement of \S+ waits for an answer: .*401/);
  expect(stderr).toMatch(
    /temporal workflow update execute --address \S+ -w \S+ --name retry --input '\{"step": "implement"\}'/,
  );
  expect(await processesIn(dir)).toEqual([]);
});
