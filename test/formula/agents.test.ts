/** The runtimes that a formula names. */
import { expect, test } from 'vitest';
import { cooked, step, problemsOf, warningsOf } from '../support/formula.js';

test('a runtime that is not known is warned of, and the rig’s own works', () => {
  expect(warningsOf(`agent = "claude"\n${step('a', 'agent = "vibe"')}${step('b', 'agent = "antropic"')}`)).toEqual([
    'x.toml:2:1 · there is no runtime "claude" here: an agent of that name in town.toml works on it, else the rig’s own (did you mean "claude-code"?)',
    'x.toml:6:1 · step "a": there is no runtime "vibe" here: an agent of that name in town.toml works on it, else the rig’s own (the runtimes are script, anthropic, human, claude-code, codex, gemini, opencode, aider)',
    'x.toml:10:1 · step "b": there is no runtime "antropic" here: an agent of that name in town.toml works on it, else the rig’s own (did you mean "anthropic"?)',
  ]);
});

test('a leg that names one is warned of, too', () => {
  expect(warningsOf('type = "convoy"\n[[legs]]\nid = "a"\ntitle = "A"\nagent = "vibe"\n')).toEqual([
    expect.stringContaining('x.toml:6:1 · step "a": there is no runtime "vibe" here'),
  ]);
});

test('agents that come with the town are called by their names', () => {
  expect(warningsOf(`agent = "claude-code"\n${step('a', 'agent = "codex"')}`)).toEqual([]);
});

test('a variable may say the runtime', () => {
  const text = `[vars]\nagent = "human"\n${step('a', 'agent = "{{agent}}"')}`;
  expect(warningsOf(text)).toEqual([]);
  expect(cooked(text, { agent: 'anthropic' }).steps[0]?.agent).toBe('anthropic');
  expect(warningsOf(`[vars]\nagent = ""\n${step('a', 'agent = "{{agent}}"')}`)).toEqual([]);
});

test.each([
  ['run = "true"\nagent = "human"', 'agent cannot stand beside run: a command is run by the town itself'],
  [
    'script = [{ close = "x" }]\nagent = "human"',
    'agent cannot be "human" beside script: the script would not be played',
  ],
  ['agent = "human"\nretry = { max_attempts = 2 }', 'a person is not retried, and agent = "human" works this step'],
])('what nobody would execute is refused beside agent: %j', (more, problem) => {
  expect(problemsOf(step('a', more))).toEqual([expect.stringContaining(problem)]);
});

test('the runtime script without a script is a person, and said to be', () => {
  expect(
    warningsOf(`agent = "script"\n${step('a')}${step('b', 'script = [{ close = "x" }]')}${step('c', 'run = "true"')}`),
  ).toEqual([expect.stringContaining('step "a" has no script: a person is waited for')]);
});
