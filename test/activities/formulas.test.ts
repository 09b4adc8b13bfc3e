import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { formulaShelf } from '../../src/activities/formulas.js';
import { makeFolder } from '../support/repos.js';

const refused = (message: string) =>
  expect.objectContaining({ type: 'BadFormula', nonRetryable: true, message: expect.stringContaining(message) });

test('a formula that cannot be read is refused with its file and the reason', async () => {
  const folder = await makeFolder();
  await mkdir(join(folder, 'odd.formula.toml'));
  expect(() => formulaShelf([folder]).load('odd')).toThrow(
    refused(`${folder}/odd.formula.toml cannot be read: EISDIR`),
  );
});

test('a formulas folder that cannot be read is refused, one that does not exist is empty', async () => {
  const folder = await makeFolder();
  await writeFile(join(folder, 'file'), '');
  expect(() => formulaShelf([join(folder, 'file')]).names()).toThrow(refused(`${folder}/file cannot be read: ENOTDIR`));
  expect(formulaShelf([join(folder, 'none')]).names()).toEqual([]);
});
