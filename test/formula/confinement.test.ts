/** What a step asks for by `confinement`: less than its rig has, and never more. */
import { expect, test } from 'vitest';
import { cooked, cookedAmong, problemsOf, step } from '../support/formula.js';

test('the words of town.toml, as the step is to have them', () => {
  const all =
    'confinement = { level = "bubblewrap", network = "none", hosts = ["a.b", "*.c.d:99"], read = ["/srv"], memory_mb = 512, processes = 9, cpu_minutes = 0.5 }';
  expect(cooked(step('a', all)).steps[0]?.confinement).toEqual({
    network: 'none',
    hosts: ['a.b', '*.c.d:99'],
    read: ['/srv'],
    memoryMbMax: 512,
    processesMax: 9,
    cpuMinutesMax: 0.5,
  });
});

test.each([
  ['level = "bubblewrap"', {}],
  ['network = "none"', { network: 'none', hosts: [] }],
  ['hosts = ["a.b"]', { network: 'none', hosts: ['a.b'] }],
  ['hosts = []', { network: 'none', hosts: [] }],
  ['read = []', { read: [] }],
])('with { %s } nothing else changes but that', (said, expected) => {
  expect(cooked(step('a', `confinement = { ${said} }`)).steps[0]?.confinement).toEqual(expected);
});

test('a step that says nothing has nothing', () => {
  expect(cooked(step('a')).steps[0]).not.toHaveProperty('confinement');
});

const MORE = 'a step may have less than its rig, and never more (that is the operator’s to say, under [confinement] in';

test.each([
  ['{ level = "none" }', `x.toml:5:17 · step "a": level cannot be "none": ${MORE}`],
  ['{ network = "host" }', `x.toml:5:17 · step "a": network cannot be "host": ${MORE}`],
  ['{ level = "docker" }', 'step "a": level cannot be "docker" (it is bubblewrap)'],
  ['{ network = "some" }', 'step "a": network cannot be "some" (it is none)'],
  ['{ hosts = ["https://a.b"] }', '"https://a.b" is no host (as "registry.npmjs.org" or "*.pypi.org")'],
  ['{ hosts = ["{{where}}"] }', '"{{where}}" is no host (no variables are filled in here)'],
  ['{ read = ["here"] }', '"here" is no absolute path (as "/srv/data")'],
  ['{ memory_mb = 0 }', 'memory_mb must be more than 0'],
  ['{ hots = ["a.b"] }', 'unknown key "hots" (did you mean "hosts"?)'],
  ['{}', 'confinement says nothing (write level = "bubblewrap", or what the step shall not have'],
  ['"bubblewrap"', 'confinement must be a table, not text'],
])('confinement = %s is refused', (said, problem) => {
  expect(problemsOf(step('a', `confinement = ${said}`))).toEqual([expect.stringContaining(problem)]);
});

test.each([
  ['type = "human"', 'a human step is closed by a person and has no confinement'],
  ['children = [{ id = "b", title = "B" }]', 'confinement cannot stand beside children'],
])('where nobody would be shut in by it it is refused: %s', (more, problem) => {
  expect(problemsOf(step('a', `confinement = { network = "none" }\n${more}`))).toEqual([
    expect.stringContaining(problem),
  ]);
});

test('what stands in the place of a step is shut in by both, in each thing by the stricter word', () => {
  const bodies = {
    x: `${step('a', 'expand = "two"\nconfinement = { hosts = ["a.b", "c.d"], memory_mb = 100 }')}
[[steps]]
id = "l"
title = "L"
confinement = { network = "none" }
loop = { count = 2, body = [{ id = "b", title = "B", confinement = { hosts = ["a.b"] } }] }
`,
    two: `type = "expansion"
[[template]]
id = "{target}.one"
title = "One"
confinement = { hosts = ["c.d", "e.f"], memory_mb = 200 }
[[template]]
id = "{target}.group"
title = "Group"
needs = ["{target}.one"]
check = { command = "true", max_attempts = 2 }
[[template.children]]
id = "{target}.child"
title = "Child"
`,
  };
  const { steps, loops } = cookedAmong(bodies);
  const outer = { network: 'none', hosts: ['a.b', 'c.d'], memoryMbMax: 100 };
  const none = { network: 'none', hosts: [] };
  expect(steps.map(({ id, confinement }) => [id, confinement])).toEqual([
    ['a.one', { network: 'none', hosts: ['c.d'], memoryMbMax: 100 }],
    ['a.group', undefined],
    ['a.child', outer],
    ['l.iter1.b', none],
    ['l.iter2.b', none],
  ]);
  // A group is not worked itself, but its check is run.
  expect(loops).toMatchObject([{ id: 'a.group', confinement: outer }]);
});
