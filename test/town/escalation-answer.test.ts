/** What an answer becomes for whoever waits, by their kind; who may give one; ids; and the mail by which a tier is asked. */
import { describe, expect, test } from 'vitest';
import type * as z from 'zod';
import { mailMessage, missionMessages, moleculeMessages, refineryMessages } from '../../src/contract/messages.js';
import { DEACON, isEscalationId, MAYOR, OVERSEER } from '../../src/town/address.js';
import { chosen, possibleFor, strayIn, tellingTo } from '../../src/town/escalation-answer.js';
import { escalationBoard } from '../../src/town/escalation-board.js';
import { escalationOf } from '../../src/town/escalation-id.js';
import { ACTIONS, SOURCES, type Action, type Raised, type Waiter } from '../../src/town/escalation-input.js';
import { LAST_RESORT } from '../../src/town/escalation-ladder.js';
import { helpMail, isAnsweredByReply } from '../../src/town/escalation-mail.js';
import { whyNotBy, whyNotFor } from '../../src/town/escalation-who.js';
import { acked, begun, forwarded, joined, laddered, told } from '../../src/town/escalation.js';
import { isOfEscalation, readNotice } from '../../src/town/mail.js';
import { trouble } from '../support/raising.js';

const step = { kind: 'step', at: 'se-1a2b3c4d', step: 'fix', token: 't1', answered: 0 } as const;
const worked = { ...step, mission: 'login', item: 'api', agent: 'server/polecats/Toast' } as const;
const item = { kind: 'item', at: 'login', item: 'api', answered: 0 } as const;
const budget = { kind: 'budget', at: 'login', answered: 0 } as const;
const request = { kind: 'request', at: 'server/refinery', request: 'r1', answered: 0 } as const;
const telling = { kind: 'telling', at: 'ada', answered: 0 } as const;

const BY = 'ada (hq-esc-00000001)';
const whole = { note: 'use v2', output: { v: 2 }, vars: { version: '2' }, usd: 20 } as const;

/** By kind and action, the messages; null: it does not fit. */
const TOLD: readonly (readonly [Waiter, Action, readonly (readonly [string, string, object])[] | null])[] = [
  [step, 'retry', [[step.at, 'retry', { step: 'fix', token: 't1', note: 'use v2' }]]],
  [step, 'close', [[step.at, 'close', { step: 'fix', token: 't1', note: 'use v2', output: { v: 2 } }]]],
  [step, 'skip', [[step.at, 'skip', { step: 'fix', token: 't1', reason: 'use v2' }]]],
  [step, 'fail', [[step.at, 'fail', { step: 'fix', token: 't1', reason: 'use v2' }]]],
  [step, 'set', [[step.at, 'retry', { step: 'fix', token: 't1', note: 'use v2', vars: { version: '2' } }]]],
  [step, 'budget', null],
  [step, 'reassign', null],
  [
    worked,
    'budget',
    [
      ['login', 'budget', { usd: 20 }],
      [step.at, 'retry', { step: 'fix', token: 't1', note: 'use v2' }],
    ],
  ],
  [
    worked,
    'reassign',
    [['login', 'reassign', { item: 'api', molecule: 'se-1a2b3c4d', reason: 'use v2', note: 'use v2' }]],
  ],
  [item, 'retry', [['login', 'retry', { item: 'api', note: 'use v2' }]]],
  [item, 'skip', [['login', 'skip', { item: 'api', reason: 'use v2' }]]],
  [item, 'reassign', [['login', 'retry', { item: 'api', note: 'use v2' }]]],
  ...(['close', 'fail', 'set', 'budget'] as const).map((action) => [item, action, null] as const),
  [budget, 'budget', [['login', 'budget', { usd: 20 }]]],
  ...ACTIONS.filter((action) => action !== 'budget').map((action) => [budget, action, null] as const),
  [request, 'retry', [['server/refinery', 'retry', { request: 'r1' }]]],
  [request, 'skip', [['server/refinery', 'remove', { request: 'r1', reason: 'use v2' }]]],
  [request, 'fail', [['server/refinery', 'remove', { request: 'r1', reason: 'use v2' }]]],
  ...(['close', 'reassign', 'set', 'budget'] as const).map((action) => [request, action, null] as const),
  ...ACTIONS.map((action) => [telling, action, []] as const),
];

type Sent = {
  readonly to: string;
  readonly name: string;
  readonly content: { readonly by: string; readonly vars?: unknown };
};

const UNFIT = { ok: false, why: expect.stringMatching(/: it can be told .+/) as string };

/** Of the one `at`. */
const schemaOf = (to: string, name: string): z.ZodType | undefined => {
  const messages = to === 'login' ? missionMessages : to === step.at ? moleculeMessages : refineryMessages;
  return Object.values(messages).find((one) => one.name === name)?.schema;
};

test.each(TOLD.map(([waiter, action, messages]) => [waiter.kind, action, { waiter, messages }] as const))(
  'a %s that waits, and %s',
  (_kind, action, { waiter, messages }) => {
    expect(possibleFor(waiter).includes(action)).toBe(messages !== null);
    const told = messages?.map(([to, name, content]): Sent => ({ to, name, content: { by: BY, ...content } }));
    expect(tellingTo(waiter, { action, ...whole }, BY)).toEqual(
      told === undefined ? UNFIT : { ok: true, messages: told },
    );
    // Whoever it is for takes it: `vars` comes with those who take it.
    const unfit = told?.filter(({ to, name, content: { vars: _vars, ...content } }) => {
      return schemaOf(to, name)?.safeParse({ id: 'x', ...content }).success !== true;
    });
    expect(unfit ?? []).toEqual([]);
  },
);

test('what an action needs is said', () => {
  expect(tellingTo(worked, { action: 'set' }, BY)).toMatchObject({ why: expect.stringContaining('set needs vars') });
  expect(tellingTo(budget, { action: 'budget' }, BY)).toMatchObject({
    why: expect.stringContaining('budget needs usd'),
  });
  expect(tellingTo(step, { action: 'fail' }, BY)).toMatchObject({
    messages: [{ content: { reason: 'it is not to be done' } }],
  });
});

test('a step that is closed or left out may push what only looks like a secret', () => {
  const allow = ['ee1b30bb0a43'];
  for (const action of ['close', 'skip'] as const) {
    expect(tellingTo(step, { action, allow }, BY)).toMatchObject({ messages: [{ name: action, content: { allow } }] });
  }
  expect(tellingTo(step, { action: 'retry', allow }, BY)).not.toMatchObject({ messages: [{ content: { allow } }] });
});

const ASKS = { source: 'question', choices: ['a cookie', 'skip'] };
const ITEM = { source: 'item', choices: ['retry', 'skip'] };
test.each([
  ['one that an agent names is words', ASKS, 'A Cookie', true, { action: 'retry', note: 'a cookie' }],
  ['also where they are those of an action', ASKS, 'skip', true, { action: 'retry', note: 'skip' }],
  ['one that the town names is an action', ITEM, 'Skip', true, { action: 'skip' }],
  ['whether or not it is said to be one', ITEM, 'skip', false, { action: 'skip' }],
  ['other words are words', ITEM, 'use v2', false, { action: 'retry', note: 'use v2' }],
  ['but no choice', ITEM, 'purple', true, '"purple" is no choice of ESC: retry or skip'],
  [
    'of which there may be none',
    { source: 'auth' },
    'purple',
    true,
    '"purple" is no choice of ESC: it names none; say it in words',
  ],
  [
    'money is no word',
    { source: 'budget', choices: ['budget'] },
    'budget',
    true,
    'ESC asks for a sum: gt escalation resolve ESC --action budget --usd N',
  ],
] as const)('of choices %s', (_what, about, said, isChoice, expected) => {
  const now = chosen('ESC', about, said, isChoice);
  expect(now.ok ? now.resolution : now.why).toEqual(expected);
});

describe('who may', () => {
  const route = [DEACON, OVERSEER];
  const polecat = 'server/polecats/Toast';
  const MAY = [DEACON, OVERSEER, 'server/crew/ann', 'operator', 'Ada Lovelace', 'mary-jonathan'];
  const MAY_NOT = [
    MAYOR,
    polecat,
    'server/polecats/Ash',
    'deacon/dogs/rex',
    'server/witness',
    'server/refinery',
    'boot',
    'se-1a2b3c4d',
    'se-wisp-1a2b3c4d-r2',
    'hq-cv-1a2b3c4d',
    'hq-esc-1a2b3c4d',
    'login',
    'Mayor',
    ' mayor',
    'Server/Polecats/toast',
  ];
  test.each(MAY)('%s answers', (by) => {
    for (const verb of ['ack', 'resolve', 'forward', 'note'] as const)
      expect(whyNotBy(by, verb, route, [worked, item, telling])).toBeNull();
  });
  test.each(MAY_NOT)('%s does not', (by) => {
    for (const verb of ['ack', 'resolve', 'forward'] as const)
      expect(whyNotBy(by, verb, route, [worked, item])).toContain(by);
  });
  test('whoever has asked may add a note, and no more, also where it is a tier', () => {
    const asked = [{ ...step, agent: DEACON }];
    expect(whyNotBy(polecat, 'note', route, [worked])).toBeNull();
    expect(whyNotBy(DEACON, 'resolve', route, asked)).toContain('has asked itself');
    expect(whyNotBy(DEACON, 'note', route, asked)).toBeNull();
  });
  test.each([
    [DEACON, false],
    ['Deacon ', false],
    ['server/polecats/Toast', false],
    ['se-1a2b3c4d', false],
    [OVERSEER, true],
    ['server/crew/ann', true],
    ['ada', true],
  ])('who has told of it by hand as %s may resolve it: %s', (at, may) => {
    const told = [{ kind: 'telling', at, answered: 0 } as const];
    for (const by of [at, at.trim().toUpperCase()])
      expect(whyNotBy(by, 'resolve', route, told)?.includes('has asked itself') ?? null).toBe(may ? null : true);
    expect(whyNotBy(at, 'note', route, told)).toBeNull();
  });
  test('a tier may in whatever case it is spelled', () => {
    expect(whyNotBy(' Deacon', 'resolve', route, [worked])).toBeNull();
  });
});

test.each([
  ['allow', { allow: ['1f2e3d'] }, ['close', 'skip']],
  ['output', { output: 1 }, ['close']],
  ['vars', { vars: { a: 'b' } }, ['set']],
  ['usd', { usd: 20 }, ['budget']],
  ['note', { note: 'so' }, ACTIONS],
] as const)(
  'an answer with %s that its action has no use for is refused, and not heard by half',
  (word, more, fits) => {
    const whys = ACTIONS.map((action) => [action, strayIn({ action, ...structuredClone<object>(more) })] as const);
    const fitting = whys.flatMap(([action, why]) => (why === null ? [action] : []));
    expect(fitting).toEqual(ACTIONS.filter((action) => (fits as readonly Action[]).includes(action)));
    const stray = whys.flatMap(([, why]) => why ?? []);
    expect(stray.every((why) => why.startsWith(`${word} goes with `))).toBe(true);
  },
);

const leak = (text: string, ...byEachWord: Parameters<typeof escalationOf>[2][]) =>
  escalationOf(trouble({ source: 'security', text }), 0, ...byEachWord);
const idOf = (text: string) => escalationOf(trouble({ source: 'asked', text }));

describe('ids', () => {
  test('are those of the town', () => {
    for (const source of SOURCES) expect(isEscalationId(escalationOf(trouble({ source })))).toBe(true);
  });

  const same = { source: 'auth', text: 'key sk-ant-77 is wrong, seen 2026-11-28T12:00:00Z after 3 tries' } as const;
  test.each([
    [
      'numbers, times and ids are no difference',
      { text: 'key sk-ant-9f is wrong, seen 2027-01-02 after 44 tries' },
      true,
    ],
    ['nor is who waits, or how bad it is', { waiter: step, severity: 'CRITICAL', mission: 'login' }, true],
    ['other words are', { text: 'the provider is away' }, false],
    ['another rig is', { rig: 'web' }, false],
    ['another category is', { category: 'failed' }, false],
    ['another source is', { source: 'limits' }, false],
  ] as const)('of what many meet %s', (_what, more, isSame) => {
    expect(escalationOf(trouble({ ...same, ...more })) === escalationOf(trouble(same))).toBe(isSame);
  });

  test('of what somebody tells by hand each word and number matters, and no blank', () => {
    expect(idOf('the build is broken on port 22')).not.toBe(idOf('the build is broken on port 8080'));
    expect(idOf('1')).not.toBe(idOf('22'));
    expect(idOf(' The build  is broken on port 22')).toBe(idOf('the build is broken on port 22'));
  });

  test('another secret is another trouble, which no answer to the first one lets pass', () => {
    const [first, second] = [
      'refused 3 times: src/a.ts holds a secret (1f2e3d)',
      'refused 3 times: src/a.ts holds a secret (77aa01)',
    ];
    expect(leak(first)).not.toBe(leak(second));
    // As before 0.13, whose histories have that id.
    expect(leak(first, ['asked'])).toBe(leak(second, ['asked']));
  });

  test('a question is of one wait alone', () => {
    const asked = trouble({ source: 'question', waiter: step });
    const of = (waiter: Waiter) => escalationOf({ ...asked, waiter });
    expect(of({ ...step, answered: 2 })).toBe(escalationOf(asked));
    expect(of({ ...step, token: 't2' })).not.toBe(escalationOf(asked));
    expect(of({ ...step, at: 'se-9z8y7x6w' })).not.toBe(escalationOf(asked));
  });

  test('those for whom there is no room have others', () => {
    const raised = trouble(same);
    expect(new Set(Array.from({ length: 100 }, (_, nth) => escalationOf(raised, nth))).size).toBe(100);
  });
});

describe('the mail to a tier', () => {
  const ID = 'hq-esc-0a1b2c3d';
  const raised = trouble({
    category: 'decision',
    text: 'sessions in a cookie\nor in the URL?',
    tried: 'both, on a branch',
    choices: ['a cookie', 'the URL'],
    rig: 'server',
    mission: 'login',
    source: 'question',
    waiter: worked,
  });
  const first = laddered(begun(raised, 0, 0), { ...LAST_RESORT, route: [DEACON, 'server/crew/ann'] }, 0);
  const second = forwarded(told(first, first, null, 1_000), DEACON, 'no rule fits', 2_000);

  test('an emergency is urgent, whoever says how bad it is', () => {
    const said = begun(trouble({ category: 'emergency', severity: 'MEDIUM' }), 0, 0);
    expect(helpMail(ID, laddered(said, LAST_RESORT, 0)).priority).toBe('urgent');
  });

  test('as it looks', () => {
    const { subject, body, priority, thread } = helpMail(ID, second);
    expect({ subject, priority, thread }).toEqual({
      subject: 'HELP: MEDIUM decision: sessions in a cookie or in the URL?',
      priority: 'normal',
      thread: `${ID}@0`,
    });
    expect(body).toMatchInlineSnapshot(`
      "Agent: hq-esc-0a1b2c3d
      Mission: login
      Issue: api
      Problem: sessions in a cookie or in the URL?
      Tried: both, on a branch
      Escalation: hq-esc-0a1b2c3d
      Severity: MEDIUM
      Category: decision
      Waiting: 1

      server/polecats/Toast waits (se-1a2b3c4d/fix@t1) since 1970-01-01 00:00:00.

      Answers that it names:
      - a cookie
      - the URL

      Reply, and whoever waits goes on with your words; or say what is to be done:

      gt escalation resolve hq-esc-0a1b2c3d --by server/crew/ann --action retry --note "..."
          retry    it is tried again, with your words
          close    the step is done; --output JSON is what it leaves
          skip     it is left out, and what needs it goes on
          fail     it is given up, and what it belongs to with it
          reassign another polecat has the item
          set      --var NAME=VALUE: with this value it is tried again
          budget   --usd N: the mission may spend so much from now on
      gt escalation ack hq-esc-0a1b2c3d --by server/crew/ann                      you have taken it up, and have four times as long
      gt escalation forward hq-esc-0a1b2c3d --by server/crew/ann --reason "..."   it is for the next tier
      gt escalation note hq-esc-0a1b2c3d --by server/crew/ann "..."               adds what is known of it
      gt explain hq-esc-0a1b2c3d                                                  shows all of it
      temporal workflow update execute -w hq-esc-0a1b2c3d --name resolve --input '{"action":"retry","note":"...","by":"server/crew/ann"}'

      So far:
      - 1970-01-01 00:00:00 server/polecats/Toast raised it: sessions in a cookie or in the URL?
      - 1970-01-01 00:00:01 deacon was asked, as MEDIUM
      - 1970-01-01 00:00:02 deacon passed it on: no rule fits"
    `);
  });

  test.each([
    [
      'an item',
      { source: 'item', category: 'failed', choices: ['retry', 'skip'], waiter: item },
      ['retry', 'skip'],
      false,
    ],
    ['a budget', { source: 'budget', category: 'decision', choices: ['budget'], waiter: budget }, ['budget'], false],
    ['a merge request', { source: 'merge', category: 'failed', waiter: request }, ['retry', 'skip'], false],
    ['whoever told of it', { source: 'asked', category: 'help', waiter: telling }, ['close'], true],
  ] as const)('for %s it offers what makes sense, and no reply that is none', (_who, more, actions, isReplied) => {
    const { body } = helpMail(ID, laddered(begun(trouble(more as Partial<Raised>), 0, 0), LAST_RESORT, 0));
    expect([...body.matchAll(/^ {4}(\w+) /gm)].map(([, action]) => action)).toEqual(actions);
    expect(body.includes('Reply, and ')).toBe(isReplied);
    expect(isAnsweredByReply({ from: ID, body })).toBe(isReplied);
    expect(body).toContain(`gt escalation resolve ${ID} --action ${actions[0]} `);
    expect(body).not.toContain('Answers that it names');
  });

  test('is HELP as the town writes it, and known as that of an escalation', () => {
    const mail = helpMail(ID, second);
    expect(readNotice(mail)).toMatchObject({
      ok: true,
      notice: { type: 'HELP', keys: { Agent: ID, Escalation: ID, Mission: 'login', Issue: 'api', Waiting: 1 } },
    });
    expect(isOfEscalation(mail)).toBe(true);
    expect(isOfEscalation({ ...mail, from: 'server/polecats/Toast' })).toBe(false);
    expect(mailMessage.schema.safeParse(mail).success).toBe(true);
  });

  test('told again it is another one of the same thread, as urgent as it is by then', () => {
    const again = { ...second, severity: 'CRITICAL', toldMs: 9 } as const;
    const [one, other] = [helpMail(ID, second), helpMail(ID, again)];
    expect(other.id).not.toBe(one.id);
    expect(other).toMatchObject({ thread: one.thread, priority: 'urgent' });
    expect(other.subject).toContain('CRITICAL (was MEDIUM) decision');
  });

  test('the board says at whom it is, until when, and who waits', () => {
    const two = joined(second, { ...raised, waiter: { ...worked, token: 't9' } }, 3_000);
    const board = escalationBoard(ID, acked(two, 'ada', '', 4_000), 1);
    expect(board).toContain('**MEDIUM decision** (of login in server): sessions in a cookie or in the URL?');
    expect(board).toContain(
      '> server/crew/ann is asked since 1970-01-01 00:00:02, and ada has taken it up at 1970-01-01 00:00:04; at 1970-01-01 16:00:04 it goes to overseer.',
    );
    expect(board).toContain('| server/polecats/Toast | se-1a2b3c4d/fix@t9 | 1970-01-01 00:00:03 |');
    expect(board).toContain('- 1970-01-01 00:00:02 deacon passed it on: no rule fits');
  });
});

test.each([
  ['server/polecats/Toast', 'server/polecats/Toast is an agent'],
  [' SERVER/polecats/toast ', 'not above this mission: people answer here, or deacon, mayor, server/witness'],
  ['server/refinery', 'is an agent'],
  ['deacon/dogs/rex (hq-esc-0a1b2c3d)', 'deacon/dogs/rex is an agent'],
  ['web/witness', 'is an agent'],
  ['se-1x9k2m4p', 'is an agent'],
])('what a mission of rig server asks, %s does not answer', (by, why) => {
  expect(whyNotFor('this mission', by, ['server'])).toContain(why);
});

test.each(['server/witness', 'deacon (hq-esc-0a1b2c3d)', 'mayor', 'overseer', 'server/crew/ann', 'Ada'])(
  'what a mission of rig server asks, %s answers',
  (by) => expect(whyNotFor('this mission', by, ['server'])).toBeNull(),
);
