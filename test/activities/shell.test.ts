/** Commands that are shut in: what they can do, and all the ways out that somebody has thought of. */
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { hideTown, shellIn } from '../../src/activities/shell.js';
import { commitAll } from '../../src/git/commit.js';
import { worktreeState } from '../../src/git/worktree.js';
import { machineMounts } from '../../src/process/bubblewrap.js';
import { isAllowed } from '../../src/process/host-proxy.js';
import { findMarked } from '../../src/process/mark.js';
import { missingBubblewrap } from '../support/bubblewrap.js';
import { cell, env, LEVEL } from '../support/cell.js';
import { BRANCH, makeRig, openSandbox, TOAST } from '../support/sandboxes.js';

const missing = await missingBubblewrap();
if (missing !== null) console.warn(`the tests of what is shut in are skipped: ${missing}`);

const EXITED = (code: number) => ({ kind: 'exited', code });

describe.skipIf(missing !== null)('what is shut in', () => {
  test('an agent works in its tree: files, commits, a rebase, the programs of the machine', async () => {
    const { sh, git, path } = await cell();
    const work = 'echo one > a.txt && git add -A && git commit -qm one && echo two >> a.txt && git commit -qam two';
    expect(await sh(work)).toMatchObject({ end: EXITED(0) });
    expect(
      await sh('GIT_SEQUENCE_EDITOR="sed -i 2s/pick/squash/" GIT_EDITOR=true git rebase -qi HEAD~2'),
    ).toMatchObject({
      end: EXITED(0),
    });
    expect(await git('log', '--format=%s', 'origin/main..HEAD')).toBe('one');
    expect(await readFile(join(path, 'a.txt'), 'utf8')).toBe('one\ntwo\n');
    expect(await sh('node -p 6*7 && git --version && echo $HOME && touch $HOME/x /tmp/y')).toMatchObject({
      end: EXITED(0),
      stdout: expect.stringMatching(/^42\ngit version .*\n\/tmp\/home\n$/) as string,
    });
  });

  test.each([
    ['main moved', 'git update-ref refs/remotes/origin/main HEAD && git branch -f main HEAD'],
    ['a branch made elsewhere', 'git branch other'],
    ['a tag', 'git tag v1'],
    ['a hook', 'echo "#!/bin/sh" > "$(git rev-parse --git-common-dir)/hooks/post-commit"'],
    ['a setting', 'git config core.hooksPath /tmp'],
    ['another remote', 'git remote add mine /tmp/x'],
    ['the pointer to the mirror', 'echo "gitdir: /tmp/x" > .git'],
    ['the pointer to the mirror replaced', 'rm -f .git && mkdir .git'],
    ['whose worktree it is', 'echo /tmp/x/.git > "$(git rev-parse --git-dir)/gitdir"'],
    ['the mirror it belongs to', 'echo /tmp/x > "$(git rev-parse --git-dir)/commondir"'],
    ['packs thrown away', 'touch "$(git rev-parse --git-common-dir)/objects/pack/x"'],
    ['all tidied up', 'git gc -q --prune=now'],
  ])('refused: %s', async (_what, command) => {
    const { sh, git, head } = await cell();
    const refs = await git('for-each-ref');
    const { end } = await sh(command);
    expect(end.kind === 'exited' && end.code !== 0, JSON.stringify(end)).toBe(true);
    expect(await git('for-each-ref')).toBe(refs);
    expect(await git('rev-parse', 'HEAD')).toBe(head);
    expect(await git('config', '--list')).not.toMatch(/hookspath=\/tmp|remote\.mine/);
  });

  test('nothing of the town, of homes and of other programs is there', async () => {
    const { sh, town, path } = await cell();
    const secret = join(town, 'secret');
    await mkdir(join(town, '.gt'), { recursive: true });
    await writeFile(secret, 'hush');
    await writeFile(join(town, '.gt', 'journal.jsonl'), 'hush');
    const looks = [
      `cat '${secret}'`,
      `cat '${town}/.gt/journal.jsonl'`,
      `ls '${homedir()}/.cache'`,
      'test -s /etc/shadow',
      'ls /run/* /home/* /root/* /var/tmp/*',
      `cat /proc/${process.pid}/environ`,
      `kill -0 ${process.pid}`,
      'touch /etc/x',
      'touch /usr/bin/x',
      'touch /x',
      'mount -t tmpfs none /mnt',
      'cat /dev/sda /dev/mem',
      'chroot / true',
    ];
    for (const look of looks) {
      const { end, stdout } = await sh(look);
      expect(end, look).not.toEqual(EXITED(0));
      expect(stdout).not.toContain('hush');
    }
    await sh(`touch '${town}/x'`);
    await expect(stat(join(town, 'x'))).rejects.toThrow('ENOENT');
    // A way through what the engine itself reads afterwards.
    await symlink(secret, join(path, 'link'));
    expect(await sh('cat link')).toMatchObject({ end: EXITED(1) });
    expect((await sh('ps -e 2>/dev/null | wc -l; ls /proc | grep -c "^[0-9]"')).stdout).toMatch(/\b[1-9]\n$/);
  });

  test('nothing of a town is there, though it lies in what is shown, but the sandbox, and what is named in it', async () => {
    const rig = await makeRig();
    const { path } = await openSandbox(rig);
    const town = join(rig.folder, 'town');
    onTestFinished(() => hideTown([]));
    await writeFile(join(town, 'town.toml'), 'hush');
    await mkdir(join(town, 'data'));
    await writeFile(join(town, 'data', 'open'), 'for all');
    const read = [rig.folder, join(town, 'data')];
    const tree = { mirror: rig.mirror, path, branch: BRANCH };
    const look = `ls -A '${town}'; cat '${town}/town.toml'; cat '${town}/data/open'; touch x && git status --short`;
    const seen = async () => (await (await shellIn(tree, { ...LEVEL, read }))(look, { env })).stdout;
    expect(await seen()).toContain('hush');
    await hideTown([town]);
    expect(await seen()).toBe('data\nserver\nfor all?? x\n');
  });

  test('the settings of the machine’s kernel are read, and not written to', async () => {
    const { sh } = await cell();
    // As root one could name a program there that the kernel starts outside.
    const { stdout, stderr } = await sh(
      'cd /proc/sys/kernel && cat core_pattern; find /proc -regex "/proc/[0-9]+" -prune -o -type f -writable -print; echo "$(cat core_pattern)" > core_pattern',
    );
    expect(stdout).toBe(await readFile('/proc/sys/kernel/core_pattern', 'utf8'));
    expect(stderr).toMatch(/core_pattern: (Read-only file system|Permission denied)/);
  });

  test('nobody makes namespaces inside, in which he could mount control groups, and memory that nobody counts', async () => {
    const { sh } = await cell();
    for (const flags of ['-U', '-Um', '-UC'])
      expect(await sh(`unshare ${flags} true`), flags).toMatchObject({
        end: EXITED(1),
        stderr: expect.stringContaining('unshare failed') as string,
      });
  });

  test('no environment but what is given, and nothing that is the operator’s', async () => {
    process.env['PLANTED_SECRET'] = 'hush';
    onTestFinished(() => void delete process.env['PLANTED_SECRET']);
    const { sh } = await cell();
    const { stdout } = await sh('env; cat /proc/*/environ');
    expect(stdout).toContain('GIT_AUTHOR_NAME=server/polecats/Toast');
    for (const planted of ['hush', 'PLANTED_SECRET', 'SSH_AUTH_SOCK', `HOME=${homedir()}`])
      expect(stdout, planted).not.toContain(planted);
  });

  test('a repository inside, whose settings are programs, is not obeyed by git outside', async () => {
    const { sh, mirror, path, town } = await cell();
    const trap = join(town, 'trapped');
    const filter = `filter.x.clean 'touch "${trap}"; cat'`;
    const made = await sh(
      `git init -q sub && git -C sub config ${filter} && echo '* filter=x' > sub/.gitattributes && echo 1 > sub/file &&
       git -C sub add . 2>/dev/null; git -C sub commit -qm inner; git add sub 2>/dev/null; sleep 1.1; echo 2 > sub/file; git ls-files --stage`,
    );
    expect(made.stdout).toMatch(/^160000 .*\tsub$/m);
    await expect(worktreeState({ mirror, path })).rejects.toThrow(/sub in .* is a repository of its own/);
    await expect(stat(trap)).rejects.toThrow('ENOENT');
    await sh('rm -rf sub/.git');
    await expect(worktreeState({ mirror, path })).resolves.toMatchObject({ rebasing: false });
  });

  test('an index that names files of the machine is not obeyed by git outside', async () => {
    const { sh, mirror, path, town } = await cell();
    const secret = join(town, 'secret');
    await writeFile(secret, 'hush\n');
    const leads = relative(path, secret);
    const dummy = '!'.repeat(leads.length);
    const craft = `const { readFileSync, writeFileSync } = require('fs');
      const file = process.argv[1] + '/index';
      let index = readFileSync(file).subarray(0, -20).toString('latin1');
      const tree = index.indexOf('TREE');
      if (tree > 0) index = index.slice(0, tree);
      const body = Buffer.from(index.replace('${dummy}', '${leads}'), 'latin1');
      writeFileSync(file, Buffer.concat([body, require('crypto').createHash('sha1').update(body).digest()]));`;
    const made = await sh(
      `echo x > '${dummy}' && git add -A && rm '${dummy}' && node -e "${craft}" "$(git rev-parse --git-dir)" && git ls-files`,
    );
    expect(made.stdout).toContain(leads);
    const place = { mirror, path };
    const why = /the index of .* names .*secret, which is no file there/;
    await expect(worktreeState(place)).rejects.toThrow(why);
    await expect(commitAll({ ...place, message: 'all', author: TOAST })).rejects.toThrow(why);
    const kept = await sh(`git cat-file -e $(printf 'hush\\n' | git hash-object --stdin)`);
    expect(kept.end).not.toEqual(EXITED(0));
    expect(await sh('git read-tree HEAD')).toMatchObject({ end: EXITED(0) });
    await expect(worktreeState(place)).resolves.toMatchObject({ rebasing: false });
  });

  test('the way to the remote is not told, which may have a password in it', async () => {
    const { sh, mirror } = await cell();
    expect(await readFile(join(mirror, 'gt-origin'), 'utf8')).not.toBe('');
    expect((await sh('cat "$(git rev-parse --git-common-dir)/gt-origin"')).stdout).toBe('');
  });

  test('beside programs on the search path nothing of a home is shown', async () => {
    const home = await mkdtemp(join(tmpdir(), 'gt-home-'));
    onTestFinished(() => rm(home, { recursive: true }));
    for (const folder of ['.fly/bin', '.nvm/versions/node/v20/bin'])
      await mkdir(join(home, folder), { recursive: true });
    const mounts = await machineMounts({
      HOME: home,
      PATH: `${home}/.fly/bin:${home}/.nvm/versions/node/v20/bin:${home}`,
    });
    expect(mounts).toContain(`${home}/.fly/bin`);
    expect(mounts).toContain(`${home}/.nvm`);
    for (const hidden of [home, `${home}/.fly`]) expect(mounts).not.toContain(hidden);
    // However the home is written, and whatever leads to it, or to what it lies in.
    await symlink('..', join(home, '.fly', 'all'));
    for (const path of [`${home}/`, `${home}/.`, `${home}/.fly/..`, `${home}/.fly/all`, `${home}/..`])
      expect(await machineMounts({ HOME: home, PATH: path }), path).toEqual(
        await machineMounts({ HOME: home, PATH: '' }),
      );
    expect(await machineMounts({ HOME: home, PATH: '' }, `${home}/node`)).not.toContain(home);
    // Node itself may be installed into a home, and beside what else is there.
    for (const prefix of [home, `${home}/.local`]) {
      const withNode = await machineMounts({ HOME: home, PATH: '' }, `${prefix}/bin/node`);
      expect(withNode).toContain(`${prefix}/bin`);
      for (const hidden of [home, `${home}/.local`]) expect(withNode).not.toContain(hidden);
    }
  });

  test('no network, unless it is granted', async () => {
    const server = createServer((socket) => socket.end('reached'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const call = `node -e "require('net').connect(${port}, '127.0.0.1').on('data', (said) => process.stdout.write(said)).on('error', () => process.exit(7))"`;
    expect(await (await cell()).sh(call)).toMatchObject({ end: EXITED(7), stdout: '' });
    expect(await (await cell({ network: 'host' })).sh(call)).toMatchObject({ end: EXITED(0), stdout: 'reached' });
  });

  test('what it starts ends with it, also what left its group', async () => {
    const { sh } = await cell();
    const mark = `shut in ${Math.random()}`;
    expect(await sh('(setsid sleep 300 &) ; (nohup setsid sh -c "sleep 301" &) ; echo left', { mark })).toMatchObject({
      end: EXITED(0),
      stdout: 'left\n',
    });
    await expect.poll(() => findMarked((one) => one === mark), { timeout: 5_000 }).toEqual([]);
  });

  test('too much memory, too many processes, too much time of the processor, and it is ended', async () => {
    const { sh } = await cell({ memoryMbMax: 200, processesMax: 40, cpuMinutesMax: 1 / 60 });
    const hog = `node -e "const kept = []; for (;;) kept.push(Buffer.alloc(10e6, 1))"`;
    const sleepers = await sh('i=0; while [ $i -lt 200 ]; do sleep 30 & i=$((i+1)); done; wait');
    expect(sleepers.end).toMatchObject({
      kind: 'over-limit',
      what: expect.stringMatching(/^it was \d+ processes; the most is 40$/) as string,
    });
    const together = await sh(
      'i=0; while [ $i -lt 8 ]; do node -e "globalThis.x = Buffer.alloc(60e6, 1); setTimeout(() => 0, 20000)" & i=$((i+1)); done; wait',
    );
    expect(together.end).toMatchObject({
      kind: 'over-limit',
      what: expect.stringMatching(/MiB of memory; the most is 200 MiB$/) as string,
    });
    expect((await sh(hog)).end).not.toEqual(EXITED(0));
    const spin = await sh('sh -c "while :; do :; done"; echo "ended with $?"');
    expect(spin.stdout).toMatch(/ended with (137|152)/);
  });

  test('a flood of output fills neither memory nor disk', async () => {
    const { sh } = await cell();
    const { stdout, end } = await sh('yes | head -c 200000000');
    expect(end).toEqual(EXITED(0));
    expect(stdout.length).toBeLessThan(40_000);
    for (const folder of ['/tmp', '/dev/shm', '/run'])
      expect((await sh(`head -c 3000000000 /dev/zero > ${folder}/big; echo $?`)).stdout, folder).not.toBe('0\n');
  });

  test('what the rig names is readable, and stays as it is', async () => {
    const rig = await makeRig();
    const data = join(rig.folder, 'data');
    await mkdir(data);
    await writeFile(join(data, 'x'), 'known');
    const { path } = await openSandbox(rig);
    const shell = await shellIn({ mirror: rig.mirror, path, branch: null }, { ...LEVEL, read: [data] });
    expect(await shell(`cat '${data}/x'; touch '${data}/y'`, { env })).toMatchObject({
      stdout: 'known',
      end: EXITED(1),
    });
    await expect(stat(join(data, 'y'))).rejects.toThrow('ENOENT');
    // On no branch nothing of git's can be changed.
    expect(await shell('touch ok && git add ok', { env })).not.toMatchObject({ end: EXITED(0) });
  });
});

async function answering(): Promise<number> {
  const server = createHttpServer((_, response) => response.end('hello from outside'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

describe.skipIf(missing !== null)('hosts that may be reached', () => {
  const CURL = 'curl --silent --show-error --max-time 10';

  test('are reached through the worker, plain or by a tunnel, and no others are', async () => {
    const [port, other] = [await answering(), await answering()];
    const { sh } = await cell({ hosts: [`localhost:${port}`] });
    expect(await sh(`${CURL} http://localhost:${port}/`)).toMatchObject({ stdout: 'hello from outside' });
    expect(await sh(`${CURL} --proxytunnel http://localhost:${port}/`)).toMatchObject({ stdout: 'hello from outside' });
    const refused = await sh(`${CURL} http://localhost:${other}/`);
    expect(refused.stdout).toBe(
      `only these hosts can be reached from here: localhost:${port} (hosts under [confinement] in town.toml, and in the step's formula)\n`,
    );
    expect(await sh(`${CURL} --proxytunnel http://localhost:${other}/`)).not.toMatchObject({ end: EXITED(0) });
    expect(await sh(`${CURL} --noproxy '*' http://127.0.0.1:${port}/`)).not.toMatchObject({ end: EXITED(0) });
  });

  test('a command ends as it would without them', async () => {
    const { sh } = await cell({ hosts: ['localhost:1'] });
    expect(await sh('echo out; echo err >&2; exit 7')).toMatchObject({
      stdout: 'out\n',
      stderr: 'err\n',
      end: EXITED(7),
    });
    expect(await sh('kill -9 $$')).toMatchObject({ end: EXITED(137) });
  });
});

test.each([
  ['a.b', 443, true],
  ['A.B', 80, true],
  ['a.b', 8080, false],
  ['x.c.d', 443, true],
  ['c.d', 443, false],
  ['evilc.d', 443, false],
  ['e.f', 99, true],
  ['e.f', 443, false],
])('%s:%d of the hosts that may be reached: %s', (host, port, allowed) => {
  expect(isAllowed({ host, port }, ['a.b', '*.c.d', 'e.f:99'])).toBe(allowed);
});
