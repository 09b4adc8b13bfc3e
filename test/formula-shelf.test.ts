import { execFileSync } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { cook } from '../src/formula/cook.js';
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

test('a link beside a formula is read when it stays in the folder of the formula or in assets', async () => {
  const dir = await folderWith({
    'pack/formulas/a.formula.toml': '',
    'pack/formulas/real.md': 'Real.',
    'pack/assets/work.md': 'Work.',
    'secret/key.md': 'Secret.',
  });
  const file = join(dir, 'pack/formulas/a.formula.toml');
  const out = { refused: 'is a link that leads out of the folder of the formula' };
  const links = { 'formulas/in.md': 'formulas/real.md', 'assets/in.md': 'assets/work.md' };
  for (const [link, to] of Object.entries(links)) await symlink(join(dir, 'pack', to), join(dir, 'pack', link));
  await symlink(join(dir, 'secret/key.md'), join(dir, 'pack/formulas/out.md'));
  await symlink(join(dir, 'secret/key.md'), join(dir, 'pack/assets/out.md'));
  await symlink(join(dir, 'secret'), join(dir, 'pack/formulas/folder'));
  const { readBeside } = readFormulaFile(file);
  expect(['in.md', '../assets/in.md'].map((path) => readBeside?.(path))).toEqual(['Real.', 'Work.']);
  expect(['out.md', '../assets/out.md', 'folder/key.md'].map((path) => readBeside?.(path))).toEqual([out, out, out]);
  expect(readBeside?.('folder')).toBeNull();
});

test('a formula that is a link is read with what lies beside the link, then beside the file it leads to', async () => {
  const dir = await folderWith({
    'pack/formulas/a.formula.toml': '',
    'pack/formulas/near.md': 'Of the pack.',
    'pack/formulas/both.md': 'Of the pack.',
    'pack/assets/work.md': 'Asset.',
    'town/formulas/both.md': 'Of the town.',
  });
  await symlink(join(dir, 'pack/formulas/a.formula.toml'), join(dir, 'town/formulas/a.formula.toml'));
  await symlink(join(dir, 'pack/formulas/near.md'), join(dir, 'town/formulas/linked.md'));
  await symlink(join(dir, 'pack/formulas'), join(dir, 'folder'));
  const town = formulaShelf([join(dir, 'town/formulas')]).load('a');
  const paths = ['near.md', 'both.md', 'linked.md', '../assets/work.md'];
  expect(paths.map((path) => town?.readBeside?.(path))).toEqual([
    'Of the pack.',
    'Of the town.',
    'Of the pack.',
    'Asset.',
  ]);
  const folder = formulaShelf([join(dir, 'folder')]).load('a');
  expect(['near.md', '../assets/work.md'].map((path) => folder?.readBeside?.(path))).toEqual([
    'Of the pack.',
    'Asset.',
  ]);
});

test('what is not UTF-8 is refused with its line', async () => {
  const dir = await folderWith({ 'formulas/ok.md': 'ä \uFFFD' });
  const text = 'formula = "a"\n[[steps]]\nid = "a"\ntitle = "A"\ndescription_file = "torn.md"\n';
  await writeFile(join(dir, 'formulas/a.formula.toml'), text);
  await writeFile(join(dir, 'formulas/torn.md'), Buffer.from('One.\nTw\u00f6.', 'latin1'));
  const torn = Buffer.from(text.replace('"A"', '"ä \u00c3"').replace('torn', 'ok'), 'utf8');
  torn[torn.lastIndexOf(0xc3) + 1] = 0x20;
  await writeFile(join(dir, 'formulas/b.formula.toml'), torn);
  const { load, names } = formulaShelf([join(dir, 'formulas')]);
  const problemsOf = (name: string) => {
    const cooked = cook({ name, vars: {}, load, names: names() });
    return cooked.ok ? [] : cooked.problems;
  };
  expect(load('b')?.readBeside?.('ok.md')).toBe('ä \uFFFD');
  expect(problemsOf('a')).toMatchObject([{ line: 5, message: '"torn.md" is not UTF-8 in line 2' }]);
  expect(problemsOf('b')).toMatchObject([
    { line: 4, column: 12, message: 'not UTF-8: no character can be read here', hint: 'save the file as UTF-8' },
  ]);
});

const MAKE_PIPES = 'mkfifo p.formula.toml q.toml r.md';

test('a pipe is refused, not waited for', async () => {
  const dir = await folderWith({ 'a.formula.toml': '' });
  execFileSync('sh', ['-c', MAKE_PIPES], { cwd: dir });
  expect(() => readFormulaFile(join(dir, 'p.formula.toml'))).toThrow('cannot be read: it is no regular file');
  const { names, load } = formulaShelf([dir]);
  expect(names()).toEqual(['a', 'p']);
  expect(load('a')?.readBeside?.('r.md')).toBeNull();
});
