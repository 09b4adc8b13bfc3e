import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { here } from '../support/here.js';

/** At the top of a module: what can be set, and collections that begin empty, to be filled. */
const KEEPS =
  /^(?:export )?(?:let|var) .*|^(?:export )?const \w+[^=]* = (?:new (?:Weak)?(?:Map|Set)(?:<.*>)?\(\)|\[\]|\{\});.*/gm;

/** What workflows import of ours: see `.dependency-cruiser.cjs`. */
const FOLDERS = ['src/workflows', 'src/contract', 'src/town'];

test.each(FOLDERS)('modules of %s, which all workflows of a worker share, keep nothing of any', (folder) => {
  const files = readdirSync(here(folder), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  expect(files.length).toBeGreaterThan(5);
  const kept = files.flatMap((file) => readFileSync(here(`${folder}/${file}`), 'utf8').match(KEEPS) ?? []);
  expect(kept).toEqual([]);
});

test.each(['let count = 0;', 'export const seen = new Map<string, number>();', 'const all: string[] = [];'])(
  'a module with %s would be told',
  (line) => expect(`import x from 'y';\n${line}\n`.match(KEEPS)).toEqual([line]),
);
