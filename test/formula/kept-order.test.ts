/** What the random compositions have found: edges and names that got lost where parts of the language stand in one another. */
import { expect, test } from 'vitest';
import { cooked, cookedAmong, graphOf, problemsOf, step } from '../support/formula.js';

const loop = (id: string, how: string, table = 'steps', more = '') =>
  `${step(id, more, table)}[${table}.loop]\n${how}\n`;
const BODY = 'steps.loop.body';
const INNER = 'steps.loop.body.loop.body';
const TEMPLATE = 'type = "expansion"\n';
const inTemplate = (id: string, more = '') => step(id, more, 'template');
const after = (target: string, id: string) => `[[advice]]\ntarget = "${target}"\nafter = { id = "{step.id}.${id}" }\n`;

test('of two loops with a variable of the same name the inner one gives the ids of its body', () => {
  const twice = 'range = "1..2"\nvar = "i"';
  const nested = loop('l', twice) + loop('in', 'range = "8..9"\nvar = "i"', BODY) + step('b{i}', '', INNER);
  const ids = ['l.iter1.in.iter1.b8', 'l.iter1.in.iter2.b9', 'l.iter2.in.iter1.b8', 'l.iter2.in.iter2.b9'];
  expect(cooked(nested).steps.map(({ id }) => id)).toEqual(ids);
  const ex = TEMPLATE + loop('{target}.t', twice, 'template') + step('b{i}', '', 'template.loop.body');
  const { steps } = cookedAmong({ x: loop('l', 'range = "5..5"\nvar = "i"') + step('s', 'expand = "ex"', BODY), ex });
  expect(steps.map(({ id }) => id)).toEqual(['l.iter1.s.t.iter1.b1', 'l.iter1.s.t.iter2.b2']);
});

const GROUP = step('a', '', BODY) + step('g', '', BODY) + step('c', 'needs = ["a"]', `${BODY}.children`);

test('what stands before a group waits for the iteration before, when all steps of the group wait for others too', () => {
  const x = `${loop('l', 'count = 2')}${GROUP}[[advice]]\ntarget = "*.g"\nbefore = { id = "{step.id}.pre" }\n`;
  expect(graphOf(cooked(x))).toContain('l.iter2.g.pre needs l.iter1.g');
});

test('such a group has no gate of the loop: its steps wait for one that has it', () => {
  const { steps } = cooked(loop('l', 'count = 1', 'steps', 'gate = { type = "human" }') + GROUP);
  expect(steps.filter(({ gates }) => gates !== undefined).map(({ id }) => id)).toEqual(['l.iter1.a']);
});

test('a need from a loop inside on what advice puts behind a step of the body waits for the advice behind that', () => {
  const inner = loop('in', 'count = 1', BODY) + step('b', 'needs = ["a.post"]', INNER);
  const sec = `type = "aspect"\n${after('*.post', 'more')}`;
  const x = `${loop('l', 'count = 1')}${step('a', '', BODY)}${inner}${after('*.a', 'post')}[compose]\naspects = ["sec"]\n`;
  expect(graphOf(cookedAmong({ x, sec }))).toContain('l.iter1.in.iter1.b needs l.iter1.a.post.more');
});

const PAIR = TEMPLATE + inTemplate('{target}') + inTemplate('{target}.more', 'needs = ["{target}"]');

test('whoever needs a step of a template that is expanded in it waits for all in its place, also where one keeps its id', () => {
  const ex = TEMPLATE + inTemplate('{target}.in', 'expand = "pair"');
  const x = step('s', 'expand = "ex"') + step('z', 'needs = ["s.in"]');
  expect(graphOf(cookedAmong({ x, ex, pair: PAIR }))).toContain('z needs s.in.more');
});

test('whoever needs a loop waits for all in the place of its last step, also where one keeps its id', () => {
  const map = '[[compose.map]]\nselect = "*.s"\nwith = "pair"\n';
  const x = loop('l', 'count = 1') + step('s', '', BODY) + step('z', 'needs = ["l"]') + map;
  expect(graphOf(cookedAmong({ x, pair: PAIR }))).toContain('z needs l.iter1.s.more');
});

test('whoever needs a loop over the output of a step of a template does not wait for the rest of the template', () => {
  const each = `${step('{target}.e', '', 'template')}[template.loop]\nfor_each = "{target}.output.l"\n`;
  const ex = `${TEMPLATE}${inTemplate('{target}')}${inTemplate('{target}.b')}${each}${step('w', '', 'template.loop.body')}`;
  expect(graphOf(cookedAmong({ x: step('s', 'expand = "ex"') + step('z', 'needs = ["s.e"]'), ex }))).toContain(
    'z needs s',
  );
});

test('an iteration waits for what a loop over an output needs in the one before, be it of a template and advice about', () => {
  const each = loop('e', 'for_each = "s.output.l"', BODY, 'needs = ["o.more"]') + step('w', '', INNER);
  const map = '[[compose.map]]\nselect = "[o]"\nwith = "pair"\n';
  const x = loop('l', 'count = 2') + step('s', '', BODY) + each + step('o') + step('p') + after('p', 'post') + map;
  expect(graphOf(cookedAmong({ x, pair: PAIR }))).toContain('l.iter2.s needs l.iter1.s, o.more');
});

test('a loop over an output that needs itself is refused', () => {
  const x = step('s') + loop('e', 'for_each = "s.output.l"', 'steps', 'needs = ["e"]') + step('w', '', BODY);
  expect(problemsOf(x)).toEqual([expect.stringContaining('step "e": needs itself')]);
});

test('a loop over an output in the body of a loop goes in a circle through what advice puts behind the step of the list', () => {
  const each = loop('e', 'for_each = "s.output.l"', BODY, 'needs = ["s.post"]') + step('w', '', INNER);
  const x = loop('l', 'count = 1') + step('s', '', BODY) + each + after('*.s', 'post');
  expect(problemsOf(x)).toEqual([expect.stringContaining('l.iter1.s.post → what l.iter1.s adds → l.iter1.s.post')]);
});

test('a loop over an output in a template means by {target} the step of the template, and not all in its place', () => {
  const table = 'template.loop.body';
  const each =
    loop('e', 'for_each = "s.output.l"', table, 'needs = ["{target}"]') + step('w', '', `${table}.loop.body`);
  const ex = `${TEMPLATE}${inTemplate('{target}')}${loop('{target}.l', 'count = 1', 'template')}${step('s', '', table)}${each}${step('t', '', table)}`;
  const { steps } = cookedAmong({ x: step('x', 'expand = "ex"') + step('z', 'needs = ["x"]'), ex });
  expect(steps.flatMap(({ fanOut }) => fanOut?.steps.map(({ needs }) => needs) ?? [])).toEqual([['x']]);
  expect(steps.at(-1)).toMatchObject({ id: 'z', needs: expect.arrayContaining(['x', 'x.l.iter1.s', 'x.l.iter1.t']) });
});

test('whoever needs a loop waits for what stands in a step of a template in it that gave way once more', () => {
  const ex = `${TEMPLATE}${inTemplate('{target}.in')}${inTemplate('{target}')}`;
  const map = '[[compose.map]]\nselect = "*.s.in"\nwith = "ex"\n';
  const x = `${loop('l', 'count = 1')}${step('s', 'expand = "ex"', BODY)}${step('z', 'needs = ["l"]')}${map}`;
  expect(
    cookedAmong({ x, ex })
      .steps.find(({ id }) => id === 'z')
      ?.needs.toSorted(),
  ).toEqual(['l.iter1.s', 'l.iter1.s.in', 'l.iter1.s.in.in']);
});

const added = (text: string) =>
  cooked(text).steps.flatMap(({ fanOut }) => fanOut?.steps.map(({ id, needs }) => [id, needs]) ?? []);

test('a need from the body of a loop over an output on another such loop is on no step of the body, whatever that is called', () => {
  const body = step('w', 'needs = ["f"]', BODY) + step('t', '', BODY);
  const x = `${step('s')}${step('t')}${loop('e', 'for_each = "s.output.l"')}${body}${loop('f', 'for_each = "t.output.l"')}${step('v', '', BODY)}`;
  const [w] = added(x);
  expect(w).toEqual(['e.item.{n}.w', ['t']]);
  expect(added(x + after('s', 'post'))[0]).toEqual(w);
});

test('nor is one from the body of a loop that is unrolled', () => {
  const body = step('w', 'needs = ["f"]', BODY) + step('t', '', BODY);
  const x = `${step('s')}${step('t')}${loop('l', 'count = 1')}${body}${loop('f', 'for_each = "t.output.l"')}${step('v', '', BODY)}`;
  expect(graphOf(cooked(x))).toContain('l.iter1.w needs t');
  expect(graphOf(cooked(x + after('s', 'post')))).toContain('l.iter1.w needs t');
});

const child = (id: string, more = '') => step(id, more, 'template.children');

test('so does a loop over an output know it in a template that stands in another', () => {
  const each = `${child('{target}.e', 'needs = ["{target}"]')}[template.children.loop]\nfor_each = "{target}.s.output.l"\n`;
  const inner = `${TEMPLATE}${inTemplate('{target}.g')}${child('{target}.s')}${each}${step('w', '', 'template.children.loop.body')}${inTemplate('{target}')}`;
  const outer = `${TEMPLATE}${inTemplate('{target}.in', 'expand = "inner"')}${inTemplate('{target}.last')}`;
  const { steps } = cookedAmong({ x: step('x', 'expand = "outer"'), outer, inner });
  expect(steps.flatMap(({ fanOut }) => fanOut?.steps.map(({ needs }) => needs) ?? [])).toEqual([['x.in']]);
});

test('a need on what comes into being in its own iteration is on no step of the same name outside, also where both give way', () => {
  const ex = `${TEMPLATE}${inTemplate('{target}.in')}`;
  const sec = `type = "aspect"\n[[advice]]\ntarget = "*s"\nafter = { id = "{step.id}.post", expand = "ex" }\n`;
  const body = step('s', '', BODY) + step('w', 'needs = ["s.post"]', BODY);
  const x = `${step('s')}${loop('l', 'count = 1')}${body}[compose]\naspects = ["sec"]\n`;
  expect(graphOf(cookedAmong({ x, ex, sec }))).toContain('l.iter1.w needs l.iter1.s.post.in');
});
