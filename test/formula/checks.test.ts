/** Where the script of a check may lie, and how often a step may be tried. */
import { expect, test } from 'vitest';
import { cooked, problemsOf, step } from '../support/formula.js';

const checked = (path: string) => step('a', `check = { max_attempts = 2, path = "${path}" }`);
const open = (value: string) => `[vars]\nv = "${value}"\n${checked('{{v}}')}`;

test.each([
  ['', 'the path of the check is empty'],
  ['  ', 'the path of the check is empty'],
  ['scripts/../../x.sh', 'the path "scripts/../../x.sh" of the check leads out of the sandbox'],
  ['../../etc/passwd', 'the path "../../etc/passwd" of the check leads out of the sandbox'],
  ['/etc/passwd', 'the path "/etc/passwd" of the check leads out of the sandbox'],
  ['~/x.sh', 'the path "~/x.sh" of the check leads out of the sandbox'],
])('the path %j of a check is refused, as written and as a value', (path, message) => {
  expect(problemsOf(checked(path))).toEqual([expect.stringMatching(/^x\.toml:5:29 · step "a": /)]);
  expect(problemsOf(checked(path)).join()).toContain(message);
  expect(problemsOf(open(path))).toEqual([expect.stringContaining(message)]);
});

test('a path that comes back into the sandbox is none that leads out', () => {
  expect(cooked(checked('scripts/../x.sh')).steps[0]?.check?.command).toBe('scripts/../x.sh');
});

test('the path of a check may be that of a variable', () => {
  expect(cooked(open('checks/..green.sh')).steps[0]?.check).toEqual({
    command: './checks/..green.sh',
    timeoutMs: 60_000,
    max: 2,
  });
});

test.each(['retry = { max_attempts = 1_001 }', 'check = { max_attempts = 1_001, path = "c" }'])(
  '%s is more than a step may be tried',
  (more) => {
    expect(problemsOf(step('a', more))).toEqual([expect.stringContaining('max_attempts must be at most 1000')]);
  },
);

test('a person is not retried', () => {
  expect(problemsOf(step('a', 'type = "human"\nretry = { max_attempts = 2 }'))).toEqual([
    'x.toml:6:1 · step "a": a human step is closed by a person and has no retry',
  ]);
});
