/** Where sessions wait for room, the urgent ones go first, and between missions each in turn. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gt } from '../support/gt.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';

/** Says who has worked in a file outside of its sandbox, and waits for another one there if it is told to. */
const NOTED = `
formula = "noted"
review_only = true
[vars]
who = ""
wait = "true"
[[steps]]
id = "note"
title = "Note"
run = "echo {{who}} >> ../../../../../order; until {{wait}}; do sleep 0.1; done"
`;

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({
    rigs: { server: { bare: true, capacity: 9 } },
    formulas: { noted: NOTED },
    limits: { sessions_at_once: 1 },
  });
});
afterAll(() => town.stop());

const WAITING =
  /Waits for a worker that has room for it:\n- runSession since [\d: -]+, on task queue gastown@\S+\.sessions\n/;

async function explained(id: string): Promise<string> {
  const { stdout } = await gt(['explain', id, '--town', town.dir]);
  return stdout;
}

async function moleculesOf(mission: string): Promise<readonly string[]> {
  const found: string[] = [];
  const query = `GtMission="${mission}" AND GtRole="molecule"`;
  for await (const { workflowId } of town.client.workflow.list({ query })) found.push(workflowId);
  return found;
}

async function start(id: string, items: number, more: object = {}, vars: object = {}) {
  const work = Array.from({ length: items }, (_, index) => ({
    id: `i${index}`,
    rig: 'server',
    formula: 'noted',
    vars: { who: id, ...vars },
    ...more,
  }));
  const mission = await town.startMission(id, { work });
  await until(`the sessions of ${id} are asked for`, async () => {
    const asked = [];
    for (const molecule of await moleculesOf(id)) {
      const { raw } = await town.client.workflow.getHandle(molecule).describe();
      if ((raw.pendingActivities ?? []).some(({ activityType }) => activityType?.name === 'runSession'))
        asked.push(molecule);
    }
    return asked.length === items ? true : null;
  });
  return mission;
}

test('an urgent session goes first, and one of another mission does not wait for all of the first', async () => {
  const missions = [await start('hold', 1, {}, { wait: 'test -e ../../../../../go' })];
  missions.push(await start('many', 5), await start('one', 1), await start('urgent', 1, { priority: 0 }));
  const told = await Promise.all((await moleculesOf('many')).map((id) => explained(id)));
  // The server hands one session to the worker ahead of time.
  expect(told.filter((one) => WAITING.test(one)).length).toBeGreaterThanOrEqual(4);
  await writeFile(join(town.dir, 'go'), '');
  for (const mission of missions) await mission.result();
  const order = (await readFile(join(town.dir, 'order'), 'utf8')).trim().split('\n');
  // One may have been handed out before the urgent one was there.
  expect(order.slice(0, 3)).toContain('urgent');
  expect(order.slice(0, 5)).toContain('one');
  expect(order.filter((who) => who === 'many')).toHaveLength(5);
});
