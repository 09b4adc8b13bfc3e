/** docs/people.md in a real town: questions with choices, approvals of several, reminders, and one list of it all. Its commands are run as they stand there. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inboxQuery } from '../../src/contract/inbox.js';
import { stepsQuery } from '../../src/contract/molecule.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import type { Asked } from '../../src/town/asked.js';
import { here } from '../support/here.js';
import { gt } from '../support/gt.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';

const page = readFileSync(here('docs/people.md'), 'utf8');
const [, SHIP = ''] = /^```toml\n(.*?)^```$/ms.exec(page) ?? [];

const ANN = 'server/crew/ann';
const BOB = 'server/crew/bob';

let town: LiveTown;
/** The one that the page is about. */
let molecule = '';
beforeAll(async () => {
  town = await liveTown({ rigs: { server: { bare: true } }, formulas: { ship: SHIP }, patience: 0.05 });
  for (const workflowId of [ANN, BOB])
    await town.client.workflow.start('crew', { taskQueue: TOWN_QUEUE, workflowId, args: [{ patience: 0.05 }] });
});
afterAll(() => town.stop());

const run = (...args: string[]) => gt([...args, '--town', town.dir], { TEMPORAL_ADDRESS: undefined });

/** What is listed, as programs have it. */
async function asked(...args: string[]): Promise<readonly Asked[]> {
  const { code, stdout, stderr } = await run('inbox', '--json', ...args);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as readonly Asked[];
}

/** Once the list has one of the kind. */
async function listing(kind: Asked['kind'], ...args: string[]): Promise<Asked> {
  return until(`a ${kind} is listed`, async () => (await asked(...args)).find((one) => one.kind === kind));
}

/** As the page has it, of the molecule that is meant; answers what it said. */
async function asOnPage(command: string): Promise<string> {
  expect(page.split('\n').map((line) => line.replace(/ +#.*$/, ''))).toContain(command);
  const [program, ...words] = Array.from(
    command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g),
    ([, a, b, c]) => a ?? b ?? c ?? '',
  ).map((word) => (word === 'MOL' ? molecule : word));
  const { code, output } = program === 'gt' ? await whole(words) : await town.temporal(...words);
  expect(code, output).toBe(0);
  return output;
}

async function whole(words: readonly string[]) {
  const { code, stdout, stderr } = await run(...words);
  return { code, output: stdout + stderr };
}

/** The words in which it is refused. */
async function refusal(...args: string[]): Promise<string> {
  const { code, stderr } = await run(...args);
  expect(code).toBe(1);
  return stderr;
}

const mailsOf = async (person: string) => town.client.workflow.getHandle(person).query(inboxQuery);

test('a question takes one of its choices and no other, from whoever the list names', async () => {
  await town.startMission('shipping', { work: [{ id: 'a', rig: 'server', formula: 'ship' }] });
  const question = await listing('question', '--for', 'server/ann');
  expect(question).toMatchObject({ what: 'Which colour?', people: [ANN], choices: ['red', 'blue'] });
  expect(await asked('--for', BOB)).toEqual([]);
  molecule = question.workflow;
  expect(await refusal('answer', molecule, 'green')).toContain(
    'step "colour" is answered by one of "red", "blue", and not by "green"',
  );
  expect(await asOnPage('gt answer MOL --choice blue --by ann')).toContain('closed "colour"');
});

test('two must approve, each counts once, also when the worker dies in between; who has not is told and reminded', async () => {
  await until('both are told', async () => {
    const mails = [...(await mailsOf(ANN)), ...(await mailsOf(BOB))];
    return mails.filter(({ subject }) => subject === `Your approval: Publish it (${molecule})`).length === 2;
  });
  const approval = await listing('approval', '--for', ANN);
  expect(approval.what).toBe(`Publish it: the approval of ${ANN} and ${BOB} (may it go out?)`);
  expect(await refusal('approve', molecule, '--by', 'eve')).toContain(`takes the word of ${ANN} or ${BOB}, not of eve`);
  expect(await refusal('answer', molecule, 'yes', '--by', 'ann')).toContain('no step waits for an answer in words');
  expect(approval.answer).toMatch(new RegExp(`^gt approve ${molecule} publish --token `));
  expect(await asOnPage('gt approve MOL --by ann --note "looks good"')).toContain(
    `has your approval, and waits for the approval of ${ANN} and ${BOB} (may it go out?), approved so far by ${ANN}`,
  );
  const before = town.raised.workerPid();
  if (before !== null) process.kill(before, 'SIGKILL');
  await until('another worker', async () => ![null, before].includes(town.raised.workerPid()));
  expect(await refusal('approve', molecule, '--by', 'crew/ann')).toContain(`has the approval of ${ANN} already`);
  await until('bob is reminded', async () =>
    (await mailsOf(BOB)).some(({ subject }) => subject.startsWith('Still to be approved: Publish it')),
  );
  expect((await asked('--for', ANN)).map(({ kind }) => kind)).not.toContain('approval');
  expect((await run('mol', 'current', molecule)).stdout).toContain(`approved so far by ${ANN}`);
});

test('one who rejects gives the step up; tried again all are asked anew, and with the last approval it goes on', async () => {
  expect(await asOnPage('gt reject MOL --reason "not on a Friday" --by bob')).toContain('asks for the approval anew');
  expect(await refusal('approve', molecule, 'publish', '--by', 'ann')).toContain(
    `was rejected by ${BOB}: not on a Friday; retry asks for the approval anew`,
  );
  const trouble = await listing('escalation');
  expect(trouble.what).toBe(`${BOB} does not approve: not on a Friday`);
  expect(await asOnPage('gt retry publish --mol MOL --note "it is Monday"')).toContain('waits anew');
  expect(await asOnPage('gt approve publish --mol MOL --by ann')).toContain('has your approval');
  const last = `temporal workflow update execute -w MOL --name approve --input '{"by": "crew/bob"}'`;
  expect(await asOnPage(last)).toContain('are open');
  await expect(town.client.workflow.getHandle('shipping').result()).resolves.toMatchObject({ landed: 1 });
  expect(await town.git('server', 'show', 'main:colour.txt')).toBe('blue');
});

test('one list has all that people are asked for, the most urgent first', async () => {
  const task = { formula: 'ship' };
  await town.client.workflow.start('molecule', { taskQueue: TOWN_QUEUE, workflowId: 'alone', args: [task] });
  await run('mail', 'send', 'overseer', '--subject', 'the roof leaks', '--priority', 'urgent', '--as', 'ci');
  await run('sling', ANN, '--title', 'Mend the door', '--id', 'door');
  await run('wish', 'Let people log in.', '--id', 'login');
  const all = await until('all is there', async () => {
    const list = await asked();
    return ['question', 'task', 'mail'].every((kind) => list.some((one) => one.kind === kind)) &&
      list.some(({ workflow }) => workflow === 'mayor')
      ? list
      : null;
  });
  expect(all.map(({ what }) => what)).toEqual(
    expect.arrayContaining(['the roof leaks', 'Mend the door', 'Which colour?', expect.stringContaining('log in')]),
  );
  expect(all[0]).toMatchObject({
    kind: 'mail',
    what: 'the roof leaks',
    answer: expect.stringMatching(/^gt mail read ml-/),
  });
  expect(all.find(({ key }) => key === `${ANN}/door`)).toMatchObject({ answer: 'gt crew done server/ann door' });
  const stdout = await asOnPage('gt inbox');
  expect(await asOnPage('gt inbox --for server/ann')).toContain('task: Mend the door');
  expect(stdout).toContain('question: Which colour? (red, blue)\n  from alone, for crew/ann, since ');
  expect(stdout).toContain('gt answer alone colour --choice CHOICE --token ');
  expect((await asked('--for', BOB)).every(({ kind }) => kind === 'mail')).toBe(true);
  expect((await run('answer', 'alone', '--choice', 'red')).stdout).toContain('closed "colour"');
  expect(await refusal('answer', 'hq-esc-00000000', 'go on')).toContain('hq-esc-00000000');
  const steps = await town.client.workflow.getHandle('alone').query(stepsQuery);
  expect(steps[0]?.state).toMatchObject({ kind: 'closed', output: 'red' });
  for (const id of ['alone', 'mayor']) await town.client.workflow.getHandle(id).cancel();
});
