import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { canonicalJson } from '../../src/formula/canonical.js';
import { runCli } from '../support/cli.js';
import { makeFolder } from '../support/repos.js';

const HELLO = `formula = "hello"
description = "Say hello to {{who}}."
[vars]
who = "the world"
[[steps]]
id = "greet"
title = "Greet {{who}}"
[[steps]]
id = "part"
title = "Part"
needs = ["greet"]
`;

const cook = (cwd: string, ...args: string[]) => runCli(['cook', ...args], { cwd });

function titled(title: string): string {
  return HELLO.replace('title = "Part"', `title = "${title}"`);
}

async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const cwd = await makeFolder();
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(cwd, path, '..'), { recursive: true });
    await writeFile(join(cwd, path), text);
  }
  return cwd;
}

test('--json is one canonical line, with a hash over all that is in it', async () => {
  const cwd = await folderWith({ 'hello.formula.toml': HELLO });
  const { code, stdout, stderr } = await cook(cwd, 'hello.formula.toml', '--json', '--var', 'who=you');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const told = JSON.parse(stdout) as Record<string, unknown>;
  expect(stdout).toBe(`${canonicalJson(told)}\n`);
  expect(told).toMatchObject({
    formula: 'hello',
    type: 'workflow',
    version: 1,
    vars: { who: 'you' },
    steps: [
      { id: 'greet', title: 'Greet you', needs: [] },
      { id: 'part', needs: ['greet'] },
    ],
  });
  expect(told['sha256']).toMatch(/^[0-9a-f]{64}$/);
  const again = await cook(cwd, join(cwd, 'hello.formula.toml'), '--json', '--var', 'who=you');
  expect(again.stdout).toBe(stdout);
});

test('the same formula with its keys in another order cooks to the same bytes', async () => {
  const head = 'formula = "hello"\ndescription = "Say hello to {{who}}."\n';
  const turned = `description = "Say hello to {{who}}."\nformula = "hello"\n${HELLO.slice(head.length)}`.replace(
    'id = "part"\ntitle = "Part"',
    'title = "Part"\nid = "part"',
  );
  const [one, other] = await Promise.all(
    [HELLO, turned].map(
      async (text) => (await cook(await folderWith({ 'hello.toml': text }), './hello.toml', '--json')).stdout,
    ),
  );
  expect(turned).not.toBe(HELLO);
  expect(one).toBe(other);
});

test('without --json the steps are listed for a person', async () => {
  const cwd = await folderWith({ 'hello.formula.toml': HELLO });
  const { code, stdout } = await cook(cwd, 'hello.formula.toml');
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^hello · workflow · version 1 · 2 steps · sha256 [0-9a-f]{12}…\n {2}1 {2}greet {2}Greet the world\n/,
  );
  expect(stdout).toContain('needs greet');
});

test('what is wrong is told all at once, as JSON on the output or in frames on the error stream, with exit code 2', async () => {
  const text = HELLO.replace('"greet"]', '"gret", "part"]').replace('title = "Part"', 'titel = "Part"');
  const cwd = await folderWith({ 'hello.formula.toml': text });
  const json = await cook(cwd, 'hello.formula.toml', '--json');
  const { problems } = JSON.parse(json.stdout) as { problems: readonly Record<string, unknown>[] };
  expect({ code: json.code, stderr: json.stderr }).toEqual({ code: 2, stderr: '' });
  expect(problems.length).toBeGreaterThanOrEqual(3);
  expect(problems).toContainEqual({
    file: 'hello.formula.toml',
    line: 11,
    column: 10,
    step: 'part',
    message: 'needs unknown step "gret"',
    suggestion: 'did you mean "greet"?',
  });
  const framed = await cook(cwd, 'hello.formula.toml');
  expect({ code: framed.code, stdout: framed.stdout }).toEqual({ code: 2, stdout: '' });
  expect(framed.stderr).toContain(
    '11 | needs = ["gret", "part"]\n   |          ^^^^^^\n   = help: did you mean "greet"?',
  );
});

test('a name is looked up on the search paths, in the town, in the rig, and among the shipped, in this order', async () => {
  const cwd = await folderWith({
    'town.toml': '',
    'formulas/hello.formula.toml': titled('of the town'),
    'formulas/web/hello.formula.toml': titled('of the rig'),
    'formulas/web/only.formula.toml': titled('of the rig only').replace('"hello"', '"only"'),
    'else/hello.toml': titled('of the search path'),
  });
  expect((await cook(cwd, 'hello')).stdout).toContain('of the town');
  expect((await cook(cwd, 'hello', '--rig', 'web')).stdout).toContain('of the town');
  expect((await cook(cwd, 'only', '--rig', 'web')).stdout).toContain('of the rig only');
  expect((await cook(cwd, 'hello', '--search-path', 'else')).stdout).toContain('of the search path');
  expect((await cook(cwd, 'shiny', '--var', 'feature=x')).stdout).toContain('Design x');
  expect(await cook(cwd, 'only')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('there is no such formula'),
  });
});

test('--json tells of wrong values on the command line as of all that is wrong', async () => {
  const cwd = await makeFolder();
  const { code, stdout, stderr } = await cook(cwd, 'shiny', '--json', '--var', 'x', '--var', 'a=1', '--var', 'a=2');
  expect({ code, stderr }).toEqual({ code: 2, stderr: '' });
  const place = { file: '--var', line: 0, column: 0 };
  expect(JSON.parse(stdout)).toEqual({
    problems: [
      { ...place, message: '--var is "x"; NAME=VALUE is expected, for example feature="login"' },
      { ...place, message: '--var gives a twice, as "1" and as "2": give it once' },
    ],
  });
  const empty = await cook(cwd, 'shiny', '--json', '--var', '');
  expect(JSON.parse(empty.stdout)).toMatchObject({ problems: [place] });
});

test('wrong calls are told apart from wrong formulas', async () => {
  const cwd = await makeFolder();
  expect(await cook(cwd)).toMatchObject({ code: 2, stderr: expect.stringContaining('Usage: gt cook') });
  expect(await cook(cwd, 'shiny', '--var', 'x')).toMatchObject({ stderr: expect.stringContaining('NAME=VALUE') });
  expect(await cook(cwd, 'shiny', '--search-path', 'no')).toMatchObject({
    code: 1,
    stderr: 'gt: --search-path no is no folder\n',
  });
  expect(await cook(cwd, 'shiny', '--rig', 'web')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('needs a town'),
  });
  const missing = await cook(cwd, 'shinny', '--json');
  expect(JSON.parse(missing.stdout)).toEqual({
    problems: [
      {
        file: 'shinny',
        line: 0,
        column: 0,
        message: 'there is no such formula',
        suggestion: 'did you mean "shiny"?',
      },
    ],
  });
});
