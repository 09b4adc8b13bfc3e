/** Formulas on disk: the town's own folder first, then the ones that are shipped. The file name is the name. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { FormulaFile } from '../formula/cook.js';

/** Ours and Beads', Gas City's, and Beads' from before TOML; of files of one name in one folder the first of these counts. */
const SUFFIXES = ['.formula.toml', '.toml', '.formula.json'];

export type FormulaShelf = {
  readonly names: () => readonly string[];
  readonly load: (name: string) => FormulaFile | null;
};

/** `folders` in the order of search; one that does not exist is empty. */
export function formulaShelf(folders: readonly string[]): FormulaShelf {
  return {
    names: () =>
      [...new Set(folders.flatMap((folder) => filesIn(folder).flatMap((file) => nameOf(file) ?? [])))].toSorted(),
    load: (name) => {
      for (const folder of folders) {
        const files = filesIn(folder);
        const found = SUFFIXES.map((suffix) => name + suffix).find(
          (file) => files.includes(file) && nameOf(file) === name,
        );
        if (found !== undefined) return readFormulaFile(join(folder, found));
      }
      return null;
    },
  };
}

/** A formula's file, with those beside it. */
function readFormulaFile(file: string): FormulaFile {
  return {
    file,
    text: readFileSync(file, 'utf8'),
    readBeside: (path) => textOrNull(join(dirname(file), path)),
  };
}

/** The name that a file's name gives a formula, null when it is none. */
function nameOf(file: string): string | null {
  const suffix = SUFFIXES.find((one) => file.endsWith(one));
  return suffix === undefined ? null : file.slice(0, -suffix.length);
}

function textOrNull(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'EISDIR')) return null;
    throw error;
  }
}

function filesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
