import { expect, test } from 'vitest';
import { cookedAmong, problemsAmong, step } from '../support/formula.js';

const point = (at: string) => `[[compose.bond_points]]\nid = "p"\n${at}\n`;
const PAIR = `type = "expansion"\n${step('{target}.1', '', 'template')}${step('{target}.2', 'needs = ["{target}.1"]', 'template')}`;
const FORK = `type = "expansion"\n${step('{target}.l', '', 'template')}${step('{target}.r', '', 'template')}`;
const body = step('x', '', 'steps.loop.body') + step('y', 'needs = ["x"]', 'steps.loop.body');
const looped = (times: string) => `${step('lp')}[steps.loop]\n${times}\n${body}`;
const pointsOf = (steps: string, at: string) => {
  const [{ after, before } = { after: null, before: null }] =
    cookedAmong({ x: steps + point(at), pair: PAIR, fork: FORK }).bondPoints ?? [];
  return [after, before];
};

test('what has an expansion in its place begins with the first steps and ends with the last', () => {
  const steps = step('a', 'expand = "pair"');
  expect(pointsOf(steps, 'before_step = "a"')).toEqual([null, 'a.1']);
  expect(pointsOf(steps, 'after_step = "a"')).toEqual(['a.2', null]);
  expect(pointsOf(steps, 'before_step = "a.2"')).toEqual([null, 'a.2']);
  expect(pointsOf(step('a', 'expand = "fork"'), 'before_step = "a"')).toEqual([null, ['a.l', 'a.r']]);
});

test('and ends with several, which are all waited for', () => {
  expect(pointsOf(step('a', 'expand = "fork"'), 'after_step = "a"')).toEqual([['a.l', 'a.r'], null]);
});

test('so does a loop, and one that ends at run time stands for its steps', () => {
  expect(pointsOf(looped('count = 2'), 'before_step = "lp"')).toEqual([null, 'lp.iter1.x']);
  expect(pointsOf(looped('count = 2'), 'after_step = "lp"')).toEqual(['lp.iter2.y', null]);
  const until = looped('until = "y.output.ok == true"\nmax = 3');
  expect(pointsOf(until, 'before_step = "lp"')).toEqual([null, 'lp']);
  expect(pointsOf(until, 'after_step = "lp"')).toEqual(['lp', null]);
  expect(pointsOf(until, 'before_step = "lp.iter1.x"')).toEqual([null, 'lp.iter1.x']);
});

const problems = (steps: string, at: string) => problemsAmong({ x: steps + point(at), fork: FORK });

test('a point without a place is refused', () => {
  expect(problems(step('work'), 'before_step = "wrk"')).toEqual([
    'x.toml:8:1 · before_step names unknown step "wrk" (did you mean "work"?)',
  ]);
  expect(problems(step('s') + looped('for_each = "s.output.list"'), 'before_step = "lp"')).toEqual([
    expect.stringContaining('before_step names "lp", whose steps are added as the molecule runs (write after_step'),
  ]);
});

test.each([
  ['', 'x.toml:6:1 · a bond point needs after_step or before_step'],
  ['after_step = "a"\nbefore_step = "a"', 'x.toml:9:1 · a bond point has either after_step or before_step, not both'],
])('a bond point has one place: %j', (at, problem) => {
  expect(problemsAmong({ x: step('a') + point(at) })).toEqual([problem]);
});
