/** A session's journal cut off at any byte, on a disk that fills up, damaged, and of another version. */
import { mkdir, readFile, rm, stat, statfs, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { anthropicRuntime } from '../../src/agents/anthropic.js';
import { openJournal } from '../../src/agents/journal.js';
import type { Journal } from '../../src/agents/journal.js';
import { startModelServer } from '../../src/dev/model-server.js';
import type { Turn } from '../../src/dev/model-script.js';
import { random } from '../support/random.js';
import { PAGE_BYTES, smallDisk, whyNoDisk } from '../support/small-disk.js';
import { contextOf, makeBench, specOf } from '../support/sessions.js';
import type { Bench } from '../support/sessions.js';
import { IS_LONG, SEED } from '../support/sample.js';

/** All bytes in the long run; else all ends of lines, and some more. */
const MORE = 60;

/** Each effect would show that it was made twice. */
const turnsOf = (text: string): readonly Turn[] => [
  { text, tools: [{ name: 'write_file', input: { path: 'a.txt', text: 'eins\n' } }] },
  { text, tools: [{ name: 'run_command', input: { name: 'count' } }] },
  { text, tools: [{ name: 'note', input: { text: 'gesehen: ä → ö' } }] },
  {
    text,
    tools: [
      { name: 'run_command', input: { name: 'count_again' } },
      { name: 'close', input: { summary: 'getan', verdict: 'done' } },
    ],
  },
];
const COMMANDS = { count: 'echo once >> count.txt', count_again: 'echo again >> count.txt' };
const FILES = ['a.txt', 'count.txt'];

async function makeSession(text = '') {
  const bench = await makeBench();
  const server = await startModelServer({ script: { rules: [{ when: [], turns: [...turnsOf(text)] }] } });
  onTestFinished(() => server.stop());
  const runtime = anthropicRuntime({ apiKey: 'test', baseUrl: server.url });
  const spec = specOf(bench, null, { runtime: { kind: 'anthropic', model: 'scripted' }, commands: COMMANDS });
  /** The turns that were asked for since then. */
  const asked = (sinceMs = 0) => server.requests().flatMap(({ atMs, turn }) => (atMs < sinceMs ? [] : [turn]));
  return { bench, runtime, spec, asked };
}

const filesOf = ({ worktree }: Bench) =>
  Promise.all(FILES.map((name) => readFile(join(worktree, name), 'utf8').catch(() => null)));

async function putBack({ worktree }: Bench, texts: readonly (string | null)[]): Promise<void> {
  await Promise.all(
    FILES.map((name, at) => {
      const text = texts[at] ?? null;
      return text === null ? rm(join(worktree, name), { force: true }) : writeFile(join(worktree, name), text);
    }),
  );
}

test(`cut off at any byte, a session ends the same, asks nothing that was answered, and does nothing twice (GT_SEED=${SEED})`, async () => {
  const { bench, runtime, spec, asked } = await makeSession('Ich schaue nach: ä, ö, ü.');
  const whole = await contextOf(bench, spec);
  /** The files as they were when each line was about to be written, the opening before all. */
  const states = [await filesOf(bench)];
  const append: Journal['append'] = async (entry) => {
    states.push(await filesOf(bench));
    await whole.journal.append(entry);
  };
  const first = await runtime.run(spec, { ...whole, journal: { ...journalOf(whole.journal), append } });
  const content = await readFile(bench.journal);
  const lines = content.toString().split('\n').slice(0, -1);
  expect(lines).toHaveLength(states.length);
  const ends = lines.map((_, at) => Buffer.byteLength(`${lines.slice(0, at + 1).join('\n')}\n`));

  const chosen = random(SEED);
  const all = Array.from({ length: content.length + 1 }, (_, at) => at);
  const some = [...ends, ...ends.map((end) => end - 1), ...Array.from({ length: MORE }, () => chosen.pick(all))];
  for (const cut of new Set(IS_LONG ? all : some)) {
    const linesWhole = ends.filter((end) => end <= cut).length;
    await putBack(bench, states[linesWhole] ?? (await filesOf(bench)));
    await writeFile(bench.journal, content.subarray(0, cut));
    const sinceMs = performance.now();
    const context = await contextOf(bench, spec);
    const again = await runtime.run(spec, context);
    await context.journal.close();
    const where = `cut at byte ${cut} of ${content.length}, in line ${linesWhole + 1}`;
    // What is told of a call that was cut off costs tokens of its own.
    expect(again, where).toEqual({ ...first, usage: { ...again.usage, turns: first.usage.turns } });
    const answered = lines.slice(0, linesWhole).filter((line) => line.includes('"kind":"message"')).length;
    expect(asked(sinceMs), where).toEqual([0, 1, 2, 3].slice(answered));
    expect(await filesOf(bench), where).toEqual(['eins\n', 'once\nagain\n']);
  }
}, 600_000);

/** Of a class only what is asked of it. */
const journalOf = (journal: Journal): Omit<Journal, 'append'> => ({
  get entries() {
    return journal.entries;
  },
  workedMs: () => journal.workedMs(),
  waited: (ms) => journal.waited(ms),
  close: () => journal.close(),
});

if (whyNoDisk !== null) console.warn(`a journal on a full disk is not tested: ${whyNoDisk}`);

test.runIf(whyNoDisk === null)(
  'on a disk that fills up it says so, and once there is room it goes on without a repetition',
  async () => {
    const { bench, runtime, spec, asked } = await makeSession('x'.repeat(3_000));
    const disk = join(bench.folder, 'disk');
    await mkdir(disk);
    smallDisk(disk, 64);
    const small: Bench = { ...bench, journal: join(disk, 'journal.jsonl') };
    const ballast = join(disk, 'ballast');
    const torn: number[] = [];
    let asks = 0;
    for (let pages = 0; ; pages += 1) {
      await putBack(bench, []);
      await rm(small.journal, { force: true });
      await rm(ballast, { force: true });
      // A page for the ballast's own size, and as many as are left free.
      const { bfree } = await statfs(disk);
      await writeFile(ballast, Buffer.alloc((bfree - pages) * PAGE_BYTES));
      const run = async () => runtime.run(spec, await contextOf(small, spec));
      const sinceMs = performance.now();
      const failed = await run().then(
        () => null,
        (error: unknown) => error,
      );
      if (failed === null) break;
      expect(failed).toMatchObject({
        type: 'Journal.Unwritable',
        retryable: true,
        message: expect.stringMatching(/^the journal .*journal\.jsonl cannot be written: ENOSPC.*Free the disk/),
      });
      const left = await readFile(small.journal);
      if (left.at(-1) !== 10) torn.push(left.length);
      // Still full: it says so again, and does nothing.
      await expect(run()).rejects.toMatchObject({ type: 'Journal.Unwritable' });
      await truncate(ballast, 0);
      expect(await run(), `${pages} pages`).toMatchObject({ outcome: 'closed', summary: 'getan', usage: { turns: 4 } });
      expect(asked(sinceMs), `${pages} pages`).toEqual([0, 1, 2, 3]);
      expect(await filesOf(bench), `${pages} pages`).toEqual(['eins\n', 'once\nagain\n']);
      const text = await readFile(small.journal, 'utf8');
      expect(() =>
        text
          .trimEnd()
          .split('\n')
          .forEach((line) => JSON.parse(line) as unknown),
      ).not.toThrow();
      asks += 1;
    }
    // It was full at several places, and some of them in the middle of a line.
    expect(asks).toBeGreaterThan(3);
    expect(torn.length).toBeGreaterThan(1);
  },
  120_000,
);

test.each([
  ['of a later version', (text: string) => text.replace('"version":1', '"version":2'), 'it is of version 2'],
  [
    'damaged in the middle',
    (text: string) => text.replace('"kind":"begun"', '"kind":"be\u0000un"'),
    'its line 3 makes no sense',
  ],
  ['damaged at its head', (text: string) => text.slice(1), 'it does not begin as one'],
  [
    'of another session',
    (text: string) => text.replace('"sessionId":"test', '"sessionId":"other'),
    'it is of another session',
  ],
])('a journal %s ends the session in words: nothing is asked, done or lost', async (_, change, why) => {
  const { bench, runtime, spec, asked } = await makeSession();
  await runtime.run(spec, await contextOf(bench, spec));
  const changed = change(await readFile(bench.journal, 'utf8'));
  await writeFile(bench.journal, changed);
  await putBack(bench, []);
  const sinceMs = performance.now();
  await expect(contextOf(bench, spec)).rejects.toMatchObject({
    type: 'Journal.Unreadable',
    retryable: false,
    message: expect.stringContaining(why),
  });
  expect(asked(sinceMs)).toEqual([]);
  expect(await filesOf(bench)).toEqual([null, null]);
  expect(await readFile(bench.journal, 'utf8')).toBe(changed);
});

test('lines of many who write at once are whole, and in the order of their writing', async () => {
  const { journal: path } = await makeBench();
  const journal = await openJournal(path, { sessionId: 's' });
  const keys = Array.from({ length: 50 }, (_, at) => `${at}`);
  await Promise.all(keys.map((key) => journal.append({ kind: 'done', key, outcome: 'x'.repeat(10_000) })));
  await journal.close();
  const again = await openJournal(path, { sessionId: 's' });
  expect(again.entries.map((entry) => (entry.kind === 'done' ? entry.key : null))).toEqual(keys);
  await again.close();
  expect((await stat(path)).size).toBeGreaterThan(500_000);
});
