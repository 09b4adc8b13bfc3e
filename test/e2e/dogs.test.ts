/** Dogs of a real town: work that nobody has any more is brought to safety and cleared, through the death of a dog and of the worker; a backup is restored. */
import { execFile } from 'node:child_process';
import { appendFile, chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { WorkflowNotFoundError } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dogsQuery } from '../../src/contract/dog.js';
import { inboxQuery } from '../../src/contract/inbox.js';
import { lifecycleQuery } from '../../src/contract/polecat.js';
import { deaconMessages } from '../../src/contract/messages.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import { DEACON, dogAt, OVERSEER, polecatAt, witnessOf } from '../../src/town/address.js';
import type { DogReport } from '../../src/town/dog-report.js';
import type { Job } from '../../src/town/dogs.js';
import { townPaths } from '../../src/town/paths.js';
import { gt } from '../support/gt.js';
import { recordsOf } from '../support/ledger-records.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';

const run = promisify(execFile);

const WAITS = `
formula = "waits"
[[steps]]
id = "answer"
title = "Answer"
type = "human"
`;

/** Changes nothing in the repository. */
const LOOKS = `
formula = "looks"
[[steps]]
id = "look"
title = "Look"
run = "true"
`;

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({
    rigs: { server: { bare: true } },
    formulas: { waits: WAITS, looks: LOOKS },
    patience: 0.01,
  });
});
afterAll(() => town.stop());

const at = (name: string) => polecatAt('server', name);
const command = (...args: string[]) => gt([...args, '--town', town.dir]);
const isThere = async (path: string) => (await stat(path).catch(() => null)) !== null;

async function isRunning(id: string): Promise<boolean> {
  const described = await town.client.workflow
    .getHandle(id)
    .describe()
    .catch(() => null);
  return described?.status.name === 'RUNNING';
}

const reports = () => recordsOf<DogReport & { readonly dog: string }>(town, 'dog');

type Errand = { readonly job: Job; readonly rig?: string; readonly dry?: boolean };

/** Of the errand that is sent now, once a dog has come home from it. */
async function errand(id: string, asked: Errand): Promise<DogReport> {
  const { update } = deaconMessages.send;
  const sent = await town.client.workflow.getHandle(DEACON).executeUpdate(update, { args: [{ ...asked, id }] });
  expect(sent).toBe('a dog goes');
  return backFrom(id);
}

/** The same, sent by a command. */
async function sentBy(id: string, ...asked: string[]): Promise<DogReport> {
  expect(await command(...asked, '--id', id)).toMatchObject({ code: 0, stdout: 'a dog goes\n' });
  return backFrom(id);
}

function backFrom(id: string): Promise<DogReport> {
  return until(`a dog is back from ${id}`, async () => {
    const { out, waiting } = await town.client.workflow.getHandle(DEACON).query(dogsQuery);
    const isHome = [...out, ...waiting].every((one) => !one.id.startsWith(id));
    return isHome && (await reports()).find((report) => report.errand.startsWith(id));
  });
}

type Work = { readonly mission: string; readonly name: string; readonly path: string; readonly branch: string };

/** A mission whose polecat waits for a person, with work in its sandbox that no commit has. */
async function atWork(mission: string): Promise<Work> {
  await town.startMission(mission, { work: [{ id: 'one', rig: 'server', formula: 'waits' }] });
  const polecat = await until('a polecat', async () => {
    const swarm = await town.client.workflow.getHandle(mission).query<Record<string, string>>('swarm');
    return swarm['one'];
  });
  const { slot, sandbox } = await until('a sandbox', async () => {
    const life = await town.client.workflow.getHandle(polecat).query(lifecycleQuery);
    return life.sandbox === null ? null : { slot: life.slot, sandbox: life.sandbox };
  });
  await until('its step waits', async () => (await explained(mission)).includes('person'));
  await writeFile(join(sandbox.path, 'half-done'), `of ${mission}\n`);
  return { mission, name: slot.name, path: sandbox.path, branch: sandbox.branch };
}

const explained = (id: string) => town.client.workflow.getHandle(id).query<string>('explain');

/** All who would clear it up are ended before they can, and nobody can ask the witness any more what it knew: the deacon starts one where work is open. */
async function abandon({ mission, name, branch }: Work): Promise<void> {
  const molecule = branch.slice(branch.lastIndexOf('/') + 1);
  const witness = witnessOf('server');
  for (const id of [mission, at(name), molecule, witness])
    await town.client.workflow
      .getHandle(id)
      .terminate('a test')
      .catch((error: unknown) => {
        // A molecule may have gone with its polecat.
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      });
  const { workflowService: server, options } = town.client;
  await server.deleteWorkflowExecution({ namespace: options.namespace, workflowExecution: { workflowId: witness } });
  await until('the server has forgotten it', async () => {
    const described = town.client.workflow.getHandle(witness).describe();
    return described.then(
      () => false,
      (error: unknown) => error instanceof WorkflowNotFoundError,
    );
  });
}

/** Pushes to the repository wait as long as the file is there. */
async function holdPushes(): Promise<{ readonly begun: string; readonly hold: string }> {
  const [begun, hold] = [join(town.dir, 'push-begun'), join(town.dir, 'hold-pushes')];
  await writeFile(hold, '');
  const hook = join(town.repository('server'), 'hooks', 'pre-receive');
  await mkdir(join(hook, '..'), { recursive: true });
  await writeFile(hook, `#!/bin/sh\ntouch '${begun}'\nwhile [ -e '${hold}' ]; do sleep 0.1; done\n`);
  await chmod(hook, 0o755);
  return { begun, hold };
}

/** The deacon is ended; boot starts one, as work is open, which knows of the dog that is out. */
async function anotherDeacon(): Promise<void> {
  await town.client.workflow.getHandle(DEACON).terminate('a test');
  await until('another deacon knows of the dog', async () => {
    const { out } = await town.client.workflow.getHandle(DEACON).query(dogsQuery);
    return (await isRunning(DEACON)) && out.some(({ id }) => id === 'clean-1');
  });
}

let left: Work;
let kept: Work;

test('what nobody has any more is found once nobody has worked there lately, and what somebody has is not; with --dry nothing is changed', async () => {
  left = await atWork('left');
  await abandon(left);
  kept = await atWork('kept');
  const early = await sentBy('early', 'dog', 'send', 'clean', '--rig', 'server', '--dry');
  expect(early.did).toEqual([]);
  expect(early.wrong).toEqual([expect.stringMatching(`${left.branch} in server stays for now: .* was changed lately`)]);
  await run('find', [left.path, '-exec', 'touch', '-h', '-d', '3 hours ago', '{}', '+']);
  const { did, wrong } = await errand('look', { job: 'clean', rig: 'server', dry: true });
  expect(wrong).toEqual([]);
  expect(did).toEqual([expect.stringContaining(`would clear ${left.branch} in server`)]);
  expect(await isThere(join(left.path, 'half-done'))).toBe(true);
});

test('unlanded work is pushed before its sandbox goes, once, though deacon and dog are ended and the worker killed meanwhile', async () => {
  const { begun, hold } = await holdPushes();
  const sent = await command('dog', 'send', 'clean', '--rig', 'server', '--id', 'clean-1');
  expect(sent.stdout).toBe('a dog goes\n');
  await until('it pushes', () => isThere(begun));
  const [, dog = ''] = /(deacon\/dogs\/\w+) +clean server/.exec((await command('dog', 'list')).stdout) ?? [];
  expect(await explained(dog)).toContain('server on');
  expect(await explained(DEACON)).toContain(dog);
  await anotherDeacon();
  await town.client.workflow.getHandle(dog).terminate('a test');
  await rm(begun);
  await town.temporal('workflow', 'signal', '-w', DEACON, '--name', 'patrol', '--input', '{}');
  await until('another dog pushes', () => isThere(begun));
  process.kill(town.raised.workerPid() ?? 0, 'SIGKILL');
  await rm(hold);
  const { did, wrong } = await until('it is home', async () =>
    (await reports()).find((report) => report.errand === 'clean-1~1'),
  );
  expect(wrong).toEqual([]);
  expect(did).toEqual([expect.stringContaining(`cleared ${left.branch} in server`)]);
  expect(await isThere(left.path)).toBe(false);
  expect(await town.git('server', 'show', `${left.branch}:half-done`)).toBe('of left');
  expect(await town.git('server', 'rev-list', '--count', `main..${left.branch}`)).toBe('1');
  expect(await town.git('server', 'branch', '--list', '--format=%(refname:short)', 'polecat/*')).toBe(left.branch);
  expect((await reports()).filter(({ errand: of }) => of.startsWith('clean-1'))).toHaveLength(1);
  const mirror = join(townPaths(town.dir).state, 'rigs', 'server', 'mirror.git');
  const { stdout } = await run('git', ['-C', mirror, 'branch', '--list', '--format=%(refname:short)', 'polecat/*']);
  expect(stdout.trim()).toBe(kept.branch);
  expect(await readFile(join(kept.path, 'half-done'), 'utf8')).toBe('of kept\n');
  expect(await isRunning(at(kept.name))).toBe(true);
});

test('a backup is a repository that git clones, with every record of the ledger', async () => {
  const { did, wrong } = await sentBy('save', 'sling', 'backup', 'deacon/dogs');
  expect(wrong).toEqual([]);
  const folder = join(townPaths(town.dir).state, 'backups');
  const [bundle = ''] = (await readdir(folder)).filter((name) => name.endsWith('.bundle'));
  expect(did[0]).toContain(bundle);
  const clone = join(town.dir, 'restored');
  await run('git', ['clone', '--quiet', join(folder, bundle), clone]);
  const [file = ''] = await readdir(join(clone, 'ledger'));
  const restored = await readFile(join(clone, 'ledger', file), 'utf8');
  const whole = await readFile(join(town.dir, 'ledger', file), 'utf8');
  expect(whole.startsWith(restored)).toBe(true);
  expect(restored).toContain('dog/clean-1~1');
  expect(did[0]).toContain(`${restored.split('\n').length - 1} records`);
  await rm(clone, { recursive: true });
});

test('a ledger with a damaged line is told to the overseer, once however often it is found', async () => {
  const [file = ''] = await readdir(join(town.dir, 'ledger'));
  const path = join(town.dir, 'ledger', file);
  const whole = await readFile(path, 'utf8');
  await writeFile(path, `${whole}damaged\n`);
  const first = await errand('check-1', { job: 'verify' });
  expect(first.wrong).toEqual([
    expect.stringMatching(/\.jsonl:\d+: this is no record, so mend it or take it out: damaged$/),
  ]);
  const inbox = async () => town.client.workflow.getHandle(OVERSEER).query(inboxQuery);
  const told = async () => (await inbox()).filter(({ subject }) => subject === 'HELP: dogs, verify');
  await until('the overseer is told', async () => (await told()).length > 0);
  expect((await errand('check-2', { job: 'verify' })).wrong).toEqual(first.wrong);
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.replace('damaged\n', ''));
  expect((await errand('check-3', { job: 'verify' })).wrong).toEqual([]);
  expect(await told()).toHaveLength(1);
});

test('the host is looked at, and what has ended long ago is taken off the server', async () => {
  const [host, { did, wrong }] = await Promise.all([
    errand('host', { job: 'doctor' }),
    errand('small', { job: 'compact' }),
  ]);
  expect(host.errand).toBe('host');
  expect(wrong).toEqual([]);
  expect(did).toContain('the mirror of server is up to date, and tidy');
});

test('a rig that the town does not have is refused in words, by gt and by the dog', async () => {
  const wrong = await command('dog', 'send', 'backpu');
  expect(wrong).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('"backpu" is no errand; did you mean "backup"?'),
  });
  expect(await command('dog', 'send', 'clean', '--rig', 'nowhere')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('there is no rig "nowhere": the town has server'),
  });
  const { update } = deaconMessages.send;
  const asked = { id: 'lost', job: 'clean', rig: 'nowhere' } as const;
  await town.client.workflow.getHandle(DEACON).executeUpdate(update, { args: [asked] });
  const failed = 'WorkflowType="dog" AND ExecutionStatus="Failed"';
  const dog = await until('it failed', async () => {
    for await (const { workflowId } of town.client.workflow.list({ query: failed })) return workflowId;
    return null;
  });
  expect((await command('explain', dog)).stdout).toContain('town.toml has no rig "nowhere": it has server');
});

test('what has ended long ago goes: looks of boot, dogs, and a wisp, whose digest is in the ledger by then', async () => {
  const wisp = /\S+-wisp-\S+/.exec((await command('mol', 'wisp', 'waits')).stdout)?.[0] ?? '';
  expect(await command('close', 'answer', '--mol', wisp)).toMatchObject({ code: 0 });
  await town.client.workflow.getHandle(wisp).result();
  const input = { job: 'compact', patience: 1e-7 };
  const options = { workflowId: dogAt('zoe'), taskQueue: TOWN_QUEUE, args: [input] as [object] };
  const { did } = await town.client.workflow
    .start<(asked: object) => Promise<DogReport>>('dog', options)
    .then((dog) => dog.result());
  expect(did.join('; ')).toMatch(
    /looks of boot: \d+ are taken off the server; dogs: \d+ are .*; wisps, by their digests: 1 are/,
  );
  expect(await recordsOf(town, 'molecule')).toContainEqual(expect.objectContaining({ molecule: wisp }));
  await until('it is gone', async () => (await town.temporal('workflow', 'describe', '-w', wisp)).code !== 0);
});

const PLUGINS = `
[plugins.nightly]
formula = "looks"
rig = "server"
cron = "0 3 * * *"
[plugins.often]
formula = "looks"
rig = "server"
cooldown = "1s"
[plugins.mend]
formula = "looks"
rig = "server"
event = "channel/deploys"
subject = "*failed"
`;

const schedule = (what: string, name: string) => town.temporal('schedule', what, '--schedule-id', `plugin-${name}`);

async function missionsOf(title: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { workflowId } of town.client.workflow.list({ query: 'WorkflowType="mission"' })) {
    const described = await town.client.workflow.getHandle(workflowId).describe();
    if ((await described.staticSummary()) === title) found.push(workflowId);
  }
  return found;
}

test('plugins of a town that is up: one runs again a while after it has ended, one with a message; taken out, they are gone', async () => {
  const { file } = townPaths(town.dir);
  const before = await readFile(file, 'utf8');
  await appendFile(file, PLUGINS);
  const { stdout } = await command('plugin', 'run', 'often', '--id', 'now');
  expect(stdout).toBe('often runs: gt explain deacon/dogs/plugin-often-now\n');
  const shown = async () => (await command('channel', 'show', 'deploys')).stdout;
  const byClock = town.client.schedule.getHandle('plugin-nightly');
  const { spec } = await until('the schedule is there', () => byClock.describe());
  expect(spec.calendars).toMatchObject([{ hour: [{ start: 3, end: 3 }], minute: [{ start: 0, end: 0 }] }]);
  expect(await schedule('trigger', 'nightly')).toMatchObject({ code: 0 });
  await until('the hook is there', async () => (await shown()).includes('plugin-mend'));
  await command('channel', 'publish', 'deploys', '--subject', 'api is out');
  await command('channel', 'publish', 'deploys', '--subject', 'api failed');
  await until('it is mended', async () => (await missionsOf('[channel deploys] api failed')).length === 1);
  const dog = town.client.workflow.getHandle<() => Promise<DogReport>>('deacon/dogs/plugin-often-now');
  const line = /^plugin often: its mission hq-cv-\w+ is completed$/;
  expect((await dog.result()).did).toEqual([expect.stringMatching(line)]);
  await until('it has run again', async () => (await byTime()).length >= 2);
  await until('it has run as by its clock', async () =>
    (await reports()).some(({ of, did }) => of === 'nightly' && did.length === 1),
  );
  expect((await command('plugin', 'list')).stdout).toMatch(/nightly .*next \S+T03:00:00/);
  expect((await command('plugin', 'list')).stdout).toMatch(/often +looks in server +1 s after it has ended +last /);
  await writeFile(file, before);
  for (const name of ['often', 'nightly'])
    await until('the schedule is gone', async () => (await schedule('describe', name)).code !== 0);
  await until('the hook is gone', async () => !(await shown()).includes('plugin-mend'));
  expect(await missionsOf('[channel deploys] api is out')).toEqual([]);
  // Those that were started by time, without the one by hand: each a second after the end of the one before.
  const rests = await restsOf(await byTime());
  expect(Math.min(...rests)).toBeGreaterThanOrEqual(1_000);
});

/** Runs of the plugin that its schedule has begun: the time of each stands in the name of its dog. */
async function byTime(): Promise<readonly DogReport[]> {
  return (await reports()).filter(({ dog, did }) => dog.includes('often-2') && did.length > 0);
}

/** Between the end of the mission of each report and the beginning of that of the next. */
async function restsOf(all: readonly DogReport[]): Promise<readonly number[]> {
  const times = await Promise.all(
    all.map(async ({ did: [line = ''] }) => {
      const mission = /hq-cv-\w+/.exec(line)?.[0] ?? '';
      const { startTime, closeTime } = await town.client.workflow.getHandle(mission).describe();
      return { startMs: startTime.getTime(), closeMs: closeTime?.getTime() ?? Infinity };
    }),
  );
  return times.slice(1).map(({ startMs }, at) => startMs - (times[at]?.closeMs ?? Infinity));
}
