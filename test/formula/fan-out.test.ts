import { expect, test } from 'vitest';
import { fanOutProblem } from '../../src/town/molecule-fan-out.js';
import { FanOut } from '../../src/town/protomolecule.js';
import { cookAmong, cookedAmong, graphOf, problemsAmong, problemsOf, step, warningsAmong } from '../support/formula.js';

const survey = (more: string) => `${step('survey')}[steps.on_complete]\nfor_each = "output.items"\n${more}\n`;
const ARM = `type = "expansion"\n[vars.level]\nenum = ["1", "2"]\n${step('{target}.look', 'notes = "{level} {target.title}"', 'template')}${step('{target}.tell', 'needs = ["{target}.look"]\nnotes = "{{steps.{target}.look.output}}"', 'template')}`;

test('a bonded expansion is cooked with the number and the entry left open', () => {
  const x =
    survey('bond = "arm"\nsequential = true\nvars = { level = "{item.level}" }') + step('after', 'needs = ["survey"]');
  const [first, after] = cookedAmong({ x, arm: ARM }).steps;
  expect(after?.needs).toEqual(['survey']);
  const fanOut = FanOut.parse(first?.fanOut);
  expect(graphOf(fanOut)).toEqual(['survey.item.{n}.look', 'survey.item.{n}.tell needs survey.item.{n}.look']);
  expect(fanOut).toMatchObject({ bond: 'arm', forEach: 'output.items', sequential: true });
  expect(fanOut.steps[0]?.description).toContain('{item.level} SURVEY');
  expect(fanOut.steps[1]?.description).toContain('{{steps.survey.item.{n}.look.output}}');
  expect(fanOut.checks).toEqual([
    { name: 'level', value: '{item.level}', type: 'string', enum: ['1', '2'], pattern: null },
  ]);
});

test('a bonded workflow is cooked whole, its steps under the name of the entry', () => {
  const work = `[vars.what]\nrequired = true\n[vars.how]\ndefault = "well"\n${step('do', 'notes = "{{what}} {{how}}"')}${step('show', 'needs = ["do"]\nnotes = "{{steps.do.summary}}"')}`;
  const fanOut = cookedAmong({ x: survey('bond = "work"\nvars = { what = "{item}-{index}-{n}" }'), work }).steps[0]
    ?.fanOut;
  expect(graphOf({ steps: fanOut?.steps ?? [] })).toEqual([
    'survey.item.{n}.do',
    'survey.item.{n}.show needs survey.item.{n}.do',
  ]);
  expect(fanOut?.steps[0]?.description).toContain('{item}-{index}-{n} well');
  expect(fanOut?.steps[1]?.description).toContain('{{steps.survey.item.{n}.do.summary}}');
});

test('steps that are added stand in the group of the step that adds them', () => {
  const x = `${step('g')}${step('survey', 'on_complete = { for_each = "output", bond = "arm" }', 'steps.children')}`;
  const fanOut = cookedAmong({ x, arm: ARM.replace('[vars.level]\n', '[vars.level]\ndefault = "1"\n') }).steps[1]
    ?.fanOut;
  expect(fanOut?.steps.map(({ parent }) => parent)).toEqual(['g', 'g']);
});

test.each([
  [survey('bond = "ghost"'), /:8:1 · step "survey": there is no formula "ghost"/],
  [survey(''), /on_complete needs bond/],
  [`${step('a')}[steps.on_complete]\nbond = "arm"\n`, /on_complete needs for_each/],
  [
    survey('bond = "arm"').replace('output.items', 'items'),
    /for_each must be a path in the output, as output.items, not "items"/,
  ],
  [survey('bond = "arm"\nparallel = true\nsequential = true'), /either parallel or sequential/],
  [survey('bond = "arm"\nvars = { level = "9" }'), /the variable "level" of "arm": "9" is none of "1", "2"/],
  [survey('bond = "arm"\nvars = { levle = "1" }'), /"arm" has no variable "levle" \(did you mean "level"\?\)/],
  [survey('bond = "again"'), /a step that is added at run time cannot be repeated or fan out itself/],
  [survey('bond = "look"'), /"look" cannot be bonded: it is of the type aspect/],
])('%j is refused', (x, message) => {
  const again = step('a', 'on_complete = { for_each = "output", bond = "arm" }');
  const look = 'type = "aspect"\n[[advice]]\ntarget = "a"\nafter = { id = "b" }\n';
  expect(problemsAmong({ x, arm: ARM, again, look }).join('\n')).toMatch(message);
});

/** What is said of the value, without where it stands. */
function saidOf(problem: string | null | undefined): string | null {
  return /(?:"arm"|level): (".*)$/.exec(problem ?? '')?.[1] ?? null;
}

test.each([
  ['type = "int"', ['3', '-3', '+3', '3.0', ' 3', '', 'x']],
  ['type = "number"', ['3', '-1.5', '+1.5', '1.', '.5', '1e3', '']],
  ['type = "number"\npattern = "5"', ['5', '-1.5', '+5', '6', 'x5']],
  ['type = "bool"', ['true', 'false', 'True', 'yes', '']],
  ['enum = ["a", "b"]', ['a', 'b', 'c', 'A', '']],
  ["pattern = '^\\d+$'", ['1', '12', 'x', '']],
])(
  'of a variable with %s a value means the same when it is written and when it comes from an output',
  (rule, values) => {
    const arm = ARM.replace('enum = ["1", "2"]', () => rule);
    const written = (level: string) => problemsAmong({ x: survey(`bond = "arm"\nvars = { level = "${level}" }`), arm });
    const open = cookedAmong({ x: survey('bond = "arm"\nvars = { level = "{item}" }'), arm }).steps[0]?.fanOut;
    const { checks } = FanOut.parse(open);
    const cold = values.map((value) => saidOf(written(value)[0]));
    const hot = values.map((value) => saidOf(fanOutProblem({ ...FanOut.parse(open), checks }, { items: [value] })));
    expect(hot).toEqual(cold);
    expect(new Set(cold.map((one) => one === null)).size).toBe(2);
  },
);

/** What the first of the steps that a loop over the output of `s` adds needs, and what `end`, behind the loop, does. */
const needsOfAdded = (more: string, body = '') => {
  const loop = `${step('lp', 'needs = ["s", "b"]')}[steps.loop]\nfor_each = "s.output.items"\n`;
  const inner = `${step('m', body, 'steps.loop.body')}${step('n', 'needs = ["m"]', 'steps.loop.body')}`;
  const x = `${step('s')}${step('b')}${step('m')}${loop}${inner}${step('end', 'needs = ["lp"]')}${more}`;
  const pair = `type = "expansion"\n${step('{target}', '', 'template')}${step('{target}.more', 'needs = ["{target}"]', 'template')}`;
  const { steps } = cookedAmong({ x, pair });
  const fanOut = steps.find(({ id }) => id === 's')?.fanOut;
  return [...graphOf({ steps: fanOut?.steps ?? [] }), ...graphOf({ steps }).filter((line) => line.startsWith('end'))];
};
const after = (target: string) => `[[advice]]\ntarget = "${target}"\nafter = { id = "{step.id}.post" }\n`;

test('what is added waits for what comes after a step that only the loop needs', () => {
  expect(needsOfAdded(after('b'))).toEqual([
    'lp.item.{n}.m needs b.post',
    'lp.item.{n}.n needs lp.item.{n}.m',
    'end needs s, b.post',
  ]);
  expect(needsOfAdded('[[compose.expand]]\ntarget = "b"\nwith = "pair"\n')[0]).toBe('lp.item.{n}.m needs b.more');
  expect(needsOfAdded(after('b'), 'needs = ["b"]')[0]).toBe('lp.item.{n}.m needs b.post');
});

test('a step after the one that fans out waits for what is added, and the body keeps the needs on itself', () => {
  expect(needsOfAdded(after('[sm]'))).toEqual([
    'lp.item.{n}.m needs b',
    'lp.item.{n}.n needs lp.item.{n}.m',
    'end needs s.post, b',
  ]);
});

test('a loop in a template is over the output of a step of it, and waits for what has taken the place of another', () => {
  const pair = `type = "expansion"\n${step('{target}', '', 'template')}${step('{target}.more', 'needs = ["{target}"]', 'template')}`;
  const loop = `${step('{target}.lp', 'needs = ["{target}.b"]', 'template')}[template.loop]\nfor_each = "{target}.s.output.items"\n${step('m', '', 'template.loop.body')}`;
  const e = `type = "expansion"\n${step('{target}.s', '', 'template')}${step('{target}.b', 'expand = "pair"', 'template')}${loop}`;
  const { steps } = cookedAmong({ x: step('a', 'expand = "e"'), e, pair });
  expect(graphOf({ steps })).toEqual(['a.s', 'a.b', 'a.b.more needs a.b']);
  expect(graphOf({ steps: steps[0]?.fanOut?.steps ?? [] })).toEqual(['a.lp.item.{n}.m needs a.b.more']);
});

test('a circle through a loop in the body of a loop over an output is found', () => {
  const inner = `${step('in', '', 'steps.loop.body')}[steps.loop.body.loop]\ncount = 2\n${step('m', 'needs = ["end"]', 'steps.loop.body.loop.body')}`;
  const x = `${step('s')}${step('end', 'needs = ["s"]')}${step('lp')}[steps.loop]\nfor_each = "s.output.items"\n${inner}`;
  expect(problemsAmong({ x }).join()).toContain('the needs go in a circle: end → what s adds → end');
});

test('the steps of a bonded expansion may read one another, in conditions too', () => {
  const one = `type = "expansion"\n${step('{target}.read', 'output = { ok = "boolean" }', 'template')}${step('{target}.b', 'needs = ["{target}.read"]\ncondition = "{{steps.{target}.read.output.ok}} == true"', 'template')}`;
  const x = step('s', 'output = { l = ["string"] }\non_complete = { for_each = "output.l", bond = "one" }');
  const cookedOne = cookAmong({ x, one });
  expect(cookedOne).toMatchObject({ ok: true, warnings: [] });
  const wrong = one.replace('output.ok}}', 'output.no}}');
  expect(problemsAmong({ x, one: wrong })).toEqual([expect.stringContaining('declares no output.no')]);
});

const over = (id: string, more = '') =>
  `${step(id, more)}[steps.loop]\nfor_each = "survey.output.items"\n${step('x', '', 'steps.loop.body')}`;

test('what stands between a step and the loop over its output is told the way round', () => {
  const x =
    step('survey') + step('approve', 'type = "human"\nneeds = ["survey"]') + over('each', 'needs = ["approve"]');
  expect(problemsAmong({ x })).toEqual([
    'x.toml:6:1 · step "approve": the needs go in a circle: approve → what survey adds → approve (who needs "survey" waits for the loop over its output: let a step that needs "approve" leave the list once more, and loop over that)',
  ]);
});

test('a second loop over one output is told the way round', () => {
  expect(problemsAmong({ x: step('survey') + over('fix') + over('verify', 'needs = ["fix"]') }).join()).toContain(
    'another loop is over the output of "survey" already (put the steps of both into one body, or let another step leave the list once more)',
  );
});

test('a loop over an output among the steps that are added is refused, and not lost', () => {
  const inner = `${step('b', '', 'steps.loop.body')}[steps.loop.body.loop]\nfor_each = "a.output"\n${step('w', '', 'steps.loop.body.loop.body')}`;
  const x = `${step('s')}${step('lp')}[steps.loop]\nfor_each = "s.output"\n${step('a', '', 'steps.loop.body')}${inner}`;
  expect(problemsAmong({ x }).join()).toContain(
    'a step that is added at run time cannot be repeated or fan out itself',
  );
});

test('a loop over an output leaves nothing itself, and is not over when its list is left: its name stands for neither', () => {
  const each = '[steps.loop]\nfor_each = "s.output"\n[[steps.loop.body]]\nid = "go"\ntitle = "Go"\n';
  const x = step('s') + step('each') + each;
  const asks = (more: string) => problemsAmong({ x: x + step('z', more) });
  const loop = '"each", which ends with a loop over the output of "s"';
  expect(asks('needs = ["each"]\ndescription = "{{steps.each.output}} {{steps.each.summary}}"')).toEqual([
    `x.toml:19:16 · step "z": {{steps.each.output}} names ${loop} and leaves nothing itself (name "s" for the list that the loop is over)`,
    `x.toml:19:38 · step "z": {{steps.each.summary}} names ${loop} and leaves nothing itself (name "s" for the list that the loop is over)`,
  ]);
  expect(asks('gate = { type = "condition", condition = "each.status == complete" }')).toEqual([
    `x.toml:18:1 · step "z": the condition names ${loop}, and asks of "s" alone (name "s"; who has to wait for the loop, too, needs it: needs = ["each"])`,
  ]);
  expect(asks('gate = { type = "condition", condition = "children(each).all(status == complete)" }')).toEqual([]);
});

const EACH = `type = "expansion"\n[vars.items]\n${step('{target}.each', '', 'template')}[template.loop]\nfor_each = "items"\nvar = "one"\n${step('do', 'run = "do {one}"', 'template.loop.body')}`;

const given = (items: string) =>
  `${step('s')}${step('t', `needs = ["s"]\nexpand = "each"\nexpand_vars = { items = "${items}" }`)}`;
const inner = (how: string) =>
  `${step('in', '', 'steps.loop.body')}[steps.loop.body.loop]\n${how}\n${step('do', '', 'steps.loop.body.loop.body')}`;

test('a loop over a variable is over the output that its value names', () => {
  const { steps } = cookedAmong({ x: given('{{steps.s.output.l}}'), each: EACH });
  const [s] = steps;
  expect(s?.fanOut).toMatchObject({ forEach: 'output.l', steps: [{ id: 't.each.item.{n}.do', run: 'do {item}' }] });
  expect(steps).toHaveLength(1);
  expect(warningsAmong({ x: given('s.output.l'), each: EACH })).toEqual([
    'each.toml:9:1 · step "{target}.each": the list is one text here: "s.output.l" (an output is given by {{steps.s.output.l}})',
  ]);
});

test('a list in an entry is refused, since what is added fans out no further', () => {
  const fan = '[steps.on_complete]\nfor_each = "output.l"\nbond = "each"\nvars = { items = "{item.l}" }\n';
  const refused = 'the list is {item.l}, of an entry that is known as the molecule runs';
  const hint = 'a step that is added fans out no further: let the step before leave one list of all that is to be done';
  const place = 'each.toml:9:1 · step "{target}.each"';
  expect(problemsAmong({ x: step('s') + fan, each: EACH })).toEqual([`${place}: ${refused} (${hint})`]);
  const loop = '[steps.loop]\nfor_each = "s.output"\nvar = "w"\n';
  const nested = (how: string) => problemsAmong({ x: step('s') + step('each') + loop + inner(how) });
  expect(nested('for_each = "{w.l}"')).toEqual([expect.stringContaining(refused)]);
  expect(nested('range = "1..{w.n}"')).toEqual([
    expect.stringContaining('the range "1..{item.n}" asks for an entry, which is known as the molecule runs'),
  ]);
});

const OVER = 'for_each = "s.output.l"\nvar = "x"\n';
const LIST = 'output = { l = ["string"] }';

test('a loop over an output that needs the loop around it would wait for itself', () => {
  const inner = `${step('e', 'needs = ["l"]', 'steps.loop.body')}[steps.loop.body.loop]\n${OVER}`;
  const inside = `${step('s', LIST, 'steps.loop.body')}${inner}${step('w', '', 'steps.loop.body.loop.body')}`;
  expect(problemsOf(`${step('l', '[steps.loop]\ncount = 1')}${inside}`)).toEqual([
    expect.stringContaining('step "l.iter1.e": needs the loop "l", which it stands in'),
  ]);
});

test('so would a step of its body that needs the loop', () => {
  const inside = step('w', 'needs = ["e"]', 'steps.loop.body');
  expect(problemsOf(`${step('s', LIST)}${step('e', `[steps.loop]\n${OVER}`)}${inside}`)).toEqual([
    expect.stringContaining('step "w": needs the loop "e", which it stands in (the loop is over when all in it is'),
  ]);
});

test.each(['l', 'e'])(
  'and in the body of another loop a step that needs that or this, "%s", also from a loop in it',
  (need) => {
    const body = 'steps.loop.body.loop.body';
    const each = `${step('e', '', 'steps.loop.body')}[steps.loop.body.loop]\n${OVER}${step('w', `needs = ["${need}"]`, body)}`;
    const inner = `${step('k', `[${body}.loop]\ncount = 2`, body)}${step('v', `needs = ["${need}"]`, `${body}.loop.body`)}`;
    const x = `${step('l', '[steps.loop]\ncount = 1')}${step('s', LIST, 'steps.loop.body')}${each}${inner}`;
    const loop = need === 'l' ? 'l' : 'l.iter1.e';
    expect(problemsOf(x)).toEqual(
      ['w', 'v'].map((id) => expect.stringContaining(`step "${id}": needs the loop "${loop}", which it stands in`)),
    );
  },
);
