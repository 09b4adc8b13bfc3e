/** What is shortened is cleaned first: half of a secret would be known for none. */
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { tailOf } from '../../src/activities/accept.js';
import { mechanicalNote } from '../../src/agents/mechanical-note.js';
import { once } from '../../src/agents/once.js';
import { scriptRuntime } from '../../src/agents/script.js';
import { knowSecrets } from '../../src/agents/secrets.js';
import { said } from '../../src/agents/tool.js';
import type { Tool } from '../../src/agents/tool.js';
import { toolsFor } from '../../src/agents/tools.js';
import type { RunResult } from '../../src/process/run.js';
import { unfenced } from '../../src/town/untrusted.js';
import { contextOf, makeBench, specOf } from '../support/sessions.js';
import type { Bench } from '../support/sessions.js';

/** Upper case is nowhere else. */
const SECRET = 'CORRECT-HORSE-BATTERY';
const QUOTED = 'PA"SS\\WORD-LONG-ENOUGH';
const KEY = `-----BEGIN RSA PRIVATE KEY-----\n${'MIIEMIIE\n'.repeat(20)}-----END RSA PRIVATE KEY-----\n`;
const TAKEN_OUT = '[secret taken out]';

beforeEach(() => {
  knowSecrets([SECRET, QUOTED]);
  onTestFinished(() => knowSecrets([]));
});

const ran = (stdout: string): RunResult => ({ end: { kind: 'exited', code: 1 }, stdout, stderr: '', ms: 1 });

async function notes(): Promise<(command: string) => Promise<string>> {
  const bench = await makeBench();
  const spec = specOf(bench, null);
  const context = await contextOf(bench, spec);
  return (command) =>
    mechanicalNote(spec, context, [
      { role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'bash', input: { command } }] },
    ]);
}

const LEAK = /[A-Z]{2}/;
const around = (secret: string) => [...Array(secret.length + 4).keys()].map((more) => more - 2);

test('what git sees goes into no handoff with a secret, as in the name of a file', async () => {
  const bench = await makeBench();
  const spec = specOf(bench, null);
  const context = await contextOf(bench, spec);
  const note = await mechanicalNote(spec, { ...context, exec: async () => ran(`?? ${SECRET}.txt\n`) }, []);
  expect(note).toContain(`?? ${TAKEN_OUT}.txt`);
  expect(note).not.toContain(SECRET);
});

test.each([
  { what: 'a value', secret: SECRET },
  { what: 'a key', secret: KEY },
])('the tail of a check holds no part of $what that it cuts', ({ secret }) => {
  const leaks = around(secret).filter((more) =>
    LEAK.test(tailOf(ran(`${'.'.repeat(200)}${secret}${'.'.repeat(4_000 - secret.length + more)}`))),
  );
  expect(leaks).toEqual([]);
});

test('nor does the account of a command that failed', async () => {
  const bench = await makeBench();
  await writeFile(join(bench.worktree, 'said.txt'), `${'.'.repeat(200)}${KEY}${'.'.repeat(1_900)}`);
  // The command is shown, too, cut in the middle of the secret.
  const command = `cat said.txt; exit 3 # ${'.'.repeat(165)}${SECRET}`;
  const spec = specOf(bench, [{ run: command }]);
  const result = await scriptRuntime().run(spec, await contextOf(bench, spec));
  const summary = result.outcome === 'closed' ? result.summary : '';
  expect(summary).toContain('exited with 3');
  expect(summary).not.toMatch(LEAK);
});

test('a note that no model wrote has no secret that JSON writes otherwise, and none that it cuts', async () => {
  const noteOf = await notes();
  expect(await noteOf(`login ${QUOTED}`)).toContain(`- bash {"command":"login ${TAKEN_OUT}"}`);
  for (let at = 150; at < 200; at += 1) {
    const call = (await noteOf('.'.repeat(at) + QUOTED)).split('\n').at(-1);
    expect(call).not.toMatch(LEAK);
  }
});

async function answerOf(bench: Bench, name: string, input: unknown, more: readonly Tool[] = []): Promise<string> {
  const spec = specOf(bench, null);
  const context = await contextOf(bench, spec);
  try {
    return (await once({ key: randomUUID(), name, input }, [...toolsFor(spec), ...more], spec, context)).text;
  } finally {
    await context.journal.close();
  }
}

const fenced = (from: string, text: string) => `<untrusted from="${from}">\n${text}\n</untrusted>`;

test('no answer of a tool has one: of a file, of its name, of an error', async () => {
  const bench = await makeBench({ 'a.txt': `it is ${SECRET}\n`, [`${SECRET}.txt`]: 'x\n' });
  expect(await answerOf(bench, 'read_file', { path: 'a.txt' })).toBe(fenced('file a.txt', `it is ${TAKEN_OUT}\n`));
  expect(await answerOf(bench, 'list_files', { path: '.' })).toBe(fenced('names of files', `a.txt\n${TAKEN_OUT}.txt`));
  expect(await answerOf(bench, 'read_file', { path: `no/${SECRET}` })).toBe(`there is no file no/${TAKEN_OUT}`);
  const [tool] = toolsFor(specOf(bench, null));
  if (tool === undefined) throw new Error('there is a tool');
  const broken = { ...tool, name: 'broken', run: () => Promise.reject(new Error(`no such login: ${SECRET}`)) };
  expect(await answerOf(bench, 'broken', {}, [broken])).toBe(`broken failed: no such login: ${TAKEN_OUT}`);
  const noting = { ...tool, name: 'noting', run: async () => said('ok', { kind: 'note', text: SECRET }) };
  expect(await answerOf(bench, 'noting', {}, [noting])).toBe('ok');
});

test('a line that is found has none that it cuts, and no line of a key', async () => {
  const lines = around(SECRET).map((more) => `here ${'.'.repeat(295 - more)}${SECRET}`);
  const bench = await makeBench({ 'a.txt': `${lines.join('\n')}\n${KEY}here at last\n` });
  const found = unfenced(await answerOf(bench, 'search_files', { text: 'here' })).split('\n');
  expect(found.at(-1)).toBe(`a.txt:${lines.length + KEY.split('\n').length}: here at last`);
  expect(found).toHaveLength(lines.length + 1);
  expect(found.filter((line) => LEAK.test(line))).toEqual([]);
});

test('a search for what stands in a key finds nothing', async () => {
  const bench = await makeBench({ 'a.txt': KEY });
  expect(await answerOf(bench, 'search_files', { text: 'MIIE' })).toBe('nothing found');
});
