import { expect, test } from 'vitest';
import { cookedAmong, graphOf, problemsAmong, step } from '../support/formula.js';

const BASE = `description = "base"\nphase = "vapor"\n[vars.who]\ndescription = "who"\ndefault = "base"\n${step('one', 'notes = "{{who}}"')}${step('two', 'needs = ["one"]')}`;

test('a child takes over what it does not say itself, and its steps stand in the places of the parent’s', () => {
  const x = `extends = ["base"]\n${step('one', 'notes = "child {{who}}"')}${step('three', 'needs = ["two"]')}`;
  const proto = cookedAmong({ x, base: BASE });
  expect(graphOf(proto)).toEqual(['one', 'two needs one', 'three needs two']);
  expect(proto).toMatchObject({ description: 'base', vapor: true, vars: { who: 'base' } });
  expect(proto.steps[0]?.description).toBe('## Notes\n\nchild base');
});

test('a variable is joined key by key: the child, then the first parent', () => {
  const x = `extends = ["base", "other"]\n[vars.who]\nenum = ["base", "b"]\n`;
  const other = `[vars.who]\ndefault = "b"\ntype = "string"\n[vars.more]\ndefault = "m"\n${step('four', 'notes = "{{more}}"')}`;
  expect(cookedAmong({ x, base: BASE, other }).vars).toEqual({ who: 'base', more: 'm' });
  expect(problemsAmong({ x, base: BASE, other }, { who: 'c' })).toEqual([
    'x.toml:3:1 · the variable "who": "c" is none of "base", "b"',
  ]);
});

test('a nested step of a parent is replaced where it stands', () => {
  const base = `${step('p')}${step('kid', '', 'steps.children')}`;
  const { steps } = cookedAmong({ x: `extends = ["base"]\n${step('kid', 'notes = "mine"')}`, base });
  expect(steps[1]).toMatchObject({ id: 'kid', parent: 'p', description: '## Notes\n\nmine' });
});

test('compose, advice and templates of a parent are not lost', () => {
  const base = `${step('one')}${step('two', 'needs = ["one"]')}[[advice]]\ntarget = "one"\nafter = { id = "log" }\n[[compose.bond_points]]\nid = "end"\nafter_step = "two"\n`;
  const x = `extends = ["base"]\n${step('l')}[[compose.branch]]\nfrom = "one"\nsteps = ["l"]\njoin = "two"\n`;
  const proto = cookedAmong({ x, base });
  expect(graphOf(proto)).toEqual(['one', 'log needs one', 'l needs log', 'two needs l, log']);
  expect(proto.bondPoints).toEqual([{ id: 'end', description: '', after: 'two', before: null }]);
  const child = cookedAmong({
    x: `extends = ["t"]\n`,
    t: `type = "expansion"\n${step('{target}.a', '', 'template')}`,
  });
  expect(child).toMatchObject({ type: 'expansion', steps: [{ id: 'main.a' }] });
});

test('pour of the child undoes the phase of the parent', () => {
  expect(cookedAmong({ x: 'extends = ["base"]\npour = true\n', base: BASE }).vapor).toBeUndefined();
});

test.each([
  [{ x: 'extends = ["bsae"]\n', base: BASE }, ['x.toml:2:12 · there is no formula "bsae" (did you mean "base"?)']],
  [
    { x: 'extends = ["a"]\n', a: 'extends = ["x"]\n' },
    ['a.toml:2:12 · the formulas extend one another in a circle: x → a → x'],
  ],
  [
    { x: 'extends = ["base", "dup"]\n', base: BASE, dup: step('one') },
    ['dup.toml:3:1 · step "one": the id "one" is already that of the step at base.toml:7'],
  ],
  [
    { x: 'extends = ["base"]\n', base: BASE.replace('needs', 'neds') },
    ['base.toml:14:1 · step "two": unknown key "neds" (did you mean "needs"?)'],
  ],
  [
    { x: 'extends = ["../base"]\n', base: BASE },
    [expect.stringContaining('"../base" must begin with a letter or digit')],
  ],
])('%j is refused, at the file and line that is wrong', (files, problems) => {
  expect(problemsAmong(files).filter((line) => !line.includes('no steps'))).toEqual(problems);
});

test('of a formula whose parent is missing only that is said', () => {
  const missing = [expect.stringContaining(':2:12 · there is no formula "gone"')];
  expect(problemsAmong({ x: 'extends = ["gone"]\n' })).toEqual(missing);
  expect(problemsAmong({ x: `extends = ["gone"]\n${step('a', 'notes = "{{what}}"')}` }, { which: 1 })).toEqual(missing);
});

test('a step of the child does not stand in for one of a loop of the parent', () => {
  const parent = `${step('lp')}[steps.loop]\ncount = 2\n${step('w', '', 'steps.loop.body')}`;
  const { steps } = cookedAmong({ x: `extends = ["p"]\n${step('w')}`, p: parent });
  expect(steps.map(({ id }) => id)).toEqual(['lp.iter1.w', 'lp.iter2.w', 'w']);
});

test('a step that two parents have from one formula is told where they are named', () => {
  const both = 'extends = ["p", "q"]\n';
  const over = 'extends = ["g"]\n';
  expect(problemsAmong({ x: both, p: over, q: over, g: step('a') + step('b', 'needs = ["a"]') })).toEqual([
    'x.toml:2:17 · the parents "p" and "q" both have the step "a" from g.toml (steps can be taken over once: extend one of the two)',
  ]);
});

const parent = (compiler: string) =>
  `version = 3\ncontract = "graph.v2"\nrequires = { formula_compiler = "${compiler}" }\n[metadata]\nteam = "a"\n[catalog]\nname = "p"\n${step('a')}`;

test('what a file says of itself is its own, and what a parent requires must be there', () => {
  expect(cookedAmong({ x: 'extends = ["p"]\n', p: parent('>=2.0.0') }).version).toBe(1);
  expect(cookedAmong({ x: 'version = 2\nextends = ["p"]\n', p: parent('>=2.0.0') }).version).toBe(2);
  expect(problemsAmong({ x: 'extends = ["p"]\n', p: parent('>=9.0.0') })).toEqual([
    'p.toml:4:14 · the formula asks for a compiler >=9.0.0, and this one has the version 2.0.0',
  ]);
});

test('an overlay is refused by name, and a formula that extends the other does what it would', () => {
  const overlay = '[[step-overrides]]\nstep_id = "lint"\nmode = "skip"\n';
  expect(problemsAmong({ x: step('lint') + overlay })).toEqual([
    expect.stringContaining(
      'nothing executes the key "step-overrides" (no overlay is put over a formula: write a formula',
    ),
  ]);
  const p = step('plan') + step('lint', 'needs = ["plan"]') + step('ship', 'needs = ["lint"]');
  const x = `extends = ["p"]\n[vars]\nlint = ""\n${step('lint', 'needs = ["plan"]\ncondition = "{{lint}}"')}`;
  const proto = cookedAmong({ x, p });
  expect(graphOf(proto)).toEqual(['plan', 'lint needs plan', 'ship needs lint']);
  expect(proto.steps[1]?.condition).toMatchObject({ value: '', op: 'truthy' });
});

test('a step that a child writes twice is told, and is not two in one', () => {
  const twice = `${step('one', 'run = "true"\nneeds = ["nowhere"]')}${step('one')}`;
  expect(problemsAmong({ x: `extends = ["base"]\n${twice}`, base: BASE })).toEqual([
    expect.stringContaining('step "one": needs unknown step "nowhere"'),
    expect.stringContaining('the id "one" is already that of the step at line'),
  ]);
  const legs = `[[legs]]\nid = "a"\ntitle = "A"\n`;
  expect(
    problemsAmong({ x: `type = "convoy"\nextends = ["base"]\n${legs}${legs}`, base: `type = "convoy"\n${legs}` }),
  ).toEqual([expect.stringContaining('the leg "a" stands twice')]);
});

test('a step of two parents that the child replaces stands once, where the first of them had it', () => {
  const x = `extends = ["base", "other"]\n${step('two', 'notes = "child"')}`;
  const { steps } = cookedAmong({ x, base: BASE, other: step('three') + step('two') });
  expect(steps.map(({ id }) => id)).toEqual(['one', 'two', 'three']);
});
