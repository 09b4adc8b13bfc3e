import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { formulaNameOf, formulaShelf, formulasIn, readFormulaFile, townShelf } from '../src/formula-shelf.js';
import { makeFolder } from './support/repos.js';

async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const dir = await makeFolder();
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), text);
  }
  return dir;
}

test('the first folder that has a name wins; a folder that is not there is empty', async () => {
  const dir = await folderWith({ 'one/a.formula.toml': '1', 'two/a.formula.toml': '2', 'two/b.formula.toml': '3' });
  const { names, load } = formulaShelf([join(dir, 'none'), join(dir, 'one'), join(dir, 'two')]);
  expect(names()).toEqual(['a', 'b']);
  expect(load('a')).toMatchObject({ file: join(dir, 'one', 'a.formula.toml'), text: '1' });
  expect(load('b')?.text).toBe('3');
  expect([load('c'), load('../one/a')]).toEqual([null, null]);
});

test('in one folder .formula.toml goes before .formula.json and .toml, and a .toml must be a formula', async () => {
  const dir = await folderWith({
    'a.formula.toml': '',
    'a.formula.json': '{}',
    'a.toml': 'formula = "a"',
    'b.formula.json': '{}',
    'b.toml': 'formula = "b"',
    'c.toml': '# Gas City\nformula = "c"\n',
    'Cargo.toml': '[package]\n',
    'README.md': '',
  });
  expect(formulasIn(dir).map(({ file }) => file)).toEqual(
    ['a.formula.toml', 'b.formula.json', 'c.toml'].map((file) => join(dir, file)),
  );
  expect(['x.formula.toml', 'x.toml', 'x.md'].map(formulaNameOf)).toEqual(['x', 'x', null]);
});

test('what lies beside a formula is read from there, and never from the root', async () => {
  const dir = await folderWith({ 'a.formula.toml': '', 'prompts/a.md': 'Do it.' });
  const file = formulaShelf([dir]).load('a');
  expect(file?.readBeside?.('prompts/a.md')).toBe('Do it.');
  expect(file?.readBeside?.('none.md')).toBeNull();
  expect(file?.readBeside?.(join(dir, 'prompts/a.md'))).toBeNull();
});

test('of ../assets what the first folder of the search has counts, of any other file what the formula has', async () => {
  const dir = await folderWith({
    'town/assets/work.md': 'Ours.',
    'town/formulas/read.md': 'Not meant.',
    'pack/assets/work.md': 'Theirs.',
    'pack/assets/more.md': 'More.',
    'pack/formulas/a.formula.toml': '',
    'pack/formulas/read.md': 'Meant.',
  });
  const shelf = formulaShelf([join(dir, 'town/formulas'), join(dir, 'pack/formulas')]);
  const beside = shelf.load('a')?.readBeside;
  expect(['../assets/work.md', '../assets/more.md', 'read.md'].map((path) => beside?.(path))).toEqual([
    'Ours.',
    'More.',
    'Meant.',
  ]);
  const alone = readFormulaFile(join(dir, 'pack/formulas/a.formula.toml'));
  expect(alone.readBeside?.('../assets/work.md')).toBe('Theirs.');
});

test('work for a rig finds the formulas of the town, then its own, then those that are shipped', async () => {
  const dir = await folderWith({
    'formulas/both.formula.toml': 'town',
    'formulas/web/both.formula.toml': 'rig',
    'formulas/web/shiny.formula.toml': 'rig',
  });
  const shelf = townShelf(dir);
  expect(shelf.load('both')?.text).toBe('town');
  expect(shelf.forRig('web').load('both')?.text).toBe('town');
  expect(shelf.forRig('web').load('shiny')?.text).toBe('rig');
  expect(shelf.load('shiny')?.text).toContain('formula = "shiny"');
  expect(shelf.forRig('server').load('shiny')?.text).toContain('formula = "shiny"');
});

test('a formula that cannot be read is refused with its file and the reason', async () => {
  const folder = await makeFolder();
  await mkdir(join(folder, 'odd.formula.toml'));
  expect(() => formulaShelf([folder]).load('odd')).toThrow(`${folder}/odd.formula.toml cannot be read: EISDIR`);
});

test('a formulas folder that cannot be read is refused, one that does not exist is empty', async () => {
  const folder = await makeFolder();
  await writeFile(join(folder, 'file'), '');
  expect(() => formulaShelf([join(folder, 'file')]).names()).toThrow(`${folder}/file cannot be read: ENOTDIR`);
  expect(formulaShelf([join(folder, 'none')]).names()).toEqual([]);
});
