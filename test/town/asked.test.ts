/** The one list of what people are asked for: kinds, commands, order, and whom it is for. */
import { expect, test } from 'vitest';
import {
  askedByEscalation,
  askedByHook,
  askedByInbox,
  askedByMayor,
  askedByMission,
  askedByMolecule,
  askedText,
  askedUnseen,
  inOrder,
  isFor,
  personNamed,
  type Asked,
  type AskedStep,
} from '../../src/town/asked.js';
import type { GateState, Waiting } from '../../src/town/molecule-state.js';
import { NO_USAGE } from '../../src/town/session.js';
import type { Wish } from '../../src/town/wish.js';

const ANN = 'server/crew/ann';
const MOL = { id: 'se-1', rig: 'server', agent: 'server/polecats/Toast' };

const step = (state: Waiting['for'], more: Partial<AskedStep> = {}): AskedStep => ({
  id: 'x',
  title: 'X',
  needs: [],
  runtime: 'human',
  state: { kind: 'waiting', for: state, why: 'it is stuck', sinceMs: 1_000 },
  sessions: 0,
  handoffs: 0,
  rejections: 0,
  stalls: 0,
  note: null,
  usage: NO_USAGE,
  token: 't',
  ...more,
});
const gate = (more: Partial<GateState>): GateState => ({
  type: 'human',
  await: '',
  timeoutMs: null,
  opened: null,
  ...more,
});

test.each<[string, AskedStep, Partial<Asked> | null]>([
  ['a task', step('human'), { kind: 'task', what: 'X', people: [], answer: 'gt close x --mol se-1 --token t' }],
  ['a task of somebody', step('human', { assignee: 'crew/ann' }), { people: [ANN] }],
  [
    'a task that leaves an output',
    step('human', { output: { type: 'object' } }),
    { answer: "gt close x --mol se-1 --token t --output '{…}'" },
  ],
  [
    'a question',
    step('human', { output: { enum: ['a', 'b'] }, choices: ['a', 'b'] }),
    { kind: 'question', choices: ['a', 'b'], answer: 'gt answer se-1 x --choice CHOICE --token t' },
  ],
  [
    'trouble',
    step('escalation'),
    { kind: 'escalation', what: 'X: it is stuck', urgency: 1, answer: "gt answer se-1 x 'TEXT' --token t" },
  ],
  [
    'trouble in front of a gate',
    step('escalation', { gates: [gate({})] }),
    { answer: "gt answer se-1 x 'TEXT' --token t" },
  ],
  [
    'the question of an agent',
    step('escalation', { choices: ['a', 'b'] }),
    { kind: 'question', what: 'X: it is stuck' },
  ],
  [
    'the question of an agent that takes any words',
    step('escalation', {
      state: { kind: 'waiting', for: 'escalation', why: 'how?', sinceMs: 1_000, trouble: { source: 'question' } },
    }),
    { kind: 'question', urgency: 2, answer: "gt answer se-1 x 'TEXT' --token t" },
  ],
  [
    'an approval',
    step('gate', { gates: [gate({ approvers: [ANN, 'overseer'], approvals: [{ by: ANN, atMs: 1, note: null }] })] }),
    { kind: 'approval', people: ['overseer'], answer: 'gt approve se-1 x --token t' },
  ],
  ['a mail', step('gate', { gates: [gate({ type: 'mail' })] }), null],
  ['nothing', { ...step('human'), state: { kind: 'ready', sinceMs: 1 } }, null],
])('a step that waits for %s is listed so', (_, waiting, asked) => {
  const about =
    asked === null ? [] : [{ from: MOL.agent, workflow: 'se-1', key: 'se-1/x@t', sinceMs: 1_000, ...asked }];
  expect(askedByMolecule(MOL, [waiting])).toMatchObject(about);
});

test('an id is one word of the command, whatever is in it', () => {
  const [asked] = askedByMolecule({ ...MOL, id: 'a b' }, [step('human', { id: "it's" })]);
  expect(asked?.answer).toBe(String.raw`gt close 'it'\''s' --mol 'a b' --token t`);
});

const item = (id: string, state: object) => ({ id, title: id, state }) as never;

test('a mission asks for the items that have failed', () => {
  const failed = { kind: 'failed', reason: 'no', attempt: 1 };
  const asked = askedByMission('login', { items: [item('api', failed), item('ui', { kind: 'landed', commit: 'c' })] });
  expect(asked).toMatchObject([
    {
      what: 'api: no',
      key: 'login/api',
      answer: `temporal workflow update execute -w login --name retry --input '{"item":"api"}'`,
    },
  ]);
});

const wish = (id: string, state: object) => ({ id, text: 'a login', by: 'Ada', sinceMs: 1, state }) as unknown as Wish;

test('the mayor asks for the approval of a plan, and for other words where there is none', () => {
  const wishes = [
    wish('a', { kind: 'proposed' }),
    wish('b', { kind: 'unplanned', why: 'no model' }),
    wish('c', { kind: 'planning' }),
  ];
  expect(askedByMayor('mayor', wishes)).toMatchObject([
    { kind: 'approval', answer: 'gt wish approve a' },
    { kind: 'question', what: 'a login: no model', answer: "gt wish change b 'WORDS'" },
  ]);
});

test('mail is listed as long as nobody has read it, a hook with all that waits for it', () => {
  const mail = { id: 'm', from: 'ci', to: ANN, subject: 'red', body: '', atMs: 5, priority: 'urgent' as const };
  expect(askedByInbox(ANN, [mail, { ...mail, id: 'n', state: 'read' }])).toMatchObject([
    { kind: 'mail', urgency: 0, people: [ANN], answer: `gt mail read m --as ${ANN}` },
  ]);
  expect(askedByInbox('overseer', [mail])[0]?.answer).toBe('gt mail read m');
  const task = { id: 'door', title: 'Door', text: '', formula: null, steps: [], priority: 0, by: 'Ada', slungMs: 1 };
  const hook = { hook: { ...task, sinceMs: 1 }, queue: [{ ...task, id: 'lamp', priority: 4, sinceMs: null }] };
  expect(askedByHook(ANN, hook)).toMatchObject([
    { kind: 'task', urgency: 0, answer: 'gt crew done server/ann door' },
    { kind: 'task', urgency: 3, answer: 'gt crew done server/ann lamp' },
  ]);
});

const seen = {
  text: 'no key',
  severity: 'CRITICAL',
  tier: 'overseer',
  sinceMs: 9,
  category: 'blocked',
  source: 'auth',
};
const escalation = askedByEscalation('hq-esc-00000001', {
  ...seen,
  waiting: [{ waiter: 'se-1/x@t' }, { waiter: 'se-2/x@t' }],
});

test('an escalation is answered under its id, as urgent as it is', () => {
  expect(escalation).toMatchObject({
    kind: 'escalation',
    urgency: 0,
    people: ['overseer'],
    from: 'se-1/x@t and 1 more',
    answer: "gt answer hq-esc-00000001 'TEXT'",
  });
  const decision = { ...seen, severity: 'MEDIUM', category: 'decision', choices: ['a', 'b'], waiting: [] };
  expect(askedByEscalation('hq-esc-00000002', decision)).toMatchObject({
    kind: 'question',
    urgency: 2,
    from: 'hq-esc-00000002',
    answer: 'gt answer hq-esc-00000002 --choice CHOICE',
  });
  const money = askedByEscalation('hq-esc-00000003', { ...decision, source: 'budget', choices: ['budget'] });
  expect(money.answer).toBe('gt escalation resolve hq-esc-00000003 --action budget --usd N');
  expect(money.choices).toBeUndefined();
});

const mailOf = (from: string) =>
  askedByInbox('overseer', [{ id: `m-${from}`, from, to: 'overseer', subject: 'HELP: no key', body: '', atMs: 99 }]);

test('the most urgent goes first, then what has waited longest; what an escalation asks for is asked once', () => {
  const [trouble] = askedByMolecule(MOL, [step('escalation')]);
  const late = askedByMolecule({ ...MOL, id: 'se-3' }, [step('human')])[0];
  const early = askedByHook(ANN, {
    hook: { id: 'h', title: 'H', text: '', formula: null, steps: [], priority: 2, by: 'a', slungMs: 1, sinceMs: 1 },
    queue: [],
  })[0];
  const unseen = askedUnseen('login', 'overseer: budget', true);
  const mails = ['hq-esc-00000001', 'mayor', 'ci'].flatMap(mailOf);
  const all = [late, early, unseen, trouble, escalation, ...mails].flatMap((one) => one ?? []);
  const keys = inOrder(all, new Set(['se-1/x@t'])).map(({ key }) => key);
  expect(keys).toEqual(['hq-esc-00000001', 'login', `${ANN}/h`, 'overseer/m-ci', 'overseer/m-mayor', 'se-3/x@t']);
});

test.each<[readonly string[], string, boolean]>([
  [[], 'overseer', true],
  [[], ANN, false],
  [[ANN], ANN, true],
  [['crew/ann'], ANN, true],
  [[ANN], 'overseer', false],
  [['Ada Lovelace'], 'overseer', true],
  [['deacon'], 'overseer', true],
  [['overseer', ANN], 'overseer', true],
])('what is for %j is for %s: %s', (people, person, is) => {
  expect(isFor({ ...escalation, people }, person)).toBe(is);
});

test.each([
  ['overseer', 'overseer'],
  ['server/ann', ANN],
  [ANN, ANN],
  ['ann', null],
  ['server/polecats/x/y', null],
])('--for %s is %s', (name, person) => {
  expect(personNamed(name)).toBe(person);
});

test('of what could not be asked the list says what the server knows, and how to see more', () => {
  expect(askedText(askedUnseen('se-1', 'person: x', false))).toBe(
    'task: waits for person: x\n  from se-1\n  gt explain se-1',
  );
  expect(askedUnseen('se-1', 'overseer: x', true)).toMatchObject({ kind: 'escalation', urgency: 1, sinceMs: null });
});

test('in the list it says what, of whom, since when, and the command', () => {
  const [question] = askedByMolecule(MOL, [step('human', { choices: ['a', 3], assignee: 'crew/ann' })]);
  expect(question === undefined ? '' : askedText(question)).toBe(
    `question: X (a, 3)\n  from server/polecats/Toast, for ${ANN}, since 1970-01-01 00:00:01\n  gt answer se-1 x --choice CHOICE --token t`,
  );
});
