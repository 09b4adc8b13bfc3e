import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesOf } from '../../src/town/bytes.js';
import { afterTold, ASSIGNED_BYTES_MAX, memberMeant, MOLECULES_MAX, type Assigned } from '../../src/town/assigned.js';
import { answerCommand, hookBoard, stepsOf, taskLines } from '../../src/town/hook-board.js';
import {
  allOn,
  checklist,
  EMPTY_HOOK,
  ended,
  HOOKED_BYTES_MAX,
  placeOn,
  slung,
  standOf,
  takenOff,
  whyFull,
  whyNotOn,
} from '../../src/town/hook.js';
import type { Ended, Hooked, Task } from '../../src/town/hook.js';

const ANN = 'server/crew/ann';
const task = (id: string, priority = 2): Omit<Task, 'sinceMs'> => ({
  id,
  title: `do ${id}`,
  text: '',
  formula: null,
  steps: [],
  priority,
  by: 'Ada',
  slungMs: 0,
});
const hooked = (...tasks: readonly (readonly [string, number])[]): Hooked =>
  tasks.reduce((before, [id, priority], at) => slung(before, task(id, priority), at), EMPTY_HOOK);
const ids = (all: Hooked) => allOn(all).map(({ id }) => id);

test.each<[string, readonly (readonly [string, number])[], readonly string[]]>([
  ['the first hangs at once', [['a', 4]], ['a']],
  [
    'what hangs stays, however urgent the next',
    [
      ['a', 4],
      ['b', 0],
    ],
    ['a', 'b'],
  ],
  [
    'the more urgent waits in front',
    [
      ['a', 2],
      ['b', 3],
      ['c', 1],
    ],
    ['a', 'c', 'b'],
  ],
  [
    'of equals the older',
    [
      ['a', 2],
      ['b', 3],
      ['c', 3],
      ['d', 0],
      ['e', 3],
    ],
    ['a', 'd', 'b', 'c', 'e'],
  ],
  [
    'twice under one id is once',
    [
      ['a', 2],
      ['a', 0],
      ['b', 2],
      ['b', 0],
    ],
    ['a', 'b'],
  ],
])('%s', (_name, tasks, order) => {
  expect(ids(hooked(...tasks))).toEqual(order);
});

test.each<[string, string, Ended, string]>([
  ['hangs', 'a', [], 'a is on the hook of server/crew/ann'],
  ['waits', 'b', [['b', 'done']], 'b waits for the hook of server/crew/ann, 1 of 1: do a hangs there'],
  ['is done', 'x', [['x', 'done']], 'x was on the hook of server/crew/ann before, and is done: '],
  [
    'is taken off',
    'x',
    [['x', 'unslung']],
    'and is taken off, undone: what is to be done again is slung under an id of',
  ],
  ['ended long ago', 'x', [], 'and is done, or taken off: '],
])('slung again, what %s is told so', (_name, id, over, words) => {
  expect(standOf(hooked(['a', 2], ['b', 2]), over, id, ANN)).toContain(words);
});

test('of what has ended the last are known, each as it ended last', () => {
  const tasks = [...Array.from({ length: 300 }, (_, at) => `t${at}`), 't299', 't200'];
  const over = tasks.reduce<Ended>((before, id) => ended(before, id, 'unslung'), []);
  const last = ended(over, 't299', 'done');
  expect(last).toHaveLength(200);
  expect(last.slice(-2)).toEqual([
    ['t200', 'unslung'],
    ['t299', 'done'],
  ]);
});

test.each<[string, string, readonly string[], number | null]>([
  ['what hangs: the next hangs from then on', 'a', ['c', 'b'], 9],
  ['what waits: what hangs stays as it was', 'b', ['a', 'c'], 0],
])('taking off %s', (_name, id, order, sinceMs) => {
  const taken = takenOff(hooked(['a', 2], ['b', 3], ['c', 1]), id, 9);
  expect(taken?.task.id).toBe(id);
  expect(ids(taken?.hooked ?? EMPTY_HOOK)).toEqual(order);
  expect(taken?.hooked.hook?.sinceMs).toBe(sinceMs);
});

test('whatever comes, in whatever order, nothing waits while nothing hangs, nothing is lost, and nothing is there twice', () => {
  const step = fc.record({ id: fc.constantFrom('a', 'b', 'c', 'd'), priority: fc.nat(4), isOff: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      let now = EMPTY_HOOK;
      const expected = new Set<string>();
      for (const [at, { id, priority, isOff }] of steps.entries()) {
        now = isOff ? (takenOff(now, id, at)?.hooked ?? now) : slung(now, task(id, priority), at);
        if (isOff) expected.delete(id);
        else expected.add(id);
        expect(ids(now).toSorted()).toEqual([...expected].toSorted());
        expect(now.hook === null && now.queue.length > 0).toBe(false);
        const waiting = now.queue.map((one) => one.priority);
        expect(waiting).toEqual(waiting.toSorted((a, b) => a - b));
      }
    }),
  );
});

test('where a task stands, and what is there instead of one that is not, are told in words', () => {
  const hook = hooked(['a', 2], ['b', 3], ['c', 1]);
  expect(placeOn(hook, 'a', ANN)).toBe('is on the hook of server/crew/ann');
  expect(placeOn(hook, 'b', ANN)).toBe('waits for the hook of server/crew/ann, 2 of 2: do a hangs there');
  expect(whyNotOn(hook, 'x', ANN)).toBe('the hook of server/crew/ann has no task "x"; there is a, c and b');
  expect(whyNotOn(EMPTY_HOOK, undefined, ANN)).toBe('nothing is on the hook of server/crew/ann');
  expect(takenOff(EMPTY_HOOK, '', 0)).toBe(null);
});

test('of a formula its steps are the list to go by, without those that only group them, and of very many the first', () => {
  expect(checklist([titled('all', 'group'), titled('one'), titled('two')])).toEqual(['one', 'two']);
  expect(checklist(Array.from({ length: 103 }, (_, at) => titled(`${at}`))).at(-1)).toBe('… and 3 more');
});

test.each<[string, string | null, string | null]>([
  ['crew/ann', 'server', ANN],
  ['web/crew/ann', 'server', 'web/crew/ann'],
  [' crew/ann ', 'server', ANN],
  ['crew/ann', null, null],
  ['overseer', 'server', null],
  ['ann', 'server', null],
  ['crew/', 'server', null],
  ['a/b/crew/ann', 'server', null],
])('the assignee %j of a molecule in %s is %s', (assignee, rig, member) => {
  expect(memberMeant(assignee, rig)).toBe(member);
});

const titled = (title: string, kind = 'agent') => ({ title, kind });
const told = (molecule: string, ...steps: string[]): Assigned => ({
  molecule,
  steps: steps.map((step, at) => ({ step, title: `Do ${step}`, token: `t-${step}`, sinceMs: at * 1_000 })),
  more: 0,
});

test('the last telling of a molecule holds; an empty one takes it off; for one more than there is room for there is none', () => {
  const one = afterTold([], told('m', 'a', 'b')) ?? [];
  expect(afterTold(one, told('m', 'b'))).toEqual([told('m', 'b')]);
  expect(afterTold(one, told('m'))).toEqual([]);
  const full = Array.from({ length: MOLECULES_MAX }, (_, at) => told(`m${at}`, 'a'));
  expect(afterTold(full, told('more', 'a'))).toBe(null);
  expect(afterTold(full, told('m3', 'b'))).toHaveLength(MOLECULES_MAX);
});

function wide(molecule: string): Assigned {
  const { steps } = told(molecule, ...Array.from({ length: 50 }, (_, at) => `${at}`));
  return { molecule, steps: steps.map((step) => ({ ...step, title: 'ä'.repeat(200) })), more: 1 };
}

test('however much is told of, it has room in what goes from run to run: steps that have none are counted', () => {
  const many = Array.from({ length: 30 }, (_, at) => wide(`m${at}`));
  const all = many.reduce<readonly Assigned[]>((before, one) => afterTold(before, one) ?? before, []);
  expect(bytesOf(all)).toBeLessThanOrEqual(ASSIGNED_BYTES_MAX);
  expect(new Set(all.map(({ steps, more }) => steps.length + more))).toEqual(new Set([51]));
  expect(all.at(-1)?.more).toBeGreaterThan(1);
});

test('a hook holds so many tasks, and so much; one that is there already needs no room', () => {
  const tasks = Array.from({ length: 100 }, (_, at) => [`t${at}`, 2] as const);
  expect(whyFull(hooked(...tasks.slice(1)), task('t0'), ANN)).toBe(null);
  expect(whyFull(hooked(...tasks), task('more'), ANN)).toBe(
    `the hook of ${ANN} holds 100 tasks: some must be done or taken off first`,
  );
  expect(whyFull(hooked(...tasks), task('t1'), ANN)).toBe(null);
  const big = { ...task('big'), text: 'ä'.repeat(HOOKED_BYTES_MAX / 2) };
  expect(whyFull(hooked(['a', 2]), big, ANN)).toMatch(/holds 1 tasks of \d+ bytes, and this one has \d+: some must/);
});

test('a board says what hangs, what comes next, which steps wait, and the command that ends each', () => {
  const board = hookBoard(ANN, hooked(['a', 2], ['b', 3]), [told('se-1', 'look')]);
  expect(board).toContain('**do a** (a)');
  expect(board).toContain('gt crew done server/ann');
  expect(board).toContain('| 1 | `b` | do b | 3 | Ada |');
  expect(board).toContain('gt close look --mol se-1 --token t-look');
  expect(hookBoard(ANN, EMPTY_HOOK, [])).toBe('Nothing is on the hook: what is slung there hangs at once.');
  expect(taskLines({ ...task('a'), sinceMs: null, formula: 'tidy', text: 'All of it.', steps: ['one'] })).toEqual([
    '**do a** (a, by tidy)',
    '',
    'All of it.',
    '',
    '- [ ] one',
  ]);
});

test('of the steps that wait the oldest comes first, and its command is one that a shell takes', () => {
  const steps = stepsOf([told('se-1', 'b', 'a'), told('se 2', 'c')]);
  expect(steps.map(({ step }) => step)).toEqual(['b', 'c', 'a']);
  expect(answerCommand(ANN, { molecule: 'se 2', step: 'c', title: '', token: null, sinceMs: 0 })).toBe(
    "gt close c --mol 'se 2'",
  );
  const escalated = { molecule: 'se-2', step: 'c', title: 'C', token: 't', sinceMs: 0, isEscalated: true } as const;
  expect(answerCommand(ANN, escalated)).toBe("gt retry c --mol se-2 --token t --note 'TEXT'");
  expect(hookBoard(ANN, EMPTY_HOOK, [{ molecule: 'se-2', steps: [escalated], more: 0 }])).toContain('escalated: C');
});
