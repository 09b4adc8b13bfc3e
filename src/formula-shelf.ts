/**
 * Formulas on disk, folder after folder: the first that has a name wins. The file's name is the formula's: `<name>.formula.toml`,
 * `<name>.formula.json`, or `<name>.toml` when it says of itself that it is one (a `town.toml` beside it is none).
 */
import { isUtf8 } from 'node:buffer';
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Beside, FormulaFile } from './formula/cook.js';
import { rigFormulas, townPaths } from './town/paths.js';

/** Of several files of one name in a folder the first in this order counts. */
const SUFFIXES = ['.formula.toml', '.formula.json', '.toml'] as const;

/** The formulas that come with this program. */
export const SHIPPED_FORMULAS = fileURLToPath(new URL('../formulas', import.meta.url));

export type FormulaShelf = {
  readonly names: () => readonly string[];
  readonly load: (name: string) => FormulaFile | null;
};

/** What a town cooks from: its own formulas, those of the rig that the work is for, those that are shipped. */
export type TownShelf = FormulaShelf & { readonly forRig: (rig: string) => FormulaShelf };

export function townShelf(dir: string): TownShelf {
  const own = townPaths(dir).formulas;
  return {
    ...formulaShelf([own, SHIPPED_FORMULAS]),
    forRig: (rig) => formulaShelf([own, rigFormulas(dir, rig), SHIPPED_FORMULAS]),
  };
}

/** `folders` in the order of search; one that does not exist is empty. */
export function formulaShelf(folders: readonly string[]): FormulaShelf {
  return {
    names: () => [...new Set(folders.flatMap((folder) => formulasIn(folder).map(({ name }) => name)))].toSorted(),
    load: (name) => {
      for (const folder of folders) {
        const found = formulasIn(folder).find((one) => one.name === name);
        if (found !== undefined) return readFormulaFile(found.file, folders);
      }
      return null;
    },
  };
}

/** A file or folder of formulas that is there and cannot be read: no retry mends it. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable';
  /** The system's word for why, as ENOENT; null when it has none. */
  readonly code: string | null;
  readonly path: string;
  /** Why, without the path in front. */
  readonly reason: string;

  constructor(path: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(`${path} cannot be read: ${reason}`);
    this.path = path;
    this.reason = reason;
    this.code = cause instanceof Error && 'code' in cause ? String(cause.code) : null;
  }
}

/** The file with what lies beside it; of `../assets` what the first of `folders` has there counts. Throws Unreadable. */
export function readFormulaFile(file: string, folders: readonly string[] = []): FormulaFile {
  const bytes = orUnreadable(file, () => bytesOf(file));
  const garbled = garbledIn(bytes);
  return {
    file,
    text: bytes.toString('utf8'),
    ...(garbled === null ? {} : { garbled }),
    readBeside: (path) => textBeside(file, folders, path),
  };
}

/** Where the first bytes stand that are not UTF-8. */
function garbledIn(bytes: Buffer): { readonly line: number; readonly column: number } | null {
  if (isUtf8(bytes)) return null;
  const read = Buffer.from(bytes.toString('utf8'));
  const at = bytes.findIndex((byte, index) => byte !== read[index]);
  const lines = bytes.toString('utf8', 0, at).split('\n');
  return { line: lines.length, column: (lines.at(-1) ?? '').length + 1 };
}

/** A pipe or a device might never end. */
function bytesOf(file: string): Buffer {
  const found = statSync(file);
  if (!found.isFile() && !found.isDirectory()) throw new Error('it is no regular file, but a pipe or a device');
  return readFileSync(file);
}

/** Throws Unreadable for what `read` throws. */
export function orUnreadable<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new Unreadable(path, error);
  }
}

/**
 * Null when there is no such file; a path from the root names none that lies beside. A file in `../assets` may lie with any folder of
 * the search, so that a town can put its own words into a formula that is shipped; any other lies with the formula. Of a formula that is
 * a link, what does not lie beside the link is sought beside the file that it leads to. Links to other places are refused.
 */
function textBeside(file: string, folders: readonly string[], path: string): Beside {
  if (isAbsolute(path)) return null;
  const own = [...new Set([file, realpathSync(file)].map((one) => dirname(one)))];
  const places = path.startsWith('../') ? [...folders, ...own] : own;
  const roots = [...own, ...places.map((folder) => join(folder, '..', 'assets'))].flatMap((root) => realOf(root) ?? []);
  for (const place of places) {
    const found = realOf(join(place, path));
    if (found === null || !statSync(found).isFile()) continue;
    if (!roots.some((root) => isInside(found, root)))
      return { refused: 'is a link that leads out of the folder of the formula' };
    const bytes = readFileSync(found);
    const garbled = garbledIn(bytes);
    return garbled === null ? bytes.toString('utf8') : { refused: `is not UTF-8 in line ${garbled.line}` };
  }
  return null;
}

/** Without links; null when nothing is there. */
function realOf(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

export type OnShelf = { readonly name: string; readonly file: string };

/** In the order of their names, each once. */
export function formulasIn(folder: string): readonly OnShelf[] {
  return formulaFilesIn(folder).filter(({ name }, index, files) => files[index - 1]?.name !== name);
}

/** In the order of their names; of several of one name the one that counts goes first. */
export function formulaFilesIn(folder: string): readonly OnShelf[] {
  const entries = entriesOf(folder);
  const files = SUFFIXES.flatMap((suffix) =>
    entries.flatMap((entry) => {
      const name = formulaNameOf(entry);
      const file = join(folder, entry);
      if (name === null || entry !== `${name}${suffix}`) return [];
      return suffix !== '.toml' || saysFormula(file) ? [{ name, file }] : [];
    }),
  );
  return files.toSorted((a, b) => (a.name === b.name ? 0 : a.name < b.name ? -1 : 1));
}

/** The name that a formula in a file of this name has; null when no formula can be in it. */
export function formulaNameOf(fileName: string): string | null {
  const suffix = SUFFIXES.find((one) => fileName.endsWith(one));
  return suffix === undefined ? null : fileName.slice(0, -suffix.length);
}

function entriesOf(folder: string): readonly string[] {
  return existsSync(folder) ? orUnreadable(folder, () => readdirSync(folder)) : [];
}

function saysFormula(file: string): boolean {
  try {
    return /^[ \t]*formula[ \t]*=/m.test(bytesOf(file).toString('utf8'));
  } catch {
    return false;
  }
}
