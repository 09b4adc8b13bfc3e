/** What a gate may be and what it awaits. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseCondition } from '../../src/town/condition.js';
import { cooked, problemsOf, step } from '../support/formula.js';

const page = readFileSync(new URL('../../docs/formulas.md', import.meta.url), 'utf8');

test.each([
  ['{ type = "timer", timeout = "1h30m" }', { type: 'timer', await: '', timeoutMs: 5_400_000 }],
  ['{ type = "human", await = "overseer" }', { type: 'human', await: 'overseer', timeoutMs: null }],
  ['{ type = "mail", await_id = "MERGED", timeout = "7d" }', { type: 'mail', await: 'MERGED', timeoutMs: 604_800_000 }],
  ['{ type = "gh:run", id = "release.yml" }', { type: 'gh:run', await: 'release.yml', timeoutMs: null }],
  ['{ type = "gh:pr", id = "{{v}}" }', { type: 'gh:pr', await: '12', timeoutMs: null }],
  ['{ type = "bead", id = "molecule/gt-abc12" }', { type: 'bead', await: 'molecule/gt-abc12', timeoutMs: null }],
  [
    '{ type = "condition", condition = "steps.failed == 0" }',
    { type: 'condition', await: 'steps.failed == 0', timeoutMs: null },
  ],
  [
    '{ type = "conditional", condition = "steps.complete < 2" }',
    { type: 'condition', await: 'steps.complete < 2', timeoutMs: null },
  ],
  [
    '{ type = "conditional", condition = "alive_detected" }',
    { type: 'human', await: 'alive_detected', timeoutMs: null },
  ],
  ['{ type = "mail", id = "M", await_id = "M" }', { type: 'mail', await: 'M', timeoutMs: null }],
  [
    '{ type = "human", approvers = ["crew/ann", "x{{v}}"], quorum = 2, remind = "4h" }',
    { type: 'human', await: '', timeoutMs: null, approvers: ['crew/ann', 'x12'], quorum: 2, remindMs: 14_400_000 },
  ],
])('the gate %s is waited at', (gate, read) => {
  expect(cooked(`[vars]\nv = "12"\n${step('a', `gate = ${gate}`)}`).steps[0]?.gates).toEqual([read]);
});

test.each([
  ['{ id = "x" }', /:5:1 · step "a": type is missing/],
  ['{ type = "tmier", timeout = "1s" }', /:5:10 · step "a": unknown gate type "tmier" \(did you mean "timer"\?\)/],
  ['{ type = "timer" }', /a timer needs a timeout/],
  ['{ type = "human", timeout = "soon" }', /the timeout "soon" is no duration \(write it as 90s/],
  ['{ type = "gh:run" }', /a gate of the type gh:run must say what it awaits/],
  ['{ type = "human", id = "a", await = "b" }', /await_id, await and id mean the same/],
  [
    '{ type = "condition", await = "steps.failed == 0", condition = "steps.failed == 1" }',
    /condition, await_id, await/,
  ],
  ['{ type = "timer", await = "5m" }', /a timer needs a timeout: when it opens \(write timeout = "5m"\)/],
  ['{ type = "timer", await = "5m", timeout = "1h" }', /a timer awaits its timeout, "1h", and nothing else: not "5m"/],
  ['{ type = "gh:pr", await = 12 }', /^x.toml:5:26 .* await must be text, not a number \(write await = "12"\)$/],
  ['{ type = "gh:run", id = ["ci"] }', /^x.toml:5:27 .* id must be text, not a list \(write id = "ci"\)$/],
  [
    '{ type = "bead", await_id = ["a", "b"] }',
    /^x.toml:5:25 .* must be text, not a list \(write one text, in quotes\)$/,
  ],
  [
    `{ type = "condition", await = "file.exists('/etc/passwd')" }`,
    /the path "\/etc\/passwd" leads out of the sandbox, and files are looked for in it only/,
  ],
  [
    `{ type = "condition", await = "file.exists('a/../../b')" }`,
    /leads out of the sandbox, .* \(write it from the top/,
  ],
  [
    '{ type = "condition", await = "steps.complete >= -1" }',
    /steps\.complete is compared with a whole number from 0, not -1/,
  ],
  ['{ type = "condition", await = "steps.complete >= " }', /compared with a whole number from 0, which is missing/],
  [
    '{ type = "condition", await = "children(a).count(status == done) >= -1" }',
    /count\(…\) is compared with a whole number from 0, not -1/,
  ],
  [
    '{ type = "condition", await = "a.status == " }',
    /nothing stands behind ==: a status is one of pending, ready, active, waiting, complete, skipped, failed/,
  ],
  ['{ type = "human", require_all = true }', /nothing executes the key "require_all" \(write quorum/],
  [
    '{ type = "mail", await = "x", approvers = ["a"] }',
    /a gate of type "mail" is approved by nobody, and has no approvers/,
  ],
  [
    '{ type = "timer", timeout = "1s", remind = "1s" }',
    /a gate of type "timer" is approved by nobody, and has no remind/,
  ],
  ['{ type = "human", approvers = [] }', /nobody may approve \(name somebody/],
  [
    '{ type = "human", approvers = "crew/ann" }',
    /approvers must be a list, not text \(write approvers = \["crew\/ann"\]\)/,
  ],
  ['{ type = "human", approvers = [" "] }', /the approver " " is empty/],
  ['{ type = "human", approvers = ["@crew/server"] }', /the approver "@crew\/server" is a group: name the people/],
  [
    '{ type = "human", approvers = ["ann", "server/crew/ann"] }',
    /"ann" and "server\/crew\/ann" are one person, who counts once/,
  ],
  [
    '{ type = "human", approvers = ["ann"], quorum = 2 }',
    /2 approvals are wanted, of 1 who may approve \(write a quorum/,
  ],
  ['{ type = "human", quorum = 0 }', /quorum must be/],
  ['{ type = "human", remind = "soon" }', /remind cannot be "soon" \(write it as 90s.*, 1s at least\)/],
  ['{ type = "human", remind = "5ms" }', /remind cannot be "5ms"/],
  ['{ type = "condition", condition = "env.CI == 1" }', /a formula does not see the environment/],
  ['{ type = "condition", condition = "gohst.status == done" }', /the condition names unknown step "gohst"/],
])('the gate %s is refused', (gate, message) => {
  expect(problemsOf(step('a', `gate = ${gate}`)).join('\n')).toMatch(message);
});

test('a file of the sandbox is asked for as the molecule runs, and no condition of a step asks for one', () => {
  const gate = `gate = { type = "condition", await = "file.exists('docs/a.md')" }`;
  expect(cooked(step('a', gate)).steps[0]?.gates?.[0]?.await).toBe("file.exists('docs/a.md')");
  expect(problemsOf(step('a', `condition = "file.exists('docs/a.md')"`))).toEqual([
    expect.stringContaining('{{v}} != text; a gate asks that, and waits for it: gate = { type = "condition"'),
  ]);
});

test('a loop until a file is there that leads out of the sandbox is refused', () => {
  const loop = `[steps.loop]\nmax = 2\nuntil = "file.exists('../a')"\n${step('b', '', 'steps.loop.body')}`;
  expect(problemsOf(step('l') + loop)).toEqual([expect.stringMatching(/^x\.toml:8:1 .* leads out of the sandbox/)]);
});

test.each([
  ['b.status == open', 'pending'],
  ['b.status == in_progress', 'active'],
  ['b.status == blocked', 'waiting'],
  ['b.status == closed', 'complete'],
  ['b.status == completed', 'complete'],
  ['b.status == done', 'complete'],
])('%s is the word of other systems for %s', (condition, status) => {
  const parsed = parseCondition(condition);
  expect(parsed.ok ? parsed.condition : parsed.message).toMatchObject({ kind: 'compare', step: 'b', right: status });
  expect(page).toContain(`\`${condition.replace('b.status == ', '')}\``);
});

test('steps(x) is children(x)', () => {
  expect(parseCondition('steps(x).all(status == done)')).toEqual(parseCondition('children(x).all(status == complete)'));
  expect(page).toContain('`steps(x)`');
});

test('a gate of the type conditional must say what it awaits, as condition must', () => {
  for (const type of ['conditional', 'condition'])
    expect(problemsOf(step('a', `gate = { type = "${type}" }`))).toEqual([
      expect.stringContaining(`a gate of the type ${type} must say what it awaits`),
    ]);
});

const gated = (id: string, condition: string, more = '') =>
  step(id, `${more}\ngate = { type = "condition", condition = "${condition}" }`);
const family = (needs: string) => `${step('c')}${step('k', needs, 'steps.children')}`;

test.each([
  [
    gated('b', 'children(c).any(status == complete)') + family('needs = ["b"]'),
    'of the 1 children of "c" 1 come after it',
  ],
  [gated('b', 'children(c).count(status == complete) >= 1') + family('needs = ["b"]'), 'of the 1 children of "c" 1'],
  [gated('b', 'children(c).count(status == complete) >= 2') + family(''), '"c" has 1 children'],
  [gated('a', 'steps.pending == 0') + step('b', 'needs = ["a"]'), '1 that come after it are pending until then'],
  [gated('a', 'steps.waiting == 0'), 'there are 1 to 1 such steps'],
  [gated('a', 'steps.complete < 0'), 'there are 0 to 1 such steps'],
  [step('a') + gated('b', 'a.status == pending', 'needs = ["a"]'), '"a" is over before it'],
  [gated('a', 'b.status == failed') + step('b', 'needs = ["a"]'), '"b" comes after it'],
  [gated('a', 'a.status == pending'), 'it is waiting until then'],
])('a gate that can never open is refused: %s', (text, why) => {
  expect(problemsOf(text)).toEqual([expect.stringMatching(/: the gate can never open: ".*", and /)]);
  expect(problemsOf(text)[0]).toContain(why);
});

test.each([
  gated('b', 'children(c).any(status == complete)') + family('needs = ["x"]') + step('x'),
  gated('b', 'children(c).any(status == pending)') + family('needs = ["b"]'),
  gated('a', 'steps.pending == 1') + step('b', 'needs = ["a"]'),
  gated('a', 'steps.pending == 0') + step('b'),
  gated('a', 'steps.failed == 0'),
  step('a') + gated('b', 'a.status != complete', 'needs = ["a"]'),
  gated('a', 'b.status == pending') + step('b', 'needs = ["a"]'),
])('and one that may is not: %s', (text) => {
  expect(problemsOf(text)).toEqual([]);
});

test('a loop that asks for what waits for its end can never end', () => {
  const loop = '[steps.loop]\nuntil = "children(c).any(status == complete)"\nmax = 2\n';
  const text = `${step('l')}${loop}${step('x', '', 'steps.loop.body')}${family('needs = ["l"]')}`;
  expect(problemsOf(text)).toEqual([expect.stringContaining('the loop can never end')]);
});

test('who may approve of what a step has left is not for that step to say', () => {
  const gate = 'gate = { type = "human", approvers = ["{{steps.a.output.who}}"] }';
  const steps = `${step('a', '[steps.output]\nwho = "string"')}${step('b', `needs = ["a"]\n${gate}`)}`;
  expect(problemsOf(steps)).toEqual([
    expect.stringContaining(
      'is known only as the molecule runs: who may approve stands in the formula or in a variable',
    ),
  ]);
});
