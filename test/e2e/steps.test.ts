/** `gt ready`, `close`, `prime` and the other commands about steps, as people and outside agents call them. */
import { rename } from 'node:fs/promises';
import { WithStartWorkflowOperation } from '@temporalio/client';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { perform } from '../../src/calls.js';
import { Answer } from '../../src/contract/calls.js';
import { moleculeMessages, rejectedQuery } from '../../src/contract/messages.js';
import { askRelay } from '../../src/relay.js';
import { townPaths } from '../../src/town/paths.js';
import { gt, startGt } from '../support/gt.js';
import { liveTown, until, type LiveTown } from '../support/live-town.js';
import { SLOW } from '../support/test-formulas.js';

/** Two steps in a row, the first with an output; a gate before a third. */
const REVIEW = `
formula = "review"
[[steps]]
id = "read"
title = "Read the change"
description = "All of it."
acceptance = "You can say what it does."
output = { verdict = "string" }
[[steps]]
id = "answer"
title = "Answer: {{steps.read.output.verdict}}"
needs = ["read"]
[[steps]]
id = "ship"
title = "Ship it"
needs = ["answer"]
gate = { type = "human", await = "release" }
`;

const STUCK = `
formula = "stuck"
[vars.name]
required = true
[[steps]]
id = "ask"
title = "Ask about {{name}}"
[[steps.script]]
block = "what now?"
[[steps.script]]
write = "{{name}}.txt"
text = "x"
[[steps.script]]
close = "wrote it"
`;

const SHUT = `
formula = "shut"
[[steps]]
id = "ask"
title = "Ask"
gate = { type = "human" }
[[steps]]
id = "after"
title = "After"
needs = ["ask"]
`;

/** More than a molecule tells with their instructions. */
const WIDE_STEPS = 120;
const WIDE = `formula = "wide"\n${Array.from({ length: WIDE_STEPS }, (_, at) => `[[steps]]\nid = "s${at}"\ntitle = "S"\n`).join('')}`;

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({
    rigs: { server: {} },
    formulas: { review: REVIEW, shut: SHUT, slow: SLOW, stuck: STUCK, wide: WIDE },
  });
});
afterAll(() => town.stop());

const NOBODY = { TEMPORAL_ADDRESS: undefined, GT_MOLECULE: undefined, GT_AGENT: undefined };
const call = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  gt([...args, '--town', town.dir], { ...NOBODY, ...env });

async function poured(formula: string): Promise<string> {
  const id = (await call(['mol', 'pour', formula])).stdout.trim();
  await until('a step waits', async () => (await readyIn(id)).length > 0);
  return id;
}

async function readyIn(id: string): Promise<readonly { readonly step: string }[]> {
  return JSON.parse((await call(['ready', id, '--json'])).stdout) as readonly { readonly step: string }[];
}

test('the worker of the town makes the calls of gt, and gt itself where that one does not listen', async () => {
  const id = await poured('review');
  const worker = `${town.raised.workerPid()}@`;
  const read = ['close', 'read', '--mol', id, '--output', '{"verdict": "fine"}'];
  expect((await call(read)).stdout).toContain('closed "read".\n\nNext: "answer", Answer: fine');
  expect(await call(read)).toMatchObject({ code: 1, stderr: expect.stringContaining('closed already') as string });
  const { relay } = townPaths(town.dir);
  await rename(relay, `${relay}.away`);
  expect(await call(['close', 'answer', '--mol', id])).toMatchObject({ code: 0 });
  await rename(`${relay}.away`, relay);
  const { events } = await town.client.workflow.getHandle(id).fetchHistory();
  const askers = (events ?? [])
    .map((event) => event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest?.meta?.identity ?? '')
    .filter((asker) => asker !== '');
  expect(askers.map((asker) => asker.startsWith(worker))).toEqual([true, true, false]);
});

test('the town at a glance: what is open, who works, what waits for somebody, and what happens', async () => {
  const feed = startGt(['feed', '--rig', 'server', '--town', town.dir]);
  await feed.says(/are open; what happens from here on:\n/);
  const mission = (await call(['mol', 'pour', 'stuck', '--rig', 'server', '--var', 'name=x'])).stdout.trim();
  type Waiting = { readonly id: string; readonly mission: string };
  const waits = async () =>
    (JSON.parse((await call(['status', '--json'])).stdout) as { waits: readonly Waiting[] }).waits;
  await until('it waits', async () => (await waits()).some((one) => one.mission === mission));
  const molecule = (await waits()).find((one) => one.mission === mission)?.id ?? '';
  const { stdout: told } = await call(['status']);
  expect(told).toContain(`Town at ${town.raised.address}, namespace default; 1 worker\n`);
  expect(told).toMatch(/^polecats +1 escalated$/m);
  expect(told).toMatch(/^server\/witness +working, for polecats$/m);
  expect(told).toMatch(/^ {2}\S+ +overseer: ask$/m);
  const { stdout: agents } = await call(['agents', '--rig', 'server']);
  expect(agents).toMatch(new RegExp(`^server/polecats/\\w+ +escalated +${mission} +overseer: ask$`, 'm'));
  expect(await call(['agents', '--rig', 'other'])).toMatchObject({
    stdout: expect.stringMatching(/^No agent is at work/),
  });
  await feed.says(new RegExp(`^\\d\\d:\\d\\d:\\d\\d {2}mission +${mission}: begins, `, 'm'));
  await feed.says(new RegExp(`polecat +server/polecats/\\w+ \\(${mission}\\): .*waits for overseer: ask$`, 'm'));
  expect((await call(['skip', 'ask', '--mol', molecule, '--reason', 'seen'])).code).toBe(0);
  await feed.says(new RegExp(`mission +${mission}: landed$`, 'm'));
  expect(await feed.end('SIGINT')).toBe(0);
});

test('what the server says for itself comes over the worker as it comes without', async () => {
  const asked = { kind: 'list', filter: 'NoSuchAttribute = 1' } as const;
  const relayed = { address: town.raised.address, namespace: 'default', call: asked };
  const heard = Answer.parse(await askRelay(townPaths(town.dir).relay, relayed));
  expect(heard).toMatchObject({ kind: 'failed', why: expect.stringContaining('NoSuchAttribute') as string });
  expect(heard).toEqual(await perform(town.client, asked));
});

test('whoever was told of a step before somebody went back to it can close it no more', async () => {
  const id = await poured('review');
  const tokenOf = async () =>
    (JSON.parse((await call(['mol', 'current', id, '--json'])).stdout) as readonly { token: string }[])[0]?.token ?? '';
  const old = await tokenOf();
  const read = ['close', 'read', '--mol', id, '--output', '{"verdict": "fine"}'];
  expect(await call([...read, '--token', old])).toMatchObject({ code: 0 });
  expect(await call(['retry', 'read', '--from', '--mol', id, '--token', old])).toMatchObject({ code: 1 });
  expect(await call(['retry', 'read', '--from', '--mol', id])).toMatchObject({ code: 0 });
  for (const verb of [
    read,
    ['skip', 'read', '--mol', id, '--reason', 'known'],
    ['fail', 'read', '--mol', id, '--reason', 'no'],
  ])
    expect(await call([...verb, '--token', old])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`gt: step "read" waits anew since token ${old} was given: see`) as string,
    });
  const rejected = await town.client.workflow.getHandle(id).query(rejectedQuery);
  expect(rejected.filter(({ reason }) => reason.includes(`token ${old}`))).toHaveLength(3);
  expect(await call([...read, '--token', await tokenOf()])).toMatchObject({ code: 0 });
});

test('what is said before a workflow has begun is handled in its order, whatever the messages are called', async () => {
  const worker = town.raised.workerPid() ?? 0;
  process.kill(worker, 'SIGSTOP');
  // The task that a stopped worker has taken knows of nothing but the start: the next ones know of all.
  const handle = await town.client.workflow.start('molecule', {
    taskQueue: 'gastown',
    workflowId: 'te-early',
    args: [{ formula: 'shut' }],
    workflowTaskTimeout: '1s',
  });
  setTimeout(() => process.kill(worker, 'SIGCONT'), 3_000);
  await handle.signal('approve', { step: 'ask' });
  await handle.signal('close', { step: 'ask' });
  await handle.signal('nonsense', { step: 'ask' });
  const late = handle.executeUpdate('skip', { args: [{ step: 'ask' }] });
  await expect(late).rejects.toMatchObject({ cause: { message: expect.stringContaining('closed already') as string } });
  await handle.executeUpdate('close', { args: [{ step: 'after' }] });
  await handle.result();
  expect((await handle.query(rejectedQuery)).map(({ message }) => message).toSorted()).toEqual(['nonsense', 'skip']);
});

test('what is said to a molecule before its formula is cooked waits, and is handled in order', async () => {
  const options = { taskQueue: 'gastown', workflowIdConflictPolicy: 'FAIL' } as const;
  const begin = (id: string, formula: string) =>
    new WithStartWorkflowOperation('molecule', { ...options, workflowId: id, args: [{ formula }] });
  const early = begin('te-early', 'review');
  const answer = await town.client.workflow.executeUpdateWithStart(moleculeMessages.close.update, {
    args: [{ step: 'read', note: 'it renames a file', output: { verdict: 'fine' } }],
    startWorkflowOperation: early,
  });
  expect(answer).toContain('closed "read"');
  const hopeless = town.client.workflow.executeUpdateWithStart(moleculeMessages.close.update, {
    args: [{ step: 'read' }],
    startWorkflowOperation: begin('te-hopeless', 'no-such-formula'),
  });
  await expect(hopeless).rejects.toMatchObject({
    cause: {
      message: expect.stringContaining('the molecule did not begin: no-such-formula · there is no such formula'),
    },
  });
});

test('a molecule is worked from the shell: primed, closed with an output, led on, approved', async () => {
  const id = await poured('review');
  const mine = { GT_MOLECULE: id, GT_AGENT: 'crew/ada' };
  const primed = await call(['prime'], mine);
  expect(primed).toMatchObject({ code: 0, stderr: '' });
  expect(primed.stdout).toContain('**review**: 0/3 steps');
  expect(primed.stdout).toContain('`, with an `"output"` as the query `current` tells (or `skip`');
  const [view] = JSON.parse((await call(['mol', 'current', id, '--json'])).stdout) as readonly { token: string }[];
  expect(primed.stdout).toContain(
    `## read: Read the change\n\nAll of it.\n\nDone means: You can say what it does.\n\nIt leaves an output that fits {"type":"object","properties":{"verdict":{"type":"string"}},"required":["verdict"]}\n\nWhen it is so: gt close read --mol ${id} --token ${view?.token} --output '{…}' --continue`,
  );
  const early = await call(['close', 'answer'], mine);
  expect(early).toMatchObject({ code: 1, stdout: '' });
  expect(early.stderr).toBe('gt: step "answer" is not ready, it needs read; waiting for an answer: read\n');
  expect(await call(['close', 'read'], mine)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('step "read" cannot be closed so: ') as string,
  });
  const closing = ['close', 'read', '--note', 'read it', '--output', '{"verdict":"good"}', '--continue', '--id', 'one'];
  const closed = await call(closing, mine);
  expect(closed).toMatchObject({ code: 0, stdout: 'closed "read".\n\nNext: "answer", Answer: good\n' });
  // The answer was lost, say: under the same id nothing happens twice, and the answer is the same.
  expect(await call(closing, mine)).toEqual(closed);
  expect((await call(['mol', 'current'], mine)).stdout).toContain('## answer: Answer: good');
  expect((await call(['close', 'answer'], mine)).code).toBe(0);
  expect((await call(['mol', 'current', id])).stdout).toMatch(
    new RegExp(`gt approve ship --mol ${id} --token [0-9a-z]+-[0-9]+ --note "…"`),
  );
  expect((await call(['approve', 'ship', '--mol', id, '--note', 'go', '--by', 'Ada'])).stdout).toBe(
    'the gates of step "ship" are open\n',
  );
  expect((await call(['close', 'ship', '--mol', id, '--continue'])).stdout).toBe(
    'closed "ship"; that was the last step\n',
  );
  const result = (await town.client.workflow.getHandle(id).result()) as { readonly steps: readonly object[] };
  expect(result.steps).toMatchObject([{ id: 'read', summary: 'read it', output: { verdict: 'good' } }, {}, {}]);
  expect((await call(['explain', id])).stdout).toMatch(
    /^gt-\w+ · molecule · completed\n\n\*\*review\*\*: 3\/3 steps[^]*`read` \| Read the change \| done by crew\/ada \| 2[^|]+ \| +\| read it \|/,
  );
});

test('what waits is listed, of one molecule or of all; skip and fail say why', async () => {
  const [one, other] = [await poured('review'), await poured('review')];
  await until('both are listed', async () => {
    const { stdout } = await call(['ready']);
    return [one, other].every((id) => stdout.includes(`${id}  read  Read the change · waits for human since `));
  });
  expect((await call(['skip', 'read', '--mol', one, '--reason', 'known'])).stdout).toBe('step "read" is skipped\n');
  expect((await call(['fail', 'read', '--mol', other, '--reason', 'no time'])).stdout).toBe('step "read" is failed\n');
  await expect(town.client.workflow.getHandle(other).result()).rejects.toMatchObject({
    cause: { message: 'step "read" failed: no time' },
  });
  expect(await readyIn(one)).toMatchObject([{ molecule: one, step: 'answer', waitsFor: 'human' }]);
});

const having = (query: string) => expect.objectContaining({ [query]: expect.anything() as unknown }) as object;

test('an agent of the town is asked what is on its hook, and its question is answered', async () => {
  const mission = (await call(['mol', 'pour', 'stuck', '--var', 'name=x', '--rig', 'server'])).stdout.trim();
  let asked: readonly { readonly molecule: string; readonly step: string; readonly why: string }[] = [];
  await until('it asks', async () => {
    const all = JSON.parse((await call(['ready', '--json'])).stdout) as typeof asked;
    asked = all.filter(({ step }) => step === 'ask');
    return asked.length > 0;
  });
  const [{ molecule, why } = { molecule: '', why: '' }] = asked;
  expect(why).toContain('what now?');
  const swarm = await town.client.workflow.getHandle(mission).query<Readonly<Record<string, string>>>('swarm');
  const agent = swarm['work'] ?? '';
  const hook = JSON.parse((await call(['hook', agent, '--json'])).stdout) as object;
  expect(hook).toMatchObject({ agent, mission, item: 'work', formula: 'stuck', molecule });
  expect((await call(['hook'], { GT_AGENT: agent })).stdout).toContain(molecule);
  expect((await call(['retry', 'ask', '--mol', molecule, '--note', 'go on'])).stdout).toBe(
    'step "ask" starts a new session\n',
  );
  await town.client.workflow.getHandle(mission).result();
  for (const args of [
    ['close', 'ask', '--mol', molecule],
    ['resume', mission],
  ])
    expect((await call(args)).stderr).toBe(`gt: ${args.at(-1)} has ended: gt explain ${args.at(-1)} tells how\n`);
  const exported = JSON.parse((await call(['export', mission])).stdout) as { readonly workflows: readonly object[] };
  expect(exported).toMatchObject({ id: mission });
  const shape = { status: 'completed', closedAt: expect.stringMatching(/^20.*Z$/) as string };
  expect(exported.workflows).toEqual([
    expect.objectContaining({
      ...shape,
      id: mission,
      end: { result: expect.objectContaining({ landed: 1 }) as object },
    }),
    expect.objectContaining({ ...shape, id: agent, state: expect.objectContaining({ rejected: [] }) as object }),
    expect.objectContaining({
      ...shape,
      id: molecule,
      attributes: expect.objectContaining({ GtPhase: 'done' }) as object,
    }),
    expect.objectContaining({ ...shape, type: 'escalation', state: having('chain') }),
    expect.objectContaining({
      id: 'server/witness',
      status: 'running',
      closedAt: null,
      end: null,
      state: having('slots'),
    }),
    expect.objectContaining({ id: 'server/refinery', status: 'running', state: having('queue') }),
  ]);
});

test('what waits is listed whole, however much it is', async () => {
  expect(await readyIn(await poured('wide'))).toHaveLength(WIDE_STEPS);
});

const REFUSED = [
  [['close'], 2, 'gt close takes one step'],
  [['close', 'read'], 2, 'which molecule? Name it with --mol ID; gt ready lists those that wait'],
  [['close', 'read', '--mol', 'x', '--output', '{'], 2, '--output is no JSON'],
  [['close', 'read', '--mol', 'x', '--outcome', 'great'], 2, 'outcome'],
  [['skip', 'read', '--mol', 'x'], 2, 'gt skip needs --reason TEXT'],
  [['close', 'read', '--mol', 'gt-none'], 1, 'there is no workflow gt-none: gt mol list --all'],
  [['export'], 2, 'gt export takes one workflow id'],
  [['hook'], 2, 'whose hook?'],
  [['explain', 'gt-none'], 1, 'there is no workflow gt-none'],
] as const;

test('what cannot be is refused with what can', async () => {
  const answers = await Promise.all(REFUSED.map(([args]) => call(args)));
  for (const [at, [, code, why]] of REFUSED.entries())
    expect(answers[at]).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(why) as string });
});

const NOT_ANSWERED = [
  [['hook', 'server/witness', '--json'], 'server/witness has no "hook": it answers rejected, '],
  [['ready', 'server/witness'], 'gt explain server/witness shows how it stands'],
  [
    ['close', 'read', '--mol', 'server/witness'],
    'server/witness is a witness, which takes no "close": a molecule or a mission does',
  ],
  [['skip', 'read', '--reason', 'x', '--mol', 'server/witness'], 'takes no "skip": a molecule or a mission does'],
  [['explain', 'broken'], 'broken cannot answer now: a task of its workflow failed, and is tried again'],
  [['hook', 'broken'], '`temporal workflow show -w broken` shows why'],
  [['mol', 'show', 'broken'], '`temporal workflow show -w broken` shows why'],
] as const;

test('what a workflow does not take, or cannot answer, is told with whom it is for', async () => {
  await call(['mol', 'pour', 'stuck', '--var', 'name=x', '--rig', 'server']);
  await until('there is a witness', async () => (await call(['explain', 'server/witness'])).code === 0);
  const broken = await startBroken('broken');
  for (const [args, why] of NOT_ANSWERED) {
    const { code, stderr } = await call(args);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(why) as string });
    expect(stderr).not.toContain('should not have happened');
  }
  await broken.terminate();
});

/** A workflow whose worker fails each of its tasks. After a few of them the server asks it nothing any more. */
async function startBroken(workflowId: string): Promise<WorkflowHandle> {
  const { workflow, workflowService: server } = town.client;
  const at = { namespace: 'default', identity: 'nobody' };
  const handle = await workflow.start('broken', { taskQueue: 'broken', workflowId });
  for (let tries = 0; tries < 4; tries += 1) {
    const { taskToken } = await town.client.withDeadline(Date.now() + 20_000, async () =>
      server.pollWorkflowTaskQueue({ ...at, taskQueue: { name: 'broken' } }),
    );
    await server.respondWorkflowTaskFailed({ ...at, taskToken, failure: { message: 'a fault of ours' } });
  }
  return handle;
}

test('an act that somebody has paused by Temporal’s own means is told as held, and one that was ended from outside by whom', async () => {
  const mission = await town.startMission('held', {
    work: [{ id: 'a', rig: 'server', formula: 'slow', vars: { name: 'a' } }],
  });
  const [molecule, activityId] = await until('its session runs', async () => {
    for await (const { workflowId } of town.client.workflow.list({ query: 'GtMission="held" AND GtRole="molecule"' })) {
      const { raw } = await town.client.workflow.getHandle(workflowId).describe();
      const act = raw.pendingActivities?.find(({ activityType }) => activityType?.name === 'runSession');
      if (act?.activityId != null) return [workflowId, act.activityId] as const;
    }
    return null;
  });
  const act = ['-w', molecule, '--activity-id', activityId];
  const { code, output } = await town.temporal('activity', 'pause', ...act, '--reason', 'freeze');
  expect(code, output).toBe(0);
  const { stdout } = await call(['explain', molecule]);
  expect(stdout).toMatch(/^Paused, and not tried before it is let go:\n- runSession since [^\n]* \(freeze\): /m);
  expect(stdout).toContain(`\`temporal activity unpause -w ${molecule} --activity-id ${activityId}\` lets it go on`);
  expect(stdout).not.toMatch(/Tried again|Waits for a worker/);
  await mission.terminate('enough');
  expect((await call(['explain', 'held'])).stdout).toMatch(
    /^It was ended from outside, by .* \(enough\), and goes on/m,
  );
  await town.client.workflow.getHandle(molecule).cancel();
});
