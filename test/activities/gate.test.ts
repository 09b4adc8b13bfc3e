/** Gates on GitHub: what is asked of `gh`, what its answers mean, and what is said where there is no `gh`. */
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { checkGate } from '../../src/activities/gate.js';
import type { GateRequest } from '../../src/contract/activities.js';
import { DEFAULT_NAMES } from '../../src/town/rig.js';
import type { RigSnapshot } from '../../src/town/rig.js';

const rig = (url: string): RigSnapshot => ({
  name: 'server',
  url,
  branch: 'main',
  gates: [],
  names: [...DEFAULT_NAMES],
  capacity: 1,
  prefix: 'se',
  runtime: { kind: 'auto', model: 'm' },
});

/** Answers from the files beside it, and writes down how it was called. */
const GH = `#!/bin/sh
here=$(dirname "$0")
printf '%s\\n' "$*" "token=$GH_TOKEN" "in=$PWD" > "$here/called"
cat "$here/stdout"
cat "$here/stderr" >&2
exit "$(cat "$here/code")"
`;

type Answer = { readonly stdout?: string; readonly stderr?: string; readonly code?: number };

/** Puts a folder first on the PATH of this process for the running test; with \`only\` it is the whole of it. */
async function onPath({ only = false } = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gt-gh-'));
  const before = process.env['PATH'] ?? '';
  process.env['PATH'] = only ? folder : `${folder}${delimiter}${before}`;
  onTestFinished(async () => {
    process.env['PATH'] = before;
    await rm(folder, { recursive: true, force: true });
  });
  return folder;
}

async function ghAnswers({ stdout = '', stderr = '', code = 0 }: Answer): Promise<() => Promise<string>> {
  const folder = await onPath();
  await writeFile(join(folder, 'gh'), GH);
  await chmod(join(folder, 'gh'), 0o755);
  await writeFile(join(folder, 'stdout'), stdout);
  await writeFile(join(folder, 'stderr'), stderr);
  await writeFile(join(folder, 'code'), String(code));
  return async () => readFile(join(folder, 'called'), 'utf8');
}

let client: Client;
beforeAll(() => {
  // Never connected to: gates on GitHub do not ask the server.
  client = new Client({ connection: Connection.lazy() });
});

const look = (request: Partial<GateRequest>, attempt = 1) =>
  checkGate(
    client,
    { type: 'gh:run', await: '12', rig: rig('https://github.com/o/r.git'), patience: 1, ...request },
    { attempt, signal: new AbortController().signal },
  );
const run = (status: string, conclusion: string | null) =>
  JSON.stringify({ status, conclusion, url: 'https://github.com/o/r/actions/runs/12', workflowName: 'CI' });
const pr = (state: string) => JSON.stringify({ state, title: 'Add login', url: 'https://github.com/o/r/pull/7' });

describe('with a small program named gh, first on the PATH, that answers from files', () => {
  test.each([
    ['success', 'open'],
    ['neutral', 'open'],
    ['skipped', 'open'],
    ['failure', 'failed'],
    ['cancelled', 'failed'],
    ['timed_out', 'failed'],
  ])('a run that ended with %s makes the gate %s', async (conclusion, kind) => {
    await ghAnswers({ stdout: run('completed', conclusion) });
    const detail = `the run CI https://github.com/o/r/actions/runs/12 ended: ${conclusion}`;
    expect(await look({})).toEqual({ kind, detail });
  });

  test.each([
    ['MERGED', { kind: 'open', detail: 'the pull request Add login https://github.com/o/r/pull/7 is merged' }],
    [
      'CLOSED',
      { kind: 'failed', detail: 'the pull request Add login https://github.com/o/r/pull/7 was closed without a merge' },
    ],
  ])('a pull request that is %s decides the gate', async (state, finding) => {
    await ghAnswers({ stdout: pr(state) });
    expect(await look({ type: 'gh:pr', await: '7' })).toEqual(finding);
  });

  test.each([
    ['a run', { stdout: run('in_progress', '') }, 'gh:run', 'is in_progress'],
    ['a workflow without a run', { stdout: '[]' }, 'gh:run', 'there is no run yet'],
    ['a pull request', { stdout: pr('OPEN') }, 'gh:pr', 'is open'],
    [
      'a GitHub that cannot be reached',
      { stderr: 'error connecting to api.github.com', code: 1 },
      'gh:run',
      'error connecting',
    ],
    ['a GitHub that is out of order', { stderr: 'HTTP 502: bad gateway', code: 1 }, 'gh:run', 'HTTP 502'],
  ] as const)(
    '%s that is not decided yet is looked at again, later each time, up to five minutes',
    async (_, answer, type, word) => {
      await ghAnswers(answer);
      const delays: unknown[] = [];
      for (const attempt of [1, 2, 3, 4, 5, 500]) {
        const failure: unknown = await look({ type }, attempt).catch((error: unknown) => error);
        expect(failure).toBeInstanceOf(ApplicationFailure);
        expect(failure).toMatchObject({
          type: 'GateClosed',
          nonRetryable: false,
          message: expect.stringContaining(word) as string,
        });
        delays.push((failure as ApplicationFailure).nextRetryDelay);
      }
      expect(delays).toEqual([30_000, 60_000, 120_000, 240_000, 300_000, 300_000]);
      await expect(look({ type, patience: 0.1 })).rejects.toMatchObject({ nextRetryDelay: 3_000 });
    },
  );

  test.each([
    [{ stderr: 'To get started with GitHub CLI, please run:  gh auth login', code: 4 }, 'gh is not logged in'],
    [{ stderr: 'HTTP 401: Bad credentials', code: 1 }, 'gh is not logged in'],
    [
      { stderr: 'could not find any workflows named ghost.yml', code: 1 },
      'could not find any workflows named ghost.yml',
    ],
    [{ stdout: 'not json' }, 'answered something else than JSON'],
    [{ stdout: '{"state": 1}' }, 'gh answered no run'],
  ])('%j is told as unavailable, with the reason', async (answer, words) => {
    await ghAnswers(answer);
    expect(await look({})).toEqual({ kind: 'unavailable', detail: expect.stringContaining(words) as string });
  });

  test.each([
    [
      'gh:run',
      '12',
      'https://github.com/o/r.git',
      'run view 12 --json status,conclusion,url,workflowName --repo github.com/o/r',
    ],
    [
      'gh:run',
      'ci.yml',
      'git@github.com:o/r.git',
      'run list --limit 1 --workflow=ci.yml --json status,conclusion,url,workflowName --repo github.com/o/r',
    ],
    [
      'gh:run',
      'ci.yml',
      'git@github.com:o/r.git',
      'run list --limit 1 --workflow=ci.yml --created=>=2026-01-02T03:03:05Z --json status,conclusion,url,workflowName --repo github.com/o/r',
      Date.parse('2026-01-02T03:04:05Z'),
    ],
    [
      'gh:run',
      'https://github.com/a/b/actions/runs/5/job/6',
      '/tmp',
      'run view 5 --json status,conclusion,url,workflowName --repo github.com/a/b',
    ],
    ['gh:pr', '#7', 'ssh://git@ghe.example.com/o/r', 'pr view 7 --json state,url,title --repo ghe.example.com/o/r'],
    ['gh:pr', 'https://github.com/a/b/pull/3', '/tmp', 'pr view https://github.com/a/b/pull/3 --json state,url,title'],
    [
      'gh:pr',
      'feature/login',
      'https://x:y@github.com/o/r',
      'pr view feature/login --json state,url,title --repo github.com/o/r',
    ],
  ] as const)('%s %s of %s asks `gh %s`', async (type, awaited, url, command, sinceMs?: number) => {
    const called = await ghAnswers({ stdout: type === 'gh:run' ? run('completed', 'success') : pr('MERGED') });
    await look({ type, await: awaited, rig: rig(url), ...(sinceMs === undefined ? {} : { sinceMs }) });
    expect((await called()).split('\n')[0]).toBe(command);
  });

  test('a rig that is a folder is asked about in that folder, whose remotes gh knows; the login comes along', async () => {
    const called = await ghAnswers({ stdout: run('completed', 'success') });
    const folder = await mkdtemp(join(tmpdir(), 'gt-rig-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    process.env['GH_TOKEN'] = 'secret';
    onTestFinished(() => void delete process.env['GH_TOKEN']);
    await look({ rig: rig(folder) });
    expect(await called()).toMatch(new RegExp(`^run view 12 .*workflowName\ntoken=secret\nin=${folder}\n$`));
  });

  test.each([
    ['gh:pr', '--web', 'https://github.com/o/r', 'names no pull request'],
    ['gh:pr', '', 'https://github.com/o/r', 'names no pull request'],
    ['gh:run', '12', 'file:///tmp/x', 'no repository that gh knows'],
  ] as const)('%s "%s" of %s is not asked at all', async (type, awaited, url, words) => {
    const finding = await look({ type, await: awaited, rig: rig(url) });
    expect(finding).toEqual({ kind: 'unavailable', detail: expect.stringContaining(words) as string });
  });

  test('without a rig only a URL says where to look', async () => {
    await ghAnswers({ stdout: pr('MERGED') });
    expect(await look({ type: 'gh:pr', await: '7', rig: null })).toMatchObject({ kind: 'unavailable' });
    expect(await look({ type: 'gh:pr', await: 'https://github.com/o/r/pull/7', rig: null })).toMatchObject({
      kind: 'open',
    });
  });
});

test('with no gh on the PATH at all, the gate is unavailable and says what to install', async () => {
  await onPath({ only: true });
  expect(await look({})).toEqual({
    kind: 'unavailable',
    detail: expect.stringMatching(
      /^the program gh cannot be started on the host of this worker .*ENOENT.*cli\.github\.com/,
    ) as string,
  });
});

test('a gh that hangs is ended when the gate is given up', async () => {
  const folder = await onPath();
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'gh'), '#!/bin/sh\nsleep 300\n');
  await chmod(join(folder, 'gh'), 0o755);
  const request: GateRequest = { type: 'gh:pr', await: '7', rig: rig('https://github.com/o/r'), patience: 1 };
  const signal = AbortSignal.timeout(200);
  const began = Date.now();
  await expect(checkGate(client, request, { attempt: 1, signal })).rejects.toThrow('aborted');
  expect(Date.now() - began).toBeLessThan(10_000);
});
