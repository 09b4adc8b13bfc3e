/** Formulas on disk: the town's own folder first, then the ones that are shipped. The file name is the name. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { FormulaFile } from '../formula/cook.js';
import { refuse } from './beating.js';

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
        return { file, text: textOf(file) };
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
    throw unreadable(folder, error);
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw unreadable(file, error);
  }
}

/** No retry mends it: it is refused like a formula that makes no sense. */
function unreadable(path: string, error: unknown): Error {
  return refuse('BadFormula', `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
}
