import { expect, test } from 'vitest';
import { cookAmong, cookedAmong, graphOf, step } from '../support/formula.js';

const template = (id: string, more = '') => step(id, more, 'template');
const VARS = '[vars]\nlang = "de"\non = "yes"\n';
const TEXTS = [
  'condition = "{{on}}"',
  'assignee = "w-{{lang}}"',
  'acceptance = "in {{lang}}"',
  'labels = ["l-{{lang}}", "{lang}"]',
  'metadata = { tongue = "{{lang}}" }',
  'gate = { type = "mail", await = "{{lang}}" }',
].join('\n');
const TDD = `type = "expansion"\n[vars]\nlang = "any"\non = "off"\n${template('{target}.do', 'labels = ["{lang}"]\nnotes = "{{lang}} {on}"')}`;
const handed = {
  condition: { value: 'yes', op: 'truthy' },
  assignee: 'w-de',
  acceptance: { text: 'in de' },
  labels: ['Go', 'l-de', '{lang}'],
  metadata: { tongue: 'de' },
  gates: [{ type: 'mail', await: 'de' }],
};

test.each([
  step('s', `${TEXTS}\nexpand = "tdd"\nexpand_vars = { lang = "Go", on = "no" }`),
  `${step('s', TEXTS)}[[compose.expand]]\ntarget = "s"\nwith = "tdd"\nvars = { lang = "Go", on = "no" }\n`,
])('texts that an expanded step hands down are filled in where they were written: %j', (x) => {
  const result = cookAmong({ x: VARS + x, tdd: TDD });
  expect(result).toMatchObject({ ok: true, warnings: [] });
  const [only] = result.ok ? result.protomolecule.steps : [];
  expect(only).toMatchObject({ id: 's.do', ...handed });
  expect(only?.description).toContain('Go no');
});

const OUTER = (more: string, env = '') =>
  `type = "expansion"\n${template('{target}.env', env)}${template('{target}.work', `expand = "inner"\n${more}`)}`;
const INNER = `type = "expansion"\n${template('{target}.env')}${template('{target}.a', 'needs = ["{target}.env"]')}`;
const inTwo = (more: string, env = '') =>
  cookedAmong({ x: step('db', 'expand = "outer"'), outer: OUTER(more, env), inner: INNER }).steps;

test('the target of a template is its own, not that of the template in its place', () => {
  const scoped = inTwo('metadata = { "gc.scope_ref" = "{target}.env" }', 'metadata = { "gc.kind" = "scope" }');
  expect(scoped.map(({ id, scope }) => [id, scope?.of])).toEqual([
    ['db.work.env', 'db.env'],
    ['db.work.a', 'db.env'],
    ['db.env', undefined],
  ]);
  const [, first] = inTwo(
    'needs = ["{target}.env"]\nlabels = ["{target}"]\ngate = { type = "condition", condition = "{target}.env.output.ok == true" }\ncondition = "{{steps.{target}.env.output.ok}} == {target}"',
  );
  expect(first).toMatchObject({
    id: 'db.work.env',
    labels: ['db'],
    gates: [{ await: 'db.env.output.ok == true' }],
    condition: { value: '{{steps.db.env.output.ok}}', against: 'db' },
  });
});

test('what a loop hands down names steps around it, not those of its body, and may have its variable', () => {
  const loop = `${step('lp', 'needs = ["x"]\ncondition = "{{steps.x.output.ok}}"\nassignee = "w{i}"')}[steps.loop]\nrange = "1..2"\nvar = "i"\n${step('x', '', 'steps.loop.body')}`;
  const { steps } = cookedAmong({ x: step('x') + loop });
  expect(graphOf({ steps })).toEqual(['x', 'lp.iter1.x needs x', 'lp.iter2.x needs lp.iter1.x']);
  expect(steps.slice(1)).toMatchObject([
    { condition: { value: '{{steps.x.output.ok}}' }, assignee: 'w1' },
    { condition: { value: '{{steps.x.output.ok}}' }, assignee: 'w2' },
  ]);
});

test('a step that advice puts beside one of a scope is in the scope that this one names', () => {
  const e = `type = "expansion"\n${template('{target}', 'metadata = { "gc.kind" = "scope" }')}${template('{target}.a', 'metadata = { "gc.scope_ref" = "{target}" }')}`;
  const near = 'type = "aspect"\n[vars]\ntarget = "else"\n[[advice]]\ntarget = "s.a"\nafter = { id = "post" }\n';
  const { steps } = cookedAmong({ x: `${step('s', 'expand = "e"')}[compose]\naspects = ["near"]\n`, e, near });
  expect(steps.map(({ id, scope }) => [id, scope?.of])).toEqual([
    ['s.a', 's'],
    ['post', 's'],
    ['s', undefined],
  ]);
});
