import { expect, test } from 'vitest';
import { cookedAmong, graphOf, problemsAmong, step } from '../support/formula.js';

const one = (target: string) => `[[compose.expand]]\ntarget = "${target}"\nwith = "two"\n`;

const nested = (depth: number) =>
  Array.from({ length: depth + 1 }, (_, at) => step(`{target}.d${at}`, '', `template${'.children'.repeat(at)}`)).join(
    '',
  );

const template = (id: string, more = '') => step(id, more, 'template');
const TWO = `type = "expansion"\n[vars.depth]\ndefault = "shallow"\n${template('{target}.plan', 'notes = "{target.title} {depth} {{depth}}"')}${template('{target}.do', 'needs = ["{target}.plan"]')}`;
const FORK = `type = "expansion"\n${template('{target}.left')}${template('{target}.right')}`;

test('a step with expand gives way to the template, between what it needed and who needed it', () => {
  const x = step('a') + step('b', 'needs = ["a"]\nexpand = "fork"') + step('c', 'needs = ["b"]');
  expect(graphOf(cookedAmong({ x, fork: FORK }))).toEqual([
    'a',
    'b.left needs a',
    'b.right needs a',
    'c needs b.left, b.right',
  ]);
});

test('compose.expand and compose.map do the same to steps from outside, in one way whatever their order', () => {
  const steps = step('a') + step('b', 'needs = ["a"]') + step('c', 'needs = ["b"]');
  const map = `${steps}[[compose.map]]\nselect = "[ab]"\nwith = "two"\n`;
  const graph = ['a.plan', 'a.do needs a.plan', 'b.plan needs a.do', 'b.do needs b.plan', 'c needs b.do'];
  for (const x of [map, steps + one('a') + one('b'), steps + one('b') + one('a')])
    expect(graphOf(cookedAmong({ x, two: TWO }))).toEqual(graph);
});

test('an expansion may be put upon what another brings', () => {
  const x = `${step('a')}[[compose.expand]]\ntarget = "a.do"\nwith = "fork"\n[[compose.expand]]\ntarget = "a"\nwith = "two"\n`;
  expect(graphOf(cookedAmong({ x, two: TWO, fork: FORK }))).toEqual([
    'a.plan',
    'a.do.left needs a.plan',
    'a.do.right needs a.plan',
  ]);
});

test('values come from the use, the default, or the variable of the same name', () => {
  const noteOf = (more: string, two = TWO) =>
    cookedAmong({ x: `[vars]\ndepth = "user"\n${step('a', more)}`, two }, {}).steps[0]?.description;
  const two = TWO.replace('default = "shallow"', 'description = ""');
  expect(noteOf('expand = "two"\nnotes = "{{depth}}"')).toBe('## Notes\n\nA shallow shallow');
  expect(noteOf('expand = "two"\nexpand_vars = { depth = "deep {depth} {{depth}}" }\nnotes = "{{depth}}"')).toBe(
    '## Notes\n\nA deep user user deep user user',
  );
  expect(noteOf('expand = "two"', two)).toBe('## Notes\n\nA user user');
});

const naming = (name: string) => `${step('a')}[[compose.map]]\nselect = "none*"\nwith = "${name}"\n`;

test('what compose.map names must be an expansion, whatever it selects', () => {
  expect(problemsAmong({ x: naming('ghost') })).toEqual([
    expect.stringContaining('x.toml:6:1 · there is no formula "ghost"'),
  ]);
  expect(problemsAmong({ x: naming('flow'), flow: step('f') })).toEqual([
    expect.stringContaining('"flow" is no expansion but of the type workflow'),
  ]);
  expect(problemsAmong({ x: naming('two'), two: TWO })).toEqual([]);
});

test('variables in single braces may stand side by side', () => {
  const x = `[vars]\na = "1"\nb = "2"\n${step('s', 'expand = "two"\nexpand_vars = { depth = "{a}{b}{{a}}{b}" }')}`;
  expect(cookedAmong({ x, two: TWO }).steps[0]?.description).toContain('S 1212 1212');
  const loop = `${step('l')}[steps.loop]\nrange = "1..{a}{b}"\n${step('y', '', 'steps.loop.body')}`;
  expect(cookedAmong({ x: `[vars]\na = "1"\nb = "2"\n${loop}` }).steps).toHaveLength(12);
});

test('templates keep everything: conditions, gates, loops, expansions inside of expansions', () => {
  const rich = `type = "expansion"\n${template('{target}.a', 'condition = "{{flag}}"\ngate = { type = "human", await = "{target}" }')}${template('{target}.b', 'needs = ["{target}.a"]\nexpand = "two"')}${template('{target}.l', 'needs = ["{target}.b"]')}[template.loop]\ncount = 2\n${step('y', 'notes = "{target}"', 'template.loop.body')}`;
  const { steps } = cookedAmong({ x: `[vars]\nflag = "yes"\n${step('s', 'expand = "rich"')}`, rich, two: TWO });
  expect(graphOf({ steps })).toEqual([
    's.a',
    's.b.plan needs s.a',
    's.b.do needs s.b.plan',
    's.l.iter1.y needs s.b.do',
    's.l.iter2.y needs s.l.iter1.y',
  ]);
  expect(steps[0]).toMatchObject({ condition: { value: 'yes', op: 'truthy' }, gates: [{ type: 'human', await: 's' }] });
  expect(steps[4]?.description).toContain('s');
});

test('what the step says is handed down, its acceptance to the last steps', () => {
  const x = step('a', 'expand = "two"\npriority = 1\nacceptance = "done"\ngate = { type = "human" }');
  const [plan, last] = cookedAmong({ x, two: TWO }).steps;
  expect(plan).toMatchObject({ priority: 1, acceptance: {}, gates: [{ type: 'human' }] });
  expect(last).toMatchObject({ priority: 1, acceptance: { text: 'done' } });
  expect(last?.gates).toBeUndefined();
});

test('a template may have a step with the id of the target', () => {
  const wrap = `type = "expansion"\n${template('{target}-before')}${template('{target}', 'needs = ["{target}-before"]')}${template('{target}-after', 'needs = ["{target}"]')}`;
  const x = step('a', 'expand = "wrap"') + step('b', 'needs = ["a"]');
  expect(graphOf(cookedAmong({ x, wrap }))).toEqual([
    'a-before',
    'a needs a-before',
    'a-after needs a',
    'b needs a-after',
  ]);
});

test('references to a step that was expanded are to the one that stands in its place', () => {
  const x = step('a', 'expand = "two"') + step('b', 'needs = ["a"]\nnotes = "{{steps.a.output.x}}"');
  expect(cookedAmong({ x, two: TWO }).steps[2]?.description).toContain('{{steps.a.do.output.x}}');
  expect(problemsAmong({ x: x.replace('two', 'fork'), fork: FORK }).join()).toContain(
    'several steps: name one of them',
  );
});

test('an expansion by itself is put around a step called main', () => {
  const { steps, type } = cookedAmong({ x: `description = "D"\n${TWO}` });
  expect([type, ...graphOf({ steps })]).toEqual(['expansion', 'main.plan', 'main.do needs main.plan']);
  expect(steps[0]?.description).toBe('## Notes\n\nx shallow shallow');
});

test.each([
  [step('a', 'expand = "ghost"'), /^x.toml:5:1 · step "a": there is no formula "ghost"/],
  [step('a', 'expand = "x"'), /"x" is no expansion but of the type workflow/],
  [step('a', 'expand = "empty"'), /the expansion "empty" has no template/],
  [
    step('a', 'expand = "same"') + step('b', 'expand = "same"'),
    /^same.toml:4:1 .* more than one step gets the id "always"/,
  ],
  [step('a', 'expand = "two"\nretry = { max_attempts = 2 }'), /retry cannot stand beside expand/],
  [step('a', 'expand_vars = { a = "b" }'), /expand_vars are for a step with expand/],
  [step('a', 'expand = "picky"'), /"picky" needs a value for its variable "v"/],
  [step('a', 'expand = "picky"\nexpand_vars = { v = "z" }'), /the variable "v" of "picky": "z" is none of "a"/],
  [step('a', 'expand = "again"'), /the expansion "again" expands itself without end: again → again/],
  [`${step('a')}[[compose.expand]]\ntarget = "b"\nwith = "two"\n`, /:7:1 · there is no step "b"/],
  [
    `${step('a', 'retry = { max_attempts = 2 }')}[[compose.expand]]\ntarget = "a"\nwith = "two"\n`,
    /cannot be expanded: it has retry/,
  ],
])('%j is refused', (x, message) => {
  const others = {
    two: TWO,
    empty: 'type = "expansion"\n',
    same: `type = "expansion"\n${template('always')}`,
    picky: `type = "expansion"\n[vars.v]\nrequired = true\nenum = ["a"]\n${template('{target}.a')}`,
    again: `type = "expansion"\n${template('{target}.a', 'expand = "again"')}`,
  };
  expect(problemsAmong({ x, ...others }).join('\n')).toMatch(message);
});

test('children of a template stand five deep at most', () => {
  const x = step('a', 'expand = "deep"');
  expect(problemsAmong({ x, deep: `type = "expansion"\n${nested(5)}` })).toEqual([]);
  expect(problemsAmong({ x, deep: `type = "expansion"\n${nested(6)}` }).join()).toContain('more than 5 deep');
});

test('in a template for_each goes round over a variable of the template, and a step behind a loop is not a first one', () => {
  const loop = `${template('{target}.l')}[template.loop]\nfor_each = "names"\nvar = "v"\n${step('x', 'notes = "{v}"', 'template.loop.body')}`;
  const each = `type = "expansion"\n[vars]\nnames = "one"\n${loop}${template('{target}.q', 'needs = ["{target}.l"]')}`;
  const x = step('a') + step('b', 'needs = ["a"]\nexpand = "each"\nexpand_vars = { names = "p,q" }');
  expect(graphOf(cookedAmong({ x, each }))).toEqual([
    'a',
    'b.l.iter1.x needs a',
    'b.l.iter2.x needs b.l.iter1.x',
    'b.q needs b.l.iter2.x',
  ]);
});

test('a scope may be that of the step which is expanded', () => {
  const body = '[[template]]\nid = "{target}"\ntitle = "S"\nmetadata = { "gc.kind" = "scope" }\n';
  const member = '[[template]]\nid = "{target}.a"\ntitle = "A"\nmetadata = { "gc.scope_ref" = "{target}" }\n';
  const { steps } = cookedAmong({ x: step('s', 'expand = "two"'), two: `type = "expansion"\n${body}${member}` });
  expect(steps).toMatchObject([
    { id: 's.a', scope: { of: 's' } },
    { id: 's', kind: 'group', needs: ['s.a'] },
  ]);
});

test('a value that is missing is told once, where it is missing', () => {
  const e = `type = "expansion"\n[vars.lang]\nrequired = true\ndescription = "a language"\n${step('{target}.a', 'notes = "{lang} {{lang}}"', 'template')}`;
  const once = ['x.toml:5:1 · step "a": "e" needs a value for its variable "lang" (it is: a language)'];
  expect(problemsAmong({ x: step('a', 'expand = "e"'), e })).toEqual(once);
  expect(problemsAmong({ x: step('a', 'on_complete = { for_each = "output", bond = "e" }'), e })).toEqual(once);
});

test('more needs than there may be between two expansions are refused before they are made', () => {
  const e = `type = "expansion"\n${Array.from({ length: 1001 }, (_, index) => step(`{target}.${index}`, '', 'template')).join('')}`;
  expect(problemsAmong({ x: step('p', 'expand = "e"') + step('q', 'expand = "e"\nneeds = ["p"]'), e })).toEqual([
    expect.stringMatching(
      /step "q": the formula has more than 1000000 needs: each of the 1001 first steps in the place of this one needs the 1001 that it needs \(begin the body or template/,
    ),
  ]);
});

const expanding = (id: string, name: string) => `type = "expansion"\n${step(id, `expand = "${name}"`, 'template')}`;

test('an expansion that expands itself is told so, with the way round', () => {
  const [e, f] = [expanding('{target}.1', 'f'), expanding('{target}.2', 'e')];
  expect(problemsAmong({ x: step('a', 'expand = "e"'), e, f })).toEqual([
    expect.stringContaining('the expansion "e" expands itself without end: e → f → e'),
  ]);
});
