/** What every runtime must do, tried on both: the script plays acts, the model is told by the server to do the same. */
import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { anthropicRuntime } from '../../src/agents/anthropic.js';
import { sessionPrompt } from '../../src/agents/prompt.js';
import type { Runtime } from '../../src/agents/runtime.js';
import { scriptRuntime } from '../../src/agents/script.js';
import { toolsFor } from '../../src/agents/tools.js';
import { rulesOfProtomolecule } from '../../src/dev/act-turns.js';
import type { Turn } from '../../src/dev/model-script.js';
import { startModelServer } from '../../src/dev/model-server.js';
import type { Act } from '../../src/town/act.js';
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
      'sub/.git/config',
      'sub/.GIT',
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

const FINDINGS = {
  type: 'object',
  properties: { findings: { type: 'array', items: { type: 'string' } } },
  required: ['findings'],
  additionalProperties: false,
};
const withOutput = (spec: SessionSpec): Partial<SessionSpec> => ({ step: { ...spec.step, output: FINDINGS } });

describe.each(Object.entries(RUNTIMES))('%s', (_, setup) => {
  test('a close brings its output, and a failure says whether it may pass', async () => {
    const bench = await makeBench();
    const acts = [{ close: 'looked', output: { findings: ['one'] } }];
    const closed = await play(setup, bench, acts, withOutput(specOf(bench, acts)));
    expect(closed).toMatchObject({ outcome: 'closed', verdict: 'done', output: { findings: ['one'] } });
    expect(await play(setup, await makeBench(), [{ close: 'looked' }])).not.toHaveProperty('output');
    const failed = await play(setup, await makeBench(), [{ fail: 'the network is down', transient: true }]);
    expect(failed).toMatchObject({ outcome: 'closed', verdict: 'failed', transient: true });
    expect(await play(setup, await makeBench(), [{ fail: 'never' }])).not.toHaveProperty('transient');
  });

  test('an act that cannot be done ends the session instead of being tried for ever', async () => {
    const bench = await makeBench({ 'folder/a.txt': 'x\n' });
    const result = await play(setup, bench, [{ write: 'folder', text: 'x' }]);
    const told = await readFile(bench.journal, 'utf8');
    expect(told).toMatch(/(?:the act write \\"folder\\" cannot be done|write_file failed): E[A-Z]+/);
    // The model may find another way, the script has none.
    expect(['closed', 'stalled']).toContain(result.outcome);
    expect(result).not.toMatchObject({ verdict: 'done' });
  });
});

const script: Setup = async () => scriptRuntime();

const runStep = async (command: string, output?: SessionSpec['step']['output']) => {
  const bench = await makeBench();
  const spec = specOf(bench, null);
  const step = { ...spec.step, run: command, ...(output === undefined ? {} : { output }) };
  return play(script, bench, [], { step });
};

describe('a script', () => {
  test('that closes with a wrong output has failed, and says what is wrong', async () => {
    const bench = await makeBench();
    const acts = [{ close: 'looked', output: { findings: 'one' } }];
    const result = await play(script, bench, acts, withOutput(specOf(bench, acts)));
    const summary = 'the close of "work" is refused: output.findings must be an array';
    expect(result).toMatchObject({ outcome: 'closed', verdict: 'failed', summary });
  });

  test('a command that does not end has the time of its session, and may be tried again', async () => {
    const bench = await makeBench();
    const spec = specOf(bench, null);
    const limits = { ...spec.limits, minutesMax: 0.02 };
    const result = await play(script, bench, [], { limits, step: { ...spec.step, run: 'sleep 1000' } });
    const summary = expect.stringContaining('`sleep 1000` ran out of time') as string;
    expect(result).toMatchObject({ outcome: 'closed', verdict: 'failed', transient: true, summary });
  });

  test('a command leaves what it writes to $GT_OUTPUT, which is no file of the worktree', async () => {
    const command = `echo '{"findings": ["a"]}' > "$GT_OUTPUT" && test -z "$(git status --porcelain)"`;
    const result = await runStep(command, FINDINGS);
    expect(result).toMatchObject({ outcome: 'closed', verdict: 'done', output: { findings: ['a'] } });
  });

  test.each([
    ['true', 'the step must leave an output'],
    [`echo '{"findings": 1}' > "$GT_OUTPUT"`, 'output.findings must be an array'],
    ['echo none > "$GT_OUTPUT"', 'an output is JSON'],
    ['head -c 300000 /dev/zero > "$GT_OUTPUT"', 'at most 50000 characters'],
  ])('a command that succeeds and leaves a wrong output has failed: %s', async (command, why) => {
    const result = await runStep(command, FINDINGS);
    expect(result).toMatchObject({
      outcome: 'closed',
      verdict: 'failed',
      summary: expect.stringContaining(why) as string,
    });
    expect(result).not.toHaveProperty('transient');
  });

  test.each([
    ['exit 1', false],
    ['exit 75', true],
    ['kill -9 $$', true],
    ['sh -c "kill -15 \\$\\$"; exit $?', true],
    ['exit 255', false],
  ])('a command that fails is transient when it says so or was killed: %s, %s', async (command, transient) => {
    const result = await runStep(command);
    expect(result).toMatchObject({ outcome: 'closed', verdict: 'failed' });
    expect('transient' in result && result.transient).toBe(transient);
  });

  test('a command that is too long to be started has failed, and its length does not hide why', async () => {
    const result = await runStep(`: ${'x'.repeat(3_000_000)}`);
    expect(result).toMatchObject({ outcome: 'closed', verdict: 'failed' });
    expect('summary' in result && result.summary.slice(0, 300)).toContain('could not be started: spawn E2BIG');
  });

  test('a replacement whose new text holds the old one is made once, wherever it was cut off', async () => {
    for (const wasMade of [false, true]) {
      const bench = await makeBench({ 'a.txt': wasMade ? 'long word\n' : 'word\n' });
      const acts = [{ replace: 'a.txt', find: 'word', with: 'long word' }, { close: 'done' }];
      const spec = specOf(bench, acts);
      const context = await contextOf(bench, spec);
      const before = createHash('sha256').update('word\n').digest('hex');
      await context.journal.append({ kind: 'begun', key: 'act-0', before });
      await scriptRuntime().run(spec, context);
      expect(await readFile(join(bench.worktree, 'a.txt'), 'utf8')).toBe('long word\n');
    }
  });
});

const modelOf = async (turns: readonly Turn[]) => {
  const server = await startModelServer({ script: { rules: [{ when: [], turns: [...turns] }] } });
  onTestFinished(() => server.stop());
  return { server, runtime: anthropicRuntime({ apiKey: 'test', baseUrl: server.url }) };
};
const close = (input: Record<string, unknown>) => ({
  tools: [{ name: 'close', input: { summary: 'looked', verdict: 'done', ...input } }],
});

describe('a model', () => {
  test('that closes with a wrong output is told what is wrong, inside its session, and mends it', async () => {
    const bench = await makeBench();
    const { server, runtime } = await modelOf([
      close({}),
      close({ output: { findings: 1 } }),
      close({ output: { findings: [] } }),
    ]);
    const spec = { ...specOf(bench, null), ...withOutput(specOf(bench, null)) };
    const result = await runtime.run(spec, await contextOf(bench, spec));
    expect(result).toMatchObject({ outcome: 'closed', verdict: 'done', output: { findings: [] }, usage: { turns: 3 } });
    const answers = await readFile(bench.journal, 'utf8');
    expect(answers).toContain('the step must leave an output');
    expect(answers).toContain('output.findings must be an array');
    expect(server.requests()).toHaveLength(3);
  });

  test('sees the schema of the output in its prompt and in the tool', async () => {
    const spec = { ...specOf(await makeBench(), null), ...withOutput(specOf(await makeBench(), null)) };
    expect(sessionPrompt(spec)).toContain(JSON.stringify(FINDINGS, null, 2));
    const tool = toolsFor(spec).find((one) => one.name === 'close');
    expect(tool?.shown).toMatchObject({ output: FINDINGS });
  });

  test('costs what its price says when the session begins, and without one its tokens are said to have none', async () => {
    const turn = { ...close({}), usage: { input_tokens: 1_000_000, output_tokens: 100_000 } };
    for (const [prices, usage] of [
      [{ s: { input: 3, output: 10, cacheRead: 0, cacheWrite: 0 } }, { usd: 4 }],
      [{ other: { input: 3, output: 10, cacheRead: 0, cacheWrite: 0 } }, { usd: 0, unpricedTokens: 1_100_000 }],
    ] as const) {
      const server = await startModelServer({ script: { rules: [{ when: [], turns: [turn] }] } });
      onTestFinished(() => server.stop());
      const runtime = anthropicRuntime({ apiKey: 'test', baseUrl: server.url, prices: async () => prices });
      const bench = await makeBench();
      const spec = specOf(bench, null);
      const result = await runtime.run(spec, await contextOf(bench, spec));
      expect(result).toMatchObject({ outcome: 'closed', usage });
    }
  });

  test('that refuses is not nudged: a person hears of it at once', async () => {
    const bench = await makeBench();
    const { server, runtime } = await modelOf([{ text: 'I cannot help with that.', stop_reason: 'refusal' }]);
    const spec = specOf(bench, null);
    const result = await runtime.run(spec, await contextOf(bench, spec));
    const detail = 'the model refuses to go on with this step: I cannot help with that.';
    expect(result).toMatchObject({ outcome: 'blocked', detail });
    expect(server.requests()).toHaveLength(1);
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
