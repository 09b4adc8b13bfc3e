/**
 * Whole missions by agents that people use, as they are published, each shut in without a network: `npm run test:agents`. Their models are scripted, on
 * this machine: those that speak Anthropic's protocol ask our own server, Codex and the Gemini CLI another's (https://github.com/CopilotKit/aimock).
 */
import { readdir, readFile, symlink } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { nudgesQuery } from '../../src/contract/polecat.js';
import type { Turn } from '../../src/dev/model-script.js';
import { startModelServer } from '../../src/dev/model-server.js';
import { missingBubblewrap } from '../support/bubblewrap.js';
import { gt } from '../support/gt.js';
import { count, liveTown, until } from '../support/live-town.js';
import type { LiveTown, TownPlan } from '../support/live-town.js';
import { realAgents, realAider, VERSIONS } from '../support/real-agents.js';
import type { RealAgents } from '../support/real-agents.js';
import { cutOffOnce, killWorker, mockOf, ofSession, says } from '../support/real-town.js';
import type { Rules } from '../support/real-town.js';
import { atTerminal } from '../support/terminal.js';

const SDK = VERSIONS['@anthropic-ai/claude-agent-sdk'];
const WORK = 'formula = "work"\n[[steps]]\nid = "write"\ntitle = "Write it"\n';

let agents: RealAgents;
beforeAll(async () => {
  const missing = await missingBubblewrap();
  if (missing !== null) throw new Error(missing);
  agents = await realAgents();
}, 600_000);

async function townWith(plan: Partial<TownPlan>): Promise<LiveTown> {
  const town = await liveTown({
    rigs: { server: { bare: true } },
    formulas: { work: WORK },
    confinement: {},
    ...plan,
    env: { ...plan.env, PATH: `${agents.bin}${delimiter}${plan.env?.['PATH'] ?? process.env['PATH']}` },
  });
  onTestFinished(() => town.stop());
  return town;
}

async function landsIn(town: LiveTown): Promise<unknown> {
  const mission = await town.startMission('real', { work: [{ id: 'a', rig: 'server', formula: 'work' }] });
  const result: unknown = await mission.result();
  expect(count(await town.log('server'), 'Write it')).toBe(1);
  expect(await town.git('server', 'show', 'main:a.txt')).toBe('made');
  return result;
}

test('Claude Code works its step, and ends it by the server of the town', async () => {
  const server = await startModelServer({
    script: {
      rules: [
        {
          when: ['# Write it\n'],
          turns: [
            {
              tools: [
                { name: 'Bash', input: { command: 'echo made > a.txt; gt note "by bash"', description: 'write' } },
              ],
            },
            { tools: [{ name: 'mcp__town__done', input: { summary: 'made it' } }] },
            { text: 'All done.' },
          ],
        },
      ],
    },
  });
  onTestFinished(() => server.stop());
  const town = await townWith({
    runtime: { kind: 'claude-code', model: 'claude-opus-5-5', base_url: server.url },
    env: { ANTHROPIC_API_KEY: 'sk-ant-planted-0123456789' },
  });
  const result = await landsIn(town);
  expect(result).toMatchObject({ landed: 1, usd: expect.any(Number) as number });
  expect(server.requests().map(({ turn }) => turn)).toEqual([0, 1, 2]);
  // The key went to the provider alone.
  expect(JSON.stringify(server.requests())).not.toContain('sk-ant-planted');
});

test('without a network Claude Code is told that its provider searches nothing for it, and works on', async () => {
  const search = { tools: [{ name: 'WebSearch', input: { query: 'all that it has read' } }] };
  const { server, town } = await townWithClaude([search, bash('echo made > a.txt'), DONE, { text: 'Done.' }], [], {});
  expect(await landsIn(town)).toMatchObject({ landed: 1 });
  expect(server.requests().map(({ turn }) => turn)).toEqual([0, 1, 2, 3]);
  const told = JSON.stringify(server.requests()[1]?.body.messages.at(-1));
  expect(told).toContain('web_search in tools is run by anthropic itself');
});

const bash = (command: string) => ({ tools: [{ name: 'Bash', input: { command, description: 'work' } }] });
const DONE = { tools: [{ name: 'mcp__town__done', input: { summary: 'made it' } }] };

/** `next`: of a session that has the note of the one before, "half is done". */
async function townWithSdk(
  turns: readonly Turn[],
  next: readonly Turn[] = [],
  limits: NonNullable<TownPlan['limits']> = {},
) {
  const { server, town } = await townWithClaude(turns, next, limits);
  await symlink(agents.modules, join(town.dir, 'node_modules'));
  return { server, town };
}

/** Called by its command. */
async function townWithClaude(turns: readonly Turn[], next: readonly Turn[], limits: NonNullable<TownPlan['limits']>) {
  const rules = [
    { when: ['half is done'], turns: [...next] },
    { when: ['# Write it\n'], turns: [...turns] },
  ];
  const server = await startModelServer({ script: { rules } });
  onTestFinished(() => server.stop());
  const town = await townWith({
    runtime: { kind: 'claude-code', model: 'claude-opus-5-5', base_url: server.url },
    env: { ANTHROPIC_API_KEY: 'sk-ant-planted-0123456789' },
    limits,
  });
  return { server, town };
}

test('Claude Code is driven by its SDK where the town has that, and hears a nudge in the midst of its work', async () => {
  const { server, town } = await townWithSdk([bash('echo made > a.txt; sleep 8'), bash('sleep 1'), DONE]);
  const landed = landsIn(town);
  await until('the first turn has begun', async () => server.requests().length === 1);
  const agent = 'server/polecats/Toast';
  const said = await gt(['nudge', agent, 'mind the tests', '--by', 'ada', '--town', town.dir], {
    TEMPORAL_ADDRESS: undefined,
  });
  expect(said).toMatchObject({ code: 0 });
  expect(await landed).toMatchObject({ landed: 1, usd: expect.any(Number) as number });
  const bodies = server.requests().map(({ body }) => JSON.stringify(body.messages.at(-1)));
  expect(bodies.filter((last) => last.includes('A word from ada: mind the tests'))).toHaveLength(1);
  expect(JSON.stringify(server.requests())).not.toContain('sk-ant-planted');
  expect(await ofSession(town, 'transcript.md')).toContain(`→ claude-agent-sdk {"version":"${SDK}"}`);
  const nudges = await town.client.workflow.getHandle(agent).query(nudgesQuery);
  expect(nudges).toMatchObject([{ heardBy: expect.stringMatching(/\/write\/1$/) as string }]);
});

test('at its limit of turns it is asked for a note, and a fresh session goes on with that', async () => {
  const handoff = { tools: [{ name: 'mcp__town__handoff', input: { note: 'half is done' } }] };
  const turns = [bash('echo made > a.txt'), bash('true'), handoff];
  const { server, town } = await townWithSdk(turns, [DONE], { turns: 2 });
  expect(await landsIn(town)).toMatchObject({ landed: 1 });
  const asked = server.requests().find(({ rule, turn }) => rule === 1 && turn === 2);
  expect(JSON.stringify(asked?.body)).toContain('This session is at its limit');
});

test('by its command it is seen as it works, stopped at its limit, and asked for a note in the same conversation', async () => {
  const handoff = { tools: [{ name: 'mcp__town__handoff', input: { note: 'half is done' } }] };
  // Stopped in the midst of a turn, it notes that itself.
  const turns = [bash('echo made > a.txt; sleep 3'), bash('true'), handoff, handoff];
  const { server, town } = await townWithClaude(turns, [DONE], { turns: 2 });
  const landed = landsIn(town);
  await until('it is seen', async () => (await ofSession(town, 'said.log')).includes('→ Bash'));
  expect(server.requests()).toHaveLength(1);
  expect(await landed).toMatchObject({ landed: 1 });
  const asked = server.requests().filter(({ rule }) => rule === 1);
  expect(JSON.stringify(asked[2]?.body)).toContain('This session is at its limit');
  expect(JSON.stringify(asked[2]?.body)).toContain('echo made > a.txt');
});

/** Whether Claude Code has written to its conversation that it does something: what is not there when it is killed it does once more. */
async function hasNoted({ dir }: LiveTown, what: string): Promise<boolean> {
  const sessions = join(dir, '.gt', 'sessions');
  const files = await readdir(sessions, { recursive: true }).catch(() => []);
  const conversations = files.filter((file) => file.includes('/projects/') && file.endsWith('.jsonl'));
  const texts = await Promise.all(conversations.map((file) => readFile(join(sessions, file), 'utf8')));
  return texts.some((text) => text.includes('tool_use') && text.includes(what));
}

test('its worker killed in the midst of its work, it goes on in the same conversation', async () => {
  // What it was in the midst of it answers itself, and so may be a turn further.
  const { server, town } = await townWithSdk([bash('echo made >> a.txt; sleep 100'), DONE, DONE]);
  const landed = landsIn(town);
  await until('it is at work', async () => (await ofSession(town, 'said.log')).includes('→ Bash'));
  await until('it has noted that', () => hasNoted(town, 'sleep 100'));
  killWorker(town);
  expect(await landed).toMatchObject({ landed: 1 });
  expect(server.requests().filter(({ turn }) => turn === 0)).toHaveLength(1);
  const again = JSON.stringify(server.requests().find(({ turn }) => turn !== 0)?.body);
  expect(again).toContain('sleep 100');
  expect(again).toContain('You were cut off');
});

test('somebody goes on with Claude Code at a terminal, and it goes on with what was said there', async () => {
  const server = await startModelServer({
    script: {
      rules: [
        {
          when: ['# Write it\n'],
          turns: [
            { tools: [{ name: 'mcp__town__escalate', input: { detail: 'which word?' } }] },
            { text: 'Asked.' },
            { text: 'I shall write made.' },
            { tools: [{ name: 'Bash', input: { command: 'echo made > a.txt', description: 'write' } }] },
            { tools: [{ name: 'mcp__town__done', input: { summary: 'made it' } }] },
            { text: 'All done.' },
          ],
        },
      ],
    },
  });
  onTestFinished(() => server.stop());
  const env = { ANTHROPIC_API_KEY: 'sk-ant-planted-0123456789' };
  const runtime = { kind: 'claude-code', model: 'claude-opus-5-5', base_url: server.url };
  const town = await townWith({ runtime, env });
  const mission = await town.startMission('real', { work: [{ id: 'a', rig: 'server', formula: 'work' }] });
  const molecule = await until('its step waits', async () => {
    const query = 'GtMission="real" AND GtRole="molecule" AND GtPhase="escalated"';
    for await (const { workflowId } of town.client.workflow.list({ query })) return workflowId;
    return null;
  });
  const here = { ...env, PATH: `${agents.bin}${delimiter}${process.env['PATH']}`, TEMPORAL_ADDRESS: undefined };
  const shown = atTerminal(['attach', molecule, '--town', town.dir], here);
  await shown.says('Asked.');
  // The line is sent once it stands there.
  shown.type('it-is-made');
  await shown.says('it-is-made');
  shown.type('\r');
  await shown.says('I shall write');
  for (const key of ['\u0003', '\u0003']) shown.type(key);
  expect(await shown.ended).toContain('claude has ended with 0');
  const costs = await gt(['costs', '--by', 'session', '--json', '--town', town.dir], { TEMPORAL_ADDRESS: undefined });
  const rows = JSON.parse(costs.stdout) as { of: string; usage: { turns: number; outputTokens: number } }[];
  const attached = rows.find(({ of }) => /\/attached-\w+$/.test(of))?.usage;
  expect(attached?.turns).toBeGreaterThanOrEqual(1);
  expect(attached?.outputTokens).toBeGreaterThanOrEqual(1);
  await gt(['retry', 'write', '--mol', molecule, '--town', town.dir], { TEMPORAL_ADDRESS: undefined });
  expect(await mission.result()).toMatchObject({ landed: 1 });
  expect(await town.git('server', 'show', 'main:a.txt')).toBe('made');
  const last = JSON.stringify(server.requests().at(-1));
  expect(last).toContain('it-is-made');
  expect(last).toContain('Somebody at a terminal has gone on with this conversation');
  expect(JSON.stringify(server.requests())).not.toContain('sk-ant-planted');
});

async function townWithCodex(rules: Rules): Promise<LiveTown> {
  const mock = await mockOf(agents, rules);
  return townWith({
    runtime: { kind: 'codex', model: 'gpt-5.6' },
    // With the version, as OpenAI's own library has it.
    env: { OPENAI_API_KEY: 'sk-planted', OPENAI_BASE_URL: `${mock.url}/v1` },
    prices: { 'gpt-5': { input: 1_000, output: 10_000 } },
  });
}

const shell = (cmd: string) => ({ toolCalls: [{ name: 'exec_command', arguments: JSON.stringify({ cmd }) }] });

test('Codex works its step, and ends it by the command `gt`; it costs what its model does', async () => {
  const town = await townWithCodex([
    [{ hasToolResult: false }, shell('echo made > a.txt; gt done "made it"')],
    [{ hasToolResult: true }, { content: 'All done.' }],
  ]);
  const result = (await landsIn(town)) as { usd: number };
  expect(result).toMatchObject({ landed: 1 });
  // Two turns of a dollar for what they read, and one for what they write.
  expect(result.usd).toBeCloseTo(4);
});

test('its worker killed in the midst of its work, Codex goes on in the same conversation', async () => {
  const { seen, predicate } = cutOffOnce();
  const town = await townWithCodex([
    [{ predicate }, shell('gt done "made it"')],
    [says('You were cut off'), { content: 'All done.' }],
    [{ hasToolResult: false }, shell('echo begun')],
    [{ hasToolResult: true }, shell('echo made >> a.txt; sleep 100')],
  ]);
  const landed = landsIn(town);
  await until('it is at work', async () => (await ofSession(town, 'said.log')).includes('sleep 100'));
  killWorker(town);
  expect(await landed).toMatchObject({ landed: 1 });
  expect(seen[0]).toContain('echo begun');
});

async function townWithGemini(rules: Rules): Promise<LiveTown> {
  const mock = await mockOf(agents, rules);
  return townWith({
    runtime: { kind: 'gemini', model: 'gemini-2.5-flash' },
    env: { GEMINI_API_KEY: 'AIza-planted-0123456789', GOOGLE_GEMINI_BASE_URL: mock.url },
    prices: { 'gemini-2.5': { input: 1_000, output: 10_000 } },
  });
}

const geminiShell = (command: string) => ({
  toolCalls: [{ name: 'run_shell_command', arguments: JSON.stringify({ command, description: 'work' }) }],
});

test('the Gemini CLI works its step, and ends it by the command `gt`; it costs what its model does', async () => {
  const town = await townWithGemini([
    [{ hasToolResult: false }, geminiShell('echo made > a.txt; gt done "made it"')],
    [{ hasToolResult: true }, { content: 'All done.' }],
  ]);
  const result = (await landsIn(town)) as { usd: number };
  expect(result).toMatchObject({ landed: 1 });
  expect(result.usd).toBeGreaterThan(1);
});

test('its worker killed in the midst of its work, the Gemini CLI goes on in the same conversation', async () => {
  const { seen, predicate } = cutOffOnce();
  const town = await townWithGemini([
    [{ predicate }, geminiShell('gt done "made it"')],
    [says('You were cut off'), { content: 'All done.' }],
    [{ hasToolResult: false }, geminiShell('echo begun')],
    [{ hasToolResult: true }, geminiShell('echo made >> a.txt; gt note "at work"; sleep 100')],
  ]);
  const landed = landsIn(town);
  await until('it is at work', async () => (await ofSession(town, 'journal.jsonl')).includes('at work'));
  killWorker(town);
  expect(await landed).toMatchObject({ landed: 1 });
  expect(seen[0]).toContain('echo begun');
});

async function townWithTurns(kind: string, turns: readonly Turn[], plan: Partial<TownPlan> = {}) {
  const server = await startModelServer({ script: { rules: [{ when: [], turns: [...turns] }] } });
  onTestFinished(() => server.stop());
  const town = await townWith({
    ...plan,
    runtime: { kind, model: 'scripted-model', base_url: server.url },
    env: { ...plan.env, ANTHROPIC_API_KEY: 'sk-ant-planted-0123456789' },
    prices: { 'scripted-model': { input: 1_000, output: 10_000 } },
  });
  return { server, town };
}

const bashOfOpencode = (command: string) => ({ tools: [{ name: 'bash', input: { command, description: 'work' } }] });

test('opencode works its step with a model that it has never heard of, and ends it by the command `gt`', async () => {
  const turns = [bashOfOpencode('echo made > a.txt; gt done "made it"'), { text: 'All done.' }];
  const { server, town } = await townWithTurns('opencode', turns);
  const result = (await landsIn(town)) as { usd: number };
  expect(result).toMatchObject({ landed: 1 });
  expect(result.usd).toBeGreaterThan(1);
  const [first] = server.requests();
  // As it was asked, and no title beside it.
  expect(JSON.stringify(first?.body.messages)).toContain('"text":"You are server/polecats/Toast.');
  expect(JSON.stringify(server.requests())).not.toContain('sk-ant-planted');
});

test('its worker killed in the midst of its work, opencode goes on in the same conversation', async () => {
  const begun = bashOfOpencode('echo made >> a.txt; gt note "at work"; sleep 100');
  const done = bashOfOpencode('gt done "made it"');
  const { server, town } = await townWithTurns('opencode', [begun, done, done, { text: 'All done.' }]);
  const landed = landsIn(town);
  await until('it is at work', async () => (await ofSession(town, 'journal.jsonl')).includes('at work'));
  killWorker(town);
  expect(await landed).toMatchObject({ landed: 1 });
  expect(server.requests().filter(({ turn }) => turn === 0)).toHaveLength(1);
  const again = JSON.stringify(server.requests().find(({ turn }) => turn !== 0)?.body);
  expect(again).toContain('sleep 100');
  expect(again).toContain('You were cut off');
});

test('Aider makes its edits, and hands them in by what it tests them with', async (context) => {
  const found = await realAider();
  const folder = typeof found === 'string' ? context.skip(found) : found.folder;
  // It shows its model by four answers of another conversation what answers look like.
  const examples = [{}, {}, {}, {}];
  const turns = [...examples, { text: 'I write it.\n\na.txt\n```\nmade\n```\n' }, { text: 'All done.' }];
  const { server, town } = await townWithTurns('aider', turns, {
    confinement: { read: [folder] },
    env: { PATH: [join(folder, 'bin'), process.env['PATH']].join(delimiter) },
  });
  const result = (await landsIn(town)) as { usd: number };
  expect(result).toMatchObject({ landed: 1 });
  expect(result.usd).toBeGreaterThan(0.5);
  // Of what it keeps for itself nothing lands.
  expect(await town.git('server', 'ls-tree', '--name-only', 'main')).toBe('README.md\na.txt');
  expect(JSON.stringify(server.requests())).not.toContain('sk-ant-planted');
}, 900_000);
