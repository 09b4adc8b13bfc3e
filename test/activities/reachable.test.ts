/** Who is looked up when mail comes: of those who can be reached by no way nothing is asked of the server. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { expect, onTestFinished, test } from 'vitest';
import { tellsWhoIsReachable } from '../../src/activities/reachable.js';
import type { ReadTown } from '../../src/activities/remotes.js';
import { readTown } from '../../src/config.js';

test('many who have mail at once are looked up in one reading, and who has some later in another', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'gt-reachable-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  await writeFile(join(dir, 'town.toml'), '[rigs.server]\nurl = "/a"\n');
  const readings: ReturnType<ReadTown>[] = [];
  const warned: string[] = [];
  const read = async (): ReturnType<ReadTown> => {
    const found = await readTown(dir);
    return found.ok ? { ok: true, town: found.town.snapshot } : { ok: false, problems: found.problems.join('\n') };
  };
  const tell = tellsWhoIsReachable(
    // Of a server that is never called.
    new Client({ connection: Connection.lazy() }),
    () => {
      const reading = read();
      readings.push(reading);
      return reading;
    },
    (trouble) => warned.push(trouble),
  );
  const mailFor = async (...names: readonly string[]) => {
    for (const name of names) tell(null, `server/crew/${name}`);
    await readings.at(-1);
    await new Promise(setImmediate);
  };
  await mailFor('ann', 'bob', 'cid', 'ann');
  expect(readings).toHaveLength(1);
  await mailFor('ann', 'dan');
  expect(readings).toHaveLength(2);
  await writeFile(join(dir, 'town.toml'), 'no town');
  await mailFor('ann', 'bob');
  expect(readings).toHaveLength(3);
  expect(warned.map((text) => text.split(' ')[0])).toEqual(['server/crew/ann', 'server/crew/bob']);
});
