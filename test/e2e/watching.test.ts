/** Sessions are watched, spoken to, held by a budget before their next turn, and counted, while a real town works. */
import { defaultPayloadConverter } from '@temporalio/common';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { missionMessages } from '../../src/contract/messages.js';
import { progressQuery } from '../../src/contract/mission.js';
import { inboxQuery } from '../../src/contract/inbox.js';
import { lifecycleQuery, nudgesQuery } from '../../src/contract/polecat.js';
import { tokensOf } from '../../src/dev/model-request.js';
import { startModelServer } from '../../src/dev/model-server.js';
import type { Rule, Turn } from '../../src/dev/model-script.js';
import type { Usage } from '../../src/town/session.js';
import { gt } from '../support/gt.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { QUICK } from '../support/test-formulas.js';

const usage = { input_tokens: 100_000, output_tokens: 0 };
const look: Turn = { tools: [{ name: 'list_files', input: { path: '.' } }], usage };
/** Time to say something to the agent. */
const slow: Turn = { tools: [{ name: 'run_command', input: { name: 'slow' } }], usage };
const end = (mission: string): Turn => ({
  tools: [
    { name: 'write_file', input: { path: `${mission}.txt`, text: 'it\n' } },
    { name: 'close', input: { summary: 'wrote it', verdict: 'done' } },
  ],
  usage,
});
const handoff: Turn = { tools: [{ name: 'handoff', input: { note: 'half of it is there' } }], usage };
const rule = (mission: string, turns: Turn[], ...when: string[]): Rule => ({
  when: [`\nMission: ${mission}\n`, ...when],
  turns,
});

let server: Awaited<ReturnType<typeof startModelServer>>;
let town: LiveTown;
beforeAll(async () => {
  server = await startModelServer({
    script: {
      rules: [
        rule('budgeted', [look, look, end('budgeted')], '\nSession: 1\n'),
        rule('budgeted', [end('budgeted')]),
        rule('capped', [look, handoff], '\nSession: 1\n'),
        rule('capped', [end('capped')]),
        rule('nudged', [slow, { ...look, text: '\u001B[2J\u001B[31mI look\u0007' }, end('nudged')], '\nSession: 1\n'),
        rule('cycled', [slow, handoff], '\nSession: 1\n'),
        rule('cycled', [end('cycled')]),
        rule('cached', [{ tools: look.tools }, { tools: look.tools }, { tools: end('cached').tools }]),
        { when: ['What did you do?'], turns: [{ text: 'I listed the files, and wrote it.txt.' }] },
      ],
    },
  });
  town = await liveTown({
    rigs: { server: { bare: true, gates: { slow: 'sleep 4' } } },
    formulas: { quick: QUICK },
    runtime: { kind: 'anthropic', model: 'scripted', base_url: server.url },
    prices: { scripted: { input: 1, output: 10 } },
    limits: { session_usd: 0.45 },
    env: { ANTHROPIC_API_KEY: 'scripted' },
  });
});
afterAll(async () => {
  await town.stop();
  await server.stop();
});

const start = (id: string, more: object = {}) =>
  town.startMission(id, { work: [{ id: 'it', rig: 'server', formula: 'quick', vars: { name: 'it' } }], ...more });
const asked = (mission: string) =>
  server.requests().filter(({ body }) => JSON.stringify(body).includes(`Mission: ${mission}\\`)).length;
async function ours(...args: string[]): Promise<string> {
  const env = { TEMPORAL_ADDRESS: undefined, ANTHROPIC_API_KEY: 'scripted' };
  const { stdout, stderr } = await gt([...args, '--town', town.dir], env);
  expect(stderr).toBe('');
  return stdout;
}

async function agentOf(mission: string): Promise<string> {
  return until(`the polecat of ${mission}`, async () => {
    const query = `GtMission="${mission}" AND GtRole="polecat"`;
    for await (const { workflowId } of town.client.workflow.list({ query })) return workflowId;
    return null;
  });
}

test('a session stops before its next turn when the budget is spent, and a fresh one goes on once it is raised', async () => {
  const handle = await start('budgeted', { budget: { usd: 0.15 } });
  const held = await until('the budget is spent', async () => {
    const seen = await handle.query(progressQuery);
    return seen.phase === 'escalated' ? seen : null;
  });
  // Two turns of ten cents each: the second began with five cents left, and ended.
  expect(held.usd).toBeCloseTo(0.2);
  expect(asked('budgeted')).toBe(2);
  const { output } = await town.temporal('workflow', 'list', '-q', 'GtWaitingFor="overseer: budget"');
  expect(output).toContain('budgeted');
  const molecule = await until('the molecule is held', async () => {
    for await (const one of town.client.workflow.list({ query: 'GtMission="budgeted" AND GtRole="molecule"' }))
      return (one.searchAttributes['GtPhase'] as string[] | undefined)?.[0] === 'paused' ? one.workflowId : null;
    return null;
  });
  expect(await ours('explain', molecule)).toContain('the budget');
  expect(asked('budgeted')).toBe(2);
  expect(await ours('budget', 'budgeted', '9')).toBe('the budget is $9; spent so far: $0.20\n');
  expect(await handle.result()).toMatchObject({ landed: 1 });
  expect(asked('budgeted')).toBe(3);
  expect((await handle.query(progressQuery)).usd).toBeCloseTo(0.3);
});

test('a budget that is raised while its molecules are still being held lets all of them go on', async () => {
  const handle = await start('capped', { budget: { usd: 0.05 } });
  await until('the first turn is over', async () => (asked('capped') >= 1 ? true : null));
  await handle.executeUpdate(missionMessages.budget.update, { args: [{ usd: 9 }] });
  expect(await handle.result()).toMatchObject({ landed: 1 });
});

test('a nudge is told before the next turn, once, and who asks sees that it was heard', async () => {
  const handle = await start('nudged');
  const agent = await agentOf('nudged');
  await until('the first turn has begun', async () => asked('nudged') === 1);
  const said = await ours('nudge', agent, 'mind the tests', '--by', 'ada', '--wait');
  expect(said).toMatch(/hears it before its next turn\nheard by the session se-\w+\/work\/1\n$/);
  expect(await handle.result()).toMatchObject({ landed: 1 });
  const bodies = server.requests().map(({ body }) => JSON.stringify(body));
  const turns = bodies.filter((body) => body.includes('Mission: nudged\\'));
  expect(turns[0]).not.toContain('mind the tests');
  expect(turns[1]).toContain('A word from ada: mind the tests');
  expect(turns[2]?.split('mind the tests')).toHaveLength(2);
  const nudges = await town.client.workflow.getHandle(agent).query(nudgesQuery);
  expect(nudges).toMatchObject([{ by: 'ada', text: 'mind the tests', heardBy: expect.stringMatching(/\/work\/1$/) }]);
  expect(await ours('nudge', agent)).toContain('ada: mind the tests  · heard by');
});

test('a session that is asked to hands over to a fresh one', async () => {
  const handle = await start('cycled');
  const agent = await agentOf('cycled');
  await until('the first turn has begun', async () => asked('cycled') === 1);
  const { molecule } = await town.client.workflow.getHandle(agent).query(lifecycleQuery);
  // By this its molecule would tell what it has cost, if its host were lost: as the session itself does.
  const told = await until('its session has told how far it is', async () => {
    const { runId, raw } = await town.client.workflow.getHandle(molecule).describe();
    const [beat] = raw.pendingActivities?.[0]?.heartbeatDetails?.payloads ?? [];
    const said = beat === undefined ? null : defaultPayloadConverter.fromPayload<object | null>(beat);
    return said === null ? null : { ...said, runId };
  });
  expect(told).toMatchObject({ spentId: `spent:${molecule}/work/1@${told.runId}` });
  const primed = await ours('prime', molecule);
  await ours('nudge', agent, '--cycle', '--by', 'ada');
  expect(await handle.result()).toMatchObject({ landed: 1 });
  const first = server.requests().find(({ body }) => JSON.stringify(body).includes('Mission: cycled\\'))?.body as {
    system: { text: string }[];
    messages: { content: { text: string }[] }[];
  };
  const [system, message] = [first.system[0]?.text, first.messages[0]?.content[0]?.text];
  expect(primed).toBe(`# System prompt\n\n${system}\n# First message\n\n${message}\n`);
  const bodies = server.requests().map(({ body }) => JSON.stringify(body));
  const last = bodies.findLast((body) => body.includes('Mission: cycled\\'));
  expect(last).toContain('half of it is there');
  const [mail, ...more] = await town.client.workflow.getHandle(agent).query(inboxQuery);
  expect(more).toEqual([]);
  expect(mail).toMatchObject({ from: agent, to: agent, subject: 'HANDOFF: Write it' });
  expect(mail?.body).toMatch(
    /^Molecule: se-\w+\nStep: work\nSession: 1\nReason: requested\nHanded-Over-At: .*\n\nhalf of it is there$/,
  );
});

test('gt peek shows what a session said and did, and gt seance asks it', async () => {
  const seen = await ours('peek', await agentOf('nudged'));
  expect(seen).toContain('> A word from ada: mind the tests');
  expect(seen).toContain('→ write_file {"path":"nudged.txt"');
  expect(seen).toContain('## closed: wrote it');
  expect(seen).toContain('\nI look␇\n');
  expect(seen).not.toContain('\u001B');
  const answer = await ours('seance', await agentOf('nudged'), 'What did you do?');
  expect(answer).toBe('I listed the files, and wrote it.txt.\n');
  expect(server.requests().at(-1)?.body).toMatchObject({ model: 'scripted' });
  const question = JSON.stringify(server.requests().at(-1)?.body);
  expect(question).toContain('What did you do?');
  expect(question).toContain('mind the tests');
});

test('gt costs counts what the ledger has of every session', async () => {
  const rows = JSON.parse(await ours('costs', '--by', 'mission', '--json')) as object[];
  expect(rows).toContainEqual(
    expect.objectContaining({ of: 'budgeted', sessions: 2, usage: expect.objectContaining({ turns: 3 }) }),
  );
  expect(await ours('costs', '--by', 'model')).toMatch(
    /\| scripted \| \d+ \| \d+ \| \d+ \| 0 % \| \d+ \| \$\d\.\d\d \|/,
  );
  const sessions = JSON.parse(await ours('costs', '--by', 'session', '--mission', 'cycled', '--json')) as {
    of: string;
  }[];
  expect(sessions.map(({ of }) => of.split('/').slice(1).join('/')).toSorted()).toEqual(['work/1', 'work/2']);
});

test('what was asked about a session is counted with its mission, and is no session', async () => {
  const rows: unknown = JSON.parse(await ours('costs', '--by', 'runtime', '--mission', 'nudged', '--json'));
  expect(rows).toHaveLength(2);
  expect(rows).toContainEqual(
    expect.objectContaining({ of: 'seance', sessions: 0, usage: expect.objectContaining({ turns: 1 }) }),
  );
});

const sum = (tokens: readonly number[]) => tokens.reduce((all, one) => all + one, 0);

/** What the model was asked in the sessions of a mission. */
const bodiesOf = (mission: string) =>
  server
    .requests()
    .map(({ body }) => body)
    .filter(({ messages: [first] }) => JSON.stringify(first).includes(`Mission: ${mission}\\`));

test('what a model was sent before stands marked for its cache, unchanged, and gt costs shows what that has saved', async () => {
  expect(await (await start('cached')).result()).toMatchObject({ landed: 1 });
  const mark = { type: 'ephemeral' };
  for (const [mission, turns] of [
    ['cached', 3],
    ['nudged', 3],
  ] as const) {
    const bodies = bodiesOf(mission);
    expect(bodies).toHaveLength(turns);
    bodies.forEach((body, at) => {
      expect(body).toMatchObject({ cache_control: mark, system: [{ cache_control: mark }] });
      const { messages, ...rest } = bodies[at - 1] ?? body;
      expect({ ...body, messages: body.messages.slice(0, messages.length) }).toEqual({ ...rest, messages });
    });
  }
  // Marked by itself, since all sessions of a role begin with it.
  expect(bodiesOf('cycled')[0]?.system).toEqual(bodiesOf('cached')[0]?.system);

  const sent = bodiesOf('cached').map((body) => tokensOf(body).all);
  const [all, read] = [sum(sent), sum(sent.slice(0, -1))];
  const shown = await ours('costs', '--mission', 'cached');
  expect(shown).toContain(`| cached | 1 | 3 | ${all} | ${Math.round((100 * read) / all)} % |`);
  const [row] = JSON.parse(await ours('costs', '--mission', 'cached', '--json')) as [{ usage: Usage }];
  const { usd, inputTokens, cacheWriteTokens, cacheReadTokens, outputTokens } = row.usage;
  expect(cacheReadTokens).toBe(read);
  expect(usd).toBeCloseTo((inputTokens + 1.25 * cacheWriteTokens + 0.1 * read + 10 * outputTokens) / 1_000_000, 12);
  expect(inputTokens + 1.25 * cacheWriteTokens + 0.1 * read).toBeLessThan(all);
});
