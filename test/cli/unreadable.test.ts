/** A folder that may not be read is told as that: it is neither empty, nor no town, nor a town that is down. */
import { chmod, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { demo } from '../../src/cli/demo.js';
import { formulaList } from '../../src/cli/formula-list.js';
import { init } from '../../src/cli/init.js';
import { lint } from '../../src/cli/lint.js';
import { withServer } from '../../src/cli/server.js';
import { openTown } from '../../src/cli/town.js';
import { asNobody } from '../support/nobody.js';
import { makeFolder } from '../support/repos.js';

const denied = (dir: string) => `EACCES: permission denied, scandir '${dir}'`;
const townUnread = (dir: string) =>
  `${join(dir, 'town.toml')} cannot be read: its owner must give you the permission (EACCES)`;
const inside = (dir: string) => join(dir, 'demo');

test.each([
  ['init', (dir: string) => init.run([dir]), (dir: string) => `${dir} cannot be made a town: ${denied(dir)}`],
  [
    'demo',
    (dir: string) => demo.run(['--dir', dir]),
    (dir: string) => `${dir} cannot hold the demo's town: ${denied(dir)}`,
  ],
  [
    'demo in a folder of it',
    (dir: string) => demo.run(['--dir', inside(dir)]),
    (dir: string) => `${inside(dir)} cannot hold the demo's town: ${denied(inside(dir))}`,
  ],
  ['lint', (dir: string) => lint.run([dir]), (dir: string) => `${dir} cannot be read: ${denied(dir)}`],
  ['formula list', (dir: string) => formulaList.run(['--town', dir]), townUnread],
  ['what talks to its server', (dir: string) => withServer({ town: dir }, async () => undefined), townUnread],
  ['what reads its settings', (dir: string) => openTown(dir), townUnread],
])('%s', async (_, run, message) => {
  // Where nobody's own settings of Temporal would be.
  vi.stubEnv('HOME', tmpdir());
  const dir = await makeFolder();
  await writeFile(join(dir, 'town.toml'), '');
  await chmod(dir, 0);
  await expect(asNobody(async () => run(dir))).rejects.toThrow(message(dir));
  await chmod(dir, 0o700);
  vi.unstubAllEnvs();
});
