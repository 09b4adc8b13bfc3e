/**
 * Trouble of each kind that a step can have, made for real: by what it is before the ladder, of which category and how urgent, whom it goes to first, and
 * that each answer there is lets its step go on.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { escalationQuery } from '../../src/contract/escalation.js';
import { progressQuery } from '../../src/contract/mission.js';
import { startModelServer, type ModelServer } from '../../src/dev/model-server.js';
import type { Rule } from '../../src/dev/model-script.js';
import { DEACON, MAYOR, OVERSEER, witnessOf } from '../../src/town/address.js';
import type { EscalationView } from '../../src/town/escalation-board.js';
import type { Resolution, Source } from '../../src/town/escalation-input.js';
import { gt } from '../support/gt.js';
import { liveTown, until, type LiveTown } from '../support/live-town.js';

/** What its step is called says what the program does; what it was answered, it does instead. */
const program = (go: string) => `
case "$1" in
  *"it is revoked"*) rm key.txt; echo clean > kept.txt; gt done "took it out" ;;
  *"Answered by"*) echo told > told.txt; gt done "as I was told" ;;
  *"# question"*) gt escalate "which of two ways?" --category blocked ;;
  *"# sessions"*) gt handoff "not yet" ;;
  *"# acceptance"*) gt done "done, I think" ;;
  *"# stalled"*) test -e ${go} && echo woken > woken.txt && gt done "woken" ;;
  *"# security"*) echo AKIAPLANTEDBYANAGENT > key.txt; gt done "kept the key" ;;
esac`;

const worked = (name: string, more = '') => `
formula = "${name}"
[[steps]]
id = "work"
title = "${name}"
${more}
`;
const FORMULAS: Readonly<Record<string, string>> = {
  question: worked('question', 'agent = "does"'),
  sessions: worked('sessions', 'agent = "does"'),
  acceptance: worked('acceptance', 'agent = "does"\nacceptance = { command = "test -e never" }'),
  stalled: worked('stalled', 'agent = "does"'),
  security: worked('security', 'agent = "does"'),
  failure: worked('failure', 'run = "exit 3"'),
  'given-up': worked('given-up', 'type = "human"'),
  gate: worked('gate', 'run = "true"\ngate = { type = "human", await = "may it go?", timeout = "1s" }'),
  loop: `${worked('loop')}[steps.loop]\nuntil = "file.exists('never')"\nmax = 1\n[[steps.loop.body]]\nid = "turn"\ntitle = "Turn"\nrun = "true"\n`,
  auth: worked('auth', 'agent = "keyless"'),
  limits: worked('limits'),
  refused: worked('refused', 'agent = "absent"'),
};

const closes = (more: object = {}) => ({
  tools: [{ name: 'close', input: { summary: 'there is nothing to be done', verdict: 'no-changes' } }],
  ...more,
});
const UNPAID: Rule = {
  when: ['# limits'],
  turns: [
    {
      fault: {
        kind: 'status',
        status: 402,
        type: 'billing_error',
        message: 'the credit balance is too low',
        headers: {},
        times: 1,
      },
    },
  ],
};
const PAID: Rule = { when: ['# limits', 'it is paid'], turns: [closes()] };
/** Two cents. */
const COSTLY: Rule = {
  when: ['# spends'],
  turns: [closes({ usage: { input_tokens: 20_000, output_tokens: 0 } })],
};
const SPENDS = `${worked('spends')}[[steps]]\nid = "more"\ntitle = "spends more"\nneeds = ["work"]\n`;

type Case = { readonly stands: readonly [string, string]; readonly first: string; readonly answer: Resolution };
const CASES: Readonly<Partial<Record<Source, Case>>> = {
  question: { stands: ['blocked', 'HIGH'], first: MAYOR, answer: { action: 'retry', note: 'the first' } },
  sessions: {
    stands: ['lifecycle', 'MEDIUM'],
    first: witnessOf('server'),
    answer: { action: 'close', note: 'enough' },
  },
  acceptance: { stands: ['failed', 'MEDIUM'], first: DEACON, answer: { action: 'fail', note: 'not to be done' } },
  stalled: {
    stands: ['lifecycle', 'MEDIUM'],
    first: witnessOf('server'),
    answer: { action: 'reassign', note: 'asleep' },
  },
  security: {
    stands: ['emergency', 'CRITICAL'],
    first: OVERSEER,
    answer: { action: 'retry', note: 'it is revoked' },
  },
  failure: { stands: ['failed', 'MEDIUM'], first: DEACON, answer: { action: 'skip' } },
  'given-up': { stands: ['failed', 'MEDIUM'], first: DEACON, answer: { action: 'close', note: 'it is there' } },
  gate: { stands: ['gate_timeout', 'HIGH'], first: DEACON, answer: { action: 'skip' } },
  loop: { stands: ['failed', 'MEDIUM'], first: DEACON, answer: { action: 'skip' } },
  auth: { stands: ['blocked', 'HIGH'], first: MAYOR, answer: { action: 'skip' } },
  limits: { stands: ['blocked', 'HIGH'], first: MAYOR, answer: { action: 'retry', note: 'it is paid' } },
  refused: { stands: ['blocked', 'MEDIUM'], first: MAYOR, answer: { action: 'close', note: 'by hand' } },
};
const SOURCES = Object.keys(FORMULAS) as readonly Source[];

let dir: string;
let go: string;
let model: ModelServer;
let town: LiveTown;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gt-sources-'));
  go = join(dir, 'go');
  model = await startModelServer({ script: { rules: [PAID, UNPAID, COSTLY] } });
  const does = { command: 'sh', args: ['-c', program(go), 'does', '{prompt}'] };
  town = await liveTown({
    rigs: { server: { bare: true, capacity: SOURCES.length + 1 } },
    formulas: { ...FORMULAS, spends: SPENDS },
    runtime: { kind: 'anthropic', model: 'scripted', base_url: model.url },
    prices: { scripted: { input: 1, output: 1 } },
    limits: { sessions_per_step: 4, rejections_per_step: 2 },
    agents: { does, keyless: { ...does, provider: 'gemini' }, absent: { command: 'gt-test-no-such-program' } },
    env: { ANTHROPIC_API_KEY: 'scripted' },
  });
});
afterAll(async () => {
  await town.stop();
  await model.stop();
  await rm(dir, { recursive: true, force: true });
});

/** Escalations of a mission that are open, and have come to the overseer: no role is there but the witness, which has no rule. */
async function openOf(mission: string): Promise<readonly EscalationView[]> {
  const query = `GtMission="${mission}" AND GtRole="escalation" AND ExecutionStatus="Running"`;
  const views: EscalationView[] = [];
  for await (const { workflowId } of town.client.workflow.list({ query }))
    views.push(await town.client.workflow.getHandle(workflowId).query(escalationQuery));
  return views.filter(({ tier, isOver }) => tier === OVERSEER && !isOver);
}

async function resolve(id: string, { action, note, usd }: Resolution): Promise<void> {
  const said = ['--action', action, ...(note === undefined ? [] : ['--note', note])];
  const sum = usd === undefined ? [] : ['--usd', String(usd)];
  const { code, stderr } = await gt(['escalation', 'resolve', id, ...said, ...sum, '--town', town.dir]);
  expect(code, stderr).toBe(0);
}

test('a step’s trouble of each kind is brought before the ladder as what it is, and each answer lets its item go on', async () => {
  const work = SOURCES.map((id) => ({ id, rig: 'server', formula: id }));
  const mission = await town.startMission('troubles', { work });
  await until('somebody has the work for a person', async () => {
    const { items } = await mission.query(progressQuery);
    const state = items.find(({ id }) => id === 'given-up')?.state;
    if (state?.kind !== 'working' || state.wait?.for !== 'person: work') return null;
    const failed = { step: 'work', outcome: 'failed', note: 'it cannot be done', by: 'ann' };
    await town.client.workflow.getHandle(state.molecule).executeUpdate('close', { args: [failed] });
    return true;
  });
  const open = await until(
    'all are before the overseer',
    async () => {
      const views = await openOf('troubles');
      return views.length === SOURCES.length ? views : null;
    },
    180,
  );
  const stands = open.map(({ source, category, severity, chain }) => [
    source,
    { stands: [category, severity], first: chain.find(({ kind }) => ['asked', 'unreached'].includes(kind))?.by },
  ]);
  const expected = Object.entries(CASES).map(([source, { stands: as, first }]) => [source, { stands: as, first }]);
  expect(Object.fromEntries(stands)).toEqual(Object.fromEntries(expected));

  await writeFile(go, '');
  for (const { id, source } of open) await resolve(id, CASES[source]?.answer ?? { action: 'retry' });
  // What a person fails is a failed item, which is asked about by itself.
  const failed = await until('the failed item is before the overseer', async () =>
    (await openOf('troubles')).find(({ source }) => source === 'item'),
  );
  expect(failed).toMatchObject({
    category: 'failed',
    severity: 'HIGH',
    text: expect.stringContaining('not to be done'),
  });
  await resolve(failed.id, { action: 'skip', note: 'nobody needs it' });
  const { items } = (await mission.result()) as {
    readonly items: readonly { id: string; attempt: number; state: { kind: string } }[];
  };
  const ends = Object.fromEntries(items.map(({ id, attempt, state }) => [id, [state.kind, attempt]]));
  expect(ends).toMatchObject({ question: ['landed', 1], acceptance: ['skipped', 1], stalled: ['landed', 2] });
  expect(await openOf('troubles')).toEqual([]);
});

test('a mission that has spent what it may goes on with the sum that the escalation is answered with', async () => {
  const work = [{ id: 'a', rig: 'server', formula: 'spends' }];
  const mission = await town.startMission('spent', { work, budget: { usd: 0.01 } });
  const asked = await until('its budget is before the overseer', async () =>
    (await openOf('spent')).find(({ source }) => source === 'budget'),
  );
  expect(asked).toMatchObject({ category: 'decision', severity: 'HIGH', choices: ['budget'] });
  await resolve(asked.id, { action: 'budget', usd: 1 });
  expect(await mission.result()).toMatchObject({ landed: 1, usd: 0.04 });
});
