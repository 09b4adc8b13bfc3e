/** Which items a mission has that lands as one. */
import { expect, test } from 'vitest';
import {
  integrationBranch,
  mayAsk,
  modelsIn,
  nextToLand,
  whyNotAsOne,
  withIntegration,
} from '../../src/town/integration.js';
import type { Item, ItemState } from '../../src/town/mission.js';
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

test('what belongs together needs all of the mission', () => {
  const items = [item('a', 'api'), item('w', 'web')];
  const whole = withIntegration(
    items,
    'integration/m',
    { protos: { a: proto, w: proto }, rigs: RIGS },
    { isTogether: true },
  );
  expect(whole.items.slice(2).map(({ id, needs, isTogether }) => [id, needs, isTogether])).toEqual([
    ['land.api', ['a', 'w'], true],
    ['land.web', ['a', 'w'], true],
  ]);
});

const HOLDER = { claim: 'c', name: 'Toast', incarnation: 1, host: 'h', molecule: 'se-1', sinceMs: 0 };
const WORKING: ItemState = { kind: 'working', ...HOLDER };
const verified = (request: string): ItemState => ({ kind: 'working', ...HOLDER, verified: request });
const landed = (commit: string | null): ItemState => ({ kind: 'landed', atMs: 1, commit, target: 'main', branch: 'b' });
const SKIPPED: ItemState = { kind: 'skipped', reason: 'no' };

test.each<[string, ItemState, ItemState, string | null]>([
  ['none is verified', WORKING, WORKING, null],
  ['one is', verified('a.0'), WORKING, null],
  ['the other is', WORKING, verified('w.0'), null],
  ['both are: the first', verified('a.0'), verified('w.0'), 'a.0'],
  ['the first has landed: the other', landed('abc'), verified('w.0'), 'w.0'],
  ['the first is being given to another', { ...verified('a.0'), leaving: 'stuck' } as ItemState, verified('w.0'), null],
  ['the first has landed, and the other has come back since', landed('abc'), WORKING, null],
  ['the first had nothing to land, and the other is not verified', landed(null), WORKING, null],
  ['the first is skipped, and the other verified', SKIPPED, verified('w.0'), 'w.0'],
  ['all have landed', landed('abc'), landed('def'), null],
])('of two that belong together: %s', (_, api, web, request) => {
  const items = [
    item('a', 'api'),
    item('land.api', 'api', { isTogether: true, state: api }),
    item('land.web', 'web', { isTogether: true, state: web }),
  ];
  expect(nextToLand({ items })?.request ?? null).toBe(request);
});

test('what lands as one is from whoever has worked on its parts; of whom nobody knows, from anybody', () => {
  const part = (id: string, more: Partial<Item>) =>
    item(id, 'api', { target: 'integration/m', state: landed('c'), ...more });
  const land = item('land', 'api', { from: 'integration/m', isWhole: true });
  const items = [
    part('a', { workedBy: ['anthropic'] }),
    part('b', { workedBy: [] }),
    part('w', { rig: 'web', workedBy: ['command'] }),
  ];
  expect(modelsIn({ items }, land)).toEqual(['anthropic']);
  expect(modelsIn({ items: [...items, part('old', {})] }, land)).toEqual(['anthropic', 'command']);
  expect(modelsIn({ items }, { ...land, workedBy: ['command'] })).toEqual(['command', 'anthropic']);
});

const rig = (name: string, url: string) => ({ name, url, branch: 'develop' });

test('work does not land as one on the branch that it is to come to, nor in two rigs with one repository', () => {
  expect(whyNotAsOne([rig('a', '/a'), rig('b', '/b')], 'integration/m')).toBeNull();
  expect(whyNotAsOne([rig('a', '/a')], 'develop')).toBe(
    'develop is what work in rig "a" lands on; name another branch',
  );
  expect(whyNotAsOne([rig('a', '/a'), rig('b', '/a')], 'x')).toContain('rig "b" has the repository of another one');
});

const three = (isLetGo: boolean) => [
  item('land.a', 'a', { isTogether: true, state: landed('abc'), ...(isLetGo ? { isLetGo } : {}) }),
  item('land.b', 'b', { isTogether: true, state: WORKING }),
  item('land.c', 'c', { isTogether: true, state: verified('c.0') }),
];

test('once one that was let go has landed the others follow as they are verified; what was on its target already lets none go', () => {
  expect(nextToLand({ items: three(true) })?.request).toBe('c.0');
  expect(nextToLand({ items: three(false) })).toBeNull();
});

const all = (state: ItemState) => [
  item('land.web', 'web', { isTogether: true }),
  item('land.api', 'api', { isTogether: true, state }),
  item('other', 'api'),
];

const asks = (items: readonly Item[]) => items.filter((one) => mayAsk(items, one)).map(({ id }) => id);

test('those that belong together ask for slots in the order of their rigs, whichever mission they are of', () => {
  expect(asks(all({ kind: 'waiting' }))).toEqual(['land.api', 'other']);
  expect(asks(all({ kind: 'queued', claim: 'c', sinceMs: 0 }))).toEqual(['land.api', 'other']);
  expect(asks(all(WORKING))).toEqual(['land.web', 'land.api', 'other']);
});
