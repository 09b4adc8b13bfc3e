/** What town.toml says of prices. */
import { expect, test } from 'vitest';
import { readTownText } from '../src/town-toml.js';

function problemsOf(text: string): readonly string[] {
  const read = readTownText(text);
  return read.ok ? [] : read.problems;
}

test('the prices of a model stand under its name; what is not said of the cache follows from input', () => {
  const read = readTownText(`
[prices."claude-opus-5-5"]
input = 3
output = 15.5
cache_read = 0
cache_write = 4
[prices.other]
input = 1
output = 2
`);
  expect(read).toMatchObject({ ok: true });
  expect(read.ok && read.settings.prices).toEqual({
    'claude-opus-5-5': { input: 3, output: 15.5, cacheRead: 0, cacheWrite: 4 },
    other: { input: 1, output: 2, cacheRead: 0.1, cacheWrite: 1.25 },
  });
});

test.each([
  [
    '[prices.m]\ninput = "free"\noutput = 1',
    2,
    'prices.m.input is "free"; dollars for a million tokens are expected, a number of 0 or more, for example 5',
  ],
  [
    '[prices.m]\ninput = 1',
    1,
    'prices.m.output is missing; dollars for a million tokens are expected, a number of 0 or more, for example 25',
  ],
  [
    '[prices.m]\ninput = 1\noutput = 2\ncache_read = -1',
    4,
    'prices.m.cache_read is -1; dollars for a million tokens are expected, a number of 0 or more, for example 0.5',
  ],
  ['prices = 5', 1, 'prices is 5; a table of prices is expected: [prices."claude-opus-5-5"]'],
  [
    '[prices." "]\ninput = 1\noutput = 2',
    1,
    'prices. : the name of a model is expected, or its beginning, for example "claude-opus-5-5"',
  ],
  ['[prices.m]\ninput = 1\noutput = 2\ncache_raed = 1', 4, 'prices.m.cache_raed is no key; did you mean cache_read?'],
])('%j is told with its line, what was found and what is possible', (text, line, message) => {
  expect(problemsOf(text)).toEqual([`town.toml:${line}: ${message}`]);
});

test('a name with a dot in it, written without quotes, is told how to write it', () => {
  expect(problemsOf('[prices.claude-3.5-sonnet]\ninput = 1\noutput = 2')).toContain(
    'town.toml:1: prices.claude-3.5-sonnet is no key; a name with a dot in it stands in quotes: [prices."claude-3.5-sonnet"]',
  );
});

test('a variable for an agent that comes with the town stands beside those that it needs', () => {
  const read = readTownText('[agents.codex]\nenv = { MINE = "1", CODEX_HOME = "/other" }\n[rigs.a]\nurl = "/a"\n');
  const [rig] = read.ok ? read.settings.rigs : [];
  expect(rig?.agents?.['codex']?.env).toEqual({ OPENAI_API_KEY: '{model_key}', MINE: '1', CODEX_HOME: '/other' });
});

test('an agent of one’s own, and what is otherwise with one that comes with the town', () => {
  const read = readTownText(`
[agents.mine]
args = ["--model={model}", "{prompt}"]
resume = ["--continue={session}"]
[agents.codex]
model = "gpt-5.6"
[agents.listener]
prompt = "stdin"
[rigs.a]
url = "/a"
runtime = { kind = "mine", model = "m" }
[rigs.b]
url = "/b"
runtime = { kind = "codex" }
`);
  expect(read).toMatchObject({ ok: true });
  const [a, b] = read.ok ? read.settings.rigs : [];
  expect(a?.runtime).toEqual({ kind: 'command', model: 'm', agent: 'mine' });
  expect(b?.runtime).toEqual({ kind: 'command', model: '', agent: 'codex' });
  expect(a?.agents?.['mine']).toMatchObject({ command: 'mine', resume: ['--continue={session}'], provider: null });
  expect(a?.agents?.['codex']).toMatchObject({
    command: 'codex',
    model: 'gpt-5.6',
    provider: 'openai',
    usage: 'codex',
  });
  expect(a?.agents?.['listener']).toMatchObject({ command: 'listener', args: [], prompt: 'stdin' });
});

function runtimes(role: string) {
  const read = readTownText(
    `[runtime]\nkind = "anthropic"\nmodel = "of-town"\n${role}\n[rigs.a]\nurl = "/a"\nruntime = { kind = "codex", model = "of-rig" }\n[rigs.b]\nurl = "/b"`,
  );
  return read.ok ? read.settings.rigs.map((one) => one.runtime) : read.problems;
}

test('a role goes before a rig, and a rig before the town, key by key', () => {
  const [rig, town] = [
    { kind: 'command', model: 'of-rig', agent: 'codex' },
    { kind: 'anthropic', model: 'of-town' },
  ];
  expect(runtimes('')).toEqual([rig, town]);
  expect(runtimes('[roles.polecat]\nruntime = { kind = "mine" }\n[agents.mine]')).toEqual([
    { kind: 'command', model: 'of-rig', agent: 'mine' },
    { kind: 'command', model: 'of-town', agent: 'mine' },
  ]);
  expect(runtimes('[roles.polecat.runtime]\nmodel = "of-role"')).toEqual([
    { ...rig, model: 'of-role' },
    { ...town, model: 'of-role' },
  ]);
});

test('where nothing is said of agents and of confinement, rigs have nothing of it', () => {
  const read = readTownText('[rigs.a]\nurl = "/a"\n');
  expect(read.ok && Object.keys(read.settings.rigs[0] ?? {})).not.toContain('agents');
  expect(read.ok && Object.keys(read.settings.rigs[0] ?? {})).not.toContain('confinement');
});

test('how work lands is said for a rig, and absent where nothing is', () => {
  const rigs =
    '[rigs.a]\nurl = "/a"\n[rigs.b]\nurl = "/b"\n[rigs.b.merge]\nstrategy = "squash"\nbatch = 4\nconcurrent = false';
  const read = readTownText(rigs);
  const [one, other] = read.ok ? read.settings.rigs : [];
  expect(Object.keys(one ?? {})).not.toContain('merge');
  expect(other?.merge).toEqual({ strategy: 'squash', batch: 4, concurrent: false });
});

test('what is said of confinement for a rig goes before what is said for all', () => {
  const read = readTownText(
    '[confinement]\nlevel = "bubblewrap"\nmemory_mb = 100\n[rigs.a]\nurl = "/a"\n[rigs.a.confinement]\nnetwork = "host"\nlevel = "none"',
  );
  expect(read.ok && read.settings.rigs[0]?.confinement).toEqual({ level: 'none', network: 'host', memoryMbMax: 100 });
});

test.each([
  ['[runtime]\nkind = "cluade-code"', 2, /^runtime.kind is "cluade-code"; auto, script, .*claude-code.* is expected$/],
  ['[rigs.a]\nurl = "/a"\nruntime = { kind = "his" }\n[agents.mine]', 3, /"his"; .*mine is expected$/],
  ['[roles.polecat]\nruntime = { kind = "cdex" }', 2, /^roles.polecat.runtime.kind is "cdex"; auto, script, /],
  ['[roles.polecat]\nruntime = { modle = "x" }', 2, /^roles.polecat.runtime.modle is no key; did you mean model\?$/],
  ['[roles.polecat]\nruntime = {}\nmodel = "x"', 3, /^roles.polecat.model is no key; the keys here are runtime$/],
  ['[roles.polecat]', 1, /^roles.polecat.runtime is missing; a table is expected$/],
  ['[roles.polcat]\nruntime = {}', 1, /^roles.polcat is no key; did you mean polecat\?$/],
  [
    '[roles.refinery]\nruntime = { kind = "anthropic" }',
    1,
    /^roles.refinery is no key; no model works for that role: a runtime can be chosen for polecat, mayor, deacon, witness or boot alone$/,
  ],
  ['[agents.mine]\nusage = "all"', 2, /agents.mine.usage is "all"; claude, codex, gemini or none is expected/],
  ['[agents.mine]\nargs = "all"', 2, /a list of texts is expected/],
  [
    '[rigs.a]\nurl = "/a"\nmerge = { strategy = "ff" }',
    3,
    /"ff"; one of rebase, squash, merge, fast-forward is expected$/,
  ],
  ['[rigs.a]\nurl = "/a"\nmerge = { batch = 0 }', 3, /is 0; a whole number of 1 or more is expected, for example 16$/],
  ['[rigs.a]\nurl = "/a"\nmerge = { batch = 65 }', 3, /is 65; at most 64 are tried together$/],
  ['[confinement]\nread = ["here"]', 2, /an absolute path is expected/],
  ['[confinement]\nnetwork = "some"', 2, /none or host is expected/],
])('%j is refused', (text, line, message) => {
  const [problem = ''] = problemsOf(text);
  expect(problem).toMatch(new RegExp(`^town\\.toml:${line}: `));
  expect(problem.replace(/^town\.toml:\d+: /, '')).toMatch(message);
});
