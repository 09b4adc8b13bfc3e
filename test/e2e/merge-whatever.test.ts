/** Requests of all kinds at random, while people take some back and others push, and the worker is killed: what lands, lands once, and passes its gates. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mailMessage } from '../../src/contract/messages.js';
import { queueQuery, refineryKeptQuery } from '../../src/contract/refinery.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import { refineryOf, witnessOf } from '../../src/town/address.js';
import type { Letter } from '../../src/town/mail.js';
import type { RigSnapshot } from '../../src/town/rig.js';
import { STRATEGIES, type Strategy } from '../../src/town/strategy.js';
import { unreachable } from '../../src/town/unreachable.js';
import { liveTown, until, type LiveTown } from '../support/live-town.js';
import { random, type Random } from '../support/random.js';
import { makeFolder, makeRepo, runGit, type Repo } from '../support/repos.js';
import { readyMail } from '../support/requests.js';
import { IS_LONG, SEED, some } from '../support/sample.js';

const REQUESTS = IS_LONG ? 40 : 16;
const DEATHS = IS_LONG ? 3 : 1;
const BATCH = 5;
const KINDS = ['plain', 'plain', 'plain', 'clash', 'red', 'double', 'chained', 'gone', 'deadly'] as const;
type Kind = (typeof KINDS)[number];
type Branch = { readonly name: string; readonly kind: Kind; readonly head: string; readonly file: string };

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({ rigs: {}, patience: 0.05 });
});
afterAll(() => town.stop());

const rigOf = (name: string, { path }: Repo, strategy: Strategy): RigSnapshot => ({
  name,
  url: path,
  branch: 'main',
  gates: [{ name: 'clean', command: 'sleep 0.3; test ! -e deadly || kill -9 $$; ! grep -rq FIXME *.txt' }],
  merge: { strategy, batch: BATCH },
  names: ['Toast'],
  capacity: 1,
  prefix: 'wh',
  runtime: { kind: 'script', model: '' },
});

async function makeBranches(origin: Repo, { pick }: Random): Promise<readonly Branch[]> {
  const branches: Branch[] = [];
  for (let at = 0; at < REQUESTS; at += 1) {
    const kind = pick(KINDS);
    branches.push(await makeBranch(origin, `b${at}`, kind, branches.filter((one) => one.kind === 'plain').at(-1)));
  }
  return branches;
}

/** `plain`: an earlier one; without one, what needs it is plain itself. */
async function makeBranch(origin: Repo, name: string, kind: Kind, plain: Branch | undefined): Promise<Branch> {
  const file = `${name}.txt`;
  const commit = async (files: Readonly<Record<string, string>>) =>
    origin.commit(files, { branch: name, message: name });
  switch (kind) {
    case 'clash':
      return { name, kind, file: 'shared.txt', head: await commit({ 'shared.txt': `${name}\n` }) };
    case 'red':
      return { name, kind, file, head: await commit({ [file]: 'FIXME\n' }) };
    case 'deadly':
      return { name, kind, file, head: await commit({ [file]: 'work\n', deadly: `${name}\n` }) };
    case 'gone': {
      const head = await commit({ [file]: 'gone\n' });
      await origin.git('branch', '-D', name);
      return { name, kind, file, head };
    }
    case 'double':
      if (plain === undefined) break;
      return { name, kind, file: plain.file, head: await commit({ [plain.file]: 'work\n' }) };
    case 'chained':
      if (plain === undefined) break;
      await origin.git('branch', name, plain.name);
      return { name, kind, file, head: await commit({ [file]: 'more\n' }) };
    case 'plain':
      break;
  }
  return { name, kind: 'plain', file, head: await commit({ [file]: 'work\n' }) };
}

async function handIn(rig: string, { name, head }: Branch, priority: number): Promise<void> {
  const mail = readyMail(rig, { request: `wh-${name}.0`, branch: name, head, priority });
  await town.client.workflow.getHandle(refineryOf(rig)).executeUpdate(mailMessage.update, { args: [mail] });
}

function killWorker(): void {
  const pid = town.raised.workerPid();
  if (pid !== null) process.kill(pid, 'SIGKILL');
}

/** What people, others and death do meanwhile. */
async function disturb(rig: string, origin: Repo, branches: readonly Branch[], { below, pick }: Random): Promise<void> {
  const refinery = town.client.workflow.getHandle(refineryOf(rig));
  const say = (name: 'hold' | 'remove' | 'retry', content: object) =>
    refinery.executeUpdate<string, [object]>(name, { args: [content] }).catch(() => undefined);
  for (let turn = 0; turn < DEATHS; turn += 1) {
    const request = `wh-${pick(branches).name}.0`;
    await pause(below(2_000));
    await say('hold', { request, reason: 'wait', by: 'ann' });
    await say('remove', { request: `wh-${pick(branches).name}.0`, reason: 'not wanted', by: 'ann' });
    // Whoever loses against the refinery is none of it.
    await origin.commit({ [`other-${turn}.txt`]: 'other\n' }, { message: `other ${turn}` }).catch(() => undefined);
    await pause(below(2_000));
    killWorker();
    await say('retry', { request, by: 'ann' });
  }
}

/** Those that wait for a person; null as long as others do not. */
async function heldIn(rig: string) {
  const queue = await town.client.workflow.getHandle(refineryOf(rig)).query(queueQuery);
  const held = queue.flatMap(({ id, hold }) =>
    hold === null || hold.againAtMs !== undefined ? [] : [{ id, why: hold.why }],
  );
  return held.length === queue.length ? held : null;
}

/** What the polecat of each heard. */
async function verdictsOf(rig: string): Promise<ReadonlyMap<string, Letter>> {
  const refinery = town.client.workflow.getHandle(refineryOf(rig));
  const held = await until('all are decided', () => heldIn(rig), 300);
  // Of these it is not known whether they pass, and nobody else waits for that.
  for (const { id, why } of held) {
    expect(why).toContain('could not run');
    await refinery.executeUpdate('remove', { args: [{ request: id, reason: 'not wanted', by: 'ann' }] });
  }
  await until('all have their verdict', async () => (await refinery.query(queueQuery)).length === 0);
  const kept = await refinery.query(refineryKeptQuery);
  const verdicts = (kept?.verdicts ?? []).map(({ request, letter }) => [request, letter] as const);
  expect(verdicts).toHaveLength(REQUESTS);
  return new Map(verdicts);
}

const lines = (text: string): readonly string[] => text.split('\n').filter((line) => line !== '');
const failureOf = (letter: Letter | undefined): string | null =>
  letter?.type === 'MERGE_FAILED' ? letter.keys['Failure-Type'] : null;

/** `isIn`: the commit that its verdict names is in the target; `times`: commits of the target with its file. */
type Facts = { readonly strategy: Strategy; readonly isIn: boolean; readonly times: number };

const is = (fits: boolean, what: string) => (fits ? null : `is not ${what}`);

/** Null: nothing. */
function whatIsWrong({ kind }: Branch, letter: Letter | undefined, { strategy, isIn, times }: Facts): string | null {
  const failure = failureOf(letter);
  if ((kind === 'red' || kind === 'deadly') && times > 0) return 'is in the target';
  // It is for its polecat to bring it up to its target.
  if (failure === 'not-fast-forward') return is(strategy === 'fast-forward', 'rebased');
  if (failure === 'removed') return null;
  switch (kind) {
    case 'deadly':
      return 'was not held';
    case 'red':
      return is(letter?.type === 'MERGE_FAILED' && letter.keys.Gate === 'clean', 'refused by its gate');
    case 'gone':
      return is(failure === 'not-pushed', 'missing');
    case 'clash':
      return is(isIn || letter?.type === 'REWORK_REQUEST', 'landed, or sent back');
    case 'plain':
    case 'double':
    case 'chained':
      return is(isIn && times === 1, `landed once, but ${times} times`);
    default:
      return unreachable(kind);
  }
}

test.each(some('strategies', STRATEGIES, 1))(
  `%s (seed ${SEED})`,
  async (strategy) => {
    const rig = `whatever-${strategy}`;
    const chance = random(SEED);
    const origin = await makeRepo({
      bare: true,
      files: { 'shared.txt': 'nobody\n' },
      path: join(await makeFolder(), 'rig'),
    });
    const branches = await makeBranches(origin, chance);
    const args = [{ rig: rigOf(rig, origin, strategy), patience: 0.05 }];
    const start = (type: string, workflowId: string) =>
      town.client.workflow.start(type, { taskQueue: TOWN_QUEUE, workflowId, args });
    await Promise.all([start('witness', witnessOf(rig)), start('refinery', refineryOf(rig))]);
    const disturbing = disturb(rig, origin, branches, chance);
    for (const branch of branches) await handIn(rig, branch, chance.below(5));
    await disturbing;
    const verdicts = await verdictsOf(rig);
    expect(verdicts.size).toBe(REQUESTS);

    const landed = new Set(lines(await origin.git('rev-list', 'main')));
    const touching = async (file: string) =>
      lines(await origin.git('log', '--no-merges', '--format=%H', 'main', '--', file));
    const wrong: string[] = [];
    for (const branch of branches) {
      const letter = verdicts.get(`wh-${branch.name}.0`);
      const isIn = letter?.type === 'MERGED' && landed.has(letter.keys['Merge-Commit']);
      const why = whatIsWrong(branch, letter, { strategy, isIn, times: (await touching(branch.file)).length });
      if (why !== null) wrong.push(`${branch.name} (${branch.kind}) ${why}: ${JSON.stringify(letter)}`);
    }
    expect(wrong).toEqual([]);
    const clashing = branches.filter(({ kind }) => kind === 'clash').map(({ name }) => verdicts.get(`wh-${name}.0`));
    const merged = clashing.filter((letter) => letter?.type === 'MERGED').length;
    expect(merged).toBeLessThanOrEqual(1);
    // What is not where its target is now may not land so.
    const someLands = strategy === 'fast-forward' || clashing.every((letter) => failureOf(letter) === 'removed');
    expect(merged).toBeGreaterThanOrEqual(someLands ? 0 : 1);
    expect(landed.size).toBeGreaterThan(1);

    // Nothing is left of any try.
    const folder = join(town.dir, '.gt/rigs', rig);
    expect(await readdir(join(folder, 'refinery')).catch(() => [])).toEqual([]);
    const mirror = (await readdir(folder)).find((entry) => entry.endsWith('.git')) ?? '';
    const pins = lines(
      await runGit(join(folder, mirror), ['for-each-ref', '--format=%(objectname)', 'refs/gt/prepared']),
    );
    expect(pins.filter((pin) => !landed.has(pin))).toEqual([]);
  },
  600_000,
);
