/** What the boards of a rig's witness and refinery tell: what goes on, on whom it waits since when, and what comes next and when. */
import { expect, test } from 'vitest';
import { queueBoard, witnessBoard } from '../../src/town/rig-boards.js';
import type { QueuedView, WitnessView } from '../../src/town/rig-boards.js';
import { claimSlot, grantSlots, openSlots } from '../../src/town/slots.js';

const NOON = Date.UTC(2026, 10, 27, 12);
const claim = (id: string) => ({ id, mission: `m-${id}`, missionRun: 'r', item: id, priority: 2 });
const slots = (capacity: number, ...ids: readonly string[]) =>
  ids.reduce((now, id) => claimSlot(now, claim(id)), openSlots(['Toast', 'Nux'], capacity));
const view = (more: Partial<WitnessView>): WitnessView => ({
  id: 'server/witness',
  rig: 'server',
  slots: slots(1),
  paused: null,
  verifying: [],
  lookMs: null,
  ...more,
});

test('an idle witness says what it waits for', () => {
  expect(witnessBoard(view({}))).toBe('0/1 slots held, 0 waiting. Nothing happens until a mission claims a slot.');
});

test('a witness says who holds a slot since when, who gets the next, and when it looks itself', () => {
  const { slots: full } = grantSlots(slots(1, 'a', 'b'), NOON, true);
  const board = witnessBoard(view({ slots: full, verifying: ['se-1.0'], lookMs: NOON + 300_000 }));
  expect(board.split('\n')).toEqual([
    '1/1 slots held, 1 waiting. Its polecats work, and each frees its slot when it closes. Whether the remote has what was handed in is looked up: `se-1.0`. The next slot goes to `b` of m-b, when one closes. If nothing is heard before, it is looked at 2026-11-27 12:05:00 whether holders are alive.',
    '',
    '| holder | incarnation | mission | item | since |',
    '| --- | --- | --- | --- | --- |',
    '| server/polecats/Toast | 1 | m-a | a | 2026-11-27 12:00:00 |',
    '| waits, 1 of 1 |  | m-b | b | priority 2 |',
  ]);
});

test('a witness that has just begun gives no slot before it knows who is at work', () => {
  expect(witnessBoard(view({ slots: slots(1, 'a'), isLooking: true }))).toContain(
    'It has just begun, and looks who is at work in server. The next slot goes to `a` of m-a, once it is known who is at work.',
  );
});

test('a paused rig gives no slot, and says who lets it go on', () => {
  const board = witnessBoard(view({ slots: slots(1, 'a'), paused: { by: 'Ada', why: 'lunch', sinceMs: NOON } }));
  expect(board).toContain('Ada paused server, since 2026-11-27 12:00:00: no slot is given.');
  expect(board).toContain('The next slot goes to `a` of m-a, when the rig is resumed.');
  expect(board).toContain("`temporal workflow signal -w server/witness --name resume --input '{}'` lets it go on");
});

const request = (id: string, more: Partial<QueuedView> = {}): QueuedView => ({
  id,
  branch: `polecat/${id}`,
  head: 'h',
  target: 'main',
  issue: 'i',
  mission: 'm',
  polecat: 'Toast',
  incarnation: 1,
  priority: 2,
  round: 0,
  sinceMs: NOON,
  hold: null,
  stage: 'waiting',
  ...more,
});

test('an idle refinery says what it waits for', () => {
  expect(queueBoard([], 'server/refinery')).toBe('0 in the merge queue. Nothing happens until a branch is handed in.');
});

test('a refinery names what was handed in by one who is gone', () => {
  const why = 'nobody waits for se-1.0 any more';
  const dead = { id: 'd', from: 'server/witness', to: 'server/refinery', subject: 'MERGE_READY: Toast', body: '', why };
  expect(queueBoard([], 'server/refinery', [dead])).toMatch(
    /is handed in\.\n\n[^]*MERGE_READY: Toast .* nobody waits for se-1\.0 any more /,
  );
});

test('a refinery says what is at work since when, and what comes next', () => {
  const queue = [request('a', { stage: 'gates: test', stageSinceMs: NOON }), request('b'), request('c')];
  const [head, , ...rows] = queueBoard(queue, 'server/refinery').split('\n');
  expect(head).toBe(
    '3 in the merge queue. `a` (polecat/a → main) is at work, gates: test, since 2026-11-27 12:00:00: it lands, or goes back to its polecat. `b` comes next, and 1 more after it.',
  );
  expect(rows[2]).toBe('| `a` | polecat/a | main | i | gates: test | 2026-11-27 12:00:00 |');
});

test('what is held says since when, why, and whether anything happens by itself', () => {
  const held = (againAtMs?: number) =>
    request('a', {
      stage: 'held: no make',
      hold: { why: 'no make', sinceMs: NOON, ...(againAtMs ? { againAtMs } : {}) },
    });
  const waits = queueBoard([held()], 'server/refinery');
  expect(waits).toContain('`a` is held since 2026-11-27 12:00:00, and waits for `retry`: no make.');
  expect(waits).toContain('Nothing happens until that comes, or another branch is handed in.');
  expect(waits).toContain("--name retry --input '{}'`");
  const again = queueBoard([held(NOON + 60_000)], 'server/refinery');
  expect(again).toContain(
    'is held since 2026-11-27 12:00:00, and is tried again at 2026-11-27 12:01:00, or by `retry`: no make.',
  );
  expect(again).not.toContain('Nothing happens');
});

test('the board of a witness tells how those at work do, and when slots are granted again', () => {
  const board = witnessBoard({
    id: 'server/witness',
    rig: 'server',
    slots: {
      ...openSlots(['Toast', 'Shadow'], 2),
      queue: [{ id: 'c', mission: 'm', missionRun: 'r', item: 'i', priority: 2 }],
    },
    paused: null,
    verifying: [],
    lookMs: null,
    agents: [{ agent: 'server/polecats/Toast', kind: 'quiet', fact: 'no effect for 16 min', seenMs: 0 }],
    breaker: { sinceMs: 0, untilMs: 60_000, why: '3 polecats or workers died within 30 seconds' },
  });
  expect(board).toContain('| server/polecats/Toast | quiet | no effect for 16 min | 1970-01-01 00:00:00 |');
  expect(board).toContain('**No slot is granted** since 1970-01-01 00:00:00: 3 polecats or workers died');
  expect(board).toContain('The next slot goes to `i` of m, at 1970-01-01 00:01:00.');
});
