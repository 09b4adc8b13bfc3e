/** What waits for people costs nothing: no activity is open for it, no program runs, and its workflow is left alone. */
import { setTimeout as pause } from 'node:timers/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { moleculeMessages } from '../../src/contract/messages.js';
import { findMarked } from '../../src/process/mark.js';
import { startModelServer } from '../../src/dev/model-server.js';
import { townPaths } from '../../src/town/paths.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { processesIn } from '../support/processes.js';
import { IS_LONG } from '../support/sample.js';

/** A person's own step. */
const HUMAN = `
formula = "human"
[[steps]]
id = "think"
title = "Think it over"
type = "human"
`;
/** A session has asked, and its answer is waited for. */
const ASKED = `
formula = "asked"
[[steps]]
id = "think"
title = "Which colour?"
agent = "anthropic"
`;
/** A gate of a step. */
const GATED = `
formula = "gated"
[[steps]]
id = "think"
title = "Once agreed"
gate = { type = "human", id = "Ada" }
run = "true"
`;
const FORMULAS = { human: HUMAN, asked: ASKED, gated: GATED };
/** More with `npm run test:long`. */
const EACH = IS_LONG ? 8 : 3;
const ITEMS = Object.keys(FORMULAS).flatMap((formula) =>
  Array.from({ length: EACH }, (_, at) => ({ id: `${formula}-${at}`, rig: 'server', formula })),
);

let server: Awaited<ReturnType<typeof startModelServer>>;
let town: LiveTown;
beforeAll(async () => {
  const ask = { tools: [{ name: 'escalate', input: { detail: 'which colour?' } }] };
  const close = { tools: [{ name: 'close', input: { summary: 'blue', verdict: 'no-changes' } }] };
  const rules = [
    { when: ['\nHandoffs: 0\n'], turns: [ask] },
    { when: [], turns: [close] },
  ];
  server = await startModelServer({ script: { rules } });
  town = await liveTown({
    rigs: { server: { bare: true, capacity: ITEMS.length } },
    formulas: FORMULAS,
    runtime: { kind: 'anthropic', model: 'scripted', base_url: server.url },
    env: { ANTHROPIC_API_KEY: 'scripted' },
  });
});
afterAll(async () => {
  await town.stop();
  await server.stop();
});

const idsOf = async (query: string) => {
  const ids: string[] = [];
  for await (const { workflowId } of town.client.workflow.list({ query })) ids.push(workflowId);
  return ids.toSorted();
};

test('many steps wait for people: no session is open, nothing runs, no history grows; an answer lets each go on', async () => {
  const mission = await town.startMission('idle', { work: ITEMS });
  const waiting = 'GtMission="idle" AND GtRole="molecule" AND GtPhase IN ("waiting", "escalated")';
  const molecules = await until(
    'all wait',
    async () => {
      const ids = await idsOf(waiting);
      return ids.length === ITEMS.length ? ids : null;
    },
    120,
  );
  const look = () =>
    Promise.all(
      molecules.map(async (id) => {
        const { raw, historyLength } = await town.client.workflow.getHandle(id).describe();
        return { id, activities: raw.pendingActivities?.length ?? 0, historyLength };
      }),
    );
  // That somebody waits shows a moment before the last word of it is delivered, and three seconds before whoever does not look is written to.
  const before = await until('all is said', async () => {
    const one = await look();
    await pause(4_000);
    return JSON.stringify(await look()) === JSON.stringify(one) && one;
  });
  expect(before.map(({ activities }) => activities)).toEqual(molecules.map(() => 0));
  const sandboxes = join(townPaths(town.dir).state, 'rigs');
  expect(await processesIn(sandboxes)).toEqual([]);
  expect(await findMarked((mark) => molecules.some((id) => mark.startsWith(`${id}/`)))).toEqual([]);
  const asked = server.requests().length;
  expect(asked).toBe(EACH);
  await pause(5_000);
  expect(await look()).toEqual(before);
  expect(server.requests()).toHaveLength(asked);

  for (const id of molecules) {
    const handle = town.client.workflow.getHandle(id);
    const { output } = await town.temporal('workflow', 'query', '-w', id, '--type', 'explain');
    const { approve, close, retry } = moleculeMessages;
    const args = { step: 'think' };
    if (output.includes('--name approve')) await handle.executeUpdate(approve.update, { args: [args] });
    else if (output.includes('--name retry'))
      await handle.executeUpdate(retry.update, { args: [{ ...args, note: 'blue' }] });
    else await handle.executeUpdate(close.update, { args: [args] });
  }
  await expect(mission.result()).resolves.toMatchObject({ landed: ITEMS.length });
  expect(server.requests()).toHaveLength(2 * EACH);
});
