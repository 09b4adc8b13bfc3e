/** Which items a mission has that lands as one. */
import { expect, test } from 'vitest';
import { integrationBranch, withIntegration } from '../../src/town/integration.js';
import type { Item } from '../../src/town/mission.js';
import type { Protomolecule } from '../../src/town/protomolecule.js';
import { NO_USAGE } from '../../src/town/session.js';

const item = (id: string, rig: string, more: Partial<Item> = {}): Item => ({
  id,
  rig,
  title: id,
  formula: 'f',
  needs: [],
  priority: 2,
  attempt: 1,
  lost: 0,
  sessions: 0,
  reworks: 0,
  usage: NO_USAGE,
  state: { kind: 'waiting' },
  ...more,
});
const proto: Protomolecule = {
  formula: 'f',
  description: '',
  vars: { name: 'a' },
  rework: 'mend',
  steps: [],
  hash: '0'.repeat(64),
};
const RIGS = { api: { branch: 'main' }, web: { branch: 'trunk' } };

test('each rig with polecats at work has one item more, which needs all others of it and lands the branch', () => {
  const items = [
    item('a', 'api', { priority: 3, agent: 'Toast', from: 'old' }),
    item('land.api', 'api', { priority: 1 }),
    item('w', 'web'),
    item('person', 'web', { assignee: 'web/crew/ann' }),
  ];
  const protos = { a: proto, 'land.api': proto, w: proto };
  const whole = withIntegration(items, 'integration/m', { protos, rigs: RIGS });
  expect(whole.items.map(({ id, target, from, needs }) => [id, target, from, needs])).toEqual([
    ['a', 'integration/m', 'old', []],
    ['land.api', 'integration/m', undefined, []],
    ['w', 'integration/m', undefined, []],
    ['person', undefined, undefined, []],
    ['land.api-2', undefined, 'integration/m', ['a', 'land.api']],
    ['land.web', undefined, 'integration/m', ['w', 'person']],
  ]);
  const [landing] = whole.items.filter(({ id }) => id === 'land.api-2');
  expect(landing).toMatchObject({ title: 'Land integration/m on main', priority: 1, isWhole: true });
  expect(landing).not.toHaveProperty('agent');
  expect(Object.keys(whole.protos)).toEqual(['land.api-2', 'land.web']);
  expect(whole.protos['land.web']).toMatchObject({ rework: 'mend', vars: { name: 'a' }, steps: [] });
});

test('of a rig in which no polecat works nothing lands', () => {
  const items = [item('person', 'web', { assignee: 'web/crew/ann' })];
  expect(withIntegration(items, 'integration/m', { protos: {}, rigs: RIGS })).toEqual({ items, protos: {} });
});

test.each([
  ['login', 'integration/login'],
  ['team/login', 'integration/team-login'],
  ['what is it?', null],
  ['a..b', null],
  ['x'.repeat(300), null],
])('the branch of the mission %s', (mission, branch) => {
  expect(integrationBranch(mission)).toBe(branch);
});
