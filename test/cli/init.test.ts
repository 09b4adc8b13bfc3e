import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readTown } from '../../src/config.js';
import { DEFAULT_ESCALATION } from '../../src/town/escalation-routes.js';
import { DEFAULT_LIMITS } from '../../src/town/rig.js';
import { DEFAULT_SESSIONS_AT_ONCE } from '../../src/town-toml.js';
import { runCli } from '../support/cli.js';
import { makeFolder, runGit } from '../support/repos.js';

const init = (cwd: string, ...args: string[]) => runCli(['init', ...args], { cwd });

test('a new folder becomes a town, committed and with everything ignored that can be made again', async () => {
  const cwd = await makeFolder();
  const { code, stdout } = await init(cwd, 'towns/hill');
  const dir = join(cwd, 'towns/hill');
  expect(code).toBe(0);
  expect(stdout).toContain(`${dir} is a town. Added: town.toml, formulas/README.md, ledger/README.md, .gitignore`);
  expect(await readTown(dir)).toMatchObject({ ok: true, town: { name: 'hill', snapshot: { rigs: {} } } });
  await mkdir(join(dir, '.gt'));
  await writeFile(join(dir, '.gt', 'temporal.db'), '');
  expect(await runGit(dir, ['status', '--porcelain'])).toBe('');
  expect(await runGit(dir, ['log', '--format=%s'])).toBe('Make this folder a town');
});

test('what town.toml shows as defaults are the defaults', async () => {
  const cwd = await makeFolder();
  await init(cwd, 'town');
  const file = join(cwd, 'town', 'town.toml');
  const [head = ''] = (await readFile(file, 'utf8')).split('# Prices:');
  // Every setting that stands behind a "# " is taken at its word, but the name, which the folder gives.
  await writeFile(file, head.replaceAll(/^# (?=\w+ = )/gm, '').replace(/^name = .*$/m, ''));
  const read = await readTown(join(cwd, 'town'));
  expect(read).toMatchObject({
    ok: true,
    town: {
      server: { port: 7233, uiPort: 8233 },
      anthropic: { baseUrl: 'https://api.anthropic.com' },
      sessionsMax: DEFAULT_SESSIONS_AT_ONCE,
      modelRequestsMax: 20,
      snapshot: { limits: DEFAULT_LIMITS },
    },
  });
});

test('the prices that town.toml shows can be read, and what they leave out is as it says', async () => {
  const cwd = await makeFolder();
  await init(cwd, 'town');
  const file = join(cwd, 'town', 'town.toml');
  const [, shown = ''] = /^(# \[prices\.[^]*?)\n\n/m.exec(await readFile(file, 'utf8')) ?? [];
  const prices = { 'claude-opus-5-5': { input: 5, output: 25, cacheRead: 0.5, cacheWrite: 6.25 } };
  for (const text of [shown, shown.replaceAll(/^# cache.*\n?/gm, '')]) {
    await writeFile(file, text.replaceAll(/^# /gm, ''));
    expect(await readTown(join(cwd, 'town'))).toMatchObject({ ok: true, town: { snapshot: { prices } } });
  }
});

test('the rig that town.toml shows is one that can be read', async () => {
  const cwd = await makeFolder();
  await init(cwd, 'town');
  const file = join(cwd, 'town', 'town.toml');
  const [, shown = ''] = (await readFile(file, 'utf8')).split(/(?=^# \[rigs\.server\])/m);
  await writeFile(file, shown.replaceAll(/^# /gm, '').replace('capacity = 5', 'capacity = 2'));
  const read = await readTown(join(cwd, 'town'));
  expect(read).toMatchObject({ ok: true, town: { snapshot: { rigs: { server: { gates: [{ name: 'test' }] } } } } });
});

test('the ladder that town.toml shows is the one that holds by default, with a rule', async () => {
  const cwd = await makeFolder();
  await init(cwd, 'town');
  const file = join(cwd, 'town', 'town.toml');
  const [, shown = ''] = /^(# \[escalation\][^]*?)\n\n/m.exec(await readFile(file, 'utf8')) ?? [];
  await writeFile(file, shown.replaceAll(/^# /gm, ''));
  const rules = [expect.objectContaining({ tier: 'deacon', answer: 'retry' })];
  expect(await readTown(join(cwd, 'town'))).toMatchObject({
    ok: true,
    town: { snapshot: { escalation: { ...DEFAULT_ESCALATION, rules } } },
  });
});

test('a second time nothing is changed, and that is said', async () => {
  const cwd = await makeFolder();
  await init(cwd, 'town');
  const file = join(cwd, 'town', 'town.toml');
  await writeFile(file, '# mine now\n');
  const before = await stat(file);
  const { code, stdout } = await init(cwd, 'town');
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: `${join(cwd, 'town')} is a town already; nothing was changed\n`,
  });
  expect((await stat(file)).mtimeMs).toBe(before.mtimeMs);
  expect(await runGit(join(cwd, 'town'), ['status', '--porcelain'])).toBe('M town.toml');
});

test('what failed half-way is finished by the next try', async () => {
  const cwd = await makeFolder();
  await runGit(cwd, ['init', '--quiet', '--initial-branch=main']);
  await writeFile(join(cwd, '.git', 'info', 'exclude'), 'town.toml\n');
  for (const _ of [1, 2]) {
    const { code, stderr } = await init(cwd, '.');
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('git add failed') });
  }
  await writeFile(join(cwd, '.git', 'info', 'exclude'), '');
  const { code, stdout } = await init(cwd, '.');
  expect({ code, stdout }).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Committed: town.toml, formulas/README.md, ledger/README.md, .gitignore'),
  });
  expect(await runGit(cwd, ['status', '--porcelain'])).toBe('');
  expect((await init(cwd, '.')).stdout).toContain('is a town already');
});

test('to a town that lacks something only that is added', async () => {
  const cwd = await makeFolder();
  await writeFile(join(cwd, 'town.toml'), '[town]\nname = "old"\n');
  await writeFile(join(cwd, '.gitignore'), 'node_modules/');
  const { stdout } = await init(cwd, '.');
  expect(stdout).toContain('Added: formulas/README.md, ledger/README.md, .gitignore');
  expect(await readFile(join(cwd, '.gitignore'), 'utf8')).toBe('node_modules/\n.gt/\n');
  expect(await readFile(join(cwd, 'town.toml'), 'utf8')).toBe('[town]\nname = "old"\n');
});

test('a fresh clone can be a town, with its README', async () => {
  const cwd = await makeFolder();
  await runGit(cwd, ['init', '--quiet', '--initial-branch=trunk']);
  await writeFile(join(cwd, 'README.md'), 'hello');
  expect((await init(cwd, '.')).code).toBe(0);
  expect(await runGit(cwd, ['branch', '--show-current'])).toBe('trunk');
  expect(await runGit(cwd, ['status', '--porcelain'])).toBe('?? README.md');
});

test('a folder of other things is refused and left as it is', async () => {
  const cwd = await makeFolder();
  await writeFile(join(cwd, 'package.json'), '{}');
  const { code, stderr } = await init(cwd, '.');
  expect(code).toBe(1);
  expect(stderr).toBe(
    `gt: ${cwd} holds other things (package.json) and is no town: name a new folder, or an empty one\n`,
  );
  await expect(stat(join(cwd, '.git'))).rejects.toThrow('ENOENT');
});

test('a file is refused', async () => {
  const cwd = await makeFolder();
  await writeFile(join(cwd, 'town'), '');
  expect((await init(cwd, 'town')).stderr).toBe(`gt: ${join(cwd, 'town')} is a file: name a folder\n`);
  expect((await init(cwd, 'town/inside')).stderr).toMatch(/cannot be made a town: ENOTDIR/);
});
