import { readdirSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCli } from '../support/cli.js';
import { here } from '../support/here.js';
import { makeFolder } from '../support/repos.js';

const lint = (cwd: string, ...args: string[]) => runCli(['lint', ...args], { cwd });

const FINE = 'formula = "fine"\n[[steps]]\nid = "a"\ntitle = "A"\n';
const WRONG = 'formula = "wrong"\n[[steps]]\nid = "a"\ntitle = "A"\nneeds = ["b"]\n';

test('the formulas that are shipped are fine, as a folder and by name', async () => {
  const shipped = readdirSync(here('formulas')).filter((name) => name.endsWith('.formula.toml'));
  const folder = await lint(here('.'), 'formulas');
  expect(folder).toMatchObject({ code: 0, stderr: '' });
  for (const name of shipped) expect(folder.stdout).toContain(`formulas/${name}: fine, `);
  expect(await lint(await makeFolder(), 'shiny')).toMatchObject({ code: 0, stdout: 'shiny: fine, 5 steps\n' });
});

test('all problems of all files are shown in the text they are in, and the exit code is 2', async () => {
  const cwd = await makeFolder();
  await writeFile(join(cwd, 'fine.formula.toml'), FINE);
  await writeFile(join(cwd, 'wrong.formula.toml'), WRONG);
  await writeFile(join(cwd, 'torn.formula.toml'), 'formula = "to');
  const { code, stdout, stderr } = await lint(cwd, 'fine.formula.toml', 'wrong.formula.toml', 'torn.formula.toml');
  expect(stdout).toContain('fine.formula.toml: fine, 1 step\n');
  expect(stdout).toContain(`error: needs unknown step "b"
 --> wrong.formula.toml:5:10 · step "a"
  |
4 | title = "A"
5 | needs = ["b"]
  |          ^^^
`);
  expect(stdout).toContain('error: not TOML');
  expect({ code, stderr }).toEqual({ code: 2, stderr: 'gt: 2 of 3 formulas cannot be cooked\n' });
});

test('--json gives the same to a program', async () => {
  const cwd = await makeFolder();
  await writeFile(join(cwd, 'fine.formula.toml'), FINE);
  await writeFile(join(cwd, 'wrong.formula.toml'), WRONG);
  const { code, stdout } = await lint(cwd, '--json', 'fine.formula.toml', 'wrong.formula.toml');
  expect({ code, told: JSON.parse(stdout) as unknown }).toMatchObject({
    code: 2,
    told: {
      files: [
        { file: 'fine.formula.toml', ok: true, steps: 1 },
        { file: 'wrong.formula.toml', ok: false, steps: null },
      ],
      problems: [{ file: 'wrong.formula.toml', line: 5, column: 10, step: 'a', message: 'needs unknown step "b"' }],
      warnings: [],
    },
  });
});

test('of files of one name in a folder each is looked at, and a warning says which is hidden', async () => {
  const cwd = await makeFolder();
  await writeFile(join(cwd, 'both.formula.toml'), FINE.replace('fine', 'both'));
  await writeFile(join(cwd, 'both.toml'), WRONG.replace('wrong', 'both'));
  await writeFile(join(cwd, 'last.toml'), FINE.replace('fine', 'last'));
  const { code, stdout, stderr } = await lint(cwd, '.');
  expect({ code, stderr }).toEqual({ code: 2, stderr: 'gt: 1 of 3 formulas cannot be cooked\n' });
  expect(stdout).toMatch(/^both\.formula\.toml: fine, 1 step\nerror: needs unknown step "b"\n --> both\.toml:5:10/);
  expect(stdout).toContain(
    'warning: hidden by both.formula.toml beside it, which goes first for the name "both"\n --> both.toml\n',
  );
  expect(stdout).toContain('both.toml: 1 problem, 1 warning\nlast.toml: fine, 1 step\n');
  await writeFile(join(cwd, 'town.toml'), '');
  await mkdir(join(cwd, 'formulas'));
  const json = '{ "formula": "both", "steps": [{ "id": "a", "title": "A" }] }';
  await writeFile(join(cwd, 'formulas', 'both.formula.json'), json);
  await writeFile(join(cwd, 'formulas', 'both.toml'), FINE.replace('fine', 'both'));
  const town = await lint(cwd, '--json');
  expect({ code: town.code, told: JSON.parse(town.stdout) as unknown }).toMatchObject({
    code: 0,
    told: {
      files: [{ file: 'formulas/both.formula.json' }, { file: 'formulas/both.toml' }],
      warnings: [{ file: 'formulas/both.toml', line: 0, column: 0 }],
    },
  });
});

test('a parent that cannot be read is told where it is named, and the other formulas are looked at', async () => {
  const cwd = await makeFolder();
  await writeFile(join(cwd, 'fine.formula.toml'), FINE);
  await symlink('nowhere', join(cwd, 'gone.formula.toml'));
  await writeFile(join(cwd, 'child.formula.toml'), `extends = ["gone"]\n${FINE.replace('fine', 'child')}`);
  const { code, stdout, stderr } = await lint(cwd, '.');
  expect({ code, stderr }).toEqual({ code: 2, stderr: 'gt: 2 of 3 formulas cannot be cooked\n' });
  expect(stdout).toContain('fine.formula.toml: fine, 1 step\n');
  expect(stdout).toContain('error: this is a link to a file that is not there\n --> gone.formula.toml');
  expect(stdout).toContain(
    'error: the formula "gone" cannot be read: this is a link to a file that is not there\n --> child.formula.toml:1:12',
  );
});

test('a folder is searched through, a .toml that is no formula is left alone', async () => {
  const cwd = await makeFolder();
  await mkdir(join(cwd, 'more', 'deep'), { recursive: true });
  await writeFile(join(cwd, 'more', 'deep', 'fine.toml'), FINE);
  await writeFile(join(cwd, 'more', 'Cargo.toml'), '[package]\nname = "x"\n');
  const { code, stdout } = await lint(cwd, '.');
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'more/deep/fine.toml: fine, 1 step\n' });
  await mkdir(join(cwd, 'empty'));
  expect(await lint(cwd, 'empty')).toMatchObject({ code: 1, stderr: expect.stringContaining('holds no formulas') });
});

test('warnings are shown and change no exit code', async () => {
  const cwd = await makeFolder();
  await writeFile(join(cwd, 'fine.formula.toml'), FINE.replace('[[', '[vars]\nnever = ""\n[['));
  const { code, stdout } = await lint(cwd, 'fine.formula.toml');
  expect(code).toBe(0);
  expect(stdout).toContain('warning: the variable "never" is never used');
  expect(stdout).toContain('fine.formula.toml: fine, 1 step, 1 warning\n');
});

test('a formula may name the one beside it', async () => {
  const cwd = await makeFolder();
  await writeFile(join(cwd, 'fine.formula.toml'), FINE);
  await writeFile(join(cwd, 'main.formula.toml'), `rework = "fine"\n${FINE.replace('fine', 'main')}`);
  expect(await lint(cwd, 'main.formula.toml')).toMatchObject({ code: 0 });
});

test('a file that is not there, or is no formula, is told; in no town and with no file the usage is', async () => {
  const cwd = await makeFolder();
  const missing = await lint(cwd, 'none.formula.toml', 'none.json');
  expect(missing.code).toBe(2);
  expect(missing.stdout).toContain('error: there is no such file\n --> none.formula.toml');
  expect(missing.stdout).toContain('error: this is no formula file\n --> none.json');
  expect(await lint(cwd)).toMatchObject({ code: 2, stderr: expect.stringContaining('Usage: gt lint') });
});
