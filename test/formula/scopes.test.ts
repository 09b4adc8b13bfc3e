/** Scopes, in Gas City's words in `metadata`. */
import { expect, test } from 'vitest';
import { cooked, graphOf, problemsOf, step, warningsOf } from '../support/formula.js';

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

const survey = step('survey', 'output = { l = ["string"] }');
const each = (words: string, more = '') =>
  `${step('each', `${meta(words)}\n${more}`)}[steps.loop]\nfor_each = "survey.output.l"\nvar = "e"\n${step('x', '', 'steps.loop.body')}`;

test('what a loop over an output adds may be members of a scope, which waits for them', () => {
  const proto = cooked(BODY + survey + each('"gc.scope_ref" = "body"'));
  expect(graphOf(proto)).toEqual(['survey', 'body needs survey']);
  expect(proto.steps[0]?.fanOut?.steps).toMatchObject([
    { id: 'each.item.{n}.x', scope: { of: 'body', role: 'member' } },
  ]);
  const inBody = each('n = 1').replace('title = "X"', `title = "X"\n${meta('gc.scope_ref = "{{s}}"')}`);
  expect(graphOf(cooked(`[vars]\ns = "body"\n${BODY}${survey}${inBody}`))).toEqual(['survey', 'body needs survey']);
});

test('a loop over an output adds no teardown, to no unknown scope, and to none that it waits for', () => {
  const teardown = each('"gc.scope_ref" = "body", "gc.scope_role" = "teardown"');
  expect(problemsOf(BODY + survey + teardown)).toEqual([
    expect.stringContaining('what a loop over an output adds cannot be the teardown of a scope (when the scope fails'),
  ]);
  expect(problemsOf(BODY + survey + each('"gc.scope_ref" = "bdoy"'))).toEqual([
    expect.stringContaining('the scope "bdoy" is not there: there is no such step'),
  ]);
  expect(problemsOf(BODY + survey + each('"gc.scope_ref" = "body"', 'needs = ["body"]'))).toEqual([
    expect.stringContaining('the needs go in a circle'),
  ]);
});

test('a scope without members is said to do nothing', () => {
  const alone = step('s', 'metadata = { "gc.kind" = "scope" }');
  expect(warningsOf(alone)).toEqual([expect.stringContaining('the scope "s" has no members: nothing is done in it')]);
  const member = step('m', 'metadata = { "gc.scope_ref" = "s" }');
  expect(warningsOf(alone + member)).toEqual([]);
});
