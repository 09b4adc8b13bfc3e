import { expect, test } from 'vitest';
import { canonicalHash } from '../../src/formula/canonical.js';
import { cook } from '../../src/formula/cook.js';
import { printProblem } from '../../src/formula/problem.js';
import { Protomolecule } from '../../src/town/protomolecule.js';
import { WORKFLOW_TYPES } from '../../src/town/workflow-types.js';
import { cooked, cookText, problemsOf, warningsOf } from '../support/formula.js';

const STEP = '[[steps]]\nid = "a"\ntitle = "A"\n';

test('a formula becomes a protomolecule with its steps in an order that can run and every default written out', () => {
  const protomolecule = cooked(`${STEP}needs = ["b"]\n[[steps]]\nid = "b"\ntitle = "B"\n`);
  expect(Protomolecule.parse(protomolecule)).toEqual(protomolecule);
  expect(protomolecule).toMatchObject({ formula: 'x', description: '', vars: {}, rework: 'rework' });
  expect(protomolecule.steps).toEqual([
    { id: 'b', title: 'B', description: '', kind: 'agent', needs: [], acceptance: {}, run: null, script: null },
    { id: 'a', title: 'A', description: '', kind: 'agent', needs: ['b'], acceptance: {}, run: null, script: null },
  ]);
});

test('the hash is over everything but itself, so it changes with every value and with nothing else', () => {
  const text = `[vars]\nv = "1"\n${STEP}description = "{{v}}"\n`;
  const { hash, ...content } = cooked(text);
  expect(hash).toBe(canonicalHash(content));
  expect(cooked(`# a comment\n${text}`).hash).toBe(hash);
  expect(cooked(text, { v: '2' }).hash).not.toBe(hash);
});

test('variables are filled in wherever an agent or a shell will read them', () => {
  const step = cooked(
    `[vars]\nv = "V"\n[[steps]]\nid = "a"\ntitle = "t {{v}}"\ndescription = "d {{v}}"\nnotes = "n {{v}}"
acceptance = { text = "x {{v}}", command = "test {{v}}" }
script = [{ write = "{{v}}.txt", text = "{{v}}{{v}}" }, { sleep = 1.5 }, { close = "done {{v}}" }]
[[steps]]\nid = "b"\ntitle = "B"\nrun = "echo {{v}}"\n`,
  );
  expect(step.steps[0]).toMatchObject({
    title: 't V',
    description: 'd V\n\n## Notes\n\nn V',
    acceptance: { text: 'x V', command: 'test V' },
    script: [{ write: 'V.txt', text: 'VV' }, { sleep: 1.5 }, { close: 'done V' }],
  });
  expect(step.steps[1]).toMatchObject({ kind: 'run', run: 'echo V' });
});

test('notes follow the description under a heading, and blank ones leave no heading behind', () => {
  expect(described('description = "d\\n"\nnotes = "n"')).toBe('d\n\n## Notes\n\nn');
  expect(described('notes = "n"')).toBe('## Notes\n\nn');
  expect(described('description = "d"\nnotes = " "')).toBe('d');
});

test('a value is never expanded again', () => {
  const { steps } = cooked(`[vars]\na = "{{b}}"\nb = "B"\n[[steps]]\nid = "a"\ntitle = "{{a}} {{b}}"\n`);
  expect(steps[0]?.title).toBe('{{b}} B');
});

test('braces of any other form are text', () => {
  const title = '{a} {{a.b}} {{.a}} {{#if a}}{{else}}{{/if}} ${{a}} {{{a}}}';
  expect(cooked(`[vars]\na = "A"\n[[steps]]\nid = "a"\ntitle = '${title}'\n`).steps[0]?.title).toBe(
    '{a} {{a.b}} {{.a}} {{#if a}}{{else}}{{/if}} $A {A}',
  );
});

test('words of block templates are placeholders where no block is open', () => {
  expect(problemsOf('[[steps]]\nid = "a"\ntitle = "{{else}}"\n')).toEqual([
    'x.toml:4:1 · step "a": the variable "else" has no value and no default',
  ]);
});

test('a placeholder with spaces inside is warned of when a variable was meant', () => {
  expect(warningsOf(`[vars]\nv = ""\n${STEP}description = """\n{{v}} {{ v }} {{ other }}"""\n`)).toEqual([
    'x.toml:8:7 · step "a": {{ v }} has spaces inside and stays as it is (write {{v}})',
  ]);
});

test('an undeclared placeholder stays, and is warned of at its line, inside a text of many lines', () => {
  expect(warningsOf(`[vars]\nfeature = "f"\n${STEP}description = """\n{{feature}}\n  {{featur}}"""\n`)).toEqual([
    'x.toml:9:3 · step "a": the placeholder {{featur}} is no variable of the formula and stays as it is (did you mean "feature"?)',
  ]);
});

test('in a formula that declares no variables at all each placeholder is one that must be given', () => {
  expect(problemsOf('[[steps]]\nid = "a"\ntitle = "{{who}} {{what}}"\n', { who: 'me' })).toEqual([
    'x.toml:4:1 · step "a": the variable "what" has no value and no default',
  ]);
});

test('needs and depends_on are one, and duplicates collapse', () => {
  const { steps } = cooked(`${STEP}needs = ["b", "b"]\ndepends_on = ["b", "c"]\n${other('b')}${other('c')}`);
  expect(steps.at(-1)?.needs).toEqual(['b', 'c']);
});

test('an unknown need is refused where it stands, with the step that was meant', () => {
  expect(problemsOf(`${other('implement')}[[steps]]\nid = "test"\ntitle = "T"\nneeds = [\n  "implment",\n]\n`)).toEqual(
    ['x.toml:9:3 · step "test": needs unknown step "implment" (did you mean "implement"?)'],
  );
});

test('a step that needs itself, and every circle of needs, is refused with its whole way', () => {
  expect(
    problemsOf(needing('a', 'b') + needing('b', 'c') + needing('c', 'a') + needing('d', 'd') + needing('e', 'a')),
  ).toEqual([
    'x.toml:2:1 · step "a": the needs go in a circle: a → b → c → a',
    'x.toml:17:10 · step "d": needs itself',
  ]);
  expect(problemsOf(needing('a', 'b') + needing('b', 'a') + needing('c', 'd') + needing('d', 'c'))).toHaveLength(2);
});

test('a formula shows all of its problems at once, in the order of the text', () => {
  const problems = problemsOf(`version = 0
descripton = "?"
[[steps]]
id = "a b"
title = 3
needs = "c"
[[steps]]
id = "twice"
title = " "
type = "hunan"
gate = { type = "timer" }
[[steps]]
id = "twice"
acceptance = { commnd = "true" }
[vars]
n = 3
`);
  expect(problems).toEqual([
    'x.toml:2:1 · version must be at least 1',
    'x.toml:3:1 · unknown key "descripton" (did you mean "description"?)',
    expect.stringContaining('x.toml:5:1 · step "a b": the id "a b" must begin with a letter or digit'),
    'x.toml:6:1 · step "a b": title must be text, not a number (write title = "3")',
    'x.toml:7:1 · step "a b": needs must be a list, not text (write needs = ["c"])',
    'x.toml:10:1 · step "twice": title must not be empty',
    'x.toml:11:1 · step "twice": unknown step type "hunan" (did you mean "human"?)',
    'x.toml:12:1 · step "twice": a timer needs a timeout: when it opens (write it as 90s, 30m, 1h30m or 7d)',
    'x.toml:13:1 · step "twice": title is missing',
    'x.toml:14:1 · step "twice": the id "twice" is already that of the step at line 8',
    'x.toml:15:16 · step "twice": unknown key "commnd" (did you mean "command"?)',
    'x.toml:17:1 · the variable "n" must be text or a table, not a number (write n = "3")',
  ]);
});

test('where a parent is missing nothing is guessed of the names that it would bring', () => {
  const text = `formula = "x"\nextends = ["base"]\n${STEP}needs = ["of-the-parent"]\n`;
  const load = (name: string) => (name === 'x' ? { file: 'x.toml', text } : null);
  const result = cook({ name: 'x', vars: {}, load, names: ['x'] });
  expect(result.ok ? [] : result.problems.map(printProblem)).toEqual(['x.toml:2:12 · there is no formula "base"']);
});

test.each([
  ['', /x\.toml:1:1 · the formula has no steps/],
  ['steps = "a"', /:2:1 · steps must be a list, not text/],
  ['steps = ["a"]', /:2:10 · a step must be a table, not text/],
  ['vars = 1\n[[steps]]\nid = "a"\ntitle = "A"', /:2:1 · vars must be a table, not a number/],
  [
    `type = "convoy"\n[[legs]]\nid = "l"\n${STEP}`,
    /steps is for the type workflow, and the formula is of the type convoy/,
  ],
  [`type = "workflo"\n${STEP}`, /unknown formula type "workflo" \(did you mean "workflow"\?\)/],
  [`rework = "rewrok"\n${STEP}`, /rework names unknown formula "rewrok" \(did you mean "rework"\?\)/],
  [`rework = "mayor"\n${STEP}`, /rework names no formula: it must not be the name of a workflow type/],
  [`${STEP}run = "x"\nscript = [{ close = "x" }]`, /:6:1 · step "a": a step has either run or script, not both/],
  [`${STEP}type = "human"\nrun = "x"`, /:6:1 · step "a": a human step is closed by a person and has no run/],
  [`${STEP}acceptance = ["x"]`, /acceptance must be text, or a table with text and command, not a list/],
  [`${STEP}acceptance = { command = 1 }`, /:5:16 · step "a": command must be text, not a number/],
  [`${STEP}when = 1979-05-27`, /unknown key "when"/],
  [`${STEP}notes = 1979-05-27`, /notes must be text, not a date/],
  [`[vars]\nv = ""\n[[steps]]\nid = "a"\ntitle = "{{v}}"`, /title is empty once its variables are filled in/],
  [`[vars]\nv = ""\n${STEP}run = " {{v}}"`, /:7:1 · step "a": run is empty once its variables are filled in/],
  [`[vars]\nv = ""\n${STEP}script = [{ close = "{{v}}" }]`, /:7:11 · step "a": script is empty once/],
])('%j is refused', (body, message) => {
  expect(problemsOf(body)).toEqual([expect.stringMatching(message)]);
});

test('an acceptance command whose variable is empty is left out', () => {
  const { steps } = cooked(`[vars]\nc = ""\n${STEP}acceptance = { text = "green", command = "{{c}}" }\n`);
  expect(steps[0]?.acceptance).toEqual({ text: 'green' });
});

test('a step of type human waits for a person, every other type is an agent', () => {
  const { steps } = cooked(`${STEP}type = "human"\n${other('b')}type = "bug"\n`);
  expect(steps.map(({ kind }) => kind)).toEqual(['human', 'agent']);
});

test('text that is not TOML is refused at its place', () => {
  expect(cookText('formula = "x"\n[[steps]\n')).toMatchObject({
    ok: false,
    problems: [{ line: 2, message: expect.stringMatching(/^not TOML: /) }],
  });
});

test('a formula that does not exist is answered with the nearest that does', () => {
  const order = { vars: {}, load: () => null, names: ['shiny', 'rework'] };
  const said = (name: string) => {
    const result = cook({ ...order, name });
    return result.ok ? '' : result.problems.map(printProblem).join();
  };
  expect(said('shinny')).toBe('shinny · there is no such formula (did you mean "shiny"?)');
  expect(said('nothing')).toBe('nothing · there is no such formula (there are rework, shiny)');
});

test('a file is refused that calls itself otherwise than it is looked up', () => {
  expect(cookText(`formula = "y"\n${STEP}`)).toMatchObject({
    problems: [{ line: 1, message: 'the formula calls itself "y" but its file is looked up as "x"' }],
  });
});

test.each([...WORKFLOW_TYPES, '../../etc/passwd', '', 'a b', '__proto__', 'x'.repeat(101)])(
  'no formula can be called %j, and no file of that name is asked for',
  (name) => {
    const asked: string[] = [];
    const result = cook({ name, vars: {}, load: (one) => (asked.push(one), null), names: [] });
    expect(result.ok).toBe(false);
    expect(asked).toEqual([]);
  },
);

function other(id: string): string {
  return `[[steps]]\nid = "${id}"\ntitle = "T"\n`;
}

function needing(id: string, need: string): string {
  return `${other(id)}needs = ["${need}"]\n`;
}

function described(rest: string): string | undefined {
  return cooked(`${STEP}${rest}\n`).steps[0]?.description;
}

test('numbers that JSON does not have are refused in metadata', () => {
  for (const number of ['nan', '-inf', '1e400'])
    expect(problemsOf(`${STEP}metadata = { list = [1, ${number}] }\n`)).toEqual([
      expect.stringMatching(/^x\.toml:5:25 · step "a": nan, inf and .* cannot be kept.*\(write it as text\)$/),
    ]);
  expect(problemsOf(`${STEP}[steps.metadata.gc]\nn = nan\n`)).toEqual([expect.stringContaining('x.toml:6:1 · ')]);
});
