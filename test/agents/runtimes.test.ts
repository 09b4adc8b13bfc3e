/** What every runtime must do, tried on both: the script plays acts, the model is told by the server to do the same. */
import { chmod, mkdir, readdir, readFile, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { anthropicRuntime } from '../../src/agents/anthropic.js';
import type { Runtime } from '../../src/agents/runtime.js';
import { scriptRuntime } from '../../src/agents/script.js';
import { rulesOfProtomolecule } from '../../src/dev/act-turns.js';
import { startModelServer } from '../../src/dev/model-server.js';
import type { Act } from '../../src/town/protomolecule.js';
import type { SessionSpec } from '../../src/town/session.js';
import { contextOf, makeBench, specOf } from '../support/sessions.js';
import type { Bench } from '../support/sessions.js';

type Setup = (acts: readonly Act[]) => Promise<Runtime>;

const RUNTIMES: Readonly<Record<string, Setup>> = {
  script: async () => scriptRuntime(),
  anthropic: async (acts) => {
    const step = {
      id: 'work',
      title: 'Do the work',
      description: '',
      kind: 'agent' as const,
      needs: [],
      acceptance: {},
      run: null,
    };
    const server = await startModelServer({
      script: { rules: [...rulesOfProtomolecule({ steps: [{ ...step, script: [...acts] }] })] },
    });
    onTestFinished(() => server.stop());
    return anthropicRuntime({ apiKey: 'test', baseUrl: server.url });
  },
};

async function play(setup: Setup, bench: Bench, acts: readonly Act[], more: Partial<SessionSpec> = {}) {
  const runtime = await setup(acts);
  const spec = specOf(bench, acts, more);
  const context = await contextOf(bench, spec);
  const result = await runtime.run(spec, context);
  return result;
}

describe.each(Object.entries(RUNTIMES))('%s', (_, setup) => {
  test('a step that is closed leaves its files and its summary', async () => {
    const bench = await makeBench();
    const acts = [{ write: 'src/a.txt', text: 'one\n' }, { note: 'remember' }, { close: 'wrote a' }];
    const result = await play(setup, bench, acts);
    expect(result).toMatchObject({ outcome: 'closed', verdict: 'done', summary: 'wrote a', notes: ['remember'] });
    expect(await readFile(join(bench.worktree, 'src/a.txt'), 'utf8')).toBe('one\n');
  });

  test('a handoff ends the session, and the next one goes on behind it', async () => {
    const bench = await makeBench();
    const acts = [
      { write: 'a.txt', text: '1' },
      { handoff: 'half' },
      { write: 'b.txt', text: '2' },
      { close: 'whole' },
    ];
    expect(await play(setup, bench, acts)).toMatchObject({ outcome: 'handoff', note: 'half', reason: 'requested' });
    await expect(readFile(join(bench.worktree, 'b.txt'))).rejects.toThrow('ENOENT');
    const next = { ...bench, journal: `${bench.journal}.2` };
    const second = await play(setup, next, acts, {
      sessionId: `${bench.folder}/2`,
      session: 2,
      handoffs: 1,
      note: 'half',
    });
    expect(second).toMatchObject({ outcome: 'closed', summary: 'whole' });
    expect(await readFile(join(bench.worktree, 'b.txt'), 'utf8')).toBe('2');
  });

  test('a question blocks, a failure closes as failed', async () => {
    expect(await play(setup, await makeBench(), [{ block: 'which one?' }])).toMatchObject({
      outcome: 'blocked',
      detail: 'which one?',
    });
    expect(await play(setup, await makeBench(), [{ fail: 'no way' }])).toMatchObject({
      outcome: 'closed',
      verdict: 'failed',
      summary: 'no way',
    });
  });

  test('a session that ends without an end has stalled', async () => {
    const result = await play(setup, await makeBench(), [{ write: 'a.txt', text: '1' }]);
    expect(result.outcome).toBe('stalled');
  });

  test('nothing outside the worktree can be written, nor what belongs to git', async () => {
    for (const path of [
      '../escaped.txt',
      join(tmpdir(), `gt-escaped-${process.pid}`),
      '.git/hooks/pre-commit',
      'link/x',
    ]) {
      const bench = await makeBench();
      await mkdir(join(bench.folder, 'outside'));
      await symlink(join(bench.folder, 'outside'), join(bench.worktree, 'link'));
      await play(setup, bench, [{ write: path, text: 'x' }, { close: 'done' }]);
      await expect(readFile(resolve(bench.worktree, path)), path).rejects.toThrow(/ENOENT|ENOTDIR/);
    }
  });

  test('a session that has ended already answers the same again, and does nothing', async () => {
    const bench = await makeBench();
    const acts = [{ append: 'README.md', text: 'more\n' }, { write: 'a.txt', text: '1' }, { close: 'done' }];
    const first = await play(setup, bench, acts);
    const text = await readFile(join(bench.worktree, 'README.md'), 'utf8');
    expect(await play(setup, bench, acts)).toEqual(first);
    expect(await readFile(join(bench.worktree, 'README.md'), 'utf8')).toBe(text);
  });
});

test('a file that is written anew keeps its mode, and nothing else is left beside it', async () => {
  const bench = await makeBench({ 'run.sh': 'one\n' });
  await chmod(join(bench.worktree, 'run.sh'), 0o755);
  const acts = [{ write: 'run.sh', text: 'two\n' }, { append: 'run.sh', text: 'three\n' }, { close: 'done' }];
  await play(async () => scriptRuntime(), bench, acts);
  expect((await stat(join(bench.worktree, 'run.sh'))).mode & 0o777).toBe(0o755);
  expect((await readdir(bench.worktree)).toSorted()).toEqual(['.git', 'run.sh']);
});
