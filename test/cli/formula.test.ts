import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { here, runCli } from '../support/cli.js';
import { makeFolder } from '../support/repos.js';

const check = (cwd: string, ...files: string[]) => runCli(['formula', 'check', ...files], { cwd });

const FINE = 'formula = "fine"\n[[steps]]\nid = "a"\ntitle = "A"\n';
const WRONG = 'formula = "wrong"\n[[steps]]\nid = "a"\ntitle = "A"\nneeds = ["b"]\n';

test('the formulas that are shipped are fine', async () => {
  const shipped = readdirSync(here('formulas')).filter((name) => name.endsWith('.formula.toml'));
  const { code, stdout } = await check(here('formulas'), ...shipped);
  expect(code).toBe(0);
  for (const name of shipped) expect(stdout).toContain(`${name}: fine, `);
});

test('all problems of all files are told, each with its place, and the exit code is 1', async () => {
  const cwd = await makeFolder();
  await writeFile(join(cwd, 'fine.formula.toml'), FINE);
  await writeFile(join(cwd, 'wrong.formula.toml'), WRONG);
  await writeFile(join(cwd, 'torn.formula.toml'), 'formula = "to');
  const { code, stdout, stderr } = await check(cwd, 'fine.formula.toml', 'wrong.formula.toml', 'torn.formula.toml');
  expect(stdout).toContain('fine.formula.toml: fine, 1 step\n');
  expect(stdout).toMatch(/^wrong\.formula\.toml:5:\d+ · step "a": needs unknown step "b"/m);
  expect(stdout).toMatch(/^torn\.formula\.toml:1:\d+ · not TOML/m);
  expect({ code, stderr }).toEqual({ code: 1, stderr: 'gt: 2 of 3 formulas cannot be cooked\n' });
});

test('a formula may name the one beside it', async () => {
  const cwd = await makeFolder();
  await writeFile(join(cwd, 'fine.formula.toml'), FINE);
  await writeFile(join(cwd, 'main.formula.toml'), `rework = "fine"\n${FINE.replace('fine', 'main')}`);
  expect(await check(cwd, 'main.formula.toml')).toMatchObject({ code: 0 });
});

test('a file that is not there, or is no formula, is told', async () => {
  const cwd = await makeFolder();
  expect(await check(cwd, 'none.formula.toml')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^gt: none\.formula\.toml cannot be read/),
  });
  expect(await check(cwd, 'none.toml')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^gt: none\.toml is no formula file/),
  });
  expect(await check(cwd)).toMatchObject({ code: 2 });
});
