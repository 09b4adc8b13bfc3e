/** A rig that is added while the town is up has its whole capacity at once, without a new start. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { MissionResult } from '../../src/workflows/mission.js';
import { gt } from '../support/gt.js';
import { liveTown } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { makeRepo } from '../support/repos.js';

const POLECATS = 4;

/** Each session waits until all are at work: alone it would give up. */
const MEET = `
formula = "meet"
[vars.name]
required = true
[vars.place]
required = true
[[steps]]
id = "work"
title = "Meet as {{name}}"
run = "touch {{place}}/{{name}} && for n in $(seq 300); do test $(ls {{place}} | wc -l) -ge ${POLECATS} && break; sleep 0.1; done && test $(ls {{place}} | wc -l) -ge ${POLECATS} && touch {{name}}.txt"
`;

let town: LiveTown;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gt-later-'));
  town = await liveTown({ rigs: { first: { capacity: 1 } }, formulas: { meet: MEET } });
});
afterAll(async () => {
  await town.stop();
  await rm(folder, { recursive: true, force: true });
});

test('as many sessions as its capacity are at work side by side', async () => {
  const { path } = await makeRepo({ path: join(folder, 'later'), bare: true });
  const added = await gt(['rig', 'add', 'later', path, '--town', town.dir, '--capacity', String(POLECATS)]);
  expect(added).toMatchObject({ code: 0 });
  const place = await mkdtemp(join(folder, 'meeting-'));
  const work = Array.from({ length: POLECATS }, (_, n) => ({
    id: `w${n}`,
    rig: 'later',
    formula: 'meet',
    vars: { name: `w${n}`, place },
  }));
  const handle = await town.startMission('later', { work });
  expect(((await handle.result()) as MissionResult).landed).toBe(POLECATS);
});
