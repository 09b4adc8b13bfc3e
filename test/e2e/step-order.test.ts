/** Messages about one step that come close together: while its end is checked, while a session works, around gates. */
import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect } from 'vitest';
import { explainQuery } from '../../src/contract/messages.js';
import { currentQuery, readyQuery, stepsQuery } from '../../src/contract/molecule.js';
import { lifecycleQuery } from '../../src/contract/polecat.js';
import { attribute } from '../../src/contract/search-attributes.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import { liveMolecule, standOf } from '../support/live-molecule.js';
import type { LiveMolecule } from '../support/live-molecule.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { proto, step } from '../support/molecules.js';
import { drawn } from '../support/sample.js';

const run = promisify(execFile);

const GATE = `
formula = "gate"
[[steps]]
id = "a"
title = "A"
[[steps]]
id = "b"
title = "B"
needs = ["a"]
gate = { type = "human", await = "release" }
[[steps]]
id = "c"
title = "C"
needs = ["a"]
description = "Do what C asks for."
`;

/** Whom two gates wait for is the variable. */
const LATE = `
formula = "late-verdict"
[vars.whom]
description = "the workflow that is waited for"
required = true
[[steps]]
id = "skipped"
title = "Skipped"
gate = { type = "bead", id = "{{whom}}" }
[[steps]]
id = "closed"
title = "Closed"
gate = { type = "bead", id = "{{whom}}" }
[[steps]]
id = "open"
title = "Open"
`;

const person = { kind: 'human', script: null } as const;
const write = (id: string) => ({ script: [{ append: `${id}.txt`, text: `${id}\n` }, { close: `wrote ${id}` }] });
const slowly = { ...person, acceptance: { command: 'sleep 3' } } as const;

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({
    rigs: { server: { bare: true, capacity: 4 } },
    formulas: { gate: GATE, 'late-verdict': LATE },
    patience: 0.1,
  });
});
afterAll(() => town.stop());

const molecule = (formula: string, steps: readonly ReturnType<typeof step>[]) =>
  liveMolecule(town, 'server', { ...proto(steps), formula });

const alone = (workflowId: string, formula: string, vars = {}) =>
  town.client.workflow.start('molecule', { taskQueue: TOWN_QUEUE, workflowId, args: [{ formula, vars }] });

/** What an Update is answered, whether it is done or refused. */
async function told({ handle }: Pick<LiveMolecule, 'handle'>, name: string, content: object): Promise<string> {
  try {
    return await handle.executeUpdate<string, [object]>(name, { args: [content] });
  } catch (error) {
    const { cause } = error as { readonly cause?: Error };
    return cause?.message ?? String(error);
  }
}

async function stands({ handle }: Pick<LiveMolecule, 'handle'>): Promise<readonly string[]> {
  return (await handle.query(stepsQuery)).map((one) => `${one.id}: ${standOf(one)}`);
}

const it = drawn('messages that come close together', 10, 4);

it('a skip of a step whose close is being checked is answered when that is closed, and nothing behind it is freed', async () => {
  const mol = await molecule('double', [
    step('G', { kind: 'group', script: null }),
    step('X', { ...slowly, parent: 'G' }),
    step('Z', { ...person, parent: 'G' }),
    step('D', { ...person, needs: ['G'] }),
  ]);
  await mol.reach('X', 'human');
  const close = told(mol, 'close', { step: 'X', by: 'Ada' });
  await until('it is checked', async () => (await mol.handle.describe()).raw.pendingActivities?.length === 1);
  expect(await told(mol, 'skip', { step: 'X', reason: 'not needed', by: 'Bob' })).toContain(
    'is closed already (done by Ada',
  );
  expect(await close).toContain('closed "X"');
  expect(await stands(mol)).toEqual(['G: open', 'X: done', 'Z: human', 'D: pending']);
  await mol.polecat.cancel();
});

it('a failure that somebody tells of a step whose close is being checked comes too late', async () => {
  const mol = await molecule('late', [step('X', slowly)]);
  await mol.reach('X', 'human');
  const close = told(mol, 'close', { step: 'X', by: 'Ada', note: 'all well' });
  await until('it is checked', async () => (await mol.handle.describe()).raw.pendingActivities?.length === 1);
  const fail = told(mol, 'fail', { step: 'X', reason: 'no time', by: 'Bob' });
  expect(await close).toBe('closed "X"; that was the last step');
  expect(await fail).toMatch(/is closed already|the molecule has ended/);
  expect((await mol.result()).steps).toMatchObject([{ id: 'X', outcome: 'done', summary: 'all well' }]);
});

it('a close as failed of a step whose close is being checked comes too late, too', async () => {
  const mol = await molecule('late-close', [step('X', slowly), step('Y', { ...person, needs: ['X'] })]);
  await mol.reach('X', 'human');
  const close = told(mol, 'close', { step: 'X', by: 'Ada' });
  await until('it is checked', async () => (await mol.handle.describe()).raw.pendingActivities?.length === 1);
  const board = await mol.handle.query(explainQuery);
  expect(board).toContain('What `X` leaves is checked and committed, and then it closes.');
  expect(board).not.toContain('Nothing happens');
  const failed = await told(mol, 'close', { step: 'X', outcome: 'failed', note: 'not right', by: 'Bob' });
  expect(failed).toContain('is closed already (done by Ada');
  expect(await close).toContain('closed "X"');
  expect(await stands(mol)).toEqual(['X: done', 'Y: human']);
  await mol.polecat.cancel();
});

it('what is said of a step while the sandbox goes back is said of it as it is after that', async () => {
  const mol = await molecule('slow-back', [
    step('one', write('one')),
    step('two', { ...write('two'), needs: ['one'] }),
    step('ask', { ...person, needs: ['two'] }),
  ]);
  await mol.reach('ask', 'human');
  const hook = join(town.repository('server'), 'hooks', 'pre-receive');
  await writeFile(hook, '#!/bin/sh\nsleep 3\n', { mode: 0o755 });
  const back = told(mol, 'retry', { step: 'two', from: true, by: 'Ann' });
  await until('it goes back', async () => (await mol.handle.describe()).raw.pendingActivities?.length === 1);
  expect(await mol.handle.query(explainQuery)).toContain('The sandbox goes back to before `two`, as Ann asked.');
  const fail = told(mol, 'fail', { step: 'ask', reason: 'stop it all', by: 'Bob' });
  expect(await back).toContain('back before "two"');
  await rm(hook);
  expect(await fail).toContain('step "ask" is not ready, it needs two');
  await mol.reach('ask', 'human');
  expect(await stands(mol)).toEqual(['one: done', 'two: done', 'ask: human']);
  await mol.polecat.cancel();
});

it('a step that somebody went back to before is skipped without the half-done work of another', async () => {
  const mol = await molecule('half-done', [
    step('a', { kind: 'run', run: 'echo a >> a.txt; ! test -e ../../../../again', script: null }),
    step('b', { ...write('b'), needs: ['a'] }),
    step('ask', { ...person, needs: ['b'] }),
  ]);
  await mol.reach('ask', 'human');
  const { sandbox } = await mol.polecat.query(lifecycleQuery);
  const path = sandbox?.path ?? '';
  await writeFile(join(path, '../../../../again'), '');
  await told(mol, 'retry', { step: 'a', from: true });
  await mol.reach('a', 'escalation');
  expect(await told(mol, 'skip', { step: 'b', reason: 'no need', by: 'Bob' })).toBe('step "b" is skipped');
  expect((await mol.reach('b', 'skipped')).state).toMatchObject({ head: null });
  expect((await run('git', ['-C', path, 'status', '--porcelain'])).stdout).toContain('a.txt');
  await mol.polecat.cancel();
});

it('what happens beside a session is shown while it works, and a failure says that it ends first', async () => {
  const gate = { type: 'human' as const, await: 'Ada', timeoutMs: 1_000 };
  const mol = await molecule('beside', [
    step('long', { kind: 'run', run: 'sleep 20', script: null }),
    step('gated', { ...person, gates: [gate] }),
  ]);
  await mol.reach('long', 'active');
  await until('the gate is shown as escalated', async () => {
    const { typedSearchAttributes: shown } = await mol.handle.describe();
    return shown.get(attribute.phase) === 'escalated';
  });
  expect((await stands(mol))[0]).toBe('long: active');
  expect(await told(mol, 'fail', { step: 'gated', reason: 'no answer', by: 'Bob' })).toContain('is failed');
  expect(await mol.handle.query(explainQuery)).toMatch(
    /Step `gated` failed at .*: no answer\. Session 1 works on `long` since .*\. That ends first, and then the molecule\./,
  );
  await mol.polecat.cancel();
});

it('a close that waits for its check does not close a step that waits anew meanwhile', async () => {
  const mol = await molecule('anew', [
    step('Y', { kind: 'run', run: 'sleep 5', script: null }),
    step('X', { ...person, acceptance: { command: 'true' } }),
    step('E', { ...person, needs: ['X', 'Y'] }),
  ]);
  await mol.reach('Y', 'active');
  const token = async () => (await mol.handle.query(currentQuery)).find((one) => one.id === 'X')?.token;
  const before = await token();
  const close = told(mol, 'close', { step: 'X', by: 'Ada' });
  await pause(500);
  expect(await told(mol, 'retry', { step: 'X', from: true, by: 'Bob' })).toContain('back before "X"');
  expect(await token()).not.toBe(before);
  expect(await close).toContain(`waits anew since token ${before ?? ''} was given`);
  await mol.reach('Y', 'done');
  expect(await stands(mol)).toEqual(['Y: done', 'X: human', 'E: pending']);
  await mol.polecat.cancel();
});

it('going back to before a fan-out ends the session of a step that goes away with it', async () => {
  const steps = [step('m{n}', { kind: 'run', run: 'sleep 100', script: null })];
  const fanOut = { bond: 'x', forEach: 'output.list', sequential: false, checks: [], steps };
  const script = [{ close: 'listed', output: { list: [1, 2] } }];
  const mol = await molecule('fan', [step('list', { fanOut, output: { type: 'object' }, script })]);
  const { sessions } = await mol.reach('m1', 'active');
  expect(sessions).toBe(1);
  expect(await told(mol, 'retry', { step: 'list', from: true, by: 'Bob' })).toContain('back before "list"');
  await mol.polecat.cancel();
});

it('the answer to a close names what can be closed next, and no step whose gate is shut', async () => {
  const handle = await town.client.workflow.start('molecule', {
    taskQueue: TOWN_QUEUE,
    workflowId: 'te-gate',
    args: [{ formula: 'gate' }],
  });
  await until('it has begun', async () => (await handle.query(readyQuery)).length > 0);
  expect(await told({ handle }, 'close', { step: 'a', continue: true })).toContain('Next: "c"');
  expect(await handle.query(readyQuery)).toEqual(['c']);
  expect(await told({ handle }, 'close', { step: 'c', continue: true })).toContain('"b" waits for ');
  const { typedSearchAttributes } = await handle.describe();
  expect(typedSearchAttributes.get(attribute.role)).toBe('molecule');
  await handle.terminate();
});

/** An act that is called off hears of it with its next heartbeat: it may have found something by then. */
it('what a gate finds too late reopens no step that was skipped or closed meanwhile', async () => {
  const tries = async (again: number): Promise<void> => {
    const whom = await alone(`te-doomed-${again}`, 'gate');
    const handle = await alone(`te-late-${again}`, 'late-verdict', { whom: whom.workflowId });
    await until('both are looked for', async () => {
      const { raw } = await handle.describe();
      const acts = raw.pendingActivities?.filter(({ lastStartedTime }) => lastStartedTime != null);
      return acts?.length === 2 && (await whom.query(readyQuery)).includes('a');
    });
    await told({ handle }, 'approve', { step: 'closed' });
    await Promise.all([
      told({ handle }, 'skip', { step: 'skipped' }),
      told({ handle }, 'close', { step: 'closed', note: 'seen to' }),
      told({ handle: whom }, 'fail', { step: 'a', reason: 'no use' }),
    ]);
    const ends = await until('both have ended', async () => {
      const { events = [] } = await handle.fetchHistory();
      const late = events?.filter((event) => event.activityTaskCompletedEventAttributes != null).length ?? 0;
      const calledOff = events?.filter((event) => event.activityTaskCanceledEventAttributes != null).length ?? 0;
      // The first that completed has cooked the formula.
      return late - 1 + calledOff === 2 && { late: late - 1 };
    });
    expect(await stands({ handle })).toEqual(['skipped: skipped', 'closed: done', 'open: human']);
    await told({ handle }, 'close', { step: 'open' });
    expect(await handle.result()).toMatchObject({
      steps: [{ outcome: 'skipped' }, { outcome: 'done', summary: 'seen to' }, { outcome: 'done' }],
    });
    if (ends.late === 2) return;
    expect(again, 'a verdict of both came too late').toBeLessThan(9);
    await tries(again + 1);
  };
  await tries(0);
});
