import { expect, test } from 'vitest';
import { cooked, graphOf, problemsOf, step } from '../support/formula.js';

const loop = (how: string, body: string, more = '') => `${step('lp', more)}[steps.loop]\n${how}\n${body}`;
const body = (id: string, more = '') => step(id, more, 'steps.loop.body');
const LONG = 'range = "3..2^20"\nvar = "i"';
/** Steps that one iteration of a loop comes to, unrolled or not. */
const counterIn = (text: string) => cooked(text).loops?.[0]?.counter ?? null;

test('a long loop over numbers is cooked once, with the number open, and the rest of the formula as ever', () => {
  const proto = cooked(
    step('first') +
      loop(LONG, body('x', 'run = "move {i}"') + body('y', 'needs = ["x"]\nlabels = ["l{i}"]'), 'needs = ["first"]') +
      step('end', 'needs = ["lp"]\ndescription = "{{steps.lp.iter1.y.summary}}"'),
  );
  expect(graphOf(proto)).toEqual([
    'first',
    'lp.iter1.x needs first',
    'lp.iter1.y needs lp.iter1.x',
    'end needs lp.iter1.y',
  ]);
  expect(proto.steps.slice(1, 3)).toMatchObject([{ run: 'move {i}' }, { labels: ['l{i}'] }]);
  expect(proto.loops).toEqual([
    {
      id: 'lp',
      body: ['lp.iter1.x', 'lp.iter1.y'],
      max: 2 ** 20 - 2,
      until: null,
      check: null,
      parent: null,
      counter: { from: 3, to: 2 ** 20, variable: 'i' },
    },
  ]);
});

test('a loop is long from 5,001 steps on', () => {
  expect(counterIn(loop('count = 2500', body('x') + body('y')))).toBeNull();
  expect(counterIn(loop('count = 2501', body('x') + body('y')))).toEqual({ from: 1, to: 2501, variable: null });
});

test.each([
  ['an id', loop('count = 6000\nvar = "i"', body('x{i}'))],
  ['a condition', loop('count = 6000\nvar = "i"', body('x', 'condition = "{i} == 5"'))],
  ['the condition of the loop', loop('count = 6000\nvar = "i"', body('x'), 'condition = "{i} == 5"')],
  ['the gate of the loop', loop('count = 6000', body('x'), 'gate = { type = "timer", timeout = "1s" }')],
  ['a gate', loop('count = 6000\nvar = "i"', body('x', 'gate = { type = "mail", await_id = "m{i}" }'))],
  ['a need', loop('count = 6000\nvar = "i"', body('x', 'needs = ["s{i}"]')) + numbered(6000)],
  ['a group', `${step('g')}${loopIn('steps.children', 'count = 6000')}`],
  [
    'a loop of a checked group',
    loop(
      'count = 3000',
      `${body('b', 'check = { command = "make", max_attempts = 2 }')}${step('c', '', 'steps.loop.body.children')}`,
    ),
  ],
  [
    'a formula with advice',
    `[[advice]]\ntarget = "lp.iter1.x"\n[advice.before]\nid = "pre"\ntitle = "P"\n${loop('count = 6000', body('x'))}`,
  ],
  ['a value that is filled in', `[vars]\nv = "{i}"\n${loop('count = 6000\nvar = "i"', body('x', 'notes = "{{v}}"'))}`],
])('one that has to do with %s is unrolled', (_where, text) => {
  const { steps, loops = [] } = cooked(text);
  expect([loops.some(({ counter }) => counter !== undefined), steps.length >= 6000]).toEqual([false, true]);
});

function loopIn(table: string, how: string): string {
  return `${step('lp', '', table)}[${table}.loop]\n${how}\n${step('x', '', `${table}.loop.body`)}`;
}

function numbered(count: number): string {
  return Array.from({ length: count }, (_, index) => step(`s${index + 1}`)).join('');
}

test('of loops in loops only the outer one goes round at run time, and only when nothing stands in it that repeats', () => {
  const inner = `${body('in')}[steps.loop.body.loop]\ncount = 3000\n${step('z', '', 'steps.loop.body.loop.body')}`;
  expect(cooked(loop('count = 2', inner)).steps).toHaveLength(6000);
  expect(problemsOf(loop('count = 100', inner)).join()).toContain('more than 250000 steps');
});

test('who names an iteration from outside names a step that is not there yet', () => {
  expect(problemsOf(loop(LONG, body('x')) + step('end', 'needs = ["lp.iter7.x"]')).join()).toContain(
    'needs unknown step "lp.iter7.x"',
  );
});
