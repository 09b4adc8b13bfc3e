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

test('the help on a command explains every option that its first line or the code knows', async () => {
  const options = {
    up: ['port', 'ui-port', 'town'],
    doctor: ['town', 'json'],
    demo: ['model', 'chaos', 'kills', 'seed', 'dir', 'keep'],
    worker: ['town', 'address', 'embedded', 'deployment', 'build-id'],
    'model serve': ['script', 'port', 'key'],
  };
  for (const [name, names] of Object.entries(options)) {
    const { stdout } = await gt('help', ...name.split(' '));
    for (const option of names) expect(stdout).toMatch(new RegExp(`^  --${option}\\b.* {2,}\\S`, 'm'));
  }
});

test.each([[], ['help'], ['--help'], ['-h']])('%j lists every command', async (...args) => {
  const { code, stdout } = await gt(...args);
  expect(code).toBe(0);
  for (const { name, summary } of commands) expect(stdout).toMatch(new RegExp(`  gt ${name} +${summary.slice(0, 20)}`));
});

test.each(commands.map(({ name }) => name))('gt %s starts, and knows its own errors', async (name) => {
  const { code, stderr } = await gt(...name.split(' '), '--wrong');
  expect(stderr).toMatch(/^gt: there is no option --wrong/);
  expect(code).toBe(2);
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
    [['up', 'town', 'extra'], 'gt: gt up takes no extra'],
    [['up', 'a', '--town', 'b'], 'gt: gt up takes DIR or --town DIR, not both'],
    [['up', '--port', 'abc'], 'gt: --port is "abc"; expected a port number from 1 to 65535'],
    [['up', '--ui-port', '0x10'], 'gt: --ui-port is "0x10"; expected a port number'],
    [['demo', 'foo'], 'gt: gt demo takes no foo'],
    [['demo', '--chaos', '--kills', '0'], 'gt: --kills is "0"; expected a whole number from 1 to 100'],
    [['demo', '--kills', '3'], 'gt: --kills is for --chaos: give both, or neither'],
    [['demo', '--seed', '1.5'], 'gt: --seed is "1.5"; expected a whole number'],
    [['demo', '--model', 'gpt'], 'gt: --model is "gpt"; expected scripted or claude'],
    [['worker', 'extra'], 'gt: gt worker takes no extra'],
    [['init', ''], 'gt: an argument is empty'],
    [['rig', 'list', '--town', ''], 'gt: --town is empty: give it a value, or leave it out'],
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
