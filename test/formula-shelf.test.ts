import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { formulaShelf } from '../src/formula-shelf.js';
import { makeFolder } from './support/repos.js';

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
