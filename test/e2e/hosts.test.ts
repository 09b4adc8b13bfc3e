/** A host that is lost with a polecat's sandbox in mid-step, one that is only away, and one that wakes after others went on. */
import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { describe, test } from 'vitest';
import type { ExpectStatic, TestContext } from 'vitest';
import { explainQuery, moleculeMessages } from '../../src/contract/messages.js';
import { stepsQuery } from '../../src/contract/molecule.js';
import { lifecycleQuery } from '../../src/contract/polecat.js';
import { startModelServer, type ModelServer } from '../../src/dev/model-server.js';
import type { SessionSpec } from '../../src/town/session.js';
import type { MissionResult } from '../../src/workflows/mission.js';
import { deskOf, polecatOf, textOf, twoHosts } from '../support/hosts.js';
import type { Hosts } from '../support/hosts.js';
import { count, until } from '../support/live-town.js';
import { processesIn } from '../support/processes.js';
import { runGit } from '../support/repos.js';
import { QUICK } from '../support/test-formulas.js';
import { MODELS_WAY, wayTo } from '../support/way.js';
import { sample } from '../support/sample.js';

/** Waits for the file, then writes one of its own. */
const holdUntil = (go: string) => `
formula = "hold"
[vars.name]
description = "name of the file"
required = true
[[steps]]
id = "work"
title = "Write {{name}}"
[[steps.script]]
run = "until test -e ${go}; do sleep 0.2; done"
[[steps.script]]
write = "{{name}}.txt"
text = "{{name}}\\n"
[[steps.script]]
close = "wrote it"
`;

/** A file that lets go what waits for it. */
function goOf(name: string, { onTestFinished }: TestContext): string {
  const go = join(tmpdir(), `gt-go-${process.pid}-${name}`);
  onTestFinished(() => rm(go, { force: true }));
  return go;
}

/** A mission whose polecat works on the first host, in the middle of the second step; as the town has it, if `more` says nothing else. */
async function inMidStep(name: string, context: TestContext, more: Partial<Parameters<typeof twoHosts>[0]> = {}) {
  const go = goOf(name, context);
  const gates = { wait: `until test -e ${go}; do sleep 0.2; done` };
  const plan = { formulas: { way: wayTo(go) }, patience: 0.02, ...more };
  const hosts = await twoHosts(plan, context.onTestFinished, gates);
  const first = await hosts.hosts[0].start();
  const mission = await hosts.client.workflow.start('mission', {
    taskQueue: 'gastown',
    workflowId: 'm',
    args: [{ work: [{ id: 'a', rig: 'server', formula: 'way' }] }],
  });
  const life = await polecatOf(hosts, 'the second step is half done', async ({ sandbox }) =>
    (await textOf(join(sandbox?.path ?? '', 'second.txt'))).includes('whole'),
  );
  return { hosts, first, life, result: mission.result() as Promise<MissionResult>, go: () => writeFile(go, '') };
}

async function expectWhole({ git }: Hosts, expect: ExpectStatic): Promise<void> {
  const log = (await git('log', '--format=%h %an %s', 'main')).split('\n');
  for (const title of ['Do the first', 'Do the second', 'Do the third']) expect(count(log, title), title).toBe(1);
  expect(await git('show', 'main:first.txt')).toBe('first');
  expect(await git('show', 'main:second.txt')).toBe('half\nwhole');
  expect(await git('show', 'main:third.txt')).toBe('third');
  expect(await git('branch', '--format=%(refname:short)')).toBe('main');
}

/** Names of all acts that it has asked for. */
async function actsIn({ client }: Hosts, workflowId: string): Promise<readonly string[]> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? []).flatMap((event) => event.activityTaskScheduledEventAttributes?.activityType?.name ?? []);
}

/** What each session was told. */
async function sessionsIn(molecule: WorkflowHandle): Promise<readonly SessionSpec[]> {
  const { events = [] } = await molecule.fetchHistory();
  return (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: scheduled }) => {
    const payload = scheduled?.activityType?.name === 'runSession' ? scheduled.input?.payloads?.[0] : null;
    return payload === null || payload === undefined ? [] : [defaultPayloadConverter.fromPayload<SessionSpec>(payload)];
  });
}

type MidStep = Awaited<ReturnType<typeof inMidStep>>;

/** Answers what has become of the mission. */
async function goesOnElsewhere({ hosts, first, life, result, go }: MidStep, expect: ExpectStatic) {
  const closed = await hosts.git('rev-parse', life.sandbox?.branch ?? '');
  const [ann, desk] = await deskOf(hosts.client);
  const second = await hosts.hosts[1].start();
  await hosts.hosts[0].die();
  const anew = ann.at();
  const now = await polecatOf(hosts, 'it is on the other host', ({ sandbox }) => sandbox?.host === second, 240);
  expect(now).toMatchObject({ slot: life.slot, molecule: life.molecule, lost: [first] });
  expect(now.sandbox?.branch).toBe(`${life.sandbox?.branch ?? ''}.1`);
  expect(now.sandbox?.path.startsWith(hosts.hosts[1].dir)).toBe(true);
  expect(await hosts.git('rev-parse', now.sandbox?.branch ?? '')).toBe(closed);
  expect(await anew).toBe(join(hosts.hosts[1].dir, '.gt/rigs/server/crew/ann'));
  const lost = `Host ${first} was lost with the worktree ${desk} on branch crew/ann, last seen at commit `;
  expect((await ann.board()).split(lost)[1]).toMatch(/^\w{10}; that commit is on the remote. .* made from main/);
  const molecule = hosts.client.workflow.getHandle(life.molecule);
  const third = (await sessionsIn(molecule)).find(({ sessionId }) => sessionId.endsWith('/second/3'));
  expect(third).toMatchObject({ handoffs: 0, isFirst: true, notes: ['the other half is hard'] });
  expect(third?.note).toContain(`The host ${first} was lost with the sandbox`);
  expect(third?.note).toContain('half of it is done');
  await go();
  const ended = await result;
  expect(ended.items).toMatchObject([{ state: { kind: 'landed' }, attempt: 1 }]);
  await expectWhole(hosts, expect);

  const steps = await molecule.query(stepsQuery);
  expect(steps.map((step) => [step.id, step.sessions, step.rejections])).toEqual([
    ['first', 1, 0],
    ['second', 4, 0],
    ['third', 1, 0],
  ]);
  expect(await molecule.query(explainQuery)).toContain(`The host \`${first}\` was lost`);
  expect(await molecule.query(explainQuery)).toContain(`it went on on \`${second}\``);
  expect(await hosts.client.workflow.getHandle('server/polecats/Toast').query(explainQuery)).toContain(
    `hosts that were lost: ${first}; it is on ${second} now`,
  );
  expect(await readdir(join(hosts.hosts[1].dir, '.gt/rigs/server/polecats'))).toEqual([]);
  return ended;
}

/** What the server has heard last of the session that is under way. */
async function beatOf(molecule: WorkflowHandle): Promise<unknown> {
  const { raw } = await molecule.describe();
  const [payload] = raw.pendingActivities?.[0]?.heartbeatDetails?.payloads ?? [];
  return payload === undefined ? null : defaultPayloadConverter.fromPayload(payload);
}

/** Of steps alone, as step/session/turn: where a busy machine makes a role look late, another role decides what that means. */
function askedBySteps(server: ModelServer): readonly string[] {
  return server.requests().flatMap(({ turn, body: { messages } }) => {
    const [, step = '', session = ''] = /Step: (\w+)\\nSession: (\d)/.exec(JSON.stringify(messages[0])) ?? [];
    return step === 'decide' ? [] : [`${step}/${session}/${turn}`];
  });
}

/** Each takes two minutes of waiting. */
const isTried = sample('ways to lose a host', 9, 1);

describe.concurrent('a host with a sandbox', () => {
  test.runIf(isTried(7))(
    'dies for good while a model works: its step begins again on another host, and nothing else is asked twice',
    async (context) => {
      const { expect } = context;
      const server = await startModelServer({ script: { rules: [...MODELS_WAY] } });
      context.onTestFinished(() => server.stop());
      const mid = await inMidStep('model', context, {
        runtime: { kind: 'anthropic', model: 'scripted', base_url: server.url },
        prices: { scripted: { input: 1, output: 1 } },
        env: { ANTHROPIC_API_KEY: 'scripted' },
      });
      // What a host has told last of what it spent is all that is known of that when it is lost.
      await until('it is told what the session has spent', async () => {
        const beat = await beatOf(mid.hosts.client.workflow.getHandle(mid.life.molecule));
        return JSON.stringify(beat).includes('"turns":2,');
      });
      const ended = await goesOnElsewhere(mid, expect);
      const asked = askedBySteps(server);
      const perSession = Object.entries({
        'first/1': 2,
        'second/1': 2,
        'second/2': 2,
        'second/3': 2,
        'second/4': 3,
        'third/1': 2,
      });
      // Each answer of each session was asked for once.
      expect(asked).toEqual(
        perSession.flatMap(([of, turns]) => [...Array(turns).keys()].map((turn) => `${of}/${turn}`)),
      );
      expect(ended.usd).toBeCloseTo(0.1 * asked.length);
    },
  );

  test.runIf(isTried(8))(
    'dies for good, and the remote takes no branch from elsewhere: the step waits, and what was lost is counted',
    async (context) => {
      const { expect } = context;
      const server = await startModelServer({ script: { rules: [...MODELS_WAY] } });
      context.onTestFinished(() => server.stop());
      const { hosts, life, result, go } = await inMidStep('refused', context, {
        runtime: { kind: 'anthropic', model: 'scripted', base_url: server.url },
        prices: { scripted: { input: 1, output: 1 } },
        env: { ANTHROPIC_API_KEY: 'scripted' },
      });
      const molecule = hosts.client.workflow.getHandle(life.molecule);
      await until('it is told what the session has spent', async () =>
        JSON.stringify(await beatOf(molecule)).includes('"turns":2,'),
      );
      const hook = join(await hosts.git('rev-parse', '--absolute-git-dir'), 'hooks/pre-receive');
      await writeFile(hook, '#!/bin/sh\necho frozen >&2\nexit 1\n', { mode: 0o755 });
      await hosts.hosts[1].start();
      await hosts.hosts[0].die();
      const board = await until(
        'the step waits',
        async () => {
          const told = await molecule.query(explainQuery);
          return told.includes('--name retry') ? told : null;
        },
        240,
      );
      expect(board).toContain('the remote refuses the push');
      const [, second] = await molecule.query(stepsQuery);
      // Of the session before it, which handed over, and of the lost one.
      expect(second?.usage).toMatchObject({ turns: 4 });
      await rm(hook);
      await go();
      await molecule.executeUpdate(moleculeMessages.retry.update, { args: [{ step: 'second' }] });
      const ended = await result;
      expect(ended.items).toMatchObject([{ state: { kind: 'landed' }, attempt: 1 }]);
      expect(ended.usd).toBeCloseTo(0.1 * askedBySteps(server).length);
    },
  );

  test.runIf(isTried(6))('dies for good while a script works: the same', async (context) => {
    const { expect } = context;
    expect(await goesOnElsewhere(await inMidStep('dies', context), expect)).toMatchObject({ landed: 1, usd: 0 });
  });

  test.runIf(isTried(0))(
    'sleeps meanwhile: woken, it does no harm, and started anew it takes its sandbox away',
    async (context) => {
      const { expect } = context;
      const { hosts, first, life, result, go } = await inMidStep('sleeps', context);
      const second = await hosts.hosts[1].start();
      await hosts.hosts[0].signal('SIGSTOP');
      await polecatOf(hosts, 'it is on the other host', ({ sandbox }) => sandbox?.host === second, 300);
      // Both commands go on at the same moment.
      await go();
      await hosts.hosts[0].signal('SIGCONT');
      expect((await result).items).toMatchObject([{ state: { kind: 'landed' }, attempt: 1 }]);
      await until('its session has ended', async () => (await processesIn(life.sandbox?.path ?? '')).length === 0);
      await expectWhole(hosts, expect);

      await hosts.hosts[0].die();
      expect(await readdir(join(hosts.hosts[0].dir, '.gt/rigs/server/polecats'))).toHaveLength(1);
      expect(await hosts.hosts[0].start()).toBe(first);
      await until('its sandbox is gone', async () => {
        const left = await readdir(join(hosts.hosts[0].dir, '.gt/rigs/server/polecats'));
        return left.length === 0;
      });
      const mirror = join(hosts.hosts[0].dir, '.gt/rigs/server/mirror.git');
      expect(await runGit(mirror, ['show', `${life.sandbox?.branch ?? ''}:second.txt`])).toBe('half\nwhole');
      await expectWhole(hosts, expect);
    },
  );

  test.runIf(isTried(1))(
    'is the only one, and away for longer than it is waited for: it goes on in the same sandbox',
    async (context) => {
      const { expect } = context;
      const { hosts, first, life, result, go } = await inMidStep('alone', context);
      await hosts.hosts[0].die();
      const molecule = hosts.client.workflow.getHandle(life.molecule);
      await until(
        'it was waited for in vain',
        async () => {
          const { events = [] } = await molecule.fetchHistory();
          return events?.some((event) => (event.activityTaskTimedOutEventAttributes ?? null) !== null);
        },
        120,
      );
      expect(await hosts.hosts[0].start()).toBe(first);
      await go();
      expect((await result).items).toMatchObject([{ state: { kind: 'landed' }, attempt: 1 }]);
      const now = await polecatOf(hosts, 'it has landed', () => true);
      expect(now.sandbox).toEqual(life.sandbox);
      expect(now.lost).toBeUndefined();
      const steps = await molecule.query(stepsQuery);
      expect(steps.map((step) => [step.id, step.sessions])).toEqual([
        ['first', 1],
        ['second', 2],
        ['third', 1],
      ]);
      expect((await actsIn(hosts, life.molecule)).filter((name) => name === 'lookAtHost')).toHaveLength(1);
      await expectWhole(hosts, expect);
    },
  );

  test.runIf(isTried(2))(
    'dies while the gates run there: they run on another host, the work lands, and no branch is left',
    async (context) => {
      const { expect, onTestFinished } = context;
      const [go, begun] = [goOf('gates', context), goOf('gates-begun', context)];
      const gate = `touch ${begun}; until test -e ${go}; do sleep 0.2; done`;
      const hosts = await twoHosts({ formulas: { quick: QUICK }, patience: 0.02 }, onTestFinished, { gate });
      const first = await hosts.hosts[0].start();
      const mission = await hosts.client.workflow.start('mission', {
        taskQueue: 'gastown',
        workflowId: 'm',
        args: [{ work: [{ id: 'a', rig: 'server', formula: 'quick', vars: { name: 'a' } }] }],
      });
      await until('the gates run', async () => (await stat(begun)).isFile());
      const second = await hosts.hosts[1].start();
      await hosts.hosts[0].die();
      await writeFile(go, '');
      expect(((await mission.result()) as MissionResult).items).toMatchObject([{ state: { kind: 'landed' } }]);
      expect(count((await hosts.git('log', '--format=%h %an %s', 'main')).split('\n'), 'Write a')).toBe(1);
      expect(await hosts.git('branch', '--format=%(refname:short)')).toBe('main');
      const life = await polecatOf(hosts, 'it has closed', () => true);
      expect(life.lost).toEqual([first]);
      expect(life.sandbox?.host).toBe(second);
    },
  );

  test.runIf(isTried(3))(
    'is lost, and the polecat is terminated where it went on: its work is saved from there',
    async (context) => {
      const { expect } = context;
      const { hosts, life, result, go } = await inMidStep('terminated', context);
      const second = await hosts.hosts[1].start();
      await hosts.hosts[0].die();
      const half = `${hosts.hosts[1].dir}/.gt/rigs/server/polecats/Toast-${life.slot.incarnation}/second.txt`;
      await until('the step is half done again', async () => (await textOf(half)).includes('whole'), 240);
      await hosts.client.workflow.getHandle('server/polecats/Toast').terminate('a test');
      await go();
      expect((await result).items).toMatchObject([{ state: { kind: 'landed' }, attempt: 2 }]);
      expect(await hosts.git('show', `${life.sandbox?.branch ?? ''}.1:second.txt`)).toBe('half\nwhole');
      const heirs = await polecatOf(hosts, 'it has closed', () => true);
      expect(heirs.sandbox?.host).toBe(second);
      expect(await readdir(join(hosts.hosts[1].dir, '.gt/rigs/server/polecats'))).toEqual([]);
    },
  );

  test.runIf(isTried(4))(
    'is lost, and the mission is cancelled: it ends, and says where the work is',
    async (context) => {
      const { expect } = context;
      const { hosts, life, result } = await inMidStep('cancelled', context);
      await hosts.hosts[1].start();
      await hosts.hosts[0].die();
      await hosts.client.workflow.getHandle('m').cancel();
      await expect(result).rejects.toThrow();
      const { items } = await hosts.client.workflow.getHandle('m').query<MissionResult>('progress');
      const branch = life.sandbox?.branch ?? '';
      expect(items).toMatchObject([
        {
          state: { kind: 'cancelled', reason: expect.stringContaining(`what had been pushed is on branch ${branch}`) },
        },
      ]);
      expect(await hosts.git('show', `${branch}:first.txt`)).toBe('first');
    },
  );

  test.runIf(isTried(5))(
    'has no room for more sessions: those wait for it, though another host is idle',
    async (context) => {
      const { expect, onTestFinished } = context;
      const go = goOf('busy', context);
      const plan = { formulas: { hold: holdUntil(go) }, patience: 0.02, limits: { sessions_at_once: 1 } };
      const hosts = await twoHosts(plan, onTestFinished);
      await hosts.hosts[0].start();
      const work = ['a', 'b'].map((id) => ({ id, rig: 'server', formula: 'hold', vars: { name: id } }));
      const mission = await hosts.client.workflow.start('mission', {
        taskQueue: 'gastown',
        workflowId: 'm',
        args: [{ work }],
      });
      const lives = await until('both have molecules', async () => {
        const swarm = await mission.query<Record<string, string>>('swarm');
        const ids = Object.values(swarm);
        const all = await Promise.all(ids.map((id) => hosts.client.workflow.getHandle(id).query(lifecycleQuery)));
        return all.length === 2 && all.every(({ stage }) => stage.includes('molecule')) ? all : null;
      });
      await hosts.hosts[1].start();
      await until('one waits for room, and it was looked whether its host is there', async () => {
        const seen = await Promise.all(lives.map(({ molecule }) => actsIn(hosts, molecule)));
        return seen.flat().includes('lookAtHost');
      });
      await writeFile(go, '');
      const { items } = (await mission.result()) as MissionResult;
      expect(items.map(({ state, attempt, sessions }) => [state.kind, attempt, sessions])).toEqual([
        ['landed', 1, 1],
        ['landed', 1, 1],
      ]);
      const ends = await Promise.all(
        lives.map(({ slot }) => hosts.client.workflow.getHandle(`server/polecats/${slot.name}`).query(lifecycleQuery)),
      );
      expect(ends.map(({ lost }) => lost)).toEqual([undefined, undefined]);
    },
  );
});
