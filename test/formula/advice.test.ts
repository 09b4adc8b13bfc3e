import { expect, test } from 'vitest';
import { printProblem } from '../../src/formula/problem.js';
import {
  cookAmong,
  cooked,
  cookedAmong,
  cookText,
  graphOf,
  problemsAmong,
  problemsOf,
  step,
  warningsOf,
} from '../support/formula.js';

const cut = (pointcut: string) =>
  graphOf(
    cooked(
      `${step('a', 'type = "bug"')}${step('b', 'type = "bug"\nlabels = ["l"]')}[[pointcuts]]\n${pointcut}\n[[advice]]\nafter = { id = "{step.id}-log" }\n`,
    ),
  ).length;

const CHAIN = step('plan') + step('build', 'needs = ["plan"]') + step('ship', 'needs = ["build"]');

test('steps before need what the target needs, steps after are needed by who needs the target', () => {
  const advice = `[[advice]]\ntarget = "build"\n[advice.before]\nid = "pre-{step.id}"\ntitle = "Before {step.title}"\n[advice.after]\nid = "post-{step.id}"\n`;
  const proto = cooked(CHAIN + advice);
  expect(graphOf(proto)).toEqual([
    'plan',
    'pre-build needs plan',
    'build needs pre-build, plan',
    'post-build needs build',
    'ship needs post-build',
  ]);
  expect(proto.steps.map(({ title }) => title)).toEqual(['PLAN', 'Before BUILD', 'BUILD', 'post-build', 'SHIP']);
});

test('around is both, in chains, and several rules go one after the other', () => {
  const advice = `[[advice]]\ntarget = "plan"\n[[advice.around.before]]\nid = "b1"\n[[advice.around.before]]\nid = "b2"\n[[advice.around.after]]\nid = "a1"\n[[advice.around.after]]\nid = "a2"\n[[advice]]\ntarget = "p*"\nafter = { id = "z" }\n`;
  expect(graphOf(cooked(CHAIN + advice))).toEqual([
    'b1',
    'b2 needs b1',
    'plan needs b2',
    'a1 needs plan',
    'a2 needs a1',
    'z needs a2',
    'build needs z',
    'ship needs build',
  ]);
});

test('aspects go to the steps of others, and the second finds what the first brought', () => {
  const guard = `type = "aspect"\n[[advice]]\ntarget = "plan"\nbefore = { id = "guard" }\n`;
  const log = `type = "aspect"\n[[advice]]\ntarget = "*"\nafter = { id = "{step.id}-log" }\n`;
  const x = `${step('plan')}[compose]\naspects = ["guard", "log"]\n`;
  expect(graphOf(cookedAmong({ x, guard, log }))).toEqual([
    'guard',
    'guard-log needs guard',
    'plan needs guard-log',
    'plan-log needs plan',
  ]);
});

test('advice reaches children, and stays within their group', () => {
  const text = `${step('p')}${step('k.leaf', '', 'steps.children')}${step('end', 'needs = ["p"]')}[[advice]]\ntarget = "*.leaf"\nafter = { id = "{step.id}-after" }\n`;
  const { steps } = cooked(text);
  expect(graphOf({ steps })).toEqual(['p', 'k.leaf', 'k.leaf-after needs k.leaf', 'end needs p']);
  expect(steps[2]?.parent).toBe('p');
});

test('advice without a target goes where the pointcuts say, all that is given', () => {
  expect([
    cut('type = "bug"'),
    cut('label = "l"'),
    cut('glob = "a"\ntype = "bug"'),
    cut('glob = "a"\nlabel = "l"'),
  ]).toEqual([4, 3, 3, 2]);
  expect(
    warningsOf(`${step('a')}[[pointcuts]]\nglob = "zz"\n[[advice]]\ntarget = "a"\nafter = { id = "b" }\n`),
  ).toEqual(['x.toml:6:1 · the pointcut finds no step: "zz"']);
});

test.each([
  [`${step('a')}[[advice]]\ntarget = "a"\n`, /the advice has no steps/],
  [`${step('a')}[[advice]]\nafter = { id = "b" }\n`, /the advice has no target/],
  [`${step('a')}[[advice]]\ntarget = "["\nafter = { id = "b" }\n`, /"\[" is no glob/],
  [
    `${step('a')}[[advice]]\ntarget = "a"\nafter = { id = "b", args = 1 }\n`,
    /:8:\d+ · step "b": nothing executes the key "args"/,
  ],
  [
    `${step('a')}${step('b')}[[advice]]\ntarget = "*"\nafter = { id = "same" }\n`,
    /more than one step gets the id "same"/,
  ],
  [`${step('a')}[compose]\naspects = ["x"]\n`, /"x" is no aspect but of the type workflow/],
])('%j is refused', (text, message) => {
  expect(problemsOf(text).join('\n')).toMatch(message);
});

test('an aspect by itself has no steps of its own', () => {
  const x = `type = "aspect"\n[[advice]]\ntarget = "a"\nafter = { id = "b" }\n`;
  expect(cookedAmong({ x })).toMatchObject({ type: 'aspect', steps: [] });
  expect(problemsAmong({ x: 'type = "aspect"\n' }).join()).toContain('the aspect has no advice');
});

test('who needs a loop waits for what an advice puts after its last steps', () => {
  const loop = `${step('lp')}[steps.loop]\ncount = 2\n${step('m', '', 'steps.loop.body')}`;
  const advice = `[[advice]]\ntarget = "lp.*"\nafter = { id = "{step.id}.post" }\n`;
  expect(graphOf(cooked(loop + step('end', 'needs = ["lp"]') + advice))).toEqual([
    'lp.iter1.m',
    'lp.iter1.m.post needs lp.iter1.m',
    'lp.iter2.m needs lp.iter1.m.post',
    'lp.iter2.m.post needs lp.iter2.m',
    'end needs lp.iter2.m.post',
  ]);
});

const ADVICE = (target: string) => `[[advice]]\ntarget = "${target}"\nafter = { id = "post" }\n`;

test('an advice whose target is no step is refused, one whose glob finds none is a warning', () => {
  expect(problemsOf(step('build') + ADVICE('biuld'))).toEqual([
    'x.toml:7:1 · the advice finds no step of "x": "biuld" (did you mean "build"?)',
  ]);
  expect(problemsOf(step('build') + ADVICE('nobody')).join()).toContain('are found by aspects only');
  expect(warningsOf(step('build') + ADVICE('*.deploy'))).toEqual([
    'x.toml:7:1 · the advice finds no step of "x": "*.deploy"',
  ]);
});

test('an aspect that finds no step, and what values decide, is a warning', () => {
  const x = `${step('build')}[compose]\naspects = ["look"]\n`;
  const cooked = cookAmong({ x, look: `type = "aspect"\n${ADVICE('biuld')}` });
  expect(cooked.ok && cooked.warnings.map(printProblem)).toEqual([
    'look.toml:4:1 · the advice finds no step of "x": "biuld" (did you mean "build"?)',
  ]);
  const loop = `[vars]\nlist = "a"\n${step('lp')}[steps.loop]\nfor_each = "list"\n${step('m', '', 'steps.loop.body')}`;
  expect(warningsOf(loop + ADVICE('lp.iter2.m'))).toHaveLength(1);
  const legs = ['sec', 'perf'].map((id) => step(id, '', 'legs')).join('');
  const convoy = `type = "convoy"\n${legs}[presets.quick]\nlegs = ["perf"]\n${ADVICE('sec')}`;
  expect(cookText(`formula = "x"\n${convoy}`, { preset: 'quick' }).ok).toBe(true);
  const child = problemsAmong({ x: `extends = ["gone"]\n${step('a')}${ADVICE('theirs')}` });
  expect(child).toEqual([expect.stringContaining('there is no formula "gone"')]);
});

const inScope = (role: string) => `metadata = { "gc.scope_ref" = "body", "gc.scope_role" = "${role}" }`;
const around = (target: string) =>
  `[[advice]]\ntarget = "${target}"\nbefore = { id = "pre-${target}" }\nafter = { id = "post-${target}" }\n`;

test('what stands around a step of a scope is in the scope, too, in the same role', () => {
  const body = step('body', 'metadata = { "gc.kind" = "scope" }');
  const scoped = body + step('x', inScope('member')) + step('t', inScope('teardown'));
  const proto = cooked(scoped + around('x') + around('t'));
  const roles = new Map(proto.steps.map(({ id, scope }) => [id, scope?.role]));
  for (const id of ['pre-x', 'x', 'post-x']) expect(roles.get(id)).toBe('member');
  for (const id of ['pre-t', 't', 'post-t']) expect(roles.get(id)).toBe('teardown');
  expect(graphOf(proto).find((one) => one.startsWith('body '))).toBe('body needs pre-x, x, post-x');
});

const looked = (vars: string) => `${vars}${step('build')}[compose]\naspects = ["look"]\n`;

test('the variables of an aspect hold in its advice, and one of the same name in the formula gives their value', () => {
  const look = `type = "aspect"\n[vars.who]\ndefault = "Ann"\npattern = "^[A-Z]"\n[[advice]]\ntarget = "build"\nafter = { id = "post", title = "By {{who}}", description = "For {who}" }\n`;
  const told = (vars: string, values = {}) => {
    const { title, description } = cookedAmong({ x: looked(vars), look }, values).steps[1] ?? {};
    return [title, description];
  };
  expect(told('')).toEqual(['By Ann', 'For Ann']);
  expect(told('[vars]\nwho = "Bob"\n')).toEqual(['By Bob', 'For Bob']);
  expect(told('[vars.who]\nrequired = true\n', { who: 'Cleo' })).toEqual(['By Cleo', 'For Cleo']);
  expect(problemsAmong({ x: looked('[vars]\nwho = "bob"\n'), look })).toEqual([
    expect.stringContaining('the variable "who" of "look": "bob" does not match the pattern ^[A-Z]'),
  ]);
  expect(problemsAmong({ x: looked(''), look: look.replace('default = "Ann"', 'required = true') })).toEqual([
    expect.stringContaining('"look" needs a value for its variable "who"'),
  ]);
  expect(warningsOf(`type = "aspect"\n[vars]\nwho = "Ann"\n${ADVICE('build')}`)).toEqual([]);
});

test.each(['', 'aspect'])('loops in steps that advice brings in are unrolled, in an %j', (aspect) => {
  const loop = 'loop = { count = 2, body = [{ id = "bb", title = "B {step.id}" }] }';
  const advice = `[[advice]]\ntarget = "build"\nbefore = [{ id = "w", title = "W", ${loop} }]\nafter = { id = "g", children = [{ id = "v", title = "V", ${loop} }] }\n`;
  const proto =
    aspect === ''
      ? cooked(CHAIN + advice)
      : cookedAmong({ x: `${CHAIN}[compose]\naspects = ["y"]\n`, y: `type = "aspect"\n${advice}` });
  expect(graphOf(proto)).toEqual([
    'plan',
    'w.iter1.bb needs plan',
    'w.iter2.bb needs w.iter1.bb',
    'build needs w.iter2.bb, plan',
    'g needs build',
    'v.iter1.bb',
    'v.iter2.bb needs v.iter1.bb',
    'ship needs g',
  ]);
});

test('steps that an aspect brings in are expanded, and fan out, as those of the formula', () => {
  const x = `${CHAIN}[compose]\naspects = ["y"]\n`;
  const y = `type = "aspect"\n[[advice]]\ntarget = "build"\nbefore = { id = "w", title = "W", expand = "two" }\nafter = [{ id = "list", title = "L", output = { of = ["string"] } }, { id = "all", title = "A", loop = { for_each = "list.output.of", var = "one", body = [{ id = "bb", title = "B {one}" }] } }]\n`;
  const two = `type = "expansion"\n${step('{target}.a', '', 'template')}${step('{target}.b', 'needs = ["{target}.a"]', 'template')}`;
  const proto = cookedAmong({ x, y, two });
  expect(graphOf(proto)).toEqual([
    'plan',
    'w.a needs plan',
    'w.b needs w.a',
    'build needs w.b, plan',
    'list needs build',
    'ship needs list',
  ]);
  expect(proto.steps.find(({ id }) => id === 'list')?.fanOut).toBeDefined();
});

test('a loop with until in a step that advice brings in is repeated at run time', () => {
  const loop = 'loop = { until = "output.ok == true", max = 3, body = [{ id = "bb", title = "B" }] }';
  const proto = cooked(`${CHAIN}[[advice]]\ntarget = "build"\nbefore = { id = "w", title = "W", ${loop} }\n`);
  expect(graphOf(proto).slice(0, 3)).toEqual(['plan', 'w.iter1.bb needs plan', 'build needs w.iter1.bb, plan']);
  expect(proto.loops?.map(({ id }) => id)).toEqual(['w']);
});

test('advice for the step of a loop is told where the steps of the loop are', () => {
  const body = step('b', '', 'steps.loop.body');
  const counted = `${step('l')}[steps.loop]\ncount = 2\n${body}`;
  expect(problemsOf(counted + ADVICE('l'))).toEqual([
    expect.stringContaining('"l" is a loop, whose steps stand in its place: write "l.*" for all of them, or put the'),
  ]);
  expect(problemsOf(counted + ADVICE('l.*').replace('"post"', '"{step.id}-post"'))).toEqual([]);
  const each = `${step('s')}${step('l')}[steps.loop]\nfor_each = "s.output"\n${body}`;
  expect(problemsOf(each + ADVICE('l'))).toEqual([
    expect.stringContaining('"l" is a loop over an output, whose steps no advice finds: put the advice into its body'),
  ]);
});
