import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { absoluteUrl, readEnvironment, readTown, withRuntimes, type Town } from '../src/config.js';
import { findTown, townOfEnvironment } from '../src/town-folder.js';
import { canonicalHash } from '../src/formula/canonical.js';
import { DEFAULT_LIMITS, DEFAULT_NAMES, TownSnapshot } from '../src/town/rig.js';
import { DEFAULT_SESSIONS_AT_ONCE } from '../src/town-toml.js';
import { asNobody } from './support/nobody.js';
import { makeFolder } from './support/repos.js';

async function townWith(text: string): Promise<string> {
  const dir = await makeFolder();
  await writeFile(join(dir, 'town.toml'), text);
  return dir;
}

async function read(text: string): Promise<Town> {
  const result = await readTown(await townWith(text));
  if (!result.ok) throw new Error(result.problems.join('\n'));
  return result.town;
}

async function problemsOf(text: string): Promise<readonly string[]> {
  const result = await readTown(await townWith(text));
  return result.ok ? [] : result.problems;
}

async function problemOf(dir: string): Promise<readonly string[] | null> {
  const result = await readTown(dir);
  return result.ok ? null : result.problems;
}

const SERVER = '[rigs.server]\nurl = "/srv/server"\n';

describe('a town', () => {
  test('of an empty file has defaults for everything', async () => {
    const dir = await townWith('');
    const result = await readTown(dir);
    expect(result).toMatchObject({
      ok: true,
      town: {
        dir,
        server: { port: null, uiPort: null },
        anthropic: { baseUrl: null },
        sessionsMax: DEFAULT_SESSIONS_AT_ONCE,
        modelRequestsMax: null,
        snapshot: { rigs: {}, limits: DEFAULT_LIMITS, prices: {} },
      },
    });
  });

  test('is called as its folder when it has no other name', async () => {
    const dir = join(await makeFolder(), 'hill-town');
    await mkdir(dir);
    await writeFile(join(dir, 'town.toml'), '');
    expect(await readTown(dir)).toMatchObject({ town: { name: 'hill-town', snapshot: { name: 'hill-town' } } });
    await writeFile(join(dir, 'town.toml'), '[town]\nname = "Deadwood"');
    expect(await readTown(dir)).toMatchObject({ town: { name: 'Deadwood' } });
  });

  test('reads every key', async () => {
    const town = await read(`
[server]
port = 7000
ui_port = 7001
[limits]
patience = 0.5
sessions_per_step = 1
sessions_at_once = 9
model_requests_at_once = 8
rejections_per_step = 2
reworks = 0
turns = 4
session_minutes = 5.5
context_tokens = 6
quiet_seconds = 7
[runtime]
kind = "script"
model = "a-model"
base_url = "http://127.0.0.1:9"
[deacon]
redispatch = true
[rigs.web]
url = "https://example.com/web.git"
branch = "trunk"
gates = { zebra = "z", test = { run = "npm test", timeout = "10m", retries = 2 }, lint = { run = "npm run lint", quarantined = true } }
names = ["Ash", "Storm"]
capacity = 2
prefix = "wb"
runtime = { kind = "human", model = "another" }
`);
    expect(town).toMatchObject({
      server: { port: 7000, uiPort: 7001 },
      anthropic: { baseUrl: 'http://127.0.0.1:9' },
      sessionsMax: 9,
      modelRequestsMax: 8,
    });
    expect(town.snapshot.deacon).toEqual({ redispatch: true });
    expect(town.snapshot.limits).toEqual({
      patience: 0.5,
      sessionsPerStepMax: 1,
      rejectionsPerStepMax: 2,
      reworksMax: 0,
      turnsMax: 4,
      sessionMinutesMax: 5.5,
      contextTokensMax: 6,
      quietSecondsMax: 7,
    });
    expect(town.snapshot.rigs).toEqual({
      web: {
        name: 'web',
        url: 'https://example.com/web.git',
        branch: 'trunk',
        gates: [
          { name: 'zebra', command: 'z' },
          { name: 'test', command: 'npm test', timeoutMs: 600_000, retries: 2 },
          { name: 'lint', command: 'npm run lint', quarantined: true },
        ],
        names: ['Ash', 'Storm'],
        capacity: 2,
        prefix: 'wb',
        runtime: { kind: 'human', model: 'another' },
      },
    });
  });

  test('gives its rigs what they do not say themselves', async () => {
    const { snapshot } = await read(
      `[runtime]\nkind = "script"\n[rigs.server]\nurl = "../server"\n[rigs.sew]\nurl = "/sew"\nnames = ["Ash"]`,
    );
    expect(snapshot.rigs['server']).toMatchObject({
      branch: 'main',
      gates: [],
      names: DEFAULT_NAMES,
      capacity: 5,
      prefix: 'se',
      runtime: { kind: 'script', model: 'claude-opus-5-5' },
    });
    expect(snapshot.rigs['sew']).toMatchObject({ capacity: 1, prefix: 'sw' });
  });

  test('takes no derived prefix that another rig has been given', async () => {
    const { snapshot } = await read(`[rigs.server]\nurl = "/a"\n[rigs.web]\nurl = "/b"\nprefix = "se"`);
    expect(snapshot.rigs).toMatchObject({ server: { prefix: 'sr' }, web: { prefix: 'se' } });
  });

  test('is a snapshot whose hash is that of the rest, and the same for the same settings', async () => {
    const [one, two] = [
      await read(`[town]\nname = "t"\n${SERVER}`),
      await read(`# said otherwise\n${SERVER}\n[town]\nname = 't'`),
    ];
    expect(TownSnapshot.parse(one.snapshot)).toEqual(one.snapshot);
    const { hash, ...rest } = one.snapshot;
    expect(hash).toBe(canonicalHash(rest));
    expect(two.snapshot.hash).toBe(hash);
    expect((await read(`[town]\nname = "u"\n${SERVER}`)).snapshot.hash).not.toBe(hash);
  });

  test('resolves paths against its own folder and leaves URLs alone', () => {
    const urls = ['/abs', '../up', 'sub', '~/mine', 'https://h/x.git', 'git@host:a/b.git', 'file:///x', './a:b'];
    expect(urls.map((url) => absoluteUrl(url, '/town'))).toEqual([
      '/abs',
      '/up',
      '/town/sub',
      join(homedir(), 'mine'),
      'https://h/x.git',
      'git@host:a/b.git',
      'file:///x',
      '/town/a:b',
    ]);
  });
});

describe('a mistake in town.toml', () => {
  test.each([
    [
      '[rigs.server]\nurl = "/x"\ncapacity = "five"',
      3,
      'rigs.server.capacity is "five"; a whole number of 1 or more is expected, for example 5',
    ],
    [
      '[rigs.server]\nbranch = "main"',
      1,
      'rigs.server.url is missing; a text is expected, for example "/home/me/server"',
    ],
    [
      '[rigs.server]\nurl = "/x"\n[rigs.server.gates]\ntest = 5',
      4,
      'rigs.server.gates.test is 5; a command is expected, for example "npm test", or { run = "npm test", timeout = "10m", retries = 1 }',
    ],
    [
      '[runtime]\nkind = "robot"',
      2,
      'runtime.kind is "robot"; auto, script, anthropic, human, claude-code, codex, gemini, opencode or aider is expected',
    ],
    ['[server]\nport = 70000', 2, 'server.port is 70000; a port from 1 to 65535 is expected'],
    ['[limits]\npatience = 0', 2, 'limits.patience is 0; a number above 0 is expected, for example 1'],
    [
      '[limits]\nsessions_at_once = 0',
      2,
      'limits.sessions_at_once is 0; a whole number of 1 or more is expected, for example 500',
    ],
    ['[limits]\nreworks = 1.5', 2, 'limits.reworks is 1.5; a whole number of 0 or more is expected, for example 5'],
    [`${SERVER}names = []`, 3, 'rigs.server.names is []; at least one name is expected, for example ["Toast"]'],
    [
      `${SERVER}names = ["Toast",\n  "../x"]`,
      4,
      'rigs.server.names.2 is "../x"; a name of letters, digits and "-" is expected, for example "Toast"',
    ],
    [
      `${SERVER}prefix = "Server"`,
      3,
      'rigs.server.prefix is "Server"; two to four lower-case letters are expected, for example "gt"',
    ],
    [`${SERVER}branch = "-x"`, 3, 'rigs.server.branch is "-x"; the name of a branch is expected, for example "main"'],
    [
      `${SERVER}branch = "a..b"`,
      3,
      'rigs.server.branch is "a..b"; the name of a branch is expected, for example "main"',
    ],
    [
      `${SERVER}branch = "refs/heads/main"`,
      3,
      'rigs.server.branch is "refs/heads/main"; the name of a branch is expected, for example "main"',
    ],
    ['limits = 2024-01-01', 1, 'limits is a date, 2024-01-01; none is possible here'],
    [`${SERVER}names = ["Ash", 2024-01-01]`, 3, 'rigs.server.names.2 is a date, 2024-01-01; none is possible here'],
    ['[limits]\npatience = nan', 2, 'limits.patience is nan; a number above 0 is expected, for example 1'],
    ['[server]\nport = 7233\nui_port = 7233', 3, 'server.ui_port is 7233, as server.port is; another port is expected'],
    ['[constructor]\nx = 1', 1, 'constructor is no key: nothing here may be called so, choose another name'],
    ['[rigs]\n__proto__ = 1', 2, '__proto__ is no key: nothing here may be called so, choose another name'],
    ['rigs = 5', 1, 'rigs is 5; a table of rigs is expected: [rigs.<name>]'],
    ['[rigs]\nserver = "/x"', 2, 'rigs.server is "/x"; a table is expected'],
  ])('%j is told with its line, what was found and what is possible', async (text, line, message) => {
    expect(await problemsOf(text)).toEqual([`town.toml:${line}: ${message}`]);
  });

  test.each([
    ['[limits]\npatiense = 1', 'limits.patiense is no key; did you mean patience?'],
    [`${SERVER}capicity = 1`, 'rigs.server.capicity is no key; did you mean capacity?'],
    ['[runtime]\nbaseurl = "http://x"', 'runtime.baseurl is no key; did you mean base_url?'],
    ['[rig.server]\nurl = "/x"', 'rig is no key; did you mean rigs?'],
    ['[town]\ncolour = "red"', 'town.colour is no key; the keys here are name'],
    [`${SERVER}[rigs.server.runtime]\nmodle = "x"`, 'rigs.server.runtime.modle is no key; did you mean model?'],
  ])('%j: an unknown key is told with the nearest known one', async (text, message) => {
    expect(await problemsOf(text)).toEqual([expect.stringContaining(message)]);
  });

  test('in a rig says what rigs can be called', async () => {
    expect(await problemsOf('[rigs.Server]\nurl = "/x"')).toEqual([
      'town.toml:1: rigs.Server: a rig is named with lower-case letters, digits and "-", beginning with a letter',
    ]);
    expect((await problemsOf('[rigs.witness]\nurl = "/x"'))[0]).toMatch(/rigs\.witness: it is the name of a role/);
  });

  test('between settings is told, too', async () => {
    const text = `${SERVER}names = ["Ash", "Storm", "ash"]\ncapacity = 4\nprefix = "ab"
[rigs.web]\nurl = "/w"\ncapacity = 26\nprefix = "ab"\n[rigs.app]\nurl = "/a"\nprefix = "hq"`;
    expect(await problemsOf(text)).toEqual([
      'town.toml:3: rigs.server.names has "ash" twice',
      'town.toml:4: rigs.server.capacity is 4; at most 3 is possible, the number of names',
      'town.toml:8: rigs.web.capacity is 26; at most 25 is possible, the number of names',
      'town.toml:9: rigs.web.prefix is "ab", which belongs to the rig server',
      'town.toml:12: rigs.app.prefix is "hq", which belongs to the town itself',
    ]);
  });

  test('does not hide the others: all are told in the order of the file', async () => {
    const problems = await problemsOf('[server]\nport = "x"\nprot = 1\n[rigs.Bad]\nurl = 5\n[runtime]\nkind = 1');
    expect(problems.map((problem) => problem.slice(0, 12))).toEqual(
      [2, 3, 4, 5, 7].map((line) => `town.toml:${line}:`),
    );
  });

  test('of TOML itself is told with its line', async () => {
    expect(await problemsOf('[town]\nname = "x')).toEqual([expect.stringMatching(/^town\.toml:2: this is not TOML: /)]);
    expect(await problemsOf('[rigs.a]\nurl="/x"\n[rigs.a]\nurl="/y"')).toEqual([
      expect.stringMatching(/^town\.toml:3: this is not TOML: /),
    ]);
  });
});

describe('a folder that is no town', () => {
  test('does not exist', async () => {
    const dir = join(await makeFolder(), 'none');
    expect(await problemOf(dir)).toEqual([`${dir} does not exist: make a town there with: gt init ${dir}`]);
  });

  test('has no town.toml', async () => {
    const dir = await makeFolder();
    expect(await problemOf(dir)).toEqual([`${dir} is no town, it has no town.toml: make it one with: gt init ${dir}`]);
  });

  test('is a file', async () => {
    const file = join(await townWith(''), 'town.toml');
    expect(await problemOf(file)).toEqual([`${file} is a file: a town is a folder with a town.toml`]);
  });

  test('has a folder for a town.toml', async () => {
    const dir = await makeFolder();
    await mkdir(join(dir, 'town.toml'));
    expect(await problemOf(dir)).toEqual([`${join(dir, 'town.toml')} cannot be read (EISDIR): is it a file?`]);
  });

  test('has a link that leads nowhere, or round in a circle, for a town.toml', async () => {
    const dir = await makeFolder();
    await symlink('nowhere', join(dir, 'town.toml'));
    expect(await problemOf(dir)).toEqual([`${dir} is no town, it has no town.toml: make it one with: gt init ${dir}`]);
    await rm(join(dir, 'town.toml'));
    await symlink('town.toml', join(dir, 'town.toml'));
    expect(await problemOf(dir)).toEqual([`${join(dir, 'town.toml')} cannot be read (ELOOP): is it a file?`]);
  });

  test('lies below a file, or is a link round in a circle', async () => {
    const file = join(await townWith(''), 'town.toml');
    const below = join(file, 'town');
    expect(await problemOf(below)).toEqual([`${join(below, 'town.toml')} cannot be read (ENOTDIR): is it a file?`]);
    const circle = join(await makeFolder(), 'circle');
    await symlink('circle', circle);
    expect(await problemOf(circle)).toEqual([`${join(circle, 'town.toml')} cannot be read (ELOOP): is it a file?`]);
  });

  test('may not be read, nor what is in it', async () => {
    const dir = await townWith('');
    const file = join(dir, 'town.toml');
    const refused = [`${file} cannot be read: its owner must give you the permission (EACCES)`];
    await chmod(dir, 0o755);
    await chmod(file, 0);
    expect(await asNobody(() => problemOf(dir))).toEqual(refused);
    await chmod(dir, 0);
    expect(await asNobody(() => problemOf(dir))).toEqual(refused);
    await chmod(dir, 0o700);
  });
});

test('the nearest folder above with a town.toml is the town', async () => {
  const dir = await townWith('');
  const deep = join(dir, 'a', 'b');
  await mkdir(deep, { recursive: true });
  expect(findTown(deep)).toBe(dir);
  expect(findTown(await makeFolder())).toBeNull();
});

test('with a key, auto means anthropic, and what is chosen stays', async () => {
  const { snapshot } = await read(`${SERVER}[rigs.web]\nurl = "/w"\nruntime = { kind = "human" }`);
  const keyed = withRuntimes(snapshot, { hasKey: true });
  expect(keyed.rigs).toMatchObject({ server: { runtime: { kind: 'anthropic' } }, web: { runtime: { kind: 'human' } } });
  const { hash, ...rest } = keyed;
  expect(hash).toBe(canonicalHash(rest));
  expect(withRuntimes(snapshot, { hasKey: false })).toEqual(snapshot);
});

describe('the environment', () => {
  test('may say nothing', async () => {
    expect(readEnvironment({ HOME: await makeFolder() })).toEqual({
      anthropic: { apiKey: null, baseUrl: null },
      temporal: { address: null, namespace: 'default', apiKey: null, tls: null, metadata: {} },
    });
    expect(townOfEnvironment({ GT_TOWN: '' })).toBeNull();
  });

  test('names keys, a town and a Temporal server', async () => {
    const env = {
      HOME: await makeFolder(),
      ANTHROPIC_API_KEY: 'key',
      ANTHROPIC_BASE_URL: 'http://127.0.0.1:9',
      TEMPORAL_ADDRESS: 'temporal.example:7233',
      TEMPORAL_NAMESPACE: 'mine',
      TEMPORAL_API_KEY: 'cloud',
      GT_TOWN: '/town',
    };
    expect(readEnvironment(env)).toEqual({
      anthropic: { apiKey: 'key', baseUrl: 'http://127.0.0.1:9' },
      temporal: { address: 'temporal.example:7233', namespace: 'mine', apiKey: 'cloud', tls: true, metadata: {} },
    });
    expect(townOfEnvironment(env)).toBe('/town');
  });

  test('may point to a profile of a Temporal configuration file', async () => {
    const file = join(await makeFolder(), 'temporal.toml');
    await writeFile(file, '[profile.prod]\naddress = "prod:7233"\nnamespace = "hill"');
    const env = { TEMPORAL_CONFIG_FILE: file, TEMPORAL_PROFILE: 'prod' };
    expect(readEnvironment(env).temporal).toMatchObject({ address: 'prod:7233', namespace: 'hill' });
    expect(() => readEnvironment({ ...env, TEMPORAL_PROFILE: 'pord' })).toThrow(
      /Temporal client configuration cannot be read.*pord/,
    );
  });
});
