/** Conditions are one each: nothing joins two of them. */
import { expect, test } from 'vitest';
import { cooked, problemsOf, step } from '../support/formula.js';

const gate = (condition: string) => `gate = { type = "condition", condition = "${condition}" }`;

test.each([
  ['{{a}} == 1 && {{b}} == 2', '&&'],
  ['{{a}} || {{b}}', '||'],
  ["{{a}} == 'x' and {{b}} == 'y'", 'and'],
  ['{{a}} != x OR {{b}}', 'OR'],
])('the condition %j is more than one', (condition, word) => {
  expect(problemsOf(`[vars]\na = ""\nb = ""\n${step('a', `condition = "${condition}"`)}`)).toEqual([
    expect.stringContaining(
      `x.toml:8:${14 + condition.indexOf(word)} · step "a": ${JSON.stringify(condition)} is more than one condition: there is no "${word}" (for and, put the step into a group`,
    ),
  ]);
});

test.each([
  'output.ok == true && output.n > 3',
  'b.output.ok == true or c.output.n > 3',
  'b.status == complete and c.status == complete',
  'children(b).all(output.ok == true) && children(c).all(output.ok == true)',
  "file.exists('a') || file.exists('b')",
])('a gate or a loop until %j is more than one condition', (condition) => {
  const others = step('b') + step('c');
  const until = `[steps.loop]\nmax = 2\nuntil = "${condition}"\n${step('x', '', 'steps.loop.body')}`;
  const conditional = `gate = { type = "conditional", condition = "${condition}" }`;
  for (const more of [gate(condition), conditional, until])
    expect(problemsOf(others + step('a', more)).join('\n')).toContain(
      `is more than one condition: there is no "${/&&|\|\||and|or/.exec(condition)?.[0] ?? ''}" (let the output of one step say it`,
    );
});

test('a compared text may hold such a word in quotes, or as a part of another', () => {
  for (const condition of ["{{a}} == 'salt and pepper'", '{{a}} == sandor & Co', "{{a}} != 'a || b'"])
    expect(problemsOf(`[vars]\na = ""\n${step('a', `condition = "${condition}"`)}`)).toEqual([]);
  for (const condition of ["b.output.name == 'a and b'", "file.exists('this or that')", 'b.output.name == android'])
    expect(problemsOf(step('b') + step('a', `needs = ["b"]\n${gate(condition)}`))).toEqual([]);
  const asked = 'gate = { type = "conditional", condition = "is it safe and sound" }';
  expect(cooked(step('a', asked)).steps[0]?.gates?.[0]?.type).toBe('human');
});
