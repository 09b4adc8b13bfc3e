import { expect, test } from 'vitest';
import { readFormula } from '../../src/formula/cook.js';
import { cooked, graphOf, problemsOf, step, warningsOf } from '../support/formula.js';

const fileOf = (pr: string) => cooked(CONVOY, { pr }).steps[0]?.leg?.file;

const CONVOY = `type = "convoy"
review_only = true
agent = "claude"
[inputs.pr]
type = "number"
required_unless = ["branch"]
[inputs.branch]
required_unless = ["pr"]
[prompts]
base = "{{.leg.title}}: {{.target_description}}, {{if .pr_number}}#{{.pr_number}}{{else}}{{.branch}}{{end}}. {{.leg.description}} → {{.output_path}}"
[output]
directory = ".reviews/{{.review_id}}"
leg_pattern = "{{.leg.id}}.md"
synthesis = "all.md"
[[legs]]
id = "sec"
title = "Security"
description = "Look for {{.leg.focus}}."
focus = "holes"
[[legs]]
id = "perf"
review_only = false
agent = "script"
[presets.quick]
legs = ["sec"]
[synthesis]
title = "Sum of {{.branch}}"
description = "Read {{.output.directory}}/{{.output.synthesis}}"
depends_on = ["sec", "perf"]
`;

test('legs are steps side by side, and the synthesis needs them and ends with what they found', () => {
  const proto = cooked(CONVOY, { branch: 'topic', review_id: 'r1' });
  expect(proto.type).toBe('convoy');
  expect(graphOf(proto)).toEqual(['sec', 'perf', 'synthesis needs sec, perf']);
  const [sec, perf, synthesis] = proto.steps;
  expect(sec).toMatchObject({
    title: 'Security',
    description: 'Security: branch: topic, topic. Look for holes. → .reviews/r1/sec.md',
    agent: 'claude',
    leg: { role: 'leg', file: '.reviews/r1/sec.md', reviewOnly: true },
  });
  expect(perf).toMatchObject({ title: 'perf', agent: 'script', leg: { reviewOnly: false } });
  expect(synthesis).toMatchObject({ title: 'Sum of topic', leg: { role: 'synthesis', file: '.reviews/r1/all.md' } });
  expect(synthesis?.description).toMatch(
    /^Read .reviews\/r1\/all.md\n\n## Findings of the legs\n\n### Security \(sec\)\n\n\{\{steps.sec.summary\}\}/,
  );
});

test('a preset or names choose legs', () => {
  const legsWith = (vars: Readonly<Record<string, string>>) => graphOf(cooked(CONVOY, { pr: '3', ...vars }));
  expect(legsWith({ preset: 'quick' })).toEqual(['sec', 'synthesis needs sec']);
  expect(legsWith({ legs: 'perf' })).toEqual(['perf', 'synthesis needs perf']);
  expect(cooked(CONVOY, { pr: '3' }).steps[0]?.description).toContain('#3');
});

test('the same inputs give the same review, others another', () => {
  expect(fileOf('3')).toBe(fileOf('3'));
  expect(fileOf('3')).not.toBe(fileOf('4'));
});

test('what a value brings into a prompt is not looked at again', () => {
  expect(cooked(CONVOY, { branch: '{{.leg.id}} {{branch}}' }).steps[0]?.description).toContain(
    '{{.leg.id}} {{branch}}',
  );
});

test('lists may be given as texts or as JSON', () => {
  const text = `type = "convoy"\n[prompts]\nbase = "{{range .files}}[{{.}}]{{end}}{{range .changed_files}}({{.path}}){{end}}"\n[[legs]]\nid = "l"\n`;
  expect(cooked(text, { files: 'a.ts, b.ts', changed_files: '[{"path": "p"}]' }).steps[0]?.description).toContain(
    '[a.ts][b.ts](p)',
  );
});

test.each([
  [CONVOY, {}, /the variable "pr" has no value, and must have one unless "branch" has/],
  [CONVOY, { pr: 'x' }, /"x" is not a number/],
  [CONVOY, { pr: '1', preset: 'qick' }, /the variable "preset": "qick" is none of "quick"$/m],
  [CONVOY, { pr: '1', legs: 'prf' }, /there is no leg "prf" \(did you mean "perf"\?\)/],
  [CONVOY.replace('id = "perf"', 'id = "sec"'), { pr: '1' }, /step "sec": the leg "sec" stands twice/],
  [CONVOY.replace('"sec", "perf"]', '"ghost"]'), { pr: '1' }, /the synthesis of "x" needs unknown leg "ghost"/],
  [CONVOY.replace('legs = ["sec"]', 'legs = ["sce"]'), { pr: '1' }, /there is no leg "sce" \(did you mean "sec"\?\)/],
  [CONVOY.replace('["branch"]', '["ghost"]'), { pr: '1' }, /there is no input "ghost"/],
  [
    CONVOY.replace('{{.branch}}', '{{upper .branch}}'),
    { pr: '1' },
    /the template cannot be rendered: upper cannot be executed/,
  ],
  [CONVOY.replace('title = "Security"', 'title = " "'), { pr: '1' }, /title must not be empty/],
  [CONVOY.replace('title = "Security"', 'title = "{{.branch}}"'), { pr: '1' }, /title is empty once it is rendered/],
  ['type = "convoy"\n', {}, /the convoy has no legs/],
])('a convoy is refused: %#', (text, vars, message) => {
  expect(problemsOf(text, vars).join('\n')).toMatch(message);
});

test('a field that is no input is empty unless it is given, with a warning', () => {
  const text = `type = "convoy"\n[inputs]\nbranch = "b"\n[prompts]\nbase = "{{.brnach}}{{.branch}}"\n[[legs]]\nid = "l"\n`;
  expect(warningsOf(text).join()).toContain('{{.brnach}} is no input of the convoy');
  expect(cooked(text, { brnach: 'B' }).steps[0]?.description).toContain('Bb');
});

test('a convoy can be read without its inputs', () => {
  const read = readFormula('x', { file: 'x.toml', text: `formula = "x"\n${CONVOY}` }, []);
  expect(read.ok ? read.formula.vars.map(({ name }) => name) : read.problems).toEqual([
    'pr',
    'branch',
    'preset',
    'legs',
    'target_description',
    'pr_number',
    'review_id',
  ]);
});

test('a leg that is not chosen is as one that is skipped: who needs it waits for what it waited for', () => {
  const legs = `${step('arch', '', 'legs')}${step('sec', 'needs = ["arch"]', 'legs')}${step('perf', 'needs = ["sec"]\ndescription = "After: {{steps.sec.summary}}."', 'legs')}`;
  const chosen = `type = "convoy"\n${legs}[presets.quick]\nlegs = ["perf"]\n[presets.deep]\nlegs = ["arch", "perf"]\n[synthesis]\ndepends_on = ["sec"]\n`;
  const graphWith = (preset: string) => graphOf(cooked(chosen, { preset }));
  expect(graphWith('')).toEqual(['arch', 'sec needs arch', 'perf needs sec', 'synthesis needs sec']);
  expect(graphWith('deep')).toEqual(['arch', 'perf needs arch', 'synthesis needs arch, perf']);
  expect(graphWith('quick')).toEqual(['perf', 'synthesis needs perf']);
  expect(cooked(chosen, { preset: 'quick' }).steps[0]?.description).toContain('After: .');
});

test('the prompt of a leg without a description begins with the text for all', () => {
  const legs = `${step('a', '', 'legs')}${step('b', 'description = "Own."', 'legs')}`;
  const { steps } = cooked(`type = "convoy"\n[prompts]\nbase = "Look."\n${legs}`);
  expect(steps.map(({ description }) => description)).toEqual(['Look.', 'Own.\n\nLook.']);
});

test('a synthesis of whose legs none is chosen reads all that are, also where the others need one of them', () => {
  const legs = step('fetch', '', 'legs') + ['b', 'c', 'd'].map((id) => step(id, 'needs = ["fetch"]', 'legs')).join('');
  const convoy = `type = "convoy"\n${legs}[presets.quick]\nlegs = ["fetch", "d"]\n[synthesis]\ndepends_on = ["b", "c"]\n`;
  expect(graphOf(cooked(convoy, { preset: 'quick' }))).toEqual(['fetch', 'd needs fetch', 'synthesis needs fetch, d']);
});

const one = (description: string, more = '') =>
  `type = "convoy"\n${more}[[legs]]\nid = "a"\ntitle = "A"\ndescription = '${description}'\n`;

test.each([
  ['Look at {{.leg.focs}}', 'there is no .leg.focs, so it would be empty (did you mean ".leg.focus"?)'],
  ['{{if .output.dir}}x{{end}}', 'there is no .output.dir, so it would be empty (did you mean ".output.directory"?)'],
  ['{{.leg.focus.more}}', 'there is no .leg.focus.more'],
  ['{{.pr_title.x}}', '.pr_title is a text, and has no parts'],
  ['{{.__proto__.x}}', '.__proto__ is a text, and has no parts'],
  ['Look at {{.leg.focus', 'an action is never closed: }} is missing'],
  ['Look at {{.leg.focus}} and {{ "', 'an action is never closed'],
])('what a template of a convoy asks for in vain is refused: %s', (text, problem) => {
  expect(problemsOf(one(text))).toEqual([expect.stringContaining(problem)]);
});

test('a field that is no input is told where it stands', () => {
  expect(warningsOf(one('{{.leg.id}} {{.nope}}'))).toEqual([
    expect.stringMatching(/^x\.toml:6:28 · .*\{\{\.nope\}\} is no input of the convoy/),
  ]);
});

test.each([
  ['directory = "../out"', 'the path "../out/a.md" leads out of the sandbox'],
  ['leg_pattern = "/tmp/{{.leg.id}}"', 'the path "/tmp/a" leads out of the sandbox'],
  ['leg_pattern = "same.md"', 'more than one writes into the file "same.md"'],
])('findings go into files of their own, in the sandbox: %s', (output, problem) => {
  const two = `[[legs]]\nid = "b"\ntitle = "B"\n[output]\n${output}\n`;
  expect(problemsOf(one('x') + two)).toEqual([expect.stringContaining(problem)]);
});
