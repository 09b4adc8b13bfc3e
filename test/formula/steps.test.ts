/** What single keys of a step mean: gates, conditions, retries, checks, scopes, references, children. */
import { expect, test } from 'vitest';
import { cook } from '../../src/formula/cook.js';
import { printProblem } from '../../src/formula/problem.js';
import { cooked, graphOf, problemsOf, step, warningsOf } from '../support/formula.js';

const readBeside = (path: string) => (path === 'a.md' ? 'From the file.' : null);

const waiting = (waits: string) => cooked(step('s') + step('w', waits)).steps[1];

const counted = '[[steps]]\nid = "l"\ntitle = "L"\nloop = { count = 2, body = [{ id = "b", title = "B" }] }\n';
const told = (waits: string, others = '') =>
  warningsOf(step('s') + others + step('w', waits)).map((line) => line.replace(/ \(.*/, ''));

const names = (way: string) => new Set(way.split(' → '));

const with3 = (needs: string) =>
  problemsOf(step('a') + step('b', 'needs = ["a"]') + step('c', `${needs}\nnotes = "{{steps.a.output.x}}"`));

const gate = (condition: string) => `gate = { type = "condition", condition = "${condition}" }`;
const gatedBy = (condition: string) =>
  problemsOf(step('a', gate(condition)) + step('b', 'needs = ["a"]') + step('c', gate('d.status == done')) + step('d'));

const meta = (more: string) => `metadata = { ${more} }`;

const only = (more: string, vars = '') => cooked(`${vars}${step('a', more)}`).steps[0];

const timeoutOf = (own: string) =>
  only(`timeout = "5m"\ncheck = { max_attempts = 2, check = { path = "checks/green.sh"${own} } }`)?.check?.timeoutMs;

test.each([
  ['{{v}}', { value: 'yes', op: 'truthy', against: '' }],
  ['!{{v}}', { value: 'yes', op: 'falsy', against: '' }],
  ['{{v}} == yes', { value: 'yes', op: 'is', against: 'yes' }],
  ['{{v}}!="no, not so"', { value: 'yes', op: 'isNot', against: 'no, not so' }],
  ['{{v}} == {{w}}', { value: 'yes', op: 'is', against: 'no' }],
  ['{{nothing}}', { value: '', op: 'truthy', against: '' }],
])('the condition %j is kept, with its values', (condition, read) => {
  const vars = '[vars]\nv = "yes"\nw = "no"\n[vars.nothing]\ndescription = "d"\n';
  expect(only(`condition = '${condition}'`, vars)?.condition).toEqual({ text: condition, ...read });
});

test('a condition that asks for what nobody declares is false, with a warning', () => {
  expect(warningsOf(`[vars]\nenv = ""\n${step('a', 'notes = "{{env}}"\ncondition = "{{evn}}"')}`)).toEqual([
    'x.toml:8:1 · step "a": the condition asks for {{evn}}, which is no variable of the formula: it is empty (did you mean "env"?)',
  ]);
});

test.each(['env == dev', '{{a}} {{b}}', 'true', '', '{{a}} > 3'])('%j is no condition', (condition) => {
  expect(problemsOf(`[vars]\na = ""\nb = ""\n${step('a', `condition = '${condition}'`)}`).join()).toContain(
    'is no condition',
  );
});

test('retries, checks, kinds and the rest come through', () => {
  expect(only('retry = { max_attempts = 3, on_exhausted = "soft_fail" }')?.retry).toEqual({
    max: 3,
    exhausted: 'soft',
  });
  const check = { command: 'checks/green.sh', timeoutMs: 300_000, max: 4 };
  expect(
    only(
      '[steps.ralph]\nmax_attempts = 4\n[steps.ralph.check]\nmode = "exec"\npath = "checks/green.sh"\ntimeout = "5m"',
    )?.check,
  ).toEqual(check);
  expect(only('check = { max_attempts = 4, path = "checks/green.sh", timeout = "5m" }')?.check).toEqual(check);
  expect(only('check = { max_attempts = 1, path = "it is.sh" }')?.check?.command).toBe("'./it is.sh'");
  expect(only('interactive = true')?.kind).toBe('human');
  expect(
    only('labels = ["a"]\ntags = ["b", "a"]\nmetadata = { n = 1, t = "{{v}}" }\nagent = "script"', '[vars]\nv = "V"\n'),
  ).toMatchObject({
    labels: ['a', 'b'],
    metadata: { n: 1, t: 'V' },
    agent: 'script',
  });
});

test('a check on a step with children repeats the children', () => {
  const text = `${step('g', 'check = { max_attempts = 3, command = "make" }')}${step('k1', '', 'steps.children')}${step('k2', 'needs = ["k1"]', 'steps.children')}`;
  const proto = cooked(text);
  expect(proto.steps[0]).toMatchObject({ kind: 'group' });
  expect(proto.steps[0]?.check).toBeUndefined();
  expect(proto.loops).toEqual([
    { id: 'g', body: ['k1', 'k2'], max: 3, until: null, check: { command: 'make', timeoutMs: 60_000 } },
  ]);
});

test.each([
  ['retry = { max_attempts = 0 }', /max_attempts must be at least 1/],
  ['retry = { max_attempts = 1, on_exhausted = "shrug" }', /on_exhausted cannot be "shrug"/],
  ['retry = { max_attempts = 1 }\nralph = { max_attempts = 1, path = "c" }', /ralph cannot stand beside retry/],
  ['ralph = { max_attempts = 1 }', /a check needs the script to run/],
  ['check = { max_attempts = 1, path = "c", command = "d" }', /a check has either path or command, not both/],
  ['check = { max_attempts = 1, path = "c", check = { path = "d" } }', /path stands beside the table check/],
  ['ralph = { max_attempts = 1, path = "c", mode = "vote" }', /a check of the mode "vote" cannot be executed/],
  ['waits_for = "everyone"', /waits_for cannot be "everyone"/],
  ['waits_for = "all-children"', /waits for the children of a step, and names none/],
  ['type = "parallel"', /unknown step type "parallel" \(it is for a step with children\)/],
  ['priority = 5', /priority must be at most 4/],
  ['priority = 1.5', /priority must be a whole number, not 1\.5/],
  ['on_fail = "x"', /nothing executes the key "on_fail"/],
  ['description_file = "../x.md"', /leads out of the folder/],
  ['description_file = "../assets/../x.md"', /leads out of the folder .*\(it may lie .* in \.\.\/assets beside it\)/],
  ['description_file = "assets/../../x.md"', /leads out of the folder/],
  ['timeout = "5m"', /a step has a timeout for its check only/],
  ['timeout = "soon"\ncheck = { max_attempts = 1, path = "c" }', /:5:1 .* the timeout "soon" is no duration/],
  ['drain = { formula = "work" }', /nothing executes the key "drain" \(there is no input convoy/],
  ['for_each = "s.output"', /nothing executes the key "for_each" \(it belongs into \[steps\.loop\], or beside a bond/],
  ['count = 3', /nothing executes the key "count" \(it belongs into \[steps\.loop\]\)/],
  ['target = "mayor"', /nothing executes the key "target"/],
  ['description_file = "x.md"', /there is no file "x.md" beside the formula/],
])('%j is refused', (more, message) => {
  expect(problemsOf(step('a', more)).join('\n')).toMatch(message);
});

test('a description may stand in a file beside the formula', () => {
  const text = `formula = "x"\n${step('a', 'description_file = "a.md"')}`;
  const result = cook({ name: 'x', vars: {}, load: () => ({ file: 'x.toml', text, readBeside }), names: [] });
  expect(result.ok ? result.protomolecule.steps[0]?.description : result.problems.map(printProblem)).toBe(
    'From the file.',
  );
});

test('a check has the timeout of its step when it names none', () => {
  expect([timeoutOf(''), timeoutOf(', timeout = "2m"')]).toEqual([300_000, 120_000]);
});

test('what never did anything anywhere is accepted, and told', () => {
  const warnings = warningsOf(`target_required = true\n${step('a', 'wisp_ttl = "30m"')}`);
  expect(warnings).toEqual([
    expect.stringMatching(/^x\.toml:2:1 · the key "target_required" changes nothing \(there is no target/),
    expect.stringMatching(/^x\.toml:6:1 · step "a": the key "wisp_ttl" changes nothing/),
  ]);
});

test('waits_for is a need, of any child when it says so', () => {
  expect(waiting('needs = ["s"]\nwaits_for = "all-children"')).toMatchObject({ needs: ['s'] });
  expect(waiting('waits_for = "children-of(s)"')).toMatchObject({ needs: ['s'] });
  expect(waiting('needs = ["s"]\nwaits_for = "any-children"')).toMatchObject({ needs: ['s'], needsAny: ['s'] });
});

test('waits_for is as needs, and says so, for a step that has no children and adds none', () => {
  const message = 'waits_for is as needs here: "s" has no children, and adds none';
  expect(told('needs = ["s"]\nwaits_for = "all-children"')).toEqual([`x.toml:10:1 · step "w": ${message}`]);
  expect(told('waits_for = "children-of(s)"')).toEqual([`x.toml:9:1 · step "w": ${message}`]);
  expect(told('needs = ["s"]\nwaits_for = "any-children"', step('k', '', 'steps.children'))).toEqual([]);
  expect(told('waits_for = "children-of(l)"', counted)).toEqual([]);
  expect(told('needs = ["l"]\nwaits_for = "any-children"', counted).join()).toContain('"l.iter2.b" has no children');
  const each = `${step('e')}[steps.loop]\nfor_each = "s.output"\n${step('b', '', 'steps.loop.body')}`;
  expect(told('needs = ["s"]\nwaits_for = "any-children"', each)).toEqual([]);
});

test('a group stands before its children, and who needs it behind all of them', () => {
  const text = step('end', 'needs = ["g"]') + step('g', 'needs = ["z"]') + step('k', '', 'steps.children') + step('z');
  const { steps } = cooked(text);
  expect(graphOf({ steps })).toEqual(['z', 'g needs z', 'k', 'end needs g']);
  expect(steps.map(({ kind, parent }) => [kind, parent])).toEqual([
    ['agent', undefined],
    ['group', undefined],
    ['agent', 'g'],
    ['agent', undefined],
  ]);
});

test.each([
  [step('g') + step('k', 'needs = ["g"]', 'steps.children'), 'g → k → g'],
  [step('g') + step('k', 'needs = ["a"]', 'steps.children') + step('a', 'needs = ["g"]'), 'k → a → g → k'],
  [
    `${step('lp')}[steps.loop]\nuntil = "output.a == 1"\nmax = 2\n${step('x', '', 'steps.loop.body')}${step('y', 'needs = ["o"]', 'steps.loop.body')}${step('o', 'needs = ["lp.iter1.x"]')}`,
    'lp.iter1.y → o → lp → lp.iter1.y',
  ],
])('a circle through a group or a loop is found: %#', (text, circle) => {
  const [problem = ''] = problemsOf(text);
  expect(names(problem.replace(/^.*circle: /, ''))).toEqual(names(circle));
});

test('references are to steps that are over, and are told when they are not', () => {
  expect(with3('needs = ["b"]')).toEqual([]);
  expect(with3('')).toEqual([
    'x.toml:14:10 · step "c": {{steps.a.output.x}} is of "a", which need not be over before (write needs = ["a"])',
  ]);
  expect(problemsOf(step('a', 'notes = "{{steps.a.summary}}"')).join()).toContain('is of the step itself');
  expect(problemsOf(step('alpha', 'notes = "{{steps.alhpa.summary}}"')).join()).toContain(
    'names unknown step "alhpa" (did you mean "alpha"?)',
  );
  expect(warningsOf(step('a', 'notes = "{{steps.b}}"')).join()).toContain('that is no reference');
});

test('references to what a group before needed are right, over more steps than are looked at at once', () => {
  const many = Array.from({ length: 70 }, (_, n) => step(`s${n}`)).join('');
  const group = step('g', `needs = [${Array.from({ length: 70 }, (_, n) => `"s${n}"`).join(', ')}]`);
  const notes = Array.from({ length: 70 }, (_, n) => `{{steps.s${n}.summary}}`).join(' ');
  expect(problemsOf(many + group + step('k', `notes = "${notes}"`, 'steps.children'))).toEqual([]);
  expect(problemsOf(many + group + step('k', '', 'steps.children') + step('free', `notes = "${notes}"`))).toHaveLength(
    70,
  );
});

test('scopes come through: members, their body that is not worked, their teardown', () => {
  const body = step('body', meta('"gc.kind" = "scope", "gc.scope_role" = "body"'));
  const member = step('work', meta('"gc.scope_ref" = "body", "gc.scope_role" = "setup", "gc.on_fail" = "abort_scope"'));
  const teardown = step('clean', meta('"gc.scope_ref" = "body", "gc.scope_role" = "teardown"'));
  const { steps } = cooked(body + member + teardown);
  expect(graphOf({ steps })).toEqual(['work', 'body needs work', 'clean needs body']);
  expect(steps.map(({ kind, scope }) => [kind, scope])).toEqual([
    ['agent', { of: 'body', role: 'member' }],
    ['group', undefined],
    ['agent', { of: 'body', role: 'teardown' }],
  ]);
  expect(problemsOf(member).join()).toContain('the scope "body" is not there: there is no such step');
  expect(problemsOf(body + step('w', meta('"gc.scope_ref" = "body", "gc.on_fail" = "go_on"'))).join()).toContain(
    'always ends its scope',
  );
});

test('phase, squash and bond points come through, and bad ones do not', () => {
  const more = `phase = "vapor"\nsquash = { trigger = "on_complete", include_metrics = true }\n${step('a')}[[compose.bond_points]]\nid = "end"\nafter_step = "a"\ndescription = "d"\n`;
  expect(cooked(more)).toMatchObject({
    vapor: true,
    squash: { trigger: 'on_complete', include_metrics: true },
    bondPoints: [{ id: 'end', description: 'd', after: 'a', before: null }],
  });
  expect(problemsOf(`phase = "plasma"\n${step('a')}`).join()).toContain('unknown phase "plasma"');
  expect(problemsOf(`squash = { trigger = "never" }\n${step('a')}`).join()).toContain('nothing squashes at "never"');
  expect(problemsOf(`${step('a')}[[compose.hooks]]\ntrigger = "a"\n`).join()).toContain(
    'nothing executes the key "hooks"',
  );
});

test('a gate cannot wait for the close of its own step, or of one behind it', () => {
  expect(gatedBy('b.status == done')).toEqual([
    'x.toml:5:1 · step "a": the gate goes in a circle, a → b → a: "b.status == done" is of "b", which waits for this step',
  ]);
  expect(gatedBy('b.output.n < 3')).toHaveLength(1);
  expect(gatedBy('step.status == complete')).toEqual([
    'x.toml:5:1 · step "a": the gate goes in a circle: "step.status == complete" is of the step itself',
  ]);
  expect(gatedBy('b.status == active')).toHaveLength(1);
  for (const right of ['c.status == complete', 'b.status != complete', 'b.status == skipped', 'steps.complete >= 1'])
    expect(gatedBy(right)).toEqual([]);
});

const inGroup = (condition: string) => step('g') + step('k', gate(condition), 'steps.children');
const around = `${step('s', 'output = { list = ["string"] }')}${step('end', 'needs = ["s"]')}${step('lp')}[steps.loop]\nfor_each = "s.output.list"\n`;

test.each([
  [step('a', gate('b.status == done')) + step('b', gate('a.output.x == 1')), ['a → b → a', '"b.status == done"']],
  [inGroup('g.status == complete'), ['k → g → k', '"g.status == complete"']],
  [inGroup('children(g).all(status == done)'), ['k → g → k', '"children(g).all(status == done)"']],
  [
    step('o', gate('children(g).any(status == done)')) + step('g', 'needs = ["o"]') + step('k', '', 'steps.children'),
    ['o → g → o'],
  ],
  [inGroup('') + step('o', gate('children(g).any(status == done)')), []],
  [
    around + step('e', gate('end.status == done'), 'steps.loop.body'),
    ['what s adds → end → what s adds', '"end.status == done"'],
  ],
  [around + step('e', gate('s.status == done'), 'steps.loop.body'), []],
  [step('a', gate('b.status == waiting')) + step('b', gate('a.status == complete')), []],
])('a circle through gates is refused, through several and through a group, a loop and a fan-out: %#', (text, said) => {
  const problems = problemsOf(text).filter((problem) => problem.includes('the gate goes in a circle'));
  expect(problems).toHaveLength(said.length === 0 ? 0 : 1);
  for (const part of said) expect(problems[0]).toContain(part);
});

test.each([
  ['[steps]\nid = "a"\n', 'steps must be a list, not a table (write [[steps]], in double brackets)'],
  [step('a') + '[steps.children]\nid = "b"\n', 'not a table (write [[steps.children]], in double brackets)'],
  [step('a', 'script = "echo"'), 'script must be a list, not text (write a list of tables: script = [{ … }])'],
  [step('a', 'needs = "b"'), 'needs must be a list, not text (write needs = ["b"])'],
  [step('a', 'needs = [3]'), 'needs[0] must be text, not a number (write "3")'],
  [step('a', 'notes = true'), 'notes must be text, not true or false (write notes = "true")'],
  [
    `[vars.n]\ndefault = 3\n${step('a', 'notes = "{{n}}"')}`,
    'default must be text, not a number (write default = "3")',
  ],
  [`[[vars]]\nn = "3"\n${step('a')}`, 'vars must be a table, not a list (write [vars], in single brackets)'],
])('a value of another kind is told with how it is written: %j', (text, said) => {
  expect(problemsOf(text)).toEqual([expect.stringContaining(said)]);
});

const unrolled = `${step('lp')}[steps.loop]\ncount = 2\n${step('x', '', 'steps.loop.body')}`;

test('children are asked for of steps that have some', () => {
  const all = gate('children(lp).all(status == complete)');
  expect(problemsOf(unrolled + step('z', all))).toEqual([
    expect.stringContaining(
      'asks for children: that step has given way to others, and is no group (put it into a step',
    ),
  ]);
  expect(problemsOf(step('lp') + step('z', all))).toEqual([
    expect.stringContaining('asks for children: the step "lp" has none'),
  ]);
  expect(
    problemsOf(
      unrolled.replaceAll('steps.loop', 'steps.children.loop').replace('[[steps]]', `${step('g')}[[steps.children]]`) +
        step('z', gate('descendants(g).all(status == complete)')),
    ),
  ).toEqual([]);
  expect(
    problemsOf(around + step('e', '', 'steps.loop.body') + step('z', gate('children(lp).any(status == failed)'))),
  ).toEqual([]);
});

const circlesIn = (text: string) => problemsOf(text).map((problem) => problem.replace(/^.*circle: /, ''));

test('circles that share a step are told, each, and what a fan-out adds is called so', () => {
  const both = step('a', 'needs = ["b"]') + step('b', 'needs = ["c"]') + step('c', 'needs = ["a", "d"]');
  expect(circlesIn(both + step('d', 'needs = ["c"]'))).toEqual(['a → b → c → a', 'c → d → c']);
  const added = step('s') + step('b', 'needs = ["s"]') + `${step('lp')}[steps.loop]\nfor_each = "s.output.list"\n`;
  expect(circlesIn(added + step('w', 'needs = ["b"]', 'steps.loop.body'))).toEqual([
    expect.stringMatching(/^b → what s adds → b \(/),
  ]);
  const group = step('g', 'needs = ["x"]') + step('k', '', 'steps.children') + step('l', '', 'steps.children');
  expect(circlesIn(group + step('x', 'needs = ["g"]'))).toEqual(['g → x → g']);
});

test('a gate cannot wait for more steps than can close before it', () => {
  const atFirst = (condition: string) => step('a', gate(condition)) + step('b', 'needs = ["a"]') + step('c');
  expect(problemsOf(atFirst('steps.complete >= 4'))).toEqual([
    'x.toml:5:1 · step "a": the gate can never open: "steps.complete >= 4" wants 4 steps that have closed (1 at most can close before it)',
  ]);
  for (const wrong of ['steps.complete >= 2', 'steps.complete > 1', 'steps.skipped == 2', 'steps.pending >= 3'])
    expect(problemsOf(atFirst(wrong))).toHaveLength(1);
  for (const right of ['steps.complete >= 1', 'steps.complete < 9', 'steps.pending >= 2', 'steps.failed == 0'])
    expect(problemsOf(atFirst(right))).toEqual([]);
  const each = gate('steps.complete >= 1');
  expect(problemsOf(step('a', each) + step('b', each))).toHaveLength(2);
  expect(problemsOf(around + step('e', '', 'steps.loop.body') + step('z', gate('steps.complete >= 50')))).toEqual([]);
  const grouped =
    step('g') + step('k', '', 'steps.children') + step('l', gate('steps.complete >= 2'), 'steps.children');
  expect(problemsOf(grouped)).toHaveLength(1);
});

test('a mistake in the text of a description_file is told of that file', () => {
  const text = `formula = "x"\n${step('a')}${step('b', 'description_file = "b.md"')}`;
  const file = { file: 'x.toml', text, readBeside: () => 'Read {{steps.a.output}}.' };
  const result = cook({ name: 'x', vars: {}, load: () => file, names: ['rework', 'x'] });
  expect(result.ok ? [] : result.problems.map(printProblem)).toEqual([
    expect.stringContaining('x.toml:9:1 · step "b": in "b.md", {{steps.a.output}} is of "a"'),
  ]);
});

const asks = (condition: string) =>
  problemsOf(
    `[vars]\nmode = ""\n${step('a.x', 'output = { ok = "boolean" }')}${step('b', `notes = "{{mode}}"\nneeds = ["a.x"]\ncondition = "${condition}"`)}`,
  );

test.each([
  ['{{a.x.output.ok}} == true', 'did you mean {{steps.a.x.output.ok}}?'],
  ['{{steps.a.x.outputs.ok}} == true', 'did you mean {{steps.a.x.output.ok}}?'],
  ['!{{a.x.ok}}', 'did you mean {{steps.a.x.output.ok}}?'],
  ['{{steps.a.x}}', 'did you mean {{steps.a.x.output}}?'],
  ['{{steps.a.x.status}} == failed', 'a status is asked by a gate or until'],
  ['{{item.ok}} != true', 'write {{name}} for a variable, {{steps.ID.output.path}} for an output'],
])('the condition %j asks for nothing that there is', (condition, hint) => {
  expect(asks(condition)).toEqual([expect.stringContaining('which is neither a variable nor an output')]);
  expect(asks(condition)[0]).toContain(hint);
});

test('a condition with spaces in its braces is told to have none', () => {
  expect(asks('{{ mode }} == fast')).toEqual([expect.stringContaining('(write it without spaces: {{mode}})')]);
});

test('an output behind the comparison is refused, since it would not be filled in', () => {
  expect(asks('{{mode}} == {{steps.a.x.output.ok}}')).toEqual([
    expect.stringContaining('an output stands before == and != only'),
  ]);
});

const whenValue = (value: string) =>
  `[vars]\nok = "${value}"\n${step('a')}${step('b', 'needs = ["a"]\ncondition = "{{ok}}"')}`;

test('a condition on an output may come from a variable, and is checked as one that is written', () => {
  expect(problemsOf(whenValue('{{steps.a.output.ok}}'))).toEqual([]);
  expect(problemsOf(whenValue('{{steps.a.outputs.ok}}'))).toEqual([expect.stringContaining('{{steps.a.output.ok}}?')]);
  expect(problemsOf(whenValue('{{steps.ghost.output.ok}}'))).toEqual([expect.stringContaining('unknown step "ghost"')]);
});
