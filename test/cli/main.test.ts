import { tmpdir } from 'node:os';
import { describe, expect, test } from 'vitest';
import { commands } from '../../src/cli/commands.js';
import { runCli } from '../support/cli.js';

const gt = (...args: string[]) => runCli(args, { cwd: tmpdir() });

test('every command has a name of its own, and usage that begins with it', () => {
  const names = commands.map((command) => command.name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, usage, summary } of commands) {
    expect(usage).toMatch(new RegExp(`^gt ${name}\\b`));
    expect(summary).toMatch(/\.$/);
  }
});

test.each([[], ['help'], ['--help'], ['-h']])('%j lists every command', async (...args) => {
  const { code, stdout } = await gt(...args);
  expect(code).toBe(0);
  for (const { name, summary } of commands) expect(stdout).toMatch(new RegExp(`  gt ${name} +${summary.slice(0, 20)}`));
});

test('the version is that of the package', async () => {
  expect((await gt('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

describe('help', () => {
  test.each([[['help', 'rig', 'add']], [['rig', 'add', '--help']], [['rig', 'add', 'server', '-h']]])(
    '%j tells how a command is called',
    async (args) => {
      const { code, stdout } = await gt(...args);
      expect({ code, head: stdout.split('\n')[2] }).toEqual({
        code: 0,
        head: 'Usage: gt rig add NAME PATH_OR_URL [options]',
      });
    },
  );

  test('on the first word of several commands lists those', async () => {
    for (const args of [['rig'], ['help', 'rig'], ['rig', '--help']]) {
      const { stdout } = await gt(...args);
      expect(stdout).toContain('gt rig list');
      expect(stdout).not.toContain('gt init');
    }
  });
});

describe('a wrong call', () => {
  test.each([
    [['innit'], 'gt: there is no command innit; did you mean gt init?'],
    [['rig', 'lst'], 'gt: there is no command rig lst; did you mean gt rig list?'],
    [['help', 'formla', 'show'], 'gt: there is no command formla show; did you mean gt formula show?'],
    [['rig', 'zzzzzzzz'], 'gt: there is no command rig zzzzzzzz; the commands are rig add, rig list'],
    [['rig', 'list', '--jsn'], 'gt: there is no option --jsn; did you mean --json?'],
    [['rig', 'list', 'extra'], 'gt: gt rig list takes no extra'],
    [['init', '--force'], 'gt: there is no option --force; it takes none'],
    [['rig', 'add', 'a', 'b', '--branch'], 'gt: Option'],
  ])('%j is told what would be right, and exits 2', async (args, message) => {
    const { code, stderr, stdout } = await gt(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr.split('\n')[0]).toContain(message);
  });
});

test('trouble that a person can put right exits 1, with a sentence and no stack', async () => {
  const { code, stderr } = await gt('rig', 'list', '--town', '/nowhere');
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: 'gt: /nowhere does not exist: make a town there with: gt init /nowhere\n',
  });
});
