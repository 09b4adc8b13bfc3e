import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readTown } from '../../src/config.js';
import type { RigSnapshot } from '../../src/town/rig.js';
import { runCli } from '../support/cli.js';
import { makeFolder, makeRepo, runGit } from '../support/repos.js';

const TOWN = '# The first line.\n\n[limits]\npatience = 2   # slow\n';

type Place = { readonly town: string; readonly file: string; readonly repo: string };

async function place(text = TOWN): Promise<Place> {
  const folder = await makeFolder();
  const town = join(folder, 'town');
  await mkdir(town);
  await writeFile(join(town, 'town.toml'), text);
  const { path } = await makeRepo({ path: join(folder, 'code'), branch: 'trunk' });
  return { town, file: join(town, 'town.toml'), repo: path };
}

const add = ({ town }: Place, ...args: string[]) => runCli(['rig', 'add', ...args], { cwd: town });

async function rigsOf({ town }: Place): Promise<Readonly<Record<string, RigSnapshot>>> {
  const read = await readTown(town);
  if (!read.ok) throw new Error(read.problems.join('\n'));
  return read.town.snapshot.rigs;
}

test('a rig is added below what was written by hand, with the branch that the repository says', async () => {
  const at = await place();
  const { code, stdout } = await add(
    at,
    'server',
    at.repo,
    '--gate',
    'test=sh -c "exit 0"',
    '--gate',
    'all=true && true',
  );
  expect({ code, stdout }).toEqual({ code: 0, stdout: `server is a rig: ${at.repo}, work lands on trunk\n` });
  expect(await readFile(at.file, 'utf8')).toMatch(
    new RegExp(`^${TOWN.replaceAll(/[[\]]/g, '\\$&')}\n\\[rigs\\.server\\]\n`),
  );
  expect((await rigsOf(at))['server']).toMatchObject({
    url: at.repo,
    branch: 'trunk',
    prefix: 'se',
    gates: [
      { name: 'test', command: 'sh -c "exit 0"' },
      { name: 'all', command: 'true && true' },
    ],
  });
});

test('what is given goes in: branch, names, capacity, prefix', async () => {
  const at = await place();
  await runGit(at.repo, ['branch', 'next']);
  const options = ['--branch', 'next', '--names', 'Ash, Storm', '--capacity', '2', '--prefix', 'zz'];
  expect((await add(at, 'server', at.repo, ...options)).code).toBe(0);
  expect((await rigsOf(at))['server']).toMatchObject({
    branch: 'next',
    names: ['Ash', 'Storm'],
    capacity: 2,
    prefix: 'zz',
  });
});

test('a relative path is meant from where one stands, and becomes absolute', async () => {
  const at = await place();
  const { code } = await runCli(['rig', 'add', 'server', 'code', '--town', 'town'], { cwd: join(at.town, '..') });
  expect(code).toBe(0);
  expect((await rigsOf(at))['server']?.url).toBe(at.repo);
});

test('each rig gets a prefix of its own', async () => {
  const at = await place();
  await add(at, 'server', at.repo);
  await add(at, 'search', at.repo);
  expect(Object.values(await rigsOf(at)).map((rig) => rig.prefix)).toEqual(['se', 'sa']);
});

test.each([
  [['Server', '.'], 2, /"Server" is not possible: a rig is named with lower-case letters/],
  [['refinery', '.'], 2, /"refinery" is not possible: it is the name of a role/],
  [['server'], 2, /gt rig add takes a name and a repository/],
  [['server', '.', '--gate', 'npm test'], 2, /--gate is "npm test"; NAME=COMMAND is expected/],
  [
    ['server', '.', '--gate', 'test=no-such-program --all'],
    1,
    /the gate test needs the program no-such-program, .* --force/,
  ],
  [['server', '.', '--gate', 'test=true', '--gate', 'test=false'], 2, /--gate test is given twice/],
  [['server', '/no/such/folder'], 1, /^gt: \/no\/such\/folder is not a git repository/],
])('%j is refused, and town.toml is left as it is', async (args, code, message) => {
  const at = await place();
  const result = await add(at, ...args);
  expect(result.code).toBe(code);
  expect(result.stderr).toMatch(message);
  expect(await readFile(at.file, 'utf8')).toBe(TOWN);
  expect(await readdir(at.town)).toEqual(['town.toml']);
});

test('a repository without commits is refused with what to do', async () => {
  const at = await place();
  const empty = await makeRepo({ files: null });
  const { code, stderr } = await add(at, 'server', empty.path);
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: `gt: ${empty.path} has no commits: make a first one and push it\n`,
  });
});

test('several that are added at the same moment are all there, and what is said is true', async () => {
  const at = await place();
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const results = await Promise.all(names.map((name) => add(at, name, at.repo)));
  expect(results.map(({ code, stderr }) => ({ code, stderr }))).toEqual(names.map(() => ({ code: 0, stderr: '' })));
  const rigs = await rigsOf(at);
  expect(Object.keys(rigs).toSorted()).toEqual(names);
  expect(new Set(Object.values(rigs).map((rig) => rig.prefix)).size).toBe(names.length);
  expect(await readdir(at.town)).toEqual(['town.toml']);
});

test('of one name that is added twice at the same moment one is there, and the other is refused', async () => {
  const at = await place();
  const results = await Promise.all([add(at, 'server', at.repo), add(at, 'server', at.repo)]);
  expect(results.map(({ code }) => String(code)).toSorted()).toEqual(['0', '1']);
  expect(results.map(({ stderr }) => stderr).join('')).toMatch(/^gt: there is a rig server already, [^\n]*\n$/);
});

test('a branch that the repository does not have is refused with the nearest', async () => {
  const at = await place();
  const { code, stderr } = await add(at, 'server', at.repo, '--branch', 'trnuk');
  expect({ code, stderr }).toEqual({ code: 1, stderr: `gt: ${at.repo} has no branch trnuk; did you mean trunk?\n` });
  expect(await readFile(at.file, 'utf8')).toBe(TOWN);
});

test('a name that every object of JavaScript has is no rig that is there already', async () => {
  const at = await place();
  const { stderr } = await add(at, 'constructor', at.repo);
  expect(stderr).not.toContain('already');
});

test('a password in a URL is shown to nobody', async () => {
  const at = await place(`${TOWN}[rigs.web]\nurl = "https://me:hunter2@example.com/web.git"\n`);
  for (const args of [
    ['rig', 'list'],
    ['rig', 'list', '--json'],
    ['rig', 'add', 'web', at.repo],
  ]) {
    const { stdout, stderr } = await runCli(args, { cwd: at.town });
    expect(stdout + stderr).toContain('https://***@example.com/web.git');
    expect(stdout + stderr).not.toContain('hunter2');
  }
});

test('with --force a gate may need a program that is not here', async () => {
  const at = await place();
  expect((await add(at, 'server', at.repo, '--gate', 'test=no-such-program', '--force')).code).toBe(0);
  expect((await rigsOf(at))['server']?.gates).toEqual([{ name: 'test', command: 'no-such-program' }]);
});

test('a gate whose program may lie in the repository is taken as it is', async () => {
  const at = await place();
  expect((await add(at, 'server', at.repo, '--gate', 'a=./check.sh', '--gate', 'b=CI=1 no-such')).code).toBe(0);
});

test('a rig that is there is not replaced', async () => {
  const at = await place();
  await add(at, 'server', at.repo);
  const before = await readFile(at.file, 'utf8');
  const { code, stderr } = await add(at, 'server', at.repo);
  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('there is a rig server already') });
  expect(await readFile(at.file, 'utf8')).toBe(before);
});

test.each([
  ['--capacity', 'five', 'rigs.server.capacity is "five"; a whole number of 1 or more is expected'],
  ['--capacity', '26', 'rigs.server.capacity is 26; at most 25 is possible'],
  ['--prefix', 'hq', 'rigs.server.prefix is "hq", which belongs to the town itself'],
  ['--names', 'Ash,ash', 'rigs.server.names has "ash" twice'],
])('%s %s would make town.toml wrong, so it is told and not written', async (option, value, message) => {
  const at = await place();
  const { code, stderr } = await add(at, 'server', at.repo, option, value);
  expect(code).toBe(1);
  expect(stderr).toContain(message);
  expect(await readFile(at.file, 'utf8')).toBe(TOWN);
});

test('rigs that are written in a form nothing can be appended to stay as they are', async () => {
  const text = `rigs = { web = { url = "/w" } }\n`;
  const at = await place(text);
  const { code, stderr } = await add(at, 'server', at.repo);
  expect(code).toBe(1);
  expect(stderr).toMatch(/town\.toml was left as it is[^]*town\.toml:3: this is not TOML/);
  expect(await readFile(at.file, 'utf8')).toBe(text);
});

test('a town.toml that is wrong already is told, not added to', async () => {
  const at = await place('[limits]\npatiense = 1\n');
  const { code, stderr } = await add(at, 'server', at.repo);
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: 'gt: town.toml:2: limits.patiense is no key; did you mean patience?\n',
  });
});

test('a linked town.toml stays a link, and keeps its permissions', async () => {
  const at = await place();
  const real = join(at.town, '..', 'real.toml');
  await writeFile(real, TOWN);
  await chmod(real, 0o640);
  await runGit(at.town, ['init', '--quiet']);
  const linked = join(at.town, '..', 'linked');
  await mkdir(linked);
  await symlink(real, join(linked, 'town.toml'));
  expect((await runCli(['rig', 'add', 'server', at.repo], { cwd: linked })).code).toBe(0);
  expect(await readFile(real, 'utf8')).toContain('[rigs.server]');
  expect((await stat(real)).mode & 0o777).toBe(0o640);
});

test('rigs are listed for people and for programs, from GT_TOWN as from a folder inside the town', async () => {
  const at = await place();
  expect((await runCli(['rig', 'list'], { cwd: at.town })).stdout).toBe(
    'This town has no rigs yet: gt rig add NAME PATH_OR_URL\n',
  );
  await add(at, 'server', at.repo, '--gate', 'test=true');
  const inside = join(at.town, 'formulas');
  await mkdir(inside);
  const expected = `server  ${at.repo}, trunk\n  prefix se, at most 5 polecats, gates: test\n`;
  expect((await runCli(['rig', 'list'], { cwd: inside })).stdout).toBe(expected);
  const elsewhere = await makeFolder();
  expect((await runCli(['rig', 'list'], { cwd: elsewhere, env: { GT_TOWN: at.town } })).stdout).toBe(expected);
  const { stdout } = await runCli(['rig', 'list', '--json'], { cwd: at.town });
  expect(JSON.parse(stdout)).toEqual(Object.values(await rigsOf(at)));
});

test('outside of any town the ways to name one are told', async () => {
  const cwd = await makeFolder();
  const { code, stderr } = await runCli(['rig', 'list'], { cwd });
  expect(code).toBe(1);
  expect(stderr).toBe(
    `gt: no town is here: ${cwd} and the folders above it have no town.toml. Name one with --town DIR, or make one: gt init DIR\n`,
  );
});
