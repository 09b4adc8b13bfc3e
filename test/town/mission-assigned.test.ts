/** Items of a mission that people do: they count like all others, wait for somebody, and can be closed, failed and given up. */
import { expect, test } from 'vitest';
import { missionBoard } from '../../src/town/board.js';
import { answerCommand, itemNamed } from '../../src/town/hook-board.js';
import { assignedItems, canClose } from '../../src/town/mission-assigned.js';
import { landedCount, phaseOf, waitsOf } from '../../src/town/mission-stand.js';
import { after, canSkip, isFinished, itemOf, startable } from '../../src/town/mission.js';
import type { Item, MissionEvent, MissionState } from '../../src/town/mission.js';
import { NO_USAGE } from '../../src/town/session.js';

const ANN = 'server/crew/ann';
const item = (id: string, needs: readonly string[] = [], assignee: string | null = ANN): Item => ({
  id,
  needs,
  priority: 2,
  title: `do ${id}`,
  rig: 'server',
  formula: '',
  attempt: 1,
  lost: 0,
  sessions: 0,
  reworks: 0,
  state: { kind: 'waiting' },
  usage: NO_USAGE,
  ...(assignee === null ? {} : { assignee }),
});
const mission = (...items: readonly Item[]): MissionState => ({ title: 'm', items, budgetUsd: null });
const all = (state: MissionState, ...events: readonly MissionEvent[]) =>
  events.reduce((now, event) => after(now, event, 0), state);
const assigned = (id: string): MissionEvent => ({ kind: 'assigned', item: id });
const closed = (id: string, outcome: 'done' | 'failed' = 'done'): MissionEvent => ({
  kind: 'closed',
  item: id,
  outcome,
  note: 'so (Ann)',
});

test.each<[string, readonly MissionEvent[], Item['state']['kind'], string, number, readonly string[]]>([
  ['not assigned yet', [], 'waiting', 'queued', 0, ['a']],
  ['assigned', [assigned('a')], 'assigned', 'waiting', 0, []],
  ['assigned twice', [assigned('a'), assigned('a')], 'assigned', 'waiting', 0, []],
  ['closed before it was assigned', [closed('a')], 'waiting', 'queued', 0, ['a']],
  ['closed', [assigned('a'), closed('a')], 'landed', 'queued', 1, ['b']],
  ['closed twice', [assigned('a'), closed('a'), closed('a', 'failed')], 'landed', 'queued', 1, ['b']],
  ['failed', [assigned('a'), closed('a', 'failed')], 'failed', 'escalated', 0, []],
  ['skipped', [assigned('a'), { kind: 'skipped', item: 'a', reason: 'no need' }], 'skipped', 'queued', 0, ['b']],
  ['cancelled', [assigned('a'), { kind: 'cancelled', item: 'a', reason: 'over' }], 'cancelled', 'queued', 0, []],
  [
    'failed and tried again',
    [assigned('a'), closed('a', 'failed'), { kind: 'retried', item: 'a' }, assigned('a')],
    'assigned',
    'waiting',
    0,
    [],
  ],
])('an item %s', (_name, events, kind, phase, landed, next) => {
  const state = all(mission(item('a'), item('b', ['a'], null)), ...events);
  expect(itemOf(state, 'a').state.kind).toBe(kind);
  expect([phaseOf(state), landedCount(state), startable(state).map(({ id }) => id)]).toEqual([phase, landed, next]);
  expect(canClose(itemOf(state, 'a'))).toBe(kind === 'assigned');
  expect([...assignedItems(state).keys()]).toEqual(kind === 'assigned' ? [ANN] : []);
});

test('a desk is told each item with its attempt, and how it is closed there', () => {
  const state = all(mission(item('a'), item('b')), assigned('a'), closed('a', 'failed'), assigned('b'));
  const again = all(state, { kind: 'retried', item: 'a' }, assigned('a'));
  const told = assignedItems(again).get(ANN);
  expect(told?.steps.map(({ step, token }) => [step, token])).toEqual([
    ['a', '2'],
    ['b', '1'],
  ]);
  const desk = [{ molecule: 'my mission', steps: told?.steps ?? [], more: 0 }];
  const named = itemNamed(desk, 'my mission/a');
  expect(named === null ? null : answerCommand(ANN, named)).toBe("gt crew done server/ann 'my mission/a'");
  expect(itemNamed(desk, 'my mission/c')).toBe(null);
});

test('a mission says for whom it waits, and in the end who has done what', () => {
  const state = all(mission(item('a')), assigned('a'));
  expect(waitsOf(state)).toMatchObject([{ item: 'a', wait: { for: `person: ${ANN}`, why: 'do a', escalated: false } }]);
  const board = missionBoard(state, 'm');
  expect(board).toContain('0/1 landed. `a` is on the desk of server/crew/ann since');
  expect(board).toContain('Nothing happens until that comes.');
  expect(board).toContain('| **waits for server/crew/ann** |');
  expect(board).toContain(`--name close --input '{"item":"a"}'`);
  const done = all(state, closed('a'));
  expect([isFinished(done), canSkip(itemOf(state, 'a'))]).toEqual([true, true]);
  expect(missionBoard(done, 'm')).toMatch(/1\/1 landed[\s\S]*done, nothing to merge \|.*so \(Ann\)/);
});
