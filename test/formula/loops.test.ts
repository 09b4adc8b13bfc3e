import { expect, test } from 'vitest';
import { cooked, cookedAmong, graphOf, problemsOf, step, warningsOf } from '../support/formula.js';

const untilOf = (until: string) =>
  cooked(loop(`until = "${until}"\nmax = 2`, body('x') + body('y', 'needs = ["x"]'))).loops?.[0]?.until;

const each = (list: string) => loop(`for_each = ${list}\nvar = "who"`, body('x', 'notes = "for {who}"'));

const notes = (text: string, vars = {}) =>
  cooked(text, vars).steps.map(({ description }) => description.split('\n').at(-1));

const loop = (how: string, body: string, more = '') => `${step('lp', more)}[steps.loop]\n${how}\n${body}`;
const body = (id: string, more = '') => step(id, more, 'steps.loop.body');
const nested = (how: string) =>
  `${body('in')}[steps.loop.body.loop]\n${how}\n${step('z', '', 'steps.loop.body.loop.body')}`;

test('each iteration waits for all of the one before, and who needs the loop for the end of the last', () => {
  const proto = cooked(
    step('first') + loop('count = 2', body('x') + body('y'), 'needs = ["first"]') + step('end', 'needs = ["lp"]'),
  );
  expect(graphOf(proto)).toEqual([
    'first',
    'lp.iter1.x needs first',
    'lp.iter1.y needs first',
    'lp.iter2.x needs lp.iter1.x, lp.iter1.y',
    'lp.iter2.y needs lp.iter1.x, lp.iter1.y',
    'end needs lp.iter2.x, lp.iter2.y',
  ]);
});

test('the variable of a loop stands in texts, ids, needs and labels, and never inside of double braces', () => {
  const text = `[vars]\ni = "V"\n${loop('range = "2..3"\nvar = "i"', body('x{i}', 'labels = ["l{i}"]\ndescription = "{i} {{i}} {j}"') + body('y{i}', 'needs = ["x{i}"]'))}`;
  const { steps } = cooked(text);
  expect(graphOf({ steps })).toEqual([
    'lp.iter1.x2',
    'lp.iter1.y2 needs lp.iter1.x2',
    'lp.iter2.x3 needs lp.iter1.y2',
    'lp.iter2.y3 needs lp.iter2.x3',
  ]);
  expect(steps[2]).toMatchObject({ description: '3 V {j}', labels: ['l3'] });
});

test('ranges calculate with variables, in double braces or single ones', () => {
  const { steps } = cooked(`[vars]\nn = "2"\n${loop('range = "1..2^{n}-{{n}}+1"', body('x'))}`, { n: 3 });
  expect(steps).toHaveLength(6);
});

test('loops stand in loops, the inner one under the name of the outer', () => {
  const inner = `${body('in')}[steps.loop.body.loop]\ncount = 2\n${step('z', 'needs = ["a"]', 'steps.loop.body.loop.body')}`;
  expect(graphOf(cooked(loop('count = 2', body('a') + inner)))).toEqual([
    'lp.iter1.a',
    'lp.iter1.in.iter1.z needs lp.iter1.a',
    'lp.iter1.in.iter2.z needs lp.iter1.in.iter1.z, lp.iter1.a',
    'lp.iter2.a needs lp.iter1.in.iter2.z',
    'lp.iter2.in.iter1.z needs lp.iter2.a',
    'lp.iter2.in.iter2.z needs lp.iter2.in.iter1.z, lp.iter2.a',
  ]);
});

test('what the step of a loop says is handed down to its body', () => {
  const { steps } = cooked(
    loop(
      'count = 2',
      body('x', 'priority = 0') + body('y', 'labels = ["own"]'),
      'condition = "{{steps.a.output}}"\nneeds = ["a"]\npriority = 3\nlabels = ["l"]\nassignee = "me"\ngate = { type = "human" }',
    ) + step('a'),
  );
  expect(steps.map(({ id, priority, labels, gates }) => [id, priority, labels, gates?.length ?? 0])).toEqual([
    ['a', undefined, undefined, 0],
    ['lp.iter1.x', 0, ['l'], 1],
    ['lp.iter1.y', 3, ['own', 'l'], 1],
    ['lp.iter2.x', 0, ['l'], 0],
    ['lp.iter2.y', 3, ['own', 'l'], 0],
  ]);
  expect(steps.slice(1).every(({ condition, assignee }) => condition?.op === 'truthy' && assignee === 'me')).toBe(true);
});

test('a loop with until has its first iteration in the list, and the rest as a loop', () => {
  const proto = cooked(
    loop('until = "y.output.clean == true"\nmax = 5', body('x') + body('y', 'needs = ["x"]')) +
      step('end', 'needs = ["lp"]'),
  );
  expect(graphOf(proto)).toEqual(['lp.iter1.x', 'lp.iter1.y needs lp.iter1.x', 'end needs lp.iter1.y']);
  const until = 'lp.iter1.y.output.clean == true';
  expect(proto.loops).toEqual([
    { id: 'lp', body: ['lp.iter1.x', 'lp.iter1.y'], max: 5, until, check: null, parent: null },
  ]);
});

test('a loop with until names the group it stands in, which waits for its end', () => {
  const inner = `${step('lp', '', 'steps.children')}[steps.children.loop]\nuntil = "x.output.ok == true"\nmax = 2\n`;
  const body = `${step('h', '', 'steps.children.loop.body')}${step('x', '', 'steps.children.loop.body.children')}`;
  expect(cooked(step('g') + inner + body).loops).toMatchObject([
    { id: 'lp', body: ['lp.iter1.h', 'lp.iter1.x'], parent: 'g' },
  ]);
});

test('in until, the step itself is the last of the body', () => {
  expect(untilOf("step.status == 'complete'")).toBe("lp.iter1.y.status == 'complete'");
  expect(untilOf('output.n > 3')).toBe('lp.iter1.y.output.n > 3');
  expect(untilOf('steps.complete >= 2')).toBe('steps.complete >= 2');
});

test('for_each over a list goes round once for each entry, over a variable too', () => {
  expect(notes(each('["a", "b"]'))).toEqual(['for a', 'for b']);
  const list = `[vars]\nlist = "a, b\\nc"\n`;
  expect(notes(list + each('"{{list}}"'))).toEqual(['for a', 'for b', 'for c']);
  expect(notes(list + each('"list"'), { list: 'd' })).toEqual(['for d']);
});

test('a loop over nothing stays as a group without steps, so that nobody goes before what it needs', () => {
  const list = `[vars]\nlist = ""\n`;
  const none = loop('for_each = "list"', body('x'), 'needs = ["s"]');
  const proto = cooked(list + step('s') + none + step('e', 'needs = ["lp"]'));
  expect(graphOf(proto)).toEqual(['s', 'lp needs s', 'e needs lp']);
  expect(proto.steps[1]?.kind).toBe('group');
  const inner = `${body('in')}[steps.loop.body.loop]\nfor_each = "list"\n${step('z', '', 'steps.loop.body.loop.body')}`;
  const outer = loop('count = 2', inner, 'needs = ["s"]');
  expect(graphOf(cooked(list + step('s') + outer + step('e', 'needs = ["lp"]')))).toEqual([
    's',
    'lp.iter1.in needs s',
    'lp.iter2.in needs lp.iter1.in',
    'e needs lp.iter2.in',
  ]);
  const child = `${step('k', '', 'steps.children')}[steps.children.loop]\nfor_each = "list"\n${step('x', '', 'steps.children.loop.body')}`;
  const kinds = cooked(list + step('g') + child).steps.map(({ id, kind, parent }) => [id, kind, parent]);
  expect(kinds).toEqual([
    ['g', 'group', undefined],
    ['k', 'group', 'g'],
  ]);
  const advised = `${list}${none}${step('s')}[[advice]]\ntarget = "*"\nafter = { id = "{step.id}.post" }`;
  expect(graphOf(cooked(advised))).toEqual(['s', 's.post needs s', 'lp needs s.post']);
});

test('a name alone in for_each must be that of a variable', () => {
  expect(problemsOf(`[vars]\nlist = "a"\n${each('"lsit"')}`)).toEqual([
    'x.toml:9:1 · step "lp": there is no variable "lsit" to go round over (did you mean "list"?)',
  ]);
});

test.each([
  ['s.ouput.items', 'did you mean "s.output.items"?'],
  ['steps.s.outputs', 'did you mean "s.output"?'],
  ['items[0]', 'a list is ["a", "b"], a variable, or ID.output.path'],
  ['output.l', 'a list is'],
  ['s.output.l,b', 'a list is'],
  ['a, b', 'a list is'],
])('what for_each does not know is no list of one text: %s', (list, hint) => {
  expect(problemsOf(step('s') + each(JSON.stringify(list)))).toEqual([
    expect.stringContaining(`"${list}" is neither a variable nor an output to go round over (${hint}`),
  ]);
});

test.each(['{items}', '{{itmes}}', '{s.output.l}', '{{steps.s.ouput.l}}', '{{items', '{{list}},{{b}}'])(
  'nothing may be left in braces in for_each: %s',
  (list) => {
    const problems = problemsOf(`[vars]\nlist = "a"\n${step('s')}${each(JSON.stringify(list))}`);
    expect(problems).toEqual([
      expect.stringMatching(/the list has .* in it, which is neither a variable nor an output/),
    ]);
  },
);

test('a list may be put together of variables, also in single braces, and a value may be a JSON list', () => {
  const vars = '[vars]\na = "x, y"\nb = "z"\n';
  expect(notes(vars + each('"{{a}}, {b}"'))).toEqual(['for x', 'for y', 'for z']);
  expect(notes(vars + each('"a"'), { a: '["p, q", 2]' })).toEqual(['for p, q', 'for 2']);
});

test('the variable of a loop around hides that of the formula', () => {
  const inner = `${body('in')}[steps.loop.body.loop]\nfor_each = "{b}"\nvar = "x"\n${step('z{x}', '', 'steps.loop.body.loop.body')}`;
  const outer = loop('for_each = ["p"]\nvar = "b"', inner);
  expect(cooked(`[vars]\nb = "z"\n${outer}`).steps.map(({ id }) => id)).toEqual(['lp.iter1.in.iter1.zp']);
});

test('a list in an entry of a loop over an output cannot be gone round over', () => {
  const inner = `${body('in')}[steps.loop.body.loop]\nfor_each = "it.kids"\n${step('z', '', 'steps.loop.body.loop.body')}`;
  expect(problemsOf(step('s') + loop('for_each = "s.output.l"\nvar = "it"', inner))).toEqual([
    expect.stringContaining('the list is it.kids, of an entry that is known as the molecule runs'),
  ]);
});

test('the gate of a loop is in front of what begins in its first iteration, and of nothing behind that', () => {
  const inner = `${body('in')}[steps.loop.body.loop]\ncount = 2\n${step('z', '', 'steps.loop.body.loop.body')}`;
  const proto = cooked(loop('count = 2', inner + body('q', 'needs = ["in"]'), 'gate = { type = "human" }'));
  expect(proto.steps.filter(({ gates }) => gates !== undefined).map(({ id }) => id)).toEqual(['lp.iter1.in.iter1.z']);
  expect(graphOf(proto).slice(2, 4)).toEqual([
    'lp.iter1.q needs lp.iter1.in.iter2.z',
    'lp.iter2.in.iter1.z needs lp.iter1.q',
  ]);
});

test('a group in a body waits for the iteration before when anything in it could begin', () => {
  const group =
    body('g') + step('k', 'needs = ["a"]', 'steps.loop.body.children') + step('l', '', 'steps.loop.body.children');
  expect(graphOf(cooked(loop('count = 2', body('a') + group)))).toContain('lp.iter2.g needs lp.iter1.g');
});

test('a loop over an output stands in a group only with the step whose output it is', () => {
  const over = `${step('k', '', 'steps.children')}[steps.children.loop]\nfor_each = "survey.output.items"\n${step('x', '', 'steps.children.loop.body')}`;
  expect(problemsOf(step('survey') + step('g') + over)).toEqual([
    'x.toml:14:1 · step "k": the loop stands in the group "g", and "survey" does not (what the loop adds would not be in the group: put both into it, or neither)',
  ]);
  const both = step('g') + step('survey', '', 'steps.children') + over + step('end', 'needs = ["g"]');
  expect(cooked(both).steps[1]?.fanOut?.steps).toMatchObject([{ id: 'k.item.{n}.x', parent: 'g' }]);
});

test('for_each over the output of a step adds steps when it has closed', () => {
  const proto = cooked(
    step('survey') +
      step('other') +
      loop(
        'for_each = "survey.output.items"\nvar = "it"',
        body('x', 'notes = "{it} {it.name} {{steps.survey.output.why}}"') + body('y', 'needs = ["x"]'),
        'needs = ["survey", "other"]',
      ) +
      step('end', 'needs = ["lp"]'),
  );
  expect(graphOf(proto)).toEqual(['survey', 'other', 'end needs survey, other']);
  expect(proto.steps[0]?.fanOut).toMatchObject({
    bond: 'lp',
    forEach: 'output.items',
    steps: [
      {
        id: 'lp.item.{n}.x',
        needs: ['other'],
        description: '## Notes\n\n{item} {item.name} {{steps.survey.output.why}}',
      },
      { id: 'lp.item.{n}.y', needs: ['lp.item.{n}.x'] },
    ],
  });
});

test('references inside of a body are to the same iteration', () => {
  const { steps } = cooked(loop('count = 2', body('x') + body('y', 'needs = ["x"]\nnotes = "{{steps.x.summary}}"')));
  expect(steps[3]?.description).toContain('{{steps.lp.iter2.x.summary}}');
});

test.each([
  [loop('max = 3', body('x')), /:6:1 · step "lp": a loop needs one of count, range, until and for_each/],
  [loop('count = 0', body('x')), /:7:1 · step "lp": count must be at least 1/],
  [loop('count = 100000001', body('x')), /count must be at most 100000000/],
  [loop('count = 2\nrange = "1..2"', body('x')), /a loop has either count or range, not both/],
  [loop('count = 2', ''), /body is missing/],
  [loop('count = 2\nbody = []', ''), /the body of the loop has no steps/],
  [loop('range = "5..1"', body('x')), /:7:1 · step "lp": the range "5..1" ends \(1\) before it begins \(5\)/],
  [loop('range = "1..100000001"', body('x')), /has more than 100000000 iterations/],
  [loop('range = "1..100001"\nvar = "i"', body('x{i}')), /goes round more than 100000 times, and is unrolled/],
  [loop('until = "output.ok == true"', body('x')), /a loop with until needs max/],
  [loop('until = "please"\nmax = 2', body('x')), /:7:1 · step "lp": no condition: please/],
  [loop('until = "ghost.status == done"\nmax = 2', body('x')), /the condition names unknown step "ghost"/],
  [loop('count = 2', body('x', 'needs = ["ghost"]')), /step "lp.iter1.x": needs unknown step "ghost"/],
  [loop('count = 1', body('x'), 'run = "true"'), /run cannot stand beside loop/],
  [loop('count = 1\nvar = "a b"', body('x')), /"a b" is no name for a variable/],
])('%j is refused', (text, message) => {
  expect(problemsOf(text)).toEqual([expect.stringMatching(message)]);
});

test('a loop that ends at run time cannot stand in another, nor fan out', () => {
  const inner = `${body('in')}[steps.loop.body.loop]\nuntil = "output.ok == true"\nmax = 2\n${step('z', '', 'steps.loop.body.loop.body')}`;
  expect(problemsOf(loop('until = "output.ok == true"\nmax = 2', inner)).join()).toContain(
    'cannot stand in another loop',
  );
  expect(graphOf(cooked(loop('count = 2', inner)))).toHaveLength(2);
  const fan = body('x', 'on_complete = { for_each = "output.a", bond = "e" }');
  expect(() =>
    cookedAmong({
      x: loop('until = "output.ok == true"\nmax = 2', fan),
      e: `type = "expansion"\n${step('{target}.a', '', 'template')}`,
    }),
  ).toThrow('cannot fan out');
});

test('nor among the children of a step with a check, which repeats them', () => {
  const group = step('g', 'check = { command = "make", max_attempts = 3 }') + step('code', '', 'steps.children');
  const polish = `${step('polish', 'needs = ["code"]', 'steps.children')}[steps.children.loop]\nuntil = "look.output.ok == true"\nmax = 2\n`;
  const [rub, look] = ['rub', 'look'].map((id) => step(id, '', 'steps.children.loop.body'));
  expect(problemsOf(group + polish + rub + look)).toEqual([
    'x.toml:14:1 · step "polish": a loop with until cannot stand in another loop that ends at run time (the check of "g" repeats its children: put the loop before "g" or after it)',
  ]);
  const mirror = `${loop('until = "k.output.ok == true"\nmax = 2', body('h', 'check = { command = "make", max_attempts = 3 }'))}${step('k', '', 'steps.loop.body.children')}`;
  expect(problemsOf(mirror)).toEqual([
    expect.stringContaining('a check on a step with children cannot stand in a loop'),
  ]);
  expect(graphOf(cooked(group + polish.replace(/until.*\nmax/, 'count') + rub))).toHaveLength(4);
});

test('more steps than there may be are refused before any is made', () => {
  for (const text of [
    loop('count = 100000', nested('count = 100000')),
    loop('count = 1000\nvar = "i"', nested('range = "1..{i}"')),
  ])
    expect(problemsOf(text)).toEqual([
      'x.toml:2:1 · step "lp": the formula has more than 250000 steps (let a loop go round less often, or put fewer steps into its body or the template)',
    ]);
  expect(cooked(loop('count = 3\nvar = "i"', nested('range = "1..{i}"'))).steps).toHaveLength(6);
});

test('max beside count is said to change nothing', () => {
  expect(warningsOf(loop('count = 1\nmax = 3', body('x'))).join()).toContain('max changes nothing');
});

test('a mistyped step of a body is told with the name it has there', () => {
  const until = loop('until = "reviw.status == done"\nmax = 2', body('review') + body('fix', 'needs = ["reveiw"]'));
  expect(problemsOf(until)).toEqual([
    'x.toml:7:1 · step "lp": the condition names unknown step "reviw" (did you mean "review"?)',
    'x.toml:16:10 · step "lp.iter1.fix": needs unknown step "reveiw" (did you mean "review"?)',
  ]);
});

const withBody = (id: string) =>
  `${step('lp')}[steps.loop]\ncount = 3\n${step('w', '', 'steps.loop.body')}${step(id, '', 'steps.loop.body')}`;

test('one bad id, or one that stands twice, in a body is told once', () => {
  expect(problemsOf(withBody('w'))).toEqual([
    expect.stringContaining('the id "lp.iter1.w" is already that of the step'),
  ]);
  expect(problemsOf(withBody('x_{j}'))).toEqual([expect.stringContaining('the id "lp.iter1.x_{j}" must begin with')]);
});

const many = (count: number, one: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => one(index)).join('');

test('more needs than there may be are refused before they are made, where they come from', () => {
  expect(
    problemsOf(
      loop(
        'count = 50\nvar = "i"',
        many(1000, (index) => body(`b${index}.{i}`)),
      ),
    ),
  ).toEqual([
    'x.toml:6:1 · step "lp": the formula has more than 1000000 needs: each of the 1000 first steps of an iteration needs the 1000 last ones of the one before (end the body with one step that needs the others)',
  ]);
  const wide = loop(
    'count = 1',
    many(1001, (index) => body(`b${index}`)),
  );
  expect(problemsOf(wide + many(1000, (index) => step(`n${index}`, 'needs = ["lp"]')))).toEqual([
    expect.stringContaining('needs: "lp" stands for 1001 steps here (end its body or template with one step'),
  ]);
  const among = `[${many(1000, (index) => `"w${index}",`)}]`;
  expect(
    problemsOf(
      loop('count = 100000\nvar = "i"', body('x{i}', `needs = ${among}`)) + many(1000, (index) => step(`w${index}`)),
    ),
  ).toEqual([expect.stringContaining('needs: each copy of this step needs 1000 others')]);
});

test('a body that ends with one step may be wide', () => {
  const wide = many(1000, (index) => body(`b${index}`));
  const last = body('all{i}', `needs = [${many(1000, (index) => `"b${index}",`)}]`);
  expect(cooked(loop('count = 10\nvar = "i"', wide + last)).steps).toHaveLength(10_010);
});
