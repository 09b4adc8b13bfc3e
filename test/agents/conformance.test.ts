/**
 * What every runtime promises (`agents/runtime`), tried on each, in the open and shut in: a script plays the acts, a model is told by the scripted
 * server to do the same, a program of its own does them and says so by `gt`, called as such or driven by an SDK. What differs stands in `WAYS`.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { SessionContext } from '../../src/agents/runtime.js';
import { findMarked } from '../../src/process/mark.js';
import type { Act } from '../../src/town/act.js';
import { AGENTS } from '../../src/town/agents.js';
import type { SessionResult, SessionSpec } from '../../src/town/session.js';
import { missingBubblewrap } from '../support/bubblewrap.js';
import { until } from '../support/live-town.js';
import { programOf } from '../support/program.js';
import { random } from '../support/random.js';
import { presetOf, RUNTIMES } from '../support/runtimes.js';
import type { Played, Setup } from '../support/runtimes.js';
import { contextOf, makeBench as benchOf } from '../support/sessions.js';
import type { Bench } from '../support/sessions.js';
import { IS_LONG, SEED } from '../support/sample.js';

const missing = await missingBubblewrap();
if (missing !== null) console.warn(`no runtime is tried shut in: ${missing}`);
const RUN_SESSION = await programOf('test/support/run-session.ts');

type Way = {
  /** Of a command that was cut off by SIGKILL: how often it has begun in the end, and what is known of it. */
  readonly cutOff: { readonly begun: number; readonly told: RegExp };
  /** Of a close whose output does not fit. */
  readonly refused: Partial<SessionResult>;
};

const WAYS: Readonly<Record<keyof typeof RUNTIMES, Way>> = {
  // The operator's own command, which is run again.
  script: {
    cutOff: { begun: 2, told: /was cut off and ran again/ },
    refused: { verdict: 'failed', summary: 'the close of "work" is refused: output.findings must be an array' },
  },
  // The model is asked, and may look.
  anthropic: {
    cutOff: { begun: 1, told: /This call was interrupted; its effect is unknown/ },
    refused: { verdict: 'done', output: { findings: [] } },
  },
  // Begins anew, and does as it likes.
  command: {
    cutOff: { begun: 2, told: /You were cut off in the midst of this step/ },
    refused: { verdict: 'done', output: { findings: [] } },
  },
  // Goes on in the same conversation, and does as it likes.
  sdk: {
    cutOff: { begun: 2, told: /You were cut off in the midst of this step/ },
    refused: { verdict: 'done', output: { findings: [] } },
  },
};

const PLACES = [
  ['in the open', false],
  ['shut in', true],
] as const;
const NAMES = Object.keys(RUNTIMES) as (keyof typeof RUNTIMES)[];
/** Each in one place by a seed, in both in the long run. */
const { below } = random(SEED);
const isWhole = IS_LONG || missing !== null;
if (!isWhole) console.warn(`each runtime is tried in the open or shut in, as GT_SEED=${SEED} has it`);
const everywhere = <Name extends string>(names: readonly Name[]) =>
  names.flatMap((name) => {
    const chosen = below(PLACES.length);
    return PLACES.flatMap(([place, isShutIn], at) => {
      const isTried = isWhole ? !isShutIn || missing === null : at === chosen;
      return isTried ? [[name, place, isShutIn] as const] : [];
    });
  });
const ALL = everywhere(NAMES);

async function run(played: Played, bench: Bench, more: Partial<SessionContext> = {}): Promise<SessionResult> {
  const context = await contextOf(bench, played.spec, more.signal);
  try {
    return await played.runtime.run(played.spec, { ...context, ...more });
  } finally {
    await context.journal.close();
  }
}

async function play(setup: Setup, bench: Bench, acts: readonly Act[], more: Partial<SessionSpec> = {}) {
  return run(await setup(bench, acts, more), bench);
}

const textOf = ({ worktree }: Bench, name: string) => readFile(join(worktree, name), 'utf8').catch(() => null);

const FINDINGS = {
  type: 'object',
  properties: { findings: { type: 'array', items: { type: 'string' } } },
  required: ['findings'],
  additionalProperties: false,
};
const STEP = { id: 'work', title: 'Do the work', description: 'All of it.', acceptance: {}, script: null, run: null };
const withOutput = (acts: readonly Act[]): Partial<SessionSpec> => ({
  step: { ...STEP, script: acts, output: FINDINGS },
});

/** The least of all: ways to end. Presets of programs are tried on these, each called as its own program is. */
function ends(setup: Setup, isShutIn: boolean): void {
  const makeBench = () => benchOf(undefined, isShutIn);

  test('a step that is closed leaves its files, its summary and its notes', async () => {
    const bench = await makeBench();
    const acts = [{ write: 'src/a.txt', text: 'one\n' }, { note: 'remember' }, { close: 'wrote a' }];
    const result = await play(setup, bench, acts);
    expect(result).toMatchObject({ outcome: 'closed', verdict: 'done', summary: 'wrote a', notes: ['remember'] });
    expect(await textOf(bench, 'src/a.txt')).toBe('one\n');
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
    expect([await textOf(bench, 'a.txt'), await textOf(bench, 'b.txt')]).toEqual(['1', null]);
    const next = { ...bench, journal: `${bench.journal}.2` };
    const more = { sessionId: `test/${bench.folder}/2`, session: 2, handoffs: 1, note: 'half' };
    expect(await play(setup, next, acts, more)).toMatchObject({ outcome: 'closed', summary: 'whole' });
    expect(await textOf(bench, 'b.txt')).toBe('2');
  });

  test('a question blocks', async () => {
    const result = await play(setup, await makeBench(), [{ block: 'which one?' }]);
    expect(result).toMatchObject({ outcome: 'blocked', detail: 'which one?' });
  });
}

describe.each(ALL)('%s, %s, ends', (name, _, isShutIn) => {
  ends(RUNTIMES[name], isShutIn);
});
const PRESETS = everywhere(Object.keys(AGENTS) as (keyof typeof AGENTS)[]);
describe.each(PRESETS)('command, called as %s, %s, ends', (name, _, isShutIn) => {
  ends(presetOf(name), isShutIn);
});

describe.each(ALL)('%s, %s', (name, _, isShutIn) => {
  const setup = RUNTIMES[name];
  const makeBench = () => benchOf(undefined, isShutIn);

  test('a failure closes as failed, and says whether it may pass', async () => {
    const passing = await play(setup, await makeBench(), [{ fail: 'the network is down', transient: true }]);
    const failed = { outcome: 'closed', verdict: 'failed' };
    expect(passing).toMatchObject({ ...failed, summary: 'the network is down', transient: true });
    const lasting = await play(setup, await makeBench(), [{ fail: 'no way' }]);
    expect(lasting).toMatchObject({ ...failed, summary: 'no way' });
    expect(lasting).not.toHaveProperty('transient');
  });

  test('a close brings its output', async () => {
    const acts = [{ close: 'looked', output: { findings: ['one'] } }];
    const closed = await play(setup, await makeBench(), acts, withOutput(acts));
    expect(closed).toMatchObject({ outcome: 'closed', verdict: 'done', output: { findings: ['one'] } });
    expect(await play(setup, await makeBench(), [{ close: 'looked' }])).not.toHaveProperty('output');
  });

  test('a close whose output does not fit is refused, with the reason in the journal', async () => {
    const bench = await makeBench();
    const acts = [
      { close: 'looked', output: { findings: 'one' } },
      { close: 'looked', output: { findings: [] } },
    ];
    const result = await play(setup, bench, acts, withOutput(acts));
    expect(result).toMatchObject({ outcome: 'closed', ...WAYS[name].refused });
    expect(await readFile(bench.journal, 'utf8')).toContain('output.findings must be an array');
  });

  test('a session that ends without an end has stalled', async () => {
    const result = await play(setup, await makeBench(), [{ write: 'a.txt', text: '1' }]);
    expect(result).toMatchObject({ outcome: 'stalled', detail: expect.stringContaining('end') });
  });

  test('a session that has ended already answers the same again, and does nothing', async () => {
    const bench = await makeBench();
    const acts = [{ run: 'echo ran >> ran.txt' }, { note: 'remember' }, { close: 'done' }];
    const played = await setup(bench, acts);
    const first = await run(played, bench);
    const journal = await readFile(bench.journal, 'utf8');
    expect(await run(played, bench)).toEqual(first);
    expect(await textOf(bench, 'ran.txt')).toBe('ran\n');
    expect(await readFile(bench.journal, 'utf8')).toBe(journal);
  });

  test('one that was killed between its last word and the record of its end needs no other', async () => {
    const bench = await makeBench();
    const played = await setup(bench, [{ run: 'echo ran >> ran.txt' }, { note: 'remember' }, { close: 'done' }]);
    const first = await run(played, bench);
    const lines = (await readFile(bench.journal, 'utf8')).trimEnd().split('\n');
    expect(lines.at(-1)).toContain('"kind":"ended"');
    await writeFile(bench.journal, `${lines.slice(0, -1).join('\n')}\n`);
    const { usage: _, ...again } = await run(played, bench);
    expect(first).toMatchObject(again);
    expect(again).toMatchObject({ outcome: 'closed', summary: 'done', notes: ['remember'] });
    expect(await textOf(bench, 'ran.txt')).toBe('ran\n');
  });

  test('cancelled in the middle of a command, it throws the reason and leaves no process', async () => {
    const bench = await makeBench();
    const played = await setup(bench, [{ run: 'sleep 100 & touch begun; sleep 100' }, { close: 'done' }]);
    const cancel = new AbortController();
    const reason = new Error('the mission was cancelled');
    const ended = run(played, bench, { signal: cancel.signal }).catch((error: unknown) => error);
    await until('the command has begun', async () => (await textOf(bench, 'begun')) !== null);
    cancel.abort(reason);
    expect(await ended).toBe(reason);
    expect(await findMarked((mark) => mark === played.spec.sessionId)).toEqual([]);
    expect(await readFile(bench.journal, 'utf8')).not.toContain('"kind":"ended"');
  });

  test('killed in the middle of a command and taken up, it knows, keeps its notes, and ends', async () => {
    const bench = await makeBench();
    const { spec, url } = await setup(bench, [
      { note: 'from before' },
      { run: 'echo begun >> begun; [ -e once ] || { touch once; sleep 100; }' },
      { run: 'printf %s "$1" > prompt.txt' },
      { close: 'done' },
    ]);
    const argv = [RUN_SESSION, JSON.stringify(spec), bench.journal, url];
    const life = () => spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
    const first = life();
    const died = new Promise((done) => first.once('exit', (_, signal) => done(signal)));
    await until('the command has begun', async () => (await textOf(bench, 'once')) !== null);
    first.kill('SIGKILL');
    expect(await died).toBe('SIGKILL');
    const second = life();
    let output = '';
    second.stdout.on('data', (piece: Buffer) => (output += piece.toString()));
    expect(await new Promise((done) => second.once('exit', done))).toBe(0);

    const result = JSON.parse(output) as SessionResult;
    expect(result).toMatchObject({ outcome: 'closed', verdict: 'done', summary: 'done' });
    expect(result.notes).toContain('from before');
    const { begun, told } = WAYS[name].cutOff;
    expect((await textOf(bench, 'begun'))?.trimEnd().split('\n')).toHaveLength(begun);
    const known = [await readFile(bench.journal, 'utf8'), await textOf(bench, 'prompt.txt'), output].join('\n');
    expect(known).toMatch(told);
    expect(await findMarked((mark) => mark === spec.sessionId)).toEqual([]);
  }, 60_000);

  test('whatever it runs goes through what it is given to run it, which may shut it in', async () => {
    const bench = await makeBench();
    const played = await setup(bench, [{ run: 'echo "$BY_EXEC" > by.txt' }, { close: 'done' }]);
    const { exec } = await contextOf({ ...bench, journal: `${bench.journal}.other` }, played.spec);
    const shut: SessionContext['exec'] = (command, { env = {}, ...more } = {}) =>
      exec(command, { ...more, env: { ...env, BY_EXEC: 'shut in' } });
    expect(await run(played, bench, { exec: shut })).toMatchObject({ outcome: 'closed' });
    expect(await textOf(bench, 'by.txt')).toBe('shut in\n');
  });
});

/** What gets out in spite of all is in nobody's way later. */
const ESCAPED = join(tmpdir(), `gt-escaped-${process.pid}`);
afterEach(() => rm(ESCAPED, { force: true }));

describe.each(ALL.filter(([, , isShutIn]) => isShutIn))('%s, %s', (name) => {
  test('what it runs changes nothing outside the worktree, and sees nothing of the town', async () => {
    const bench = await benchOf(undefined, true);
    await mkdir(join(bench.folder, 'outside'));
    await symlink(join(bench.folder, 'outside'), join(bench.worktree, 'link'));
    const paths = ['../escaped.txt', ESCAPED, 'link/x', '../mirror.git/hooks/x'];
    const acts = [
      ...paths.map((path) => ({ run: `echo x > ${path} || echo no >> no.txt` })),
      { run: `cat ../journal.jsonl ../rig/HEAD >> seen.txt || echo hidden >> seen.txt` },
      { run: 'git checkout -qb other || echo held >> seen.txt' },
      { close: 'tried' },
    ];
    expect(await play(RUNTIMES[name], bench, acts)).toMatchObject({ outcome: 'closed', summary: 'tried' });
    for (const path of paths) expect(existsSync(resolve(bench.worktree, path)), path).toBe(false);
    expect(await textOf(bench, 'seen.txt')).toBe('hidden\nheld\n');
  });
});

/** What a program of its own writes is held by what shuts it in, not by us. */
const HELD_BY_US = ALL.filter(([name]) => name !== 'command' && name !== 'sdk');
describe.each(HELD_BY_US)('%s, %s', (name, _, isShutIn) => {
  const setup = RUNTIMES[name];

  test('nothing outside the worktree can be written, nor what belongs to git', async () => {
    for (const path of ['../escaped.txt', ESCAPED, '.git/hooks/pre-commit', 'sub/.git/config', 'sub/.GIT', 'link/x']) {
      const bench = await benchOf(undefined, isShutIn);
      await mkdir(join(bench.folder, 'outside'));
      await symlink(join(bench.folder, 'outside'), join(bench.worktree, 'link'));
      await play(setup, bench, [{ write: path, text: 'x' }, { close: 'done' }]);
      await expect(readFile(resolve(bench.worktree, path)), path).rejects.toThrow(/ENOENT|ENOTDIR/);
    }
  });

  test('an act that cannot be done ends the session instead of being tried for ever', async () => {
    const bench = await benchOf({ 'folder/a.txt': 'x\n' }, isShutIn);
    const result = await play(setup, bench, [{ write: 'folder', text: 'x' }]);
    const told = await readFile(bench.journal, 'utf8');
    expect(told).toMatch(/(?:the act write \\"folder\\" cannot be done|write_file failed): E[A-Z]+/);
    // The model may find another way, the script has none.
    expect(result.outcome).toBe(name === 'script' ? 'closed' : 'stalled');
    expect(result).not.toMatchObject({ verdict: 'done' });
  });
});
