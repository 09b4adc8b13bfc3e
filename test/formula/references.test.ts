/** What a step, a gate or a loop asks of another: it must be there to be asked for, and over when it is read. */
import { expect, test } from 'vitest';
import { cooked, cookText, problemsOf, step, warningsOf } from '../support/formula.js';

const child = (id: string, more = '') => step(id, more, 'steps.children');
const inBody = (id: string, more = '', table = 'steps.loop.body') => step(id, more, table);
const gate = (condition: string) => `gate = { type = "condition", await = "${condition}" }`;
const GROUP = step('g') + child('k') + child('m');
const SCOPE = `${step('g', 'metadata = { gc.kind = "scope" }')}${step('k', 'metadata = { gc.scope_ref = "g" }')}`;
const loopOver = (list: string) => `${step('g')}[steps.loop]\nfor_each = ${list}\n${inBody('b')}`;

const awaiting = (id: string) => step('a', `needs = ["b"]\ngate = { type = "mail", await = "{{steps.${id}.output}}" }`);

const SILENT: readonly (readonly [what: string, steps: string, why: string])[] = [
  [
    'a group',
    GROUP,
    'it has children, and is not worked itself (name the one of its children that leaves it: "k", "m")',
  ],
  [
    'the body of a scope',
    SCOPE,
    'it is the body of a scope, and is not worked itself (name the one of its members that leaves it)',
  ],
  [
    'a loop over nothing',
    loopOver('[]'),
    'it is a loop, and the list that it goes round over is empty (give the list an entry, or ask a step before the loop)',
  ],
];

test.each(SILENT)('the output of %s, which never comes, is refused wherever it is asked for', (_what, of, why) => {
  const asking = [
    'notes = "{{steps.g.output.x}}"',
    'condition = "{{steps.g.output.x}} == 1"',
    gate('g.output.x == 1'),
    'gate = { type = "mail", await = "{{steps.g.output.x}}" }',
  ];
  for (const more of asking)
    expect(problemsOf(of + step('a', `needs = ["g"]\n${more}`))).toEqual([
      expect.stringContaining(`step "a": the step "g" never leaves an output: ${why}`),
    ]);
});

test('a loop cannot end by the output of a group', () => {
  const body = inBody('b') + step('c', '', 'steps.loop.body.children');
  for (const until of ['output.ok == true', 'b.output.ok == true'])
    expect(problemsOf(`${step('l')}[steps.loop]\nmax = 2\nuntil = "${until}"\n${body}`)).toEqual([
      expect.stringContaining('x.toml:8:10 · step "l": the step "l.iter1.b" never leaves an output: it has children'),
    ]);
});

test('a group has a summary, and a list that is empty by its default may yet be given', () => {
  expect(problemsOf(`${GROUP}${step('a', 'needs = ["g"]\nnotes = "{{steps.g.summary}}"')}`)).toEqual([]);
  const listed = `[vars]\nfiles = ""\n${loopOver('"files"')}${step('a', 'needs = ["g"]\nnotes = "{{steps.g.output}}"')}`;
  expect(cookText(`formula = "x"\n${listed}`)).toMatchObject({ ok: false, onlyValues: true });
  expect(cooked(listed, { files: 'one' }).steps).toHaveLength(2);
});

test('what is asked of all children must be there, and what is asked of any in one of them', () => {
  const nested = `${step('g')}${child('k')}${child('h')}${step('i', '', 'steps.children.children')}`;
  const problems = (condition: string) => problemsOf(nested + step('a', gate(condition)));
  const never = [expect.stringContaining('step "a": the step "h" never leaves an output: it has children')];
  expect(problems('children(g).all(output.ok == true)')).toEqual(never);
  expect(problems('descendants(g).all(output.ok == true)')).toEqual(never);
  expect(problems('children(g).any(output.ok == true)')).toEqual([]);
  expect(problems('children(g).all(output.ok != false)')).toEqual([]);
  const only = `${step('g')}${child('h')}${step('i', '', 'steps.children.children')}`;
  expect(problemsOf(only + step('a', gate('children(g).any(output.ok == true)')))).toEqual(never);
  expect(problemsOf(only + step('a', gate('descendants(g).any(output.ok == true)')))).toEqual([]);
});

test('no output is put into a condition', () => {
  for (const condition of ['b.output.n == {{steps.b.output.m}}', "file.exists('{{steps.b.output.path}}')"])
    expect(problemsOf(step('b') + step('a', `needs = ["b"]\n${gate(condition)}`))).toEqual([
      expect.stringContaining('is asked as it is written: no output is put into it (name an output without braces'),
    ]);
});

test('what a gate awaits may be an output of a step before, and of no other', () => {
  expect(problemsOf(step('b') + step('c') + awaiting('b'))).toEqual([]);
  expect(problemsOf(step('b') + step('c') + awaiting('c')).join()).toContain('which need not be over before');
  expect(problemsOf(step('b') + step('c') + awaiting('d')).join()).toContain('names unknown step "d"');
});

test('behind any of the children none of them is certain to be over, but what came before them all', () => {
  const any = `${step('p')}${step('g', 'needs = ["p"]')}${child('k')}${child('m')}${step('a', 'needs = ["g"]\nwaits_for = "any-children"')}`;
  const behind = (text: string) => problemsOf(`${any}${step('b', `needs = ["a"]\nnotes = "${text}"`)}`);
  expect(behind('{{steps.p.output}} {{steps.a.output}}')).toEqual([]);
  expect(behind('{{steps.k.output}}')).toEqual([
    expect.stringContaining('{{steps.k.output}} is of "k", which need not be over before (write needs = ["k"])'),
  ]);
  expect(behind('{{steps.g.summary}}').join()).toContain('is of "g", which need not be over before');
  const direct = any.replace('waits_for', 'notes = "{{steps.g.summary}}"\nwaits_for');
  expect(problemsOf(direct).join()).toContain('which need not be over before (write waits_for = "all-children")');
  expect(problemsOf(any.replace('waits_for', 'notes = "{{steps.k.output}}"\nwaits_for')).join()).toContain('is of "k"');
});

test('a step that fans out is over when the first step that it adds is', () => {
  const survey = `${step('s', 'output = { l = ["string"] }')}${step('e')}[steps.loop]\nfor_each = "s.output.l"\n${inBody('w')}`;
  const any = step('a', 'needs = ["s"]\nwaits_for = "any-children"\nnotes = "{{steps.s.output.l}}"');
  expect(problemsOf(survey + any)).toEqual([]);
});

test('a step in a group does not read what the group leaves', () => {
  expect(problemsOf(step('g') + child('k', 'notes = "{{steps.g.summary}}"'))).toEqual([
    expect.stringContaining('is of the group "g", which is over after the steps in it (name a step in it)'),
  ]);
});

test('names with a dot in double braces are text, and what is around the step is said to stand in single ones', () => {
  const advice = `[[advice]]\ntarget = "a"\nbefore = { id = "pre-{step.id}", title = "{{step.title}} of {step.title}" }\n`;
  expect(cooked(step('a') + advice).steps[0]?.title).toBe('{{step.title}} of A');
  expect(warningsOf(step('a') + advice)).toEqual([
    expect.stringContaining('{{step.title}} stays as it is (write {step.title})'),
  ]);
  const each = `${step('s')}${step('e')}[steps.loop]\nfor_each = "s.output.l"\nvar = "it"\n`;
  const body = step('w', 'notes = "{{it.name}} {it.name} {{other.thing}}"', 'steps.loop.body');
  expect(cooked(each + body).steps[0]?.fanOut?.steps[0]?.description).toContain(
    '{{it.name}} {item.name} {{other.thing}}',
  );
  expect(warningsOf(each + body)).toHaveLength(1);
});
