/** What a gate may be and what it awaits. */
import { expect, test } from 'vitest';
import { cooked, problemsOf, step } from '../support/formula.js';

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
  ['{ type = "human", approvers = ["a"] }', /nothing executes the key "approvers"/],
  ['{ type = "condition", condition = "env.CI == 1" }', /a formula does not see the environment/],
  ['{ type = "condition", condition = "gohst.status == done" }', /the condition names unknown step "gohst"/],
])('the gate %s is refused', (gate, message) => {
  expect(problemsOf(step('a', `gate = ${gate}`)).join('\n')).toMatch(message);
});
