/** A machine that cannot shut anything in says so, with what to do, and runs nothing. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { shellIn, whyUnconfined } from '../../src/activities/shell.js';
import { DEFAULT_CONFINEMENT } from '../../src/town/confinement.js';

const NOWHERE = { mirror: '/nowhere', path: '/nowhere', branch: null };

async function whyNot(path: string): Promise<string | null> {
  const folder = await mkdtemp(join(tmpdir(), 'gt-unconfined-'));
  const before = { PATH: process.env['PATH'], XDG_CACHE_HOME: process.env['XDG_CACHE_HOME'] };
  onTestFinished(async () => {
    Object.assign(process.env, before);
    await rm(folder, { recursive: true });
  });
  Object.assign(process.env, { PATH: path.replace('FOLDER', folder), XDG_CACHE_HOME: folder });
  await writeFile(
    join(folder, 'bwrap'),
    '#!/bin/sh\necho "bwrap: No permissions to create new namespace" >&2\nexit 1\n',
  );
  await chmod(join(folder, 'bwrap'), 0o755);
  return shellIn(NOWHERE, { ...DEFAULT_CONFINEMENT, level: 'bubblewrap' }).then(() => null, whyUnconfined);
}

test('without bubblewrap, what to install', async () => {
  expect(await whyNot('/nowhere')).toBe(
    'what a model has written runs only shut in, and bubblewrap is not on this machine; install it (Debian, Ubuntu: apt-get install bubblewrap; Fedora: dnf install bubblewrap), or, if you trust what is run here with all that the worker may do, say level = "none" under [confinement] in town.toml',
  );
});

test('with one that does not work, why', async () => {
  expect(await whyNot(`FOLDER${delimiter}${process.env['PATH']}`)).toMatch(
    /^what a model has written runs only shut in, and \/.*\/bwrap does not work here: /,
  );
});
