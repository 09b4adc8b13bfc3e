/** A convoy formula as an item: its legs are worked by polecats of their own, side by side, and the synthesis reads what they found. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { swarmQuery } from '../../src/contract/mission.js';
import type { Progress } from '../../src/contract/mission.js';
import { lifecycleQuery } from '../../src/contract/polecat.js';
import { startModelServer } from '../../src/dev/model-server.js';
import type { Rule, Turn } from '../../src/dev/model-script.js';
import type { MissionResult } from '../../src/workflows/mission.js';
import { count, liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { drawn } from '../support/sample.js';
import { QUICK } from '../support/test-formulas.js';

const LEGS = ['sec', 'speed', 'style'] as const;

const EYES = `
formula = "eyes"
type = "convoy"
version = 1
[inputs.target]
description = "What to look at"
required = true
[prompts]
base = "Look at {{.target}} for {{.leg.focus}}. Write what you find to {{.output_path}}."
[output]
directory = "reviews"
leg_pattern = "{{.leg.id}}.md"
synthesis = "all.md"
${LEGS.map((leg) => `[[legs]]\nid = "${leg}"\ntitle = "Eyes on ${leg}"\nfocus = "${leg}"\nreview_only = true`).join('\n')}
[synthesis]
title = "Sum it up"
description = "Put it all into one report."
depends_on = [${LEGS.map((leg) => `"${leg}"`).join(', ')}]
`;

const turn = (name: string, input: Record<string, unknown>): Turn => ({ tools: [{ name, input }] });
const close = (summary: string) => turn('close', { summary, verdict: 'done' });

/** A leg waits until all three are at work: it would wait in vain if they were not side by side. */
function rulesOf(mission: string, blocked: string | null): readonly Rule[] {
  const of = (step: string) => [`\nMission: ${mission}\n`, `\nStep: ${step}\n`];
  const legs = LEGS.map((leg): Rule => ({
    when: of(leg),
    turns:
      leg === blocked
        ? [turn('escalate', { detail: `who may look at ${leg}?` })]
        : [
            turn('run_command', { name: 'together' }),
            turn('write_file', { path: `reviews/${leg}.md`, text: `a hole in ${leg}\n` }),
            close(`looked at ${leg}`),
          ],
  }));
  const found = LEGS.map((leg) => (leg === blocked ? `(no findings of ${leg}: it was skipped: ` : `a hole in ${leg}`));
  const report = `${found.join('\n')}\n`;
  const fenced = LEGS.filter((leg) => leg !== blocked).map((leg) => `<untrusted from="leg ${leg}">\na hole in ${leg}`);
  const synthesis = {
    when: [...of('synthesis'), ...found, ...fenced],
    turns: [turn('write_file', { path: 'all.md', text: report }), close('summed up')],
  };
  const quick = {
    when: of('work'),
    turns: [turn('write_file', { path: 'after.txt', text: 'after\n' }), close('wrote it')],
  };
  return [...legs, synthesis, quick];
}

/**
 * The second session is told what the first one noted before it handed over, the third what the second did before it broke off, and each what
 * its step had waited for, and what came of that.
 */
const NOTED: readonly Rule[] = [
  {
    when: ['\nMission: noted\n', '\nSession: 1\n'],
    turns: [turn('note', { text: 'the port is 4000' }), turn('handoff', { note: 'half' })],
  },
  {
    when: ['\nMission: noted\n', '\nSession: 2\n', '- the port is 4000\n</untrusted>', 'half\n</untrusted>'],
    turns: [turn('note', { text: 'the key is odd' }), { fault: { kind: 'refuse-key', times: 1 } }],
  },
  {
    when: [
      '\nMission: noted\n',
      '\nSession: 3\n',
      '- the port is 4000\n- the key is odd\n</untrusted>',
      ' UTC, had it go on without a word.',
    ],
    turns: [turn('escalate', { detail: 'red or blue? I would take red' })],
  },
  {
    when: [
      '\nMission: noted\n',
      '\nSession: 4\n',
      '<untrusted from="what this step waited for">\nred or blue? I would take red\n</untrusted>\nAnswered by ann, 20',
      ' UTC: blue',
    ],
    turns: [turn('write_file', { path: 'noted.txt', text: 'noted\n' }), close('wrote it')],
  },
];

let meeting: string;
let server: Awaited<ReturnType<typeof startModelServer>>;
let town: LiveTown;
beforeAll(async () => {
  meeting = await mkdtemp(join(tmpdir(), 'gt-meeting-'));
  server = await startModelServer({
    script: { rules: [...rulesOf('first', null), ...rulesOf('second', 'speed'), ...NOTED] },
  });
  const together = `touch "${meeting}/\${GT_AGENT##*/}." && until [ "$(ls -A ${meeting} | wc -l)" -ge 3 ]; do sleep 0.1; done`;
  town = await liveTown({
    rigs: { server: { bare: true, gates: { together } } },
    formulas: { eyes: EYES, quick: QUICK },
    runtime: { kind: 'anthropic', model: 'scripted', base_url: server.url },
    env: { ANTHROPIC_API_KEY: 'scripted' },
  });
});
afterAll(async () => {
  await town.stop();
  await server.stop();
  await rm(meeting, { recursive: true, force: true });
});

const work = [
  { id: 'rev', rig: 'server', formula: 'eyes', vars: { target: 'the login' } },
  { id: 'after', rig: 'server', formula: 'quick', vars: { name: 'after' }, needs: ['rev'] },
];

test('three legs are at work at once, their findings arrive in the commit of the synthesis, and nothing else of them does', async () => {
  const handle = await town.startMission('first', { work });
  const swarm = await until('three polecats are at work', async () => {
    const seen = await handle.query(swarmQuery);
    return Object.keys(seen).length === 3 ? seen : null;
  });
  expect(Object.keys(swarm).toSorted()).toEqual(LEGS.map((leg) => `rev.${leg}`));
  const sandboxes = await Promise.all(
    Object.values(swarm).map(async (id) =>
      until(
        `${id} has a sandbox`,
        async () => (await town.client.workflow.getHandle(id).query(lifecycleQuery)).sandbox?.path,
      ),
    ),
  );
  expect(new Set(sandboxes).size).toBe(3);

  const result = (await handle.result()) as MissionResult;
  expect([result.landed, result.total]).toEqual([5, 5]);
  expect(result.items.map(({ id, needs }) => [id, needs])).toEqual([
    ...LEGS.map((leg) => [`rev.${leg}`, []]),
    ['rev.synthesis', LEGS.map((leg) => `rev.${leg}`)],
    ['after', ['rev.synthesis']],
  ]);
  for (const item of result.items.slice(0, 3)) expect(item.state).toMatchObject({ kind: 'landed', commit: null });

  const log = await town.log('server');
  expect(log).toHaveLength(3);
  expect(count(log, 'Sum it up')).toBe(1);
  const report = await town.git('server', 'show', 'main:all.md');
  for (const leg of LEGS) expect(report).toContain(`a hole in ${leg}`);
  expect(await town.git('server', 'ls-tree', '-r', '--name-only', 'main')).toBe('README.md\nafter.txt\nall.md');
  expect(await town.git('server', 'for-each-ref', '--format=%(refname)')).toBe('refs/heads/main');
  for (const path of sandboxes) await expect(readFile(join(path, 'README.md'))).rejects.toThrow('ENOENT');
});

const it = drawn('things that happen to a leg', 2, 1);

it('a leg that fails is retried and skipped like any item, and the synthesis is told of it', async () => {
  const handle = await town.startMission('second', { work: work.slice(0, 1) });
  const failed = async (attempt: number) => {
    const molecule = await until(`attempt ${attempt} of the leg asks`, async () => {
      const { items } = await handle.query<Progress>('progress');
      const item = items.find((one) => one.id === 'rev.speed');
      if (item?.attempt !== attempt || item.state.kind !== 'working') return null;
      const listed = await town.client.workflow.getHandle(item.state.molecule).query<readonly string[]>('ready');
      return listed.includes('speed') ? item.state.molecule : null;
    });
    await town.client.workflow.getHandle(molecule).signal('fail', { step: 'speed', reason: 'nobody may' });
    await until(`attempt ${attempt} has failed`, async () => {
      const { items } = await handle.query<Progress>('progress');
      return items.find((one) => one.id === 'rev.speed')?.state.kind === 'failed';
    });
  };
  await failed(1);
  await handle.signal('retry', { item: 'rev.speed' });
  await failed(2);
  await handle.signal('skip', { item: 'rev.speed', reason: 'nobody may look' });
  const { items } = (await handle.result()) as MissionResult;
  expect(items.map(({ id, state }) => [id, state.kind])).toEqual([
    ['rev.sec', 'landed'],
    ['rev.speed', 'skipped'],
    ['rev.style', 'landed'],
    ['rev.synthesis', 'landed'],
  ]);
  expect(await town.git('server', 'show', 'main:all.md')).toContain('(no findings of speed: it was skipped: ');
});

it('what a session notes, and what it is answered, reaches every later session of its step, also when it broke off', async () => {
  const handle = await town.startMission('noted', {
    work: [{ id: 'noted', rig: 'server', formula: 'quick', vars: { name: 'noted' } }],
  });
  const asking = (what: string) =>
    until(`the step asks ${what}`, async () => {
      const { items } = await handle.query<Progress>('progress');
      const state = items[0]?.state;
      if (state?.kind !== 'working' || state.wait?.escalated !== true || !state.wait.why.includes(what)) return null;
      return town.client.workflow.getHandle(state.molecule);
    });
  await (await asking('key')).executeUpdate('retry', { args: [{ step: 'work' }] });
  const answer = { step: 'work', note: 'blue', by: 'ann' };
  await (await asking('red or blue?')).executeUpdate('retry', { args: [answer] });
  await expect(handle.result()).resolves.toMatchObject({ landed: 1 });
});
