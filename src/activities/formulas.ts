/** Formulas on disk: the town's own folder first, then the ones that are shipped. The file name is the name. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { FormulaFile } from '../formula/cook.js';

const SUFFIX = '.formula.toml';

export type FormulaShelf = {
  readonly names: () => readonly string[];
  readonly load: (name: string) => FormulaFile | null;
};

/** `folders` in the order of search; one that does not exist is empty. */
export function formulaShelf(folders: readonly string[]): FormulaShelf {
  return {
    names: () => [...new Set(folders.flatMap(namesIn))].toSorted(),
    load: (name) => {
      for (const folder of folders) {
        if (!namesIn(folder).includes(name)) continue;
        const file = join(folder, `${name}${SUFFIX}`);
        return { file, text: readFileSync(file, 'utf8') };
      }
      return null;
    },
  };
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((file) => file.endsWith(SUFFIX))
      .map((file) => basename(file, SUFFIX));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
