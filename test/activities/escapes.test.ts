/** More ways out of where somebody is shut in: what an attacker found, with a worker that is root. */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { missingBubblewrap } from '../support/bubblewrap.js';
import { cell } from '../support/cell.js';

const missing = await missingBubblewrap();
if (missing !== null) console.warn(`the tests of what is shut in are skipped: ${missing}`);
const isRoot = process.getuid?.() === 0;

/** Where only root can write. */
async function folderIn(parent: string): Promise<string> {
  const folder = await mkdtemp(join(parent, 'gt-test-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await chmod(folder, 0o755);
  return folder;
}

describe.skipIf(missing !== null)('what is shut in', () => {
  // The first of this file: what is in there is looked through once.
  test.skipIf(!isRoot)(
    'what only root may read of what is installed is not shown by a worker that is root',
    async () => {
      const folder = await folderIn('/opt');
      await writeFile(join(folder, 'login'), 'hush', { mode: 0o600 });
      await mkdir(join(folder, 'keys'), { mode: 0o700 });
      await writeFile(join(folder, 'keys', 'key'), 'hush');
      await writeFile(join(folder, 'open'), 'for all');
      const { sh } = await cell();
      const { stdout } = await sh(`cd '${folder}'; cat login keys/key; touch keys/x; ls . keys; cat open`);
      expect(stdout).toBe('.:\nkeys\nlogin\nopen\n\nkeys:\nfor all');
    },
  );

  test.skipIf(!isRoot)(
    'a setting that only root may read, and is gone or new since the worker began, is in nobody’s way',
    async () => {
      const folder = await folderIn('/etc');
      await writeFile(join(folder, 'old'), 'hush', { mode: 0o600 });
      const { sh } = await cell();
      await rm(join(folder, 'old'));
      expect((await sh(`ls '${folder}'; echo works`)).stdout).toBe('works\n');
      await writeFile(join(folder, 'new'), 'hush', { mode: 0o600 });
      const later = await cell();
      expect((await later.sh(`cat '${folder}/new'; echo works`)).stdout).toBe('works\n');
    },
  );

  test.skipIf(!isRoot)(
    'what the rig may read is shown with what only root may, also with a slash at its end',
    async () => {
      const folder = await folderIn('/etc');
      await mkdir(join(folder, 'keys'), { mode: 0o700 });
      await writeFile(join(folder, 'keys', 'key'), 'given');
      const { sh } = await cell({ read: [`${folder}/`] });
      expect(await sh(`cat '${folder}/keys/key'`)).toMatchObject({ end: { kind: 'exited', code: 0 }, stdout: 'given' });
    },
  );

  test('there is no room in memory but what is told: not beside the devices, nor in what is covered', async () => {
    const { sh } = await cell();
    const { stdout } = await sh(
      'for folder in $(awk \'$3 == "tmpfs" { print $2 }\' /proc/mounts); do touch $folder/x 2>/dev/null && echo $folder; done',
    );
    expect(stdout.split('\n').filter(Boolean).toSorted()).toEqual([
      '/dev/shm',
      '/home',
      '/root',
      '/run',
      '/tmp',
      '/var/tmp',
    ]);
  });

  test('no keyring of the worker, no log of the kernel, no socket that no namespace keeps apart, nor a way around', async () => {
    const { sh } = await cell();
    const calls: Readonly<Record<string, Readonly<Record<string, string>>>> = {
      x64: { keyctl: '250, 0, -3, 0', syslog: '103, 10, 0, 0', io_uring_setup: '425, 1, 0' },
      arm64: { keyctl: '219, 0, -3, 0', syslog: '116, 10, 0, 0', io_uring_setup: '425, 1, 0' },
    };
    for (const [name, call] of Object.entries(calls[process.arch] ?? {}))
      expect((await sh(`perl -e 'syscall(${call}); print $!'`)).stdout, name).toBe('Function not implemented');
    const { stdout } = await sh(
      `perl -e 'for (1, 2, 10, 16, 17, 38, 40) { print "$_ " if socket(my $one, $_, 2, 0) }'`,
    );
    expect(stdout).toMatch(/^1 2 (10 )?16 $/);
  });

  test.each([
    ['what they hold', 'head -c 300M /dev/zero > /tmp/x; sleep 20'],
    [
      'that they are',
      `perl -e 'mkdir "/dev/shm/x"; for (1 .. 400000) { open my $one, ">", "/dev/shm/x/$_" or last } sleep 20'`,
    ],
  ])('files in memory are counted as such, by %s', async (_what, command) => {
    const { sh } = await cell({ memoryMbMax: 200 });
    expect((await sh(command)).end).toMatchObject({
      kind: 'over-limit',
      what: expect.stringMatching(/MiB of memory; the most is 200 MiB$/) as string,
    });
  });
});
