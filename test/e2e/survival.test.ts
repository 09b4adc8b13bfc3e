/**
 * kill -9 of the worker and of the server at twenty moments spread over missions, among them the one between a push and its
 * record. Each mission ends, each item's patch is on main exactly once, and no worktree, slot or process is left.
 */
import { chmod, mkdir, readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { slotsQuery } from '../../src/contract/witness.js';
import { randomOf } from '../../src/dev/chaos.js';
import { findMarked } from '../../src/process/mark.js';
import { count, liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { runGit } from '../support/repos.js';
import { LONGER } from '../support/test-formulas.js';
import { IS_LONG, SEED } from '../support/sample.js';

/** Whole with `npm run test:long`. */
const KILLS = IS_LONG ? 120 : 4;
const KILLS_AFTER_PUSH = IS_LONG ? 4 : 2;
/** Of so many deaths one at least is the server's, beginning with the second, whatever the seed. */
const SERVER_EVERY = 5;
/** A worker that is between two lives when the push comes is not killed: another mission brings another push. */
const ROUNDS_MAX = IS_LONG ? 40 : 20;

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({
    rigs: {
      server: { bare: true, gates: { there: 'test -f README.md' } },
      web: { bare: true, gates: { there: 'test -f README.md' } },
    },
    formulas: { longer: LONGER },
    patience: 0.05,
  });
});
afterAll(() => town.stop());

const RIGS = ['server', 'web'] as const;
const missionOf = (round: number) => ({
  notify: ['overseer'],
  work: [
    ...RIGS.flatMap((rig) =>
      [0, 1].map((n) => ({ id: `${rig}-${n}`, rig, formula: 'longer', vars: { name: `${rig}-${round}-${n}` } })),
    ),
    { id: 'last', rig: 'web', formula: 'longer', vars: { name: `last-${round}` }, needs: ['server-0', 'web-0'] },
  ],
});

/** A worker's death belongs to whoever makes its folder first: none is counted twice, and none that was dead before. */
const deaths = () => join(town.dir, 'deaths');

async function kill(pid: number): Promise<boolean> {
  try {
    await mkdir(join(deaths(), String(pid)));
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}

/** The remote itself kills the worker right after it took a push to main: the push is done, and nobody knows yet. */
async function killAfterPush(rig: string, times: number): Promise<void> {
  const hook = join(town.repository(rig), 'hooks', 'post-receive');
  const killed = join(town.dir, `kills-${rig}`);
  const pidFile = join(town.dir, 'worker-pid');
  const script = `#!/bin/sh
grep -q refs/heads/main || exit 0
[ "$(cat '${killed}' 2>/dev/null | wc -l)" -lt ${times} ] || exit 0
pid=$(cat '${pidFile}')
mkdir '${deaths()}'/"$pid" 2>/dev/null || exit 0
kill -9 "$pid" && echo "$pid" >> '${killed}'
`;
  await writeFile(hook, script);
  await chmod(hook, 0o755);
}

/** By a hook, of all rigs. */
async function killsAfterPush(): Promise<number> {
  const texts = await Promise.all(RIGS.map((rig) => readFile(join(town.dir, `kills-${rig}`), 'utf8').catch(() => '')));
  return texts.join('').split('\n').filter(Boolean).length;
}

async function followWorker(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const pid = town.raised.workerPid();
    if (pid !== null) await writeFile(join(town.dir, 'worker-pid'), String(pid));
    await pause(50);
  }
}

/** Where programs with a mark stand, below the town, that are still there. */
async function leftRunning(): Promise<readonly string[]> {
  const marked = await findMarked(() => true);
  const folders = await Promise.all(marked.map(({ pid }) => readlink(`/proc/${pid}/cwd`).catch(() => '')));
  return folders.filter((folder) => folder.startsWith(town.dir));
}

async function settle(id: string): Promise<void> {
  await until(
    `${id} ends`,
    async () => {
      const { status } = await town.client.workflow.getHandle(id).describe();
      return status.name === 'RUNNING' ? null : true;
    },
    240,
  );
}

test(`every mission ends as if nothing had happened (seed ${SEED})`, async () => {
  const random = randomOf(SEED);
  const over = new AbortController();
  const following = followWorker(over.signal);
  await mkdir(deaths());
  for (const rig of RIGS) await killAfterPush(rig, KILLS_AFTER_PUSH / RIGS.length);
  let killed = 0;
  let serverKills = 0;
  let round = 0;
  const isEnough = async () => killed >= KILLS - KILLS_AFTER_PUSH && (await killsAfterPush()) >= KILLS_AFTER_PUSH;
  while (!(await isEnough()) && round < ROUNDS_MAX) {
    round += 1;
    const id = `round-${round}`;
    await until('the mission starts', () => town.startMission(id, missionOf(round)), 60);
    const isOpen = async () => (await town.client.workflow.getHandle(id).describe()).status.name === 'RUNNING';
    while (killed < KILLS - KILLS_AFTER_PUSH) {
      await pause(400 + random() * 2_500);
      if (!(await isOpen().catch(() => true))) break;
      const server = random() < 0.3 || serverKills * SERVER_EVERY < killed;
      const pid = server ? town.raised.serverPid() : town.raised.workerPid();
      if (pid === null || !(await kill(pid))) continue;
      killed += 1;
      if (server) serverKills += 1;
    }
    await settle(id);
  }
  over.abort();
  await following;

  for (let each = 1; each <= round; each += 1) {
    const { status } = await town.client.workflow.getHandle(`round-${each}`).describe();
    expect(status.name, `round ${each}`).toBe('COMPLETED');
  }
  for (const rig of RIGS) {
    const log = await town.log(rig);
    const names = Array.from({ length: round }, (_, at) => [
      `${rig}-${at + 1}-0`,
      `${rig}-${at + 1}-1`,
      ...(rig === 'web' ? [`last-${at + 1}`] : []),
    ]).flat();
    for (const name of names) {
      for (const step of ['Begin', 'Go on with', 'Finish'])
        expect(count(log, `${step} ${name}`), `${step} ${name}`).toBe(1);
      const text = await town.git(rig, 'show', `main:${name}.txt`);
      expect(text.split('\n')).toEqual(['begun', 'middle', 'end']);
    }
    expect((await town.git(rig, 'branch', '--format=%(refname:short)')).split('\n')).toEqual(['main']);
    const slots = await until('the slots are free', async () => {
      const seen = await town.client.workflow.getHandle(`${rig}/witness`).query(slotsQuery);
      return seen.leases.length === 0 ? seen : null;
    });
    expect(slots.queue).toEqual([]);
    const place = join(town.dir, '.gt/rigs', rig);
    for (const folder of ['polecats', 'refinery', 'mirror.git/worktrees']) {
      expect(await readdir(join(place, folder)), `${folder} of ${rig}`).toEqual([]);
    }
    const refs = await runGit(join(place, 'mirror.git'), ['for-each-ref', 'refs/heads', 'refs/gt']);
    expect(refs, `what the mirror of ${rig} keeps`).toBe('');
    const afterPush = (await readFile(join(town.dir, `kills-${rig}`), 'utf8')).trim().split('\n');
    expect(afterPush, `workers killed after a push to ${rig}`).toHaveLength(KILLS_AFTER_PUSH / RIGS.length);
  }
  const ledgers = await readdir(join(town.dir, 'ledger'));
  const records = (
    await Promise.all(
      ledgers.filter((f) => f.endsWith('.jsonl')).map((file) => readFile(join(town.dir, 'ledger', file), 'utf8')),
    )
  )
    .flatMap((text) => text.trim().split('\n'))
    .map((line) => (JSON.parse(line) as { id: string }).id);
  expect(new Set(records).size).toBe(records.length);
  expect(records.filter((id) => id.startsWith('mission/'))).toHaveLength(round);
  expect(records.filter((id) => id.startsWith('landed/'))).toHaveLength(round);
  expect(killed, `in ${round} missions`).toBe(KILLS - KILLS_AFTER_PUSH);
  expect(serverKills * SERVER_EVERY).toBeGreaterThanOrEqual(killed - 1);
  await until('no program of a session or a gate is left', async () =>
    (await leftRunning()).length === 0 ? true : null,
  );
}, 3_000_000);
