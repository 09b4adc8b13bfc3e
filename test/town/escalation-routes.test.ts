/** Whom trouble climbs to, what rules answer, and whether a session is asked: as tables. */
import { describe, expect, test } from 'vitest';
import { CATEGORIES, SOURCES, type Raised, type Waiter } from '../../src/town/escalation-input.js';
import { roleAt } from '../../src/town/escalation-ladder.js';
import {
  DEFAULT_ESCALATION,
  judgeByRules,
  ladderOf,
  whyNoSession,
  type Asked,
  type EscalationRule,
  type EscalationSettings,
} from '../../src/town/escalation-routes.js';

const STEP: Waiter = { kind: 'step', at: 'se-1', step: 'build', token: 't', mission: 'm', item: 'a', answered: 0 };
const raised = (more: Partial<Raised> = {}): Raised => ({
  category: 'failed',
  severity: 'HIGH',
  source: 'failure',
  text: 'read ECONNRESET: connection reset by peer',
  rig: 'server',
  waiter: STEP,
  ...more,
});
const asked = (more: Partial<Asked> = {}): Asked => ({
  tier: 'deacon',
  raised: raised(),
  severity: 'HIGH',
  answered: 0,
  ...more,
});
const settings = (more: Partial<EscalationSettings>): EscalationSettings => ({ ...DEFAULT_ESCALATION, ...more });

describe('routes', () => {
  test.each([
    ['decision', ['deacon', 'mayor', 'overseer']],
    ['help', ['deacon', 'mayor', 'overseer']],
    ['blocked', ['mayor', 'overseer']],
    ['failed', ['deacon', 'mayor', 'overseer']],
    ['emergency', ['overseer']],
    ['gate_timeout', ['deacon', 'mayor', 'overseer']],
    ['lifecycle', ['server/witness', 'deacon', 'mayor', 'overseer']],
  ] as const)('%s climbs to %j', (category, route) => {
    expect(ladderOf(DEFAULT_ESCALATION, { category, rig: 'server' }).route).toEqual(route);
  });

  test('every category has one, which ends with the overseer', () => {
    for (const category of CATEGORIES) expect(ladderOf(DEFAULT_ESCALATION, { category }).route.at(-1)).toBe('overseer');
  });

  test.each([
    ['of a rig', 'server', ['server/witness', 'server/crew/ann', 'web/crew/bob', 'overseer']],
    ['of no rig', undefined, ['web/crew/bob', 'overseer']],
  ])('a tier of the rig that trouble is in is nobody where it is in none: %s', (_, rig, route) => {
    const routes = { ...DEFAULT_ESCALATION.routes, failed: ['witness', 'crew/ann', 'web/crew/bob'] };
    const where = rig === undefined ? {} : { rig };
    expect(ladderOf(settings({ routes }), { category: 'failed', ...where }).route).toEqual(route);
  });

  test.each([
    ['has told of it', { kind: 'telling', at: 'deacon', answered: 0 }, ['mayor', 'overseer']],
    [
      'has it on its hook',
      { kind: 'step', at: 'hq-1', step: 'a', token: 't', agent: 'Mayor', answered: 0 },
      ['deacon', 'overseer'],
    ],
    ['is the overseer', { kind: 'telling', at: 'overseer', answered: 0 }, ['deacon', 'mayor', 'overseer']],
  ] as const)('who %s is not asked about it, but for the last', (_, waiter, route) => {
    expect(ladderOf(DEFAULT_ESCALATION, { category: 'help', waiter }).route).toEqual(route);
  });

  test('what is named twice by way of its rig is asked once', () => {
    const routes = { ...DEFAULT_ESCALATION.routes, failed: ['witness', 'server/witness', 'overseer'] };
    expect(ladderOf(settings({ routes }), raised()).route).toEqual(['server/witness', 'overseer']);
  });

  test('its times are those of the settings', () => {
    const { withinMs, staleMs, raisesMax } = ladderOf(settings({ staleMs: 1, raisesMax: 0 }), raised());
    expect({ withinMs, staleMs, raisesMax }).toEqual({
      withinMs: { CRITICAL: 300_000, HIGH: 1_800_000, MEDIUM: 14_400_000 },
      staleMs: 1,
      raisesMax: 0,
    });
  });
});

test.each([
  ['deacon', 'deacon'],
  ['mayor', 'mayor'],
  ['server/witness', 'witness'],
  ['overseer', null],
  ['server/crew/ann', null],
  ['server/crew/mayor', null],
  ['server/polecats/deacon', null],
])('at the tier %s decides %s', (tier, role) => {
  expect(roleAt(tier)).toBe(role);
});

const RETRY: EscalationRule = { atMost: 3, answer: 'retry', note: 'the network was down' };
const RULED = { kind: 'resolve', resolution: { action: 'retry', note: 'the network was down' } };

describe('rules', () => {
  test.each<readonly [string, Partial<EscalationRule>, Partial<Asked>, boolean]>([
    ['that says nothing fits everything', {}, {}, true],
    ['of its tier fits', { tier: 'deacon' }, {}, true],
    ['of another tier does not', { tier: 'mayor' }, {}, false],
    ['of witnesses fits that of any rig', { tier: 'witness' }, { tier: 'web/witness' }, true],
    ['of its category fits', { category: ['help', 'failed'] }, {}, true],
    ['of another category does not', { category: ['help'] }, {}, false],
    ['of its severity fits', { severity: ['HIGH'] }, {}, true],
    ['goes by the severity that it has by now', { severity: ['HIGH'] }, { severity: 'CRITICAL' }, false],
    ['of its source fits', { source: ['failure'] }, {}, true],
    ['of another source does not', { source: ['merge'] }, {}, false],
    ['whose text is in its words fits', { text: 'connection reset' }, {}, true],
    ['may have any text between', { text: 'ECONN*peer' }, {}, true],
    ['whose text is not in its words does not fit', { text: 'disk full' }, {}, false],
    ['fits the third time', {}, { answered: 2 }, true],
    ['fits no fourth time', {}, { answered: 3 }, false],
    ['fits as often as it says', { atMost: 4 }, { answered: 3 }, true],
    ['with an action that a step can be told fits', { answer: 'close' }, {}, true],
  ])('one %s', (_, more, at, fits) => {
    const ruled = judgeByRules(settings({ rules: [{ ...RETRY, ...more }] }), asked(at));
    expect(ruled !== null).toBe(fits);
  });

  test('the first that fits counts, and is named', () => {
    const rules = [{ ...RETRY, category: ['help' as const] }, RETRY, { ...RETRY, answer: 'fail' as const }];
    expect(judgeByRules(settings({ rules }), asked())).toEqual({
      ...RULED,
      why: 'rule 2 of town.toml: the network was down',
    });
  });

  test('one that forwards says why', () => {
    const rules = [{ atMost: 3, answer: 'forward' as const, note: 'Ann knows' }];
    expect(judgeByRules(settings({ rules }), asked())).toEqual({
      kind: 'forward',
      why: 'rule 1 of town.toml: Ann knows',
    });
  });

  test('what an action needs goes with it', () => {
    const rules: EscalationRule[] = [
      { atMost: 3, answer: 'budget', usd: 40, source: ['budget'] },
      { atMost: 3, answer: 'set', vars: { depth: '2' } },
    ];
    const budget = raised({ source: 'budget', waiter: { kind: 'budget', at: 'm', answered: 0 } });
    expect(judgeByRules(settings({ rules }), asked({ raised: budget }))).toMatchObject({
      resolution: { action: 'budget', usd: 40 },
    });
    expect(judgeByRules(settings({ rules }), asked())).toMatchObject({
      resolution: { action: 'set', vars: { depth: '2' } },
    });
  });

  test.each<readonly [EscalationRule['answer'], Waiter['kind'], boolean]>([
    ['retry', 'item', true],
    ['close', 'item', false],
    ['skip', 'request', true],
    ['budget', 'request', false],
    ['retry', 'budget', false],
    ['forward', 'budget', true],
  ])('an answer %s to a waiter of kind %s fits: %s', (answer, kind, fits) => {
    const waiters: Partial<Record<Waiter['kind'], Waiter>> = {
      item: { kind: 'item', at: 'm', item: 'a', answered: 0 },
      request: { kind: 'request', at: 'server/refinery', request: 'se-1.0', answered: 0 },
      budget: { kind: 'budget', at: 'm', answered: 0 },
    };
    const at = asked({ raised: raised({ waiter: waiters[kind] ?? STEP }) });
    expect(judgeByRules(settings({ rules: [{ ...RETRY, answer }] }), at) !== null).toBe(fits);
  });
});

describe('a session', () => {
  test('is asked about a step and an item, and not about a request, which hears no words', () => {
    expect(whyNoSession(DEFAULT_ESCALATION, asked())).toBeNull();
    const item = raised({ source: 'item', waiter: { kind: 'item', at: 'm', item: 'a', answered: 0 } });
    expect(whyNoSession(DEFAULT_ESCALATION, asked({ raised: item, tier: 'server/witness' }))).toBeNull();
    const request = raised({ source: 'merge', waiter: { kind: 'request', at: 'r', request: 'a.0', answered: 0 } });
    expect(whyNoSession(DEFAULT_ESCALATION, asked({ raised: request, tier: 'mayor' }))).toContain('merge request');
  });

  test.each<readonly [string, Partial<EscalationSettings>, Partial<Asked>, RegExp]>([
    ['where the town asks none', { sessions: false }, {}, /sessions = false/],
    ['where a person is asked', {}, { tier: 'overseer' }, /a person is asked/],
    ['in an emergency', {}, { raised: raised({ category: 'emergency' }) }, /for people/],
    ['of money', {}, { raised: raised({ waiter: { kind: 'budget', at: 'm', answered: 0 } }) }, /money/],
    [
      'where nobody waits',
      {},
      { raised: raised({ waiter: { kind: 'telling', at: 'x', answered: 0 } }) },
      /nobody waits/,
    ],
    ['after three answers in vain', {}, { answered: 3 }, /^3 answers of tiers, one after the other, have not helped$/],
  ])('is not asked %s', (_, more, at, why) => {
    expect(whyNoSession(settings(more), asked(at))).toMatch(why);
  });

  test.each(SOURCES.map((source) => [source, ['auth', 'limits', 'security', 'host'].includes(source)] as const))(
    'about %s: what no words mend is for people (%s)',
    (source, isBeyond) => {
      expect(whyNoSession(DEFAULT_ESCALATION, asked({ raised: raised({ source }) })) !== null).toBe(isBeyond);
    },
  );
});
