/** Missions at once on one rig, thirty of them with `npm run test:long`: never more polecats than slots, and all of them land. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { witnessOf } from '../../src/town/address.js';
import { slotsQuery } from '../../src/contract/witness.js';
import { count, liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { QUICK } from '../support/test-formulas.js';
import { IS_LONG } from '../support/sample.js';

const MISSIONS = IS_LONG ? 30 : 7;
const CAPACITY = 5;

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({
    rigs: { server: { capacity: CAPACITY, bare: true, gates: { there: 'test -f README.md' } } },
    formulas: { quick: QUICK },
  });
});
afterAll(() => town.stop());

test(`${MISSIONS} missions of one item all land, with never more than five polecats and no name held twice`, async () => {
  const ids = Array.from({ length: MISSIONS }, (_, index) => `m-${index}`);
  const handles = await Promise.all(
    ids.map((id) =>
      town.startMission(id, { work: [{ id: 'only', rig: 'server', formula: 'quick', vars: { name: id } }] }),
    ),
  );
  await Promise.all(handles.map((handle) => handle.result()));
  const log = await town.log('server');
  for (const id of ids) expect(count(log, `Write ${id}`), `commits of ${id}`).toBe(1);

  const lives = await until('all polecats are closed in visibility', async () => {
    const seen = [];
    for await (const one of town.client.workflow.list({ query: 'GtRole="polecat"' })) seen.push(one);
    return seen.length === MISSIONS && seen.every((one) => one.closeTime !== undefined) ? seen : null;
  });
  const moments = lives.flatMap(({ startTime, closeTime }) => [
    { at: startTime.getTime(), change: 1 },
    { at: closeTime?.getTime() ?? 0, change: -1 },
  ]);
  let now = 0;
  let most = 0;
  // At the same moment an end counts before a start: the slot was free by then.
  for (const { change } of moments.toSorted((a, b) => a.at - b.at || a.change - b.change)) {
    now += change;
    most = Math.max(most, now);
  }
  expect(most).toBeLessThanOrEqual(CAPACITY);
  expect(most).toBeGreaterThan(1);

  const slots = await until('all slots are free', async () => {
    const seen = await town.client.workflow.getHandle(witnessOf('server')).query(slotsQuery);
    return seen.leases.length === 0 ? seen : null;
  });
  expect(slots.granted).toBe(MISSIONS);
  expect(slots.queue).toEqual([]);
});
