/** A script of acts, said by a model: the same calls, the same files, the same ends. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { anthropicRuntime } from '../../src/agents/anthropic.js';
import { sessionPrompt } from '../../src/agents/prompt.js';
import type { Runtime } from '../../src/agents/runtime.js';
import { scriptRuntime } from '../../src/agents/script.js';
import { toolsFor } from '../../src/agents/tools.js';
import { rulesOfProtomolecule, turnsOfActs } from '../../src/dev/act-turns.js';
import type { Rule, Turn } from '../../src/dev/model-script.js';
import { startModelServer } from '../../src/dev/model-server.js';
import type { Act, Json } from '../../src/town/act.js';
import type { SessionSpec } from '../../src/town/session.js';
import { contextOf, makeBench, specOf } from '../support/sessions.js';
import type { Bench } from '../support/sessions.js';

const some = fc.string({ minLength: 1, maxLength: 12 });
const file = fc.constantFrom('a.txt', 'b.txt', 'deep/c.txt', 'README.md');

const wordless: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ write: file, text: fc.string() }),
  fc.record({ append: file, text: fc.string() }),
  fc.record({ note: some }),
  fc.record({ handoff: some }),
  fc.record({ block: some }),
);
const ending: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ close: some }),
  fc.record({ close: some, output: fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json> }),
  fc.record({ fail: some }),
  fc.record({ fail: some, transient: fc.constant(true) }),
);
const edit: fc.Arbitrary<Act> = fc.record({ replace: file, find: some, with: fc.string() });
const said: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ delete: file }),
  fc.record({ run: some }),
  fc.record({ sleep: fc.constant(1) }),
);
const anything = fc.array(fc.oneof(wordless, ending, edit, said));

const isCut = (act: Act) => 'handoff' in act || 'block' in act;
const hasTool = (act: Act) => !('delete' in act || 'run' in act || 'sleep' in act);

/** Acts split behind each handoff and question. */
function sessionsOf(acts: readonly Act[]): readonly (readonly Act[])[] {
  const ends = [...acts.flatMap((act, index) => (isCut(act) ? [index + 1] : [])), acts.length];
  return ends.map((end, index) => acts.slice(index === 0 ? 0 : ends[index - 1], end));
}

function closeOf({ summary, verdict, ...rest }: Readonly<Record<string, unknown>>): unknown {
  return verdict === 'done' ? { close: summary, ...rest } : { fail: summary, ...rest };
}

/** What the calls of a session would do, in terms of acts again. */
function actsOf(turns: readonly Turn[]): readonly unknown[] {
  return turns
    .flatMap((turn) => turn.tools ?? [])
    .flatMap(({ name, input, prepend_result_to: isAppend }): readonly unknown[] => {
      switch (name) {
        case 'read_file':
          return [];
        case 'write_file':
          return [
            isAppend === 'text'
              ? { append: input['path'], text: input['text'] }
              : { write: input['path'], text: input['text'] },
          ];
        case 'edit_file':
          return [{ replace: input['path'], find: input['find'], with: input['replace'] }];
        case 'note':
          return [{ note: input['text'] }];
        case 'handoff':
          return [{ handoff: input['note'] }];
        case 'escalate':
          return [{ block: input['detail'] }];
        case 'close':
          return [closeOf(input)];
        default:
          throw new Error(`no act has ${name}`);
      }
    });
}

describe('any list of acts', () => {
  test('is split into sessions behind each handoff and question, and comes back whole from the turns', () => {
    fc.assert(
      fc.property(anything, (acts) => {
        const wanted = sessionsOf(acts).map((session) => session.filter(hasTool));
        expect(turnsOfActs(acts).map(actsOf)).toEqual(wanted);
      }),
    );
  });

  test('calls tools as they are declared, one a turn; an append reads the file in the turn before', async () => {
    const tools = new Map(toolsFor(specOf(await makeBench(), null)).map((tool) => [tool.name, tool.schema]));
    fc.assert(
      fc.property(anything, (acts) => {
        for (const turns of turnsOfActs(acts)) {
          turns.forEach(({ tools: calls = [] }, index) => {
            expect(calls.length).toBeLessThanOrEqual(1);
            for (const { name, input, prepend_result_to: field } of calls) {
              expect(tools.get(name)?.safeParse(input), name).toMatchObject({ success: true });
              if (field === undefined) continue;
              expect(turns[index - 1]?.tools).toEqual([{ name: 'read_file', input: { path: input['path'] } }]);
            }
          });
        }
      }),
    );
  });

  test('says in words what it has no tool for, beside the next call, so that no turn goes without one', () => {
    const [turns] = turnsOfActs([{ run: 'npm test' }, { sleep: 1 }, { delete: 'old.txt' }, { close: 'done' }]);
    expect(turns).toEqual([
      {
        text: 'Here `npm test` would be run.\nLet me think.\nold.txt should go.',
        tools: [{ name: 'close', input: { summary: 'done', verdict: 'done' } }],
      },
    ]);
    expect(turnsOfActs([{ sleep: 1 }])).toEqual([[{ text: 'Let me think.' }]]);
  });
});

/** Plays a whole step, session by session; answers what the sessions came to and what the files hold. */
async function playStep(acts: readonly Act[], runtime: Runtime) {
  const bench = await makeBench();
  const results: unknown[] = [];
  for (let handoffs = 0; ; handoffs += 1) {
    const result = await playSession(bench, acts, runtime, handoffs, results.length + 1);
    const { usage: _, ...rest } = result;
    results.push(rest);
    if (result.outcome !== 'handoff' && result.outcome !== 'blocked') break;
  }
  return { results, files: await filesIn(bench.worktree) };
}

async function playSession(bench: Bench, acts: readonly Act[], runtime: Runtime, handoffs: number, session: number) {
  const spec = specOf(bench, acts, {
    ...numbered(bench, session),
    handoffs,
    limits: { turnsMax: 200, minutesMax: 5, contextTokensMax: 1_000_000, quietSecondsMax: 10 },
  });
  const context = await contextOf({ ...bench, journal: `${bench.journal}.${session}` }, spec);
  return runtime.run(spec, context);
}

const numbered = (bench: Bench, session: number) => ({ sessionId: `${bench.folder}/${session}`, session });

async function filesIn(folder: string): Promise<Readonly<Record<string, string>>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const own = names.filter((name) => !name.startsWith(join(folder, '.git'))).toSorted();
  return Object.fromEntries(
    await Promise.all(own.map(async (name) => [name.slice(folder.length), await readFile(name, 'utf8')])),
  );
}

async function serverFor(rules: readonly Rule[]) {
  const server = await startModelServer({ script: { rules: [...rules] } });
  onTestFinished(() => server.stop());
  return { server, runtime: anthropicRuntime({ apiKey: 'test', baseUrl: server.url }) };
}

const stepOf = (script: Act[] | null, more: { readonly id?: string; readonly title?: string } = {}) => ({
  id: 'work',
  title: 'Do the work',
  description: '',
  kind: 'agent' as const,
  needs: [],
  acceptance: {},
  run: null,
  script,
  ...more,
});

describe('through the real runtime', () => {
  test('any step of writes, appends, notes, handoffs and questions ends as the script itself does, file by file', async () => {
    const played = fc.array(wordless, { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(played, ending, async (acts, last) => {
        const script = [...acts, last];
        const { server, runtime } = await serverFor(rulesOfProtomolecule({ steps: [stepOf(script)] }));
        const byModel = await playStep(script, runtime);
        await server.stop();
        expect(byModel).toEqual(await playStep(script, scriptRuntime()));
      }),
      { numRuns: 15 },
    );
  }, 120_000);

  test('a step whose script ends in a handoff has a session more, which stalls', async () => {
    const script: Act[] = [{ handoff: 'the rest is yours' }];
    const { runtime } = await serverFor(rulesOfProtomolecule({ steps: [stepOf(script)] }));
    expect((await playStep(script, runtime)).results).toMatchObject([{ outcome: 'handoff' }, { outcome: 'stalled' }]);
  });

  test('a session that takes the step up again after a refused close is answered like the one before', async () => {
    const script: Act[] = [
      { write: 'a.txt', text: 'one' },
      { replace: 'a.txt', find: 'one', with: 'two' },
      { close: 'done' },
    ];
    const { runtime } = await serverFor(rulesOfProtomolecule({ steps: [stepOf(script)] }));
    const bench = await makeBench();
    for (const session of [1, 2]) {
      const result = await playSession(bench, script, runtime, 0, session);
      expect(result).toMatchObject({ outcome: 'closed', verdict: 'done', usage: { turns: 3 } });
      expect(await readFile(join(bench.worktree, 'a.txt'), 'utf8')).toBe('two');
    }
  });
});

async function promptOf(step: Partial<SessionSpec['step']>, more: Partial<SessionSpec> = {}): Promise<string> {
  const spec = specOf(await makeBench(), null, more);
  return `${sessionPrompt({ ...spec, step: { ...spec.step, ...step } })}\n`;
}

describe('the rules of a protomolecule', () => {
  const steps = [
    stepOf([{ close: 'short' }], { title: 'Build' }),
    stepOf([{ close: 'long' }], { title: 'Build it' }),
    stepOf([{ handoff: 'half' }, { close: 'other' }], { id: 'work-on', title: 'Build' }),
    stepOf(null, { id: 'by-hand' }),
  ];
  const rules = rulesOfProtomolecule({ steps });

  const fitting = (prompt: string, among = rules) =>
    among.filter(({ when }) => when.every((text) => prompt.includes(text)));

  test.each([
    [{ id: 'work', title: 'Build' }, {}, 'short'],
    [{ id: 'work', title: 'Build', description: '' }, {}, 'short'],
    [{ id: 'work', title: 'Build it' }, {}, 'long'],
    [{ id: 'work-on', title: 'Build' }, { handoffs: 1, session: 5, note: 'half' }, 'other'],
  ])('%j with %j fits one rule', async (step, more, summary) => {
    const found = fitting(await promptOf(step, more));
    expect(found).toHaveLength(1);
    expect(JSON.stringify(found)).toContain(`"summary":"${summary}"`);
  });

  test('a step without a script, and a handoff that no script knows, fit none', async () => {
    expect(fitting(await promptOf({ id: 'by-hand' }))).toEqual([]);
    expect(fitting(await promptOf({ id: 'work', title: 'Build' }, { handoffs: 1 }))).toEqual([]);
  });

  test('those for one mission fit no other', async () => {
    const ours = rulesOfProtomolecule({ steps }, { mission: 'mission-1' });
    const step = { id: 'work', title: 'Build' };
    expect(fitting(await promptOf(step, { mission: 'mission-1' }), ours)).toHaveLength(1);
    expect(fitting(await promptOf(step, { mission: 'mission-12' }), ours)).toEqual([]);
  });
});
