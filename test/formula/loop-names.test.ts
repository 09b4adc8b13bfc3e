import { expect, test } from 'vitest';
import { cooked, cookedAmong, graphOf, problemsAmong, step } from '../support/formula.js';

const template = (id: string, more = '') => step(id, more, 'template');
const TDD = `type = "expansion"\n${template('{target}.do')}${template('{target}.verify', 'needs = ["{target}.do"]\noutput = { ok = "boolean" }')}${template('{target}-end', 'needs = ["{target}.verify"]')}`;
const body = (id: string, more = '') => step(id, more, 'steps.loop.body');
const loop = (how: string, inside: string, more = '') => `${step('lp', more)}[steps.loop]\n${how}\n${inside}`;
const LOG = body('dep', 'expand = "tdd"') + body('log', 'needs = ["dep.do"]');

test('a need in a body is on a step that an expanded step of the same iteration brings', () => {
  const graph = graphOf(cookedAmong({ x: loop('count = 2', LOG), tdd: TDD }));
  expect(graph.filter((line) => line.includes('.log '))).toEqual([
    'lp.iter1.log needs lp.iter1.dep.do',
    'lp.iter2.log needs lp.iter1.dep-end, lp.iter1.log, lp.iter2.dep.do',
  ]);
});

test('so it is where compose expands the step, for ids of any form, and before one outside of the loop', () => {
  const map = '[[compose.map]]\nselect = "*dep"\nwith = "tdd"\n';
  const both = body('dep') + body('log', 'needs = ["dep.do", "dep-end"]');
  const graph = graphOf(cookedAmong({ x: `${step('dep')}${loop('count = 1', both)}${map}`, tdd: TDD }));
  expect(graph.filter((line) => line.includes('log'))).toEqual([
    'lp.iter1.log needs lp.iter1.dep.do, lp.iter1.dep-end',
  ]);
});

test('what the loop itself needs is outside of it', () => {
  const x = step('dep', 'expand = "tdd"') + loop('count = 1', body('dep', 'expand = "tdd"'), 'needs = ["dep.do"]');
  expect(graphOf(cookedAmong({ x, tdd: TDD }))).toContain('lp.iter1.dep.do needs dep.do');
});

test('references, conditions, gates and until name such steps, too', () => {
  const use = body(
    'use',
    'needs = ["dep"]\nnotes = "{{steps.dep.verify.output.ok}}"\ncondition = "{{steps.dep.verify.output.ok}}"\ngate = { type = "condition", condition = "dep.verify.output.ok == true" }',
  );
  const x = loop('until = "dep.verify.output.ok == true"\nmax = 2', body('dep', 'expand = "tdd"') + use);
  const { steps, loops } = cookedAmong({ x, tdd: TDD });
  expect(loops?.[0]?.until).toBe('lp.iter1.dep.verify.output.ok == true');
  expect(steps.at(-1)).toMatchObject({
    id: 'lp.iter1.use',
    description: '## Notes\n\n{{steps.lp.iter1.dep.verify.output.ok}}',
    condition: { value: '{{steps.lp.iter1.dep.verify.output.ok}}' },
    gates: [{ await: 'lp.iter1.dep.verify.output.ok == true' }],
  });
});

test('a step of an inner loop is named from the body around it', () => {
  const inner = `${body('inner')}[steps.loop.body.loop]\ncount = 2\n${step('w', '', 'steps.loop.body.loop.body')}`;
  const after = body('log', 'needs = ["inner.iter1.w"]\nnotes = "{{steps.inner.iter1.w.summary}}"');
  const { steps } = cooked(loop('count = 1', inner + after, 'gate = { type = "human" }'));
  expect(graphOf({ steps })).toContain('lp.iter1.log needs lp.iter1.inner.iter1.w');
  expect(steps.find(({ id }) => id === 'lp.iter1.log')).toMatchObject({
    description: '## Notes\n\n{{steps.lp.iter1.inner.iter1.w.summary}}',
  });
  expect(steps.filter(({ gates }) => gates !== undefined).map(({ id }) => id)).toEqual(['lp.iter1.inner.iter1.w']);
});

test('in a loop over a list or an output there is no other way to name them', () => {
  const each = loop('for_each = ["a"]', LOG);
  expect(graphOf(cookedAmong({ x: each, tdd: TDD }))).toContain('lp.iter1.log needs lp.iter1.dep.do');
  const inner = `${body('inner')}[steps.loop.body.loop]\ncount = 2\n${step('w', '', 'steps.loop.body.loop.body')}`;
  const over = loop('for_each = "s.output"', inner + body('log', 'needs = ["inner.iter1.w"]'));
  const added = cooked(step('s') + over).steps[0]?.fanOut?.steps ?? [];
  expect(graphOf({ steps: added })).toContain('lp.item.{n}.log needs lp.item.{n}.inner.iter1.w');
  const output = loop('for_each = "s.output"', LOG);
  const expanded = cookedAmong({ x: step('s') + output, tdd: TDD }).steps[0]?.fanOut?.steps ?? [];
  expect(graphOf({ steps: expanded })).toEqual([
    'lp.item.{n}.dep.do',
    'lp.item.{n}.dep.verify needs lp.item.{n}.dep.do',
    'lp.item.{n}.dep-end needs lp.item.{n}.dep.verify',
    'lp.item.{n}.log needs lp.item.{n}.dep.do',
  ]);
});

test('what nobody brings is unknown', () => {
  const x = loop('count = 1', body('dep', 'expand = "tdd"') + body('log', 'needs = ["dep.does"]'));
  expect(problemsAmong({ x, tdd: TDD })).toEqual([expect.stringContaining('needs unknown step "dep.does"')]);
});
