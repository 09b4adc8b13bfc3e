/** What is of one runtime alone; what all must do is in `conformance`. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { anthropicRuntime } from '../../src/agents/anthropic.js';
import { estimatedIn } from '../../src/agents/journal.js';
import { sessionPrompt } from '../../src/agents/prompt.js';
import { scriptRuntime } from '../../src/agents/script.js';
import { toolsFor } from '../../src/agents/tools.js';
import type { Turn } from '../../src/dev/model-script.js';
import { startModelServer } from '../../src/dev/model-server.js';
import type { Act } from '../../src/town/act.js';
import type { SessionResult, SessionSpec } from '../../src/town/session.js';
import { contextOf, makeBench, specOf } from '../support/sessions.js';
import type { Bench } from '../support/sessions.js';

async function play(bench: Bench, acts: readonly Act[], more: Partial<SessionSpec> = {}) {
  const spec = specOf(bench, acts, more);
  return scriptRuntime().run(spec, await contextOf(bench, spec));
}

const FINDINGS = {
  type: 'object',
  properties: { findings: { type: 'array', items: { type: 'string' } } },
  required: ['findings'],
  additionalProperties: false,
};
const withOutput = (spec: SessionSpec): Partial<SessionSpec> => ({ step: { ...spec.step, output: FINDINGS } });

const runStep = async (command: string, output?: SessionSpec['step']['output']) => {
  const bench = await makeBench();
  const spec = specOf(bench, null);
  const step = { ...spec.step, run: command, ...(output === undefined ? {} : { output }) };
  return play(bench, [], { step });
};

describe('a script', () => {
  test('that closes with a wrong output has failed, and says what is wrong', async () => {
    const bench = await makeBench();
    const acts = [{ close: 'looked', output: { findings: 'one' } }];
    const result = await play(bench, acts, withOutput(specOf(bench, acts)));
    const summary = 'the close of "work" is refused: output.findings must be an array';
    expect(result).toMatchObject({ outcome: 'closed', verdict: 'failed', summary });
  });

  test('a command that does not end has the time of its session, and may be tried again', async () => {
    const bench = await makeBench();
    const spec = specOf(bench, null);
    const limits = { ...spec.limits, minutesMax: 0.02 };
    const result = await play(bench, [], { limits, step: { ...spec.step, run: 'sleep 1000' } });
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

const write = (name: string) => ({ tools: [{ name: 'write_file', input: { path: name, text: name } }] });

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

  test.each(['cut', 'error-mid-stream', 'end-early'] as const)(
    'whose answer broke off (%s) has cost that: its budget is looked at before it is asked again',
    async (kind) => {
      const usage = { input_tokens: 1_000, output_tokens: 50 };
      const answer = { ...close({}), text: 'x'.repeat(3_000), usage, fault: { kind, times: 2 } };
      const { server } = await modelOf([answer]);
      const prices = { s: { input: 1_000, output: 1_000, cacheRead: 0, cacheWrite: 0 } };
      const runtime = anthropicRuntime({ apiKey: 'test', baseUrl: server.url, prices: async () => prices });
      const bench = await makeBench();
      const spec = specOf(bench, null, { runtime: { kind: 'anthropic', model: 'scripted' } });
      const life = async (budgetUsd: number) => {
        const context = await contextOf(bench, spec);
        const purse = async (usd: number) => ({ budgetUsd, leftUsd: budgetUsd - usd });
        const result = await runtime.run(spec, { ...context, purse }).catch((error: unknown) => error);
        await context.journal.close();
        return { result, estimatedUsd: estimatedIn(context.journal) };
      };
      const { result: broken, estimatedUsd } = await life(1);
      expect(broken).toMatchObject({ retryable: true });
      // What it had said is reckoned, and that alone.
      expect(estimatedUsd).toBeGreaterThan(0.5);
      expect(estimatedUsd).toBeLessThan(1);
      const { result: stopped } = await life(1);
      expect(stopped).toMatchObject({ outcome: 'handoff', reason: 'budget', usage: { turns: 0, inputTokens: 1_000 } });
      expect((stopped as SessionResult).usage.usd).toBeGreaterThanOrEqual(1 + estimatedUsd);
      expect(server.requests()).toHaveLength(1);
    },
  );

  test('whose answers break off is held by the limit of its session, too', async () => {
    const answer = {
      ...close({}),
      usage: { input_tokens: 1_000, output_tokens: 50 },
      fault: { kind: 'cut', times: 2 },
    } as const;
    const { server } = await modelOf([answer]);
    const prices = { s: { input: 1_000, output: 1_000, cacheRead: 0, cacheWrite: 0 } };
    const runtime = anthropicRuntime({ apiKey: 'test', baseUrl: server.url, prices: async () => prices });
    const bench = await makeBench();
    const plain = specOf(bench, null, { runtime: { kind: 'anthropic', model: 'scripted' } });
    const spec = { ...plain, limits: { ...plain.limits, usdMax: 1 } };
    const life = async () => {
      const context = await contextOf(bench, spec);
      const result = await runtime.run(spec, context).catch((error: unknown) => error);
      await context.journal.close();
      return result;
    };
    expect(await life()).toMatchObject({ retryable: true });
    expect(await life()).toMatchObject({ outcome: 'handoff', reason: 'cost', usage: { turns: 0 } });
    expect(server.requests()).toHaveLength(1);
  });

  test('whose session had its time before its worker died is asked for a note, however long nobody worked since', async () => {
    const bench = await makeBench();
    const { server, runtime } = await modelOf([
      { tools: [{ name: 'note', input: { text: 'half is done' } }] },
      { tools: [{ name: 'handoff', input: { note: 'the other half' } }] },
    ]);
    const spec = specOf(bench, null, { runtime: { kind: 'anthropic', model: 'scripted' } });
    const worked = (minutes: number) =>
      [
        { kind: 'opened', version: 1, sessionId: spec.sessionId },
        { kind: 'begun', key: 'before', before: null, workedMs: 1 },
        { kind: 'done', key: 'before', outcome: null, workedMs: minutes * 60_000 },
      ].map((line) => `${JSON.stringify(line)}\n`);
    await writeFile(bench.journal, worked(spec.limits.minutesMax - 1).join(''));
    const context = await contextOf(bench, spec);
    expect(await runtime.run(spec, context)).toMatchObject({ outcome: 'handoff', reason: 'requested' });
    await context.journal.close();
    await writeFile(bench.journal, worked(spec.limits.minutesMax + 1).join(''));
    const result = await runtime.run(spec, await contextOf(bench, spec));
    expect(result).toMatchObject({ outcome: 'handoff', reason: 'time', note: 'the other half' });
    expect(server.requests()).toHaveLength(4);
  });

  test('whose gateway gives all its calls the same id has each of them made, once', async () => {
    const bench = await makeBench();
    const { server } = await modelOf([write('a.txt'), write('b.txt'), close({})]);
    const gateway = createServer((request, response) => {
      void (async () => {
        const { method = 'POST', headers } = request;
        const told = {
          method,
          headers: { 'content-type': String(headers['content-type']), authorization: 'Bearer test' },
        };
        const answer = await fetch(`${server.url}${request.url}`, { ...told, body: await text(request) });
        response.writeHead(answer.status, { 'content-type': String(answer.headers.get('content-type')) });
        response.end((await answer.text()).replaceAll(/toolu_\w+/g, 'call_0'));
      })();
    });
    await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void gateway.close());
    const { port } = gateway.address() as AddressInfo;
    const runtime = anthropicRuntime({ apiKey: 'test', baseUrl: `http://127.0.0.1:${port}` });
    const spec = specOf(bench, null, { runtime: { kind: 'anthropic', model: 'scripted' } });
    const context = await contextOf(bench, spec);
    expect(await runtime.run(spec, context)).toMatchObject({ outcome: 'closed', usage: { turns: 3 } });
    expect(await readFile(join(bench.worktree, 'b.txt'), 'utf8')).toBe('b.txt');
    await context.journal.close();

    // Killed after the second call was made: it is not made again.
    const lines = (await readFile(bench.journal, 'utf8')).split('\n');
    const second = lines.findIndex((line) => line.includes('"kind":"done"') && line.includes('"call_0#2"'));
    await writeFile(
      bench.journal,
      lines
        .slice(0, second + 1)
        .map((line) => `${line}\n`)
        .join(''),
    );
    await rm(join(bench.worktree, 'b.txt'));
    expect(await runtime.run(spec, await contextOf(bench, spec))).toMatchObject({ outcome: 'closed' });
    expect(await readdir(bench.worktree)).not.toContain('b.txt');
    expect(server.requests().map(({ turn }) => turn)).toEqual([0, 1, 2, 2]);
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
  await play(bench, acts);
  expect((await stat(join(bench.worktree, 'run.sh'))).mode & 0o777).toBe(0o755);
  expect((await readdir(bench.worktree)).toSorted()).toEqual(['.git', 'run.sh']);
});

test.each([
  { append: 'notes', text: 'x' },
  { replace: 'notes', find: 'x', with: 'y' },
])('a pipe that somebody left in the place of a file is told, and not waited for: %o', async (act) => {
  const bench = await makeBench({ 'run.sh': 'one\n' });
  await promisify(execFile)('mkfifo', [join(bench.worktree, 'notes')]);
  const result = await play(bench, [act, { close: 'done' }]);
  expect(result).toMatchObject({
    verdict: 'failed',
    summary: expect.stringMatching(/cannot be done: .*notes is no file/) as string,
  });
});
