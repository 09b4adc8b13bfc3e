/** A provider that limits the rate: the account of the worker is held, operators see why and until when, and the work lands. */
import { expect, onTestFinished, test } from 'vitest';
import { startModelServer } from '../../src/dev/model-server.js';
import type { Rule } from '../../src/dev/model-script.js';
import { gt } from '../support/gt.js';
import { liveTown, until } from '../support/live-town.js';
import { QUICK } from '../support/test-formulas.js';

/** One answer; before that of `first` the provider says once that it has had enough. */
const ruleFor = (name: string): Rule => ({
  when: [`# Write ${name}\n`],
  turns: [
    {
      tools: [
        { name: 'write_file', input: { path: `${name}.txt`, text: `${name}\n` } },
        { name: 'close', input: { summary: `wrote ${name}`, verdict: 'done' } },
      ],
      ...(name === 'first' ? { fault: { kind: 'rate-limit', retry_after_seconds: 20, times: 1 } } : {}),
    },
  ],
});

test('one session hears of the limit, no other asks until it is over, and gt explain tells of it', async () => {
  const server = await startModelServer({ script: { rules: ['first', 'second'].map(ruleFor) } });
  onTestFinished(() => server.stop());
  const town = await liveTown({
    rigs: { server: { bare: true } },
    formulas: { quick: QUICK },
    runtime: { kind: 'anthropic', model: 'scripted', base_url: server.url },
    env: { ANTHROPIC_API_KEY: 'scripted' },
  });
  onTestFinished(() => town.stop());
  const start = (id: string) =>
    town.startMission(id, { work: [{ id, rig: 'server', formula: 'quick', vars: { name: id } }] });
  const moleculeOf = (mission: string) =>
    until(`the molecule of ${mission}`, async () => {
      const query = `GtMission="${mission}" AND GtRole="molecule"`;
      for await (const { workflowId } of town.client.workflow.list({ query })) return workflowId;
      return null;
    });
  const explained = (molecule: string) =>
    until(`${molecule} is tried again`, async () => {
      const { stdout } = await gt(['explain', molecule, '--town', town.dir], { TEMPORAL_ADDRESS: undefined });
      return stdout.includes('Tried again') ? stdout : null;
    });

  const first = await start('first');
  await until('the first has asked', async () => server.requests().length === 1);
  const second = await start('second');
  expect(await explained(await moleculeOf('first'))).toMatch(/- runSession, attempt \d, at .*: 429 /);
  expect(await explained(await moleculeOf('second'))).toMatch(
    /- runSession, attempt \d, at .*: the provider's account is held until .*Z: 429 /,
  );
  expect(server.requests()).toHaveLength(1);
  await expect(first.result()).resolves.toMatchObject({ landed: 1 });
  await expect(second.result()).resolves.toMatchObject({ landed: 1 });
  expect(server.requests()).toHaveLength(3);
});
