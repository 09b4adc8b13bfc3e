/** Scopes, in Gas City's words in `metadata`. */
import { expect, test } from 'vitest';
import { cooked, graphOf, problemsOf, step } from '../support/formula.js';

const meta = (more: string) => `metadata = { ${more} }`;

test('words without quotes are a table of TOML, and make the same scopes', () => {
  const work = step('w', meta('gc.scope_ref = "body", gc.run_target = "dog", own = 1'));
  const teardown = `${step('t')}[steps.metadata.gc]\nscope_ref = "body"\nscope_role = "teardown"\n`;
  const { steps } = cooked(step('body', meta('gc.kind = "scope"')) + work + teardown);
  expect(graphOf({ steps })).toEqual(['w', 'body needs w', 't needs body']);
  expect(steps.map(({ kind, scope }) => [kind, scope?.role])).toEqual([
    ['agent', 'member'],
    ['group', undefined],
    ['agent', 'teardown'],
  ]);
  expect(steps[0]?.metadata).toEqual({ own: 1, 'gc.scope_ref': 'body', 'gc.run_target': 'dog' });
});

const BODY = step('body', meta('"gc.kind" = "scope"'));

test.each([
  [step('a', meta('"gc.kind" = "scop"')), '5:14 · step "a": no step is of the kind "scop" (did you mean "scope"?)'],
  [step('a', meta('gc.kind = "Scope"')), '5:17 · step "a": no step is of the kind "Scope" (did you mean "scope"?)'],
  [
    BODY + step('a', meta('"gc.scope_reff" = "body"')),
    '9:14 · step "a": no scope has a word "gc.scope_reff" (did you mean "gc.scope_ref"?)',
  ],
  [
    BODY + step('a', meta('gc.scope_name = "s", "gc.scope_name" = "t"')),
    '9:17 · step "a": "gc.scope_name" stands twice, in quotes and without (the two are the same: write one)',
  ],
  [BODY + step('a', meta('gc.scope_ref = "bdoy"')), '9:17 · step "a": the scope "bdoy" is not there'],
  [step('a', meta('"gc.scope_role" = "teardown"')), '5:14 · step "a": the step has a role in a scope and names none'],
  [step('a', meta('"gc.scope_role" = "body"')), '5:14 · step "a": the step has a role in a scope and names none'],
])('%j is refused', (body, message) => {
  expect(problemsOf(body)).toEqual([expect.stringContaining(`x.toml:${message}`)]);
});

test('other words of Gas City are annotations', () => {
  const free = '"gc.kind" = "cleanup", "gc.scope_name" = "s", "gc.run_target" = "dog", "gc.step_ref" = "x"';
  expect(problemsOf(step('a', meta(free)))).toEqual([]);
});
