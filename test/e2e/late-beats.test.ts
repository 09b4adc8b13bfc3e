/** A deacon whose beat is late by four, six, fourteen and sixteen minutes, of a town in which a minute is 1.2 seconds: what each boot decides meanwhile. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { heartbeatQuery, type BootResult } from '../../src/contract/deacon.js';
import { mailMessage } from '../../src/contract/messages.js';
import { DEACON, OVERSEER } from '../../src/town/address.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { IS_LONG } from '../support/sample.js';

const PATIENCE = 0.02;
const MINUTE_MS = 60_000 * PATIENCE;
/** Between the start of a boot and its look. */
const MARGIN_MS = 700;
const WAITS = `
formula = "waits"
[[steps]]
id = "answer"
title = "Answer"
type = "human"
`;

if (!IS_LONG) console.warn('SKIPPED: late beats take a minute and a half; npm run test:long has them');

let town: LiveTown;
beforeAll(async () => {
  if (!IS_LONG) return;
  town = await liveTown({
    rigs: { server: { bare: true } },
    formulas: { waits: WAITS },
    patience: PATIENCE,
    dynamicConfig: ['frontend.WorkflowPauseEnabled=true'],
  });
});
afterAll(() => town?.stop());

const beatOf = () => town.client.workflow.getHandle(DEACON).query(heartbeatQuery);
const pause = (id: string) => town.temporal('workflow', 'pause', '-w', id, '--reason', 'a test');

/** By how much the beat was late when it was looked at, and what was decided. */
async function decisionsSince(
  dueMs: number,
): Promise<readonly { readonly lateMs: number; readonly decision: string }[]> {
  const found: { readonly lateMs: number; readonly decision: string }[] = [];
  const query = 'WorkflowType="boot" AND ExecutionStatus="Completed"';
  for await (const { workflowId, runId, startTime } of town.client.workflow.list({ query })) {
    const lateMs = startTime.getTime() - dueMs;
    if (lateMs < 0) continue;
    const { decision } = await town.client.workflow.getHandle<() => Promise<BootResult>>(workflowId, runId).result();
    found.push({ lateMs, decision });
  }
  return found.toSorted((a, b) => a.lateMs - b.lateMs);
}

test.runIf(IS_LONG)(
  'a late beat is left alone, then the deacon is nudged as mail waits for it, then woken',
  async () => {
    await town.startMission('waits', { work: [{ id: 'one', rig: 'server', formula: 'waits' }] });
    await until('a deacon with a beat that is due', async () => (await beatOf()).nextByMs !== null);
    const letter = { id: 'l1', from: 'ada', to: DEACON, subject: 'a question', body: 'Is all well?' };
    await town.client.workflow.getHandle(DEACON).executeUpdate(mailMessage.update, { args: [letter] });
    const overseer = town.client.workflow.getHandle(OVERSEER);
    await until('the overseer is there', async () => (await overseer.describe()).status.name === 'RUNNING');
    expect(await pause(OVERSEER)).toMatchObject({ code: 0 });
    await town.client.workflow
      .getHandle(DEACON)
      .executeUpdate(mailMessage.update, { args: [{ ...letter, id: 'l2', subject: 'another one' }] });
    expect(await pause(DEACON)).toMatchObject({ code: 0 });
    const { nextByMs, pending } = await beatOf();
    expect(pending).toBeGreaterThan(0);
    const dueMs = nextByMs ?? 0;
    const all = await until(
      'one that is very late',
      async () => {
        const seen = await decisionsSince(dueMs);
        return seen.some(({ lateMs }) => lateMs > 16 * MINUTE_MS + MARGIN_MS) && seen;
      },
      120,
    );
    const between = (from: number, to: number) =>
      all.flatMap(({ lateMs, decision }) =>
        lateMs >= from * MINUTE_MS + MARGIN_MS && lateMs < to * MINUTE_MS - MARGIN_MS ? [decision] : [],
      );
    const only = (decisions: readonly string[], expected: string) => {
      expect(decisions.length, JSON.stringify(all)).toBeGreaterThan(0);
      expect(new Set(decisions), JSON.stringify(all)).toEqual(new Set([expected]));
    };
    only(between(0, 5), 'nothing');
    only(between(5, 15), 'nudge');
    only(between(15, 40), 'wake');
  },
  300_000,
);
