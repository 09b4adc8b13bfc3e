/** What stands in place of a step, of a loop or of a bonded formula does all that was written, or is refused. */
import { expect, test } from 'vitest';
import type { Protomolecule } from '../../src/town/protomolecule.js';
import { cookedAmong, cooked, graphOf, problemsAmong, problemsOf, step } from '../support/formula.js';

const child = (id: string, more = '', table = 'steps') => step(id, more, `${table}.children`);
const loop = (more: string) => `${step('l', more)}[steps.loop]\ncount = 2\n`;
const inBody = (id: string, more = '') => step(id, more, 'steps.loop.body');
const TEMPLATE = 'type = "expansion"\n';
const inTemplate = (id: string, more = '') => step(`{target}.${id}`, more, 'template');

test('whoever needs a child of a group does not stand for the group', () => {
  const group = inBody('b') + child('b1', '', 'steps.loop.body') + child('b2', '', 'steps.loop.body');
  const body = `${loop('')}${group}${inBody('c', 'needs = ["b1"]')}${step('after', 'needs = ["l"]')}`;
  const graph = graphOf(cooked(body));
  expect(graph).toContain('after needs l.iter2.b, l.iter2.c');
  expect(graph).toContain('l.iter2.b needs l.iter1.b, l.iter1.c');
  const any = body.replace('needs = ["b1"]', 'needs = ["b"]\nwaits_for = "any-children"');
  expect(graphOf(cooked(any))).toContain('after needs l.iter2.b, l.iter2.c');
  const whole = body.replace('needs = ["b1"]', 'needs = ["b"]');
  expect(graphOf(cooked(whole))).toContain('after needs l.iter2.c');
});

test('a loop over the output of a step that gives way to a template is refused, not lost', () => {
  const x = `${step('s', 'expand = "ex"')}${step('e')}[steps.loop]\nfor_each = "s.output.l"\n${inBody('w')}`;
  expect(problemsAmong({ x, ex: TEMPLATE + inTemplate('a') })).toEqual([
    expect.stringContaining('the loop is over the output of "s", which gives way to a template'),
  ]);
});

test('acceptance does not fall to a group, which nobody works', () => {
  const ex = `${TEMPLATE}${inTemplate('g')}${child('{target}.c', '', 'template')}`;
  const x = step('a', 'acceptance = "done"\nexpand = "ex"');
  expect(problemsAmong({ x, ex })).toEqual([
    expect.stringContaining('the acceptance of "a" falls to "a.g", which is not worked itself'),
  ]);
});

test('who works it and how urgent it is reaches the children of a group', () => {
  const more = 'assignee = "Ada"\nagent = "human"\npriority = 0';
  const { steps } = cooked(`${loop(more)}${inBody('g')}${child('c', '', 'steps.loop.body')}`);
  expect(steps.find(({ id }) => id === 'l.iter1.c')).toMatchObject({ assignee: 'Ada', agent: 'human', priority: 0 });
});

const gateOn = (condition: string) => `gate = { type = "condition", await = "${condition}" }`;
const survey = `${step('survey')}[steps.on_complete]\nfor_each = "output.items"\nbond = "work"\n`;

test('gates of a bonded workflow ask for its own steps', () => {
  const work = `${step('a')}${step('b', gateOn('a.status == complete'))}`;
  const added = cookedAmong({ x: survey, work }).steps[0]?.fanOut?.steps[1];
  expect(added?.gates).toMatchObject([{ await: "survey.item.{n}.a.status == 'complete'" }]);
});

/** An expansion whose last step waits for a condition, and what it is cooked to where it is bonded. */
const arm = (condition: string) =>
  `${TEMPLATE}${inTemplate('a')}${child('{target}.c', '', 'template')}${inTemplate('b', gateOn(condition))}`;

const awaited = (condition: string) =>
  cookedAmong({ x: survey, work: arm(condition) }).steps[0]?.fanOut?.steps[2]?.gates?.[0]?.await;

test('gates of a bonded expansion ask for its own steps', () => {
  expect(awaited('{target}.c.status == complete')).toBe('survey.item.{n}.c.status == complete');
  expect(awaited('children( {target}.a ).all(status == complete)')).toBe(
    'children( survey.item.{n}.a ).all(status == complete)',
  );
  const far = '{target}.'.repeat(5);
  for (const wrong of [
    '{target}.d.status == complete',
    '{target}.b',
    '{target}.c.output.x ~ 1',
    `${far}.status == done`,
  ])
    expect(problemsAmong({ x: survey, work: arm(wrong) }).join()).toMatch(/survey\.item\.\{n\}(?!.*[\uE000\uE001])/);
});

test('the agent of a bonded formula, and of an expansion, works its steps', () => {
  const work = `agent = "human"\n${step('a')}${step('b', 'agent = "script"')}`;
  const added = cookedAmong({ x: `agent = "anthropic"\n${survey}`, work }).steps[0]?.fanOut?.steps;
  expect(added?.map(({ agent }) => agent)).toEqual(['human', 'script']);
  const ex = `agent = "human"\n${TEMPLATE}${inTemplate('a')}`;
  expect(cookedAmong({ x: step('s', 'expand = "ex"'), ex }).steps[0]?.agent).toBe('human');
  expect(cookedAmong({ x: step('s', 'agent = "script"\nexpand = "ex"'), ex }).steps[0]?.agent).toBe('script');
});

test('what an expansion or an aspect would do to a whole formula is refused where it is used', () => {
  const gate = '[[compose.gate]]\nbefore = "main.a"\ncondition = "main.status == complete"\n';
  const ex = `${TEMPLATE}${inTemplate('a')}${gate}`;
  expect(problemsAmong({ x: step('s', 'expand = "ex"'), ex })).toEqual([
    expect.stringContaining('"ex" has gate, which would not be applied where it is used'),
  ]);
  const sec = `type = "aspect"\n[[advice]]\ntarget = "*"\n[advice.before]\nid = "{step.id}-look"\ntitle = "Look"\n[[compose.branch]]\nfrom = "a"\nsteps = ["b"]\njoin = "c"\n`;
  expect(problemsAmong({ x: `[compose]\naspects = ["sec"]\n${step('s')}`, sec })).toEqual([
    expect.stringContaining('"sec" has branch, which would not be applied where it is used'),
  ]);
});

test('a loop over the output of a group is refused: it leaves none', () => {
  const x = `${step('g')}${child('c')}${step('e')}[steps.loop]\nfor_each = "g.output.l"\n${inBody('w')}`;
  expect(problemsOf(x)).toEqual([
    expect.stringContaining('the loop is over the output of "g", which is not worked and leaves none'),
  ]);
});

test('a loop in the body of another is over the output of a step there', () => {
  const each = (of: string) =>
    `${inBody('e')}[steps.loop.body.loop]\nfor_each = "${of}.output.l"\nbody = [{ id = "w", title = "W" }]\n`;
  const once = loop('').replace('count = 2', 'count = 1');
  expect(problemsOf(`${step('s')}${once}${each('s')}`)).toEqual([
    expect.stringContaining('the loop stands in the body of another, and "s" does not'),
  ]);
  expect(graphOf(cooked(`${once}${inBody('f')}${each('f')}`))).toEqual(['l.iter1.f']);
});

const over = (id: string, of: string, more = '', body = inBody('m')) =>
  `${step(id, more)}[steps.loop]\nfor_each = "${of}.output.l"\n${body}`;
const addedBy = (steps: Protomolecule['steps'], id: string) =>
  graphOf({ steps: steps.find((one) => one.id === id)?.fanOut?.steps ?? [] });

test('whoever needs a loop over an output waits for what the loop needs, if the list is empty too', () => {
  const x = step('s') + step('other') + over('e', 's', 'needs = ["other"]') + step('z', 'needs = ["e"]');
  expect(graphOf(cooked(x))).toContain('z needs s, other');
  const post = '[[advice]]\ntarget = "other"\nafter = { id = "{step.id}.post" }\n';
  expect(graphOf(cooked(x + post))).toContain('z needs s, other.post');
  const ex = TEMPLATE + inTemplate('a');
  const expanded = cookedAmong({ x: `${x}[[compose.expand]]\ntarget = "other"\nwith = "ex"\n`, ex });
  expect(graphOf(expanded)).toContain('z needs s, other.a');
  const chained = x + step('t') + over('f', 't', 'needs = ["e"]');
  expect(addedBy(cooked(chained).steps, 't')).toEqual(['f.item.{n}.m needs s, other']);
  expect(problemsOf(x.replace('"other"]', '"z"]')).join()).toContain('the needs go in a circle: z → what s adds → z');
});

test('what a loop over an output adds waits for all of another loop that its body needs', () => {
  const other = `${loop('')}${inBody('b')}${inBody('c')}`;
  const x = step('s') + other + over('e', 's', '', inBody('m', 'needs = ["l"]'));
  expect(addedBy(cooked(x).steps, 's')).toEqual(['e.item.{n}.m needs l.iter2.b, l.iter2.c']);
  const first = `${other}${over('e', 'l.iter2.b', 'needs = ["l"]')}`;
  expect(addedBy(cooked(first).steps, 'l.iter2.b')).toEqual(['e.item.{n}.m needs l.iter2.b, l.iter2.c']);
});

const overInTemplate = (of: string, more = '') =>
  `${inTemplate('lp', more)}[template.loop]\nfor_each = "${of}.output.l"\n${step('m', '', 'template.loop.body')}`;
const WORK = 'agent = "human"\npriority = 0\nlabels = ["x"]\n';
const HELD = `${WORK}condition = "{{steps.other.output.ok}}"\ngate = { type = "human" }\nneeds = ["other"]\n`;

test('a loop over an output in a template stands where the step stood', () => {
  const x = step('s') + step('other') + step('e', `${HELD}expand = "ex"`) + step('z', 'needs = ["e"]');
  const { steps } = cookedAmong({ x, ex: TEMPLATE + inTemplate('a') + overInTemplate('s') });
  expect(graphOf({ steps })).toEqual(['s', 'other', 'e.a needs other', 'z needs e.a, s, other']);
  expect(steps[0]?.fanOut?.steps).toMatchObject([
    { needs: ['other'], agent: 'human', priority: 0, labels: ['x'], gates: [{ type: 'human' }] },
  ]);
  expect(steps[0]?.fanOut?.steps[0]?.condition?.value).toBe('{{steps.other.output.ok}}');
  const alone = cookedAmong({ x, ex: TEMPLATE + overInTemplate('s') });
  expect(graphOf(alone)).toEqual(['s', 'other', 'z needs s, other']);
  const own = cookedAmong({ x, ex: TEMPLATE + inTemplate('a') + overInTemplate('{target}.a') });
  expect(graphOf(own)).toContain('z needs e.a');
  expect(own.steps[2]?.fanOut?.steps).toMatchObject([{ needs: [], agent: 'human', condition: {} }]);
  expect(own.steps[2]?.fanOut?.steps[0]).not.toHaveProperty('gates');
});

test('a loop over an output in the body of another has what that hands down, and is waited for with it', () => {
  const inner = '[steps.loop.body.loop]\nfor_each = "b.output.l"\nbody = [{ id = "m", title = "M" }]\n';
  const body = inBody('b') + inBody('c', 'needs = ["other"]') + inner;
  const { steps } = cooked(`${step('other')}${loop(WORK)}${body}${step('z', 'needs = ["l"]')}`);
  expect(steps[1]?.fanOut?.steps).toMatchObject([{ agent: 'human', priority: 0, labels: ['x'], needs: ['other'] }]);
  expect(graphOf({ steps })).toContain('l.iter2.b needs l.iter1.b, other');
  expect(graphOf({ steps })).toContain('z needs l.iter2.b, other');
});

test('what a loop in a template adds is in the group, the iteration and under the acceptance of the step, or is refused', () => {
  const ex = TEMPLATE + inTemplate('a') + overInTemplate('s');
  expect(problemsAmong({ x: step('s') + step('g') + child('e', 'expand = "ex"'), ex })).toEqual([
    expect.stringContaining('the loop stands in the group "g", and "s" does not'),
  ]);
  const once = loop('').replace('count = 2', 'count = 1');
  expect(problemsAmong({ x: step('s') + once + inBody('e', 'expand = "ex"'), ex })).toEqual([
    expect.stringContaining('the loop stands in the body of another, and "s" does not'),
  ]);
  const done = step('s') + step('e', 'acceptance = "done"\nexpand = "ex"');
  expect(problemsAmong({ x: done, ex })).toEqual([
    expect.stringContaining('the acceptance of "e" would not hold for what its last loop adds, "e.lp"'),
  ]);
  expect(problemsAmong({ x: done, ex: ex + inTemplate('b', 'needs = ["{target}.lp"]') })).toEqual([]);
});

const OK = '{{steps.other.output.ok}}';

test('what a loop over an output adds may read what it waits for, itself or through others', () => {
  const reading = (more: string, body: string) => step('s') + step('other') + over('e', 's', more, body);
  const reads = (more = '') => inBody('m', `${more}notes = "${OK}"`);
  const needs = 'needs = ["other"]\n';
  expect(addedBy(cooked(reading(needs, reads())).steps, 's')).toEqual(['e.item.{n}.m needs other']);
  expect(problemsOf(reading('', inBody('k', needs) + reads('needs = ["k"]\n')))).toEqual([]);
  const behind = `${step('b', needs)}${reading('needs = ["b"]\n', reads())}`;
  expect(problemsOf(behind)).toEqual([]);
  expect(problemsOf(reading('', inBody('k', needs) + reads()))).toEqual([
    'x.toml:24:10 · step "e.item.{n}.m": {{steps.other.output.ok}} is of "other", which need not be over before (write needs = ["other"])',
  ]);
  const last = `${step('s')}${loop('')}${inBody('b')}${over('e', 's', 'needs = ["l"]', inBody('m', 'notes = "{{steps.l.summary}}"'))}`;
  expect(cooked(last).steps[0]?.fanOut?.steps[0]?.description).toContain('{{steps.l.iter2.b.summary}}');
});

const repeated = (until: string, body: string, more = '') =>
  `${step('l', more)}[steps.loop]\nmax = 2\nuntil = "${until}"\n${body}`;

const after = (target: string, more = '') =>
  `[[advice]]\ntarget = "${target}"\nafter = { id = "{step.id}.post"${more} }\n`;

test('the last step of a body is the one that its author has written last, whatever advice puts behind it', () => {
  const x = repeated('output.ok == true', inBody('a') + inBody('b', 'needs = ["a"]'));
  const sec = `type = "aspect"\n${after('*')}`;
  const ex = TEMPLATE + inTemplate('a') + inTemplate('b', 'needs = ["{target}.a"]');
  const until = (bodies: Readonly<Record<string, string>>) => cookedAmong({ sec, ex, ...bodies }).loops?.[0]?.until;
  const own = 'l.iter1.b.output.ok == true';
  expect(until({ x: x + after('l.iter1.b') })).toBe(own);
  expect(until({ x: x + after('*', ', title = "P", expand = "ex"') })).toBe(own);
  expect(until({ x: `[compose]\naspects = ["sec"]\n${x}` })).toBe(own);
  const expanded = x.replace('needs = ["a"]', 'needs = ["a"]\nexpand = "ex"');
  expect(until({ x: expanded + after('l.iter1.b') })).toBe('l.iter1.b.b.output.ok == true');
});

test('a loop until a step behind it is done never ends, and is refused', () => {
  const behind = (until: string) =>
    repeated(until, inBody('b'), 'needs = ["c"]') + step('v', 'needs = ["l"]') + step('w', 'needs = ["v"]') + step('c');
  expect(problemsOf(behind('w.status == complete'))).toEqual([
    'x.toml:8:1 · step "l": the loop waits for itself, l → w → v → l: "w.status == complete" is of "w", which waits for the loop',
  ]);
  expect(problemsOf(behind("v.output.ok != ''"))).toHaveLength(1);
  for (const until of ['c.status == complete', 'w.status == pending', 'b.status == complete', "b.output.x != ''"])
    expect(problemsOf(behind(until))).toEqual([]);
  const group =
    step('g') + child('l') + '[steps.children.loop]\nmax = 2\nuntil = "children(g).all(status == complete)"\n';
  expect(problemsOf(group + step('b', '', 'steps.children.loop.body'))).toEqual([
    expect.stringContaining('the loop waits for itself, l → g → l'),
  ]);
  const gated =
    repeated('v.status == complete', inBody('b')) +
    step('v', gateOn('z.status == complete')) +
    step('z', 'needs = ["l"]');
  expect(problemsOf(gated).join()).toContain('goes in a circle, v → z → l → v');
});

const waitingFor = (condition: string) => step('a', gateOn(condition));

test('a gate on an output that is not empty waits for the close of its step', () => {
  expect(problemsOf(waitingFor("b.output.x != ''") + step('b', 'needs = ["a"]'))).toEqual([
    expect.stringContaining('the gate goes in a circle'),
  ]);
  expect(problemsOf(waitingFor("b.output.x == ''") + step('b', 'needs = ["a"]'))).toEqual([]);
});

test('no children is as none written', () => {
  expect(graphOf(cooked(step('a', 'run = "true"\nchildren = []')))).toEqual(['a']);
});
