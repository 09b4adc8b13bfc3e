/** What a step says and nothing would do, because others stand in its place or it is not worked itself. */
import { expect, test } from 'vitest';
import { cookedAmong, problemsAmong, problemsOf, step, warningsAmong, warningsOf } from '../support/formula.js';

const TWO = `type = "expansion"\n${step('{target}.do', 'description = "{target.description}"', 'template')}`;
const body = step('x', '', 'steps.loop.body');
const CHILD = step('k', '', 'steps.children');

const lost = [
  ['run = "npm test"', 'run'],
  ['script = [{ close = "done" }]', 'script'],
  ['type = "human"', 'a person who closes it'],
  ['output = { ok = "boolean" }\nretry = { max_attempts = 2 }', 'retry and an output'],
] as const;

test.each(lost)('compose.expand and compose.map refuse a step with %j', (more, what) => {
  const message = `the step "a" at line 6 cannot be expanded: it has ${what} (write that into the template)`;
  for (const use of ['[[compose.expand]]\ntarget = "a"', '[[compose.map]]\nselect = "a"'])
    expect(problemsAmong({ x: `${step('s')}${step('a', more)}${use}\nwith = "two"\n`, two: TWO })).toEqual([
      expect.stringContaining(message),
    ]);
});

test('a leg of a convoy keeps its place, which an expansion would take', () => {
  const legs = 'type = "convoy"\n[[legs]]\nid = "sec"\ntitle = "S"\n';
  expect(problemsAmong({ x: `${legs}[[compose.map]]\nselect = "*"\nwith = "two"\n`, two: TWO })).toEqual([
    expect.stringContaining('it has a place among the legs of the convoy'),
  ]);
});

test('the notes of a step that is expanded are in its description', () => {
  const x = `[vars]\nv = "V"\n${step('a', 'description = "D"\nnotes = "N {{v}}"\nexpand = "two"')}`;
  expect(cookedAmong({ x, two: TWO }).steps[0]?.description).toBe('D\n\n## Notes\n\nN V');
});

test.each([
  ['loop', '[steps.loop]\ncount = 2\n', body],
  ['expand', 'expand = "two"\n', ''],
  ['children', '', CHILD],
])('a human step cannot have %s', (key, more, inside) => {
  for (const written of ['type = "human"', 'interactive = true'])
    expect(problemsOf(`${step('a', `${written}\n${more}`)}${inside}`).join('\n')).toContain(
      `x.toml:5:1 · step "a": a human step cannot have ${key}: `,
    );
});

test.each([
  'run = "true"',
  'script = [{ close = "done" }]',
  'acceptance = "done"',
  'output = { ok = "boolean" }',
  'retry = { max_attempts = 2 }',
  'check = { max_attempts = 2, path = "c" }',
  'agent = "anthropic"',
  'expand = "two"',
])('the body of a scope, which is not worked, cannot have %s', (more) => {
  const body = step('body', `metadata = { "gc.kind" = "scope" }\n${more}`);
  expect(problemsAmong({ x: body, two: TWO })).toEqual([
    `x.toml:6:1 · step "body": ${more.split(' ')[0]} cannot stand beside gc.kind = "scope": the body of a scope is not worked itself; write it into a member`,
  ]);
});

test('the body of a scope is closed by no person, and nothing else takes its place', () => {
  const body = step('body', 'metadata = { gc.kind = "scope" }');
  expect(problemsOf(`${body}type = "human"\n`)).toEqual([
    expect.stringContaining('a human step cannot have gc.kind = "scope"'),
  ]);
  const expanded = `${body}[[compose.expand]]\ntarget = "body"\nwith = "two"\n`;
  expect(problemsAmong({ x: expanded, two: TWO })).toEqual([
    expect.stringContaining('cannot be expanded: it has members of its scope'),
  ]);
});

const added = `${step('s')}${step('lp', 'labels = ["risky"]')}[steps.loop]\nfor_each = "s.output.l"\n${body}`;
const looking = (where: string) => `[[advice]]\n${where}after = { id = "{step.id}.look", title = "L" }\n`;

/** What is said of an advice or a map that does not reach what a loop over an output adds. */
const unreached = (x: string) => {
  const aspect = (where: string) => `type = "aspect"\n${looking(where)}`;
  const cut = `type = "aspect"\n[[pointcuts]]\nlabel = "risky"\n${looking('')}`;
  const bodies = { x, two: TWO, all: aspect('target = "*"\n'), s: aspect('target = "[s]"\n'), cut };
  return warningsAmong(bodies).filter((warning) => warning.includes('does not reach'));
};
const outOfReach =
  'does not reach "x" in the loop "lp", whose steps are added as the molecule runs (write into the body what must stand there)';

test('advice, aspects and maps that do not reach what a loop over an output adds say so', () => {
  expect(unreached(added + looking('target = "*"\n'))).toEqual([`x.toml:17:1 · "*" ${outOfReach}`]);
  expect(unreached(`${added}[[compose.map]]\nselect = "lp.*"\nwith = "two"\n`)).toEqual([
    `x.toml:17:1 · "lp.*" ${outOfReach}`,
  ]);
  const under = (aspect: string) => unreached(`[compose]\naspects = ["${aspect}"]\n${added}`);
  expect(under('all')).toEqual([`all.toml:4:1 · "*" ${outOfReach}`]);
  expect(under('cut')).toEqual([`cut.toml:5:1 · the advice ${outOfReach}`]);
  expect(under('s')).toEqual([]);
});

test.each(['description', 'notes'])('the %s of a step with a loop reaches nobody, which is told', (key) => {
  const x = `${step('lp', `${key} = "Mind the gap."`)}[steps.loop]\ncount = 2\n${body}`;
  expect(warningsAmong({ x })).toEqual([
    `x.toml:5:1 · step "lp": ${key} reaches nobody: the step gives way to the body of its loop (write it into the steps of the body)`,
  ]);
  expect(warningsAmong({ x: x.replace(/(description|notes).*\n/, '') })).toEqual([]);
});

const command = (run: string) =>
  `${step('s')}${step('each')}[steps.loop]\nfor_each = "s.output"\nvar = "w"\n${step('go', `run = '${run}'`, 'steps.loop.body')}`;

test('braces of the shell that an entry is put into are a warning', () => {
  expect(warningsOf(command('for n in a b; do echo "${n} {w}"; done'))).toEqual([
    'x.toml:10:1 · step "each": the command of "each.item.{n}.go" has ${n} in it, and the entry is put there: the shell never sees it ' +
      '(for a variable of the shell write it without braces, or call it otherwise than n, index and item)',
  ]);
  expect(warningsOf(command('for n in a b; do echo "$n {w} ${PATH}"; done'))).toEqual([]);
});

const counted = (run: string) =>
  `${step('lp')}[steps.loop]\ncount = 2\nvar = "i"\n${step('go', `run = '${run}'`, 'steps.loop.body')}`;

test('so are those that the variable of a loop or a template is put into', () => {
  expect(warningsOf(counted('for i in a b; do echo "${i}"; done'))).toEqual([
    expect.stringContaining('has ${i} in it, and "1" is put there for {i}: the shell never sees it'),
  ]);
  expect(warningsOf(counted('for j in a b; do echo "${j} $i {i} ${PATH}"; done'))).toEqual([]);
  const two = `type = "expansion"\n${step('{target}.do', `run = 'echo "\${target}"'`, 'template')}`;
  expect(warningsAmong({ x: step('a', 'expand = "two"'), two })).toEqual([
    expect.stringContaining('"a" is put there for {target}'),
  ]);
});
