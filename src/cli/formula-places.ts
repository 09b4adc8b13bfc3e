/**
 * Where a command looks for formulas, in this order: the folder of a file that was named, `--search-path`, the town's `formulas`,
 * the rig's (`formulas/<rig>` in the town), those that are shipped. The first that has a name wins.
 */
import { lstatSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import {
  formulaFilesIn,
  formulaNameOf,
  formulaShelf,
  orUnreadable,
  readFormulaFile,
  SHIPPED_FORMULAS,
  Unreadable,
} from '../formula-shelf.js';
import type { FormulaFile } from '../formula/cook.js';
import type { Problem } from '../formula/problem.js';
import { rigFormulas, townPaths } from '../town/paths.js';
import { CliError, UsageError } from './command.js';
import { mustBeTown, townAround, TOWN_OPTION } from './town.js';

export const PLACE_OPTIONS = {
  ...TOWN_OPTION,
  'search-path': { type: 'string', multiple: true },
  rig: { type: 'string' },
} as const;

export const VAR_OPTION = { var: { type: 'string', multiple: true } } as const;

export type FormulaPlace = { readonly label: string; readonly folder: string };

type PlaceValues = {
  readonly town?: string | undefined;
  readonly 'search-path'?: readonly string[] | undefined;
  readonly rig?: string | undefined;
};

/** In the order of search. A folder that was asked for by name must be there. */
export async function formulaPlaces(values: PlaceValues): Promise<readonly FormulaPlace[]> {
  const asked = (values['search-path'] ?? []).map((folder) => ({ label: folder, folder: resolve(folder) }));
  for (const { label, folder } of asked)
    if (!isFolder(folder)) throw new CliError(`--search-path ${label} is no folder`);
  const dir = await townAround(values.town);
  if (dir === null && values.rig !== undefined)
    throw new UsageError(`--rig ${values.rig} needs a town: name one with --town DIR`);
  if (dir !== null) await mustBeTown(dir);
  return [
    ...asked,
    ...(dir === null ? [] : [{ label: 'town', folder: townPaths(dir).formulas }]),
    ...(dir === null || values.rig === undefined
      ? []
      : [{ label: `rig ${values.rig}`, folder: rigFormulas(dir, values.rig) }]),
    { label: 'shipped', folder: SHIPPED_FORMULAS },
  ];
}

/** The town's places with the folders of all its rigs: what `gt formula list` shows. */
export function withAllRigs(places: readonly FormulaPlace[]): readonly FormulaPlace[] {
  return places.flatMap((place) => {
    if (place.label !== 'town' || !isFolder(place.folder)) return [place];
    const names = orUnreadable(place.folder, () => readdirSync(place.folder));
    const rigs = names.filter((name) => leadsToFolder(join(place.folder, name)));
    const known = places.map(({ folder }) => folder);
    const others = rigs.map((rig) => ({ label: `rig ${rig}`, folder: join(place.folder, rig) }));
    return [place, ...others.filter(({ folder }) => !known.includes(folder))];
  });
}

/** A link that leads nowhere is no folder of a rig. */
function leadsToFolder(path: string): boolean {
  try {
    return isFolder(path);
  } catch {
    return false;
  }
}

/** Everything `cook` asks for but the variables, and the texts that were read on the way, for frames. */
export type Source = {
  readonly name: string;
  readonly load: (name: string) => FormulaFile | null;
  readonly names: readonly string[];
  readonly sourceOf: (file: string) => string | null;
};

export type Found =
  | { readonly ok: true; readonly source: Source }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** `word` is a file when it has a slash or ends like one. */
export function findFormula(word: string, places: readonly FormulaPlace[]): Found {
  if (!/[\\/]|\.(toml|json)$/.test(word)) return { ok: true, source: sourceIn(word, null, places) };
  const name = formulaNameOf(basename(word));
  if (name === null || name === '')
    return cannot(word, 'this is no formula file', 'a formula is in a file named <name>.formula.toml');
  const own = orReason(() => readFormulaFile(word));
  if (own.unreadable !== undefined) return cannot(word, own.unreadable, null);
  return { ok: true, source: sourceIn(name, own, places) };
}

function sourceIn(name: string, own: FormulaFile | null, places: readonly FormulaPlace[]): Source {
  const beside = own === null ? [] : [resolve(dirname(own.file))];
  const shelf = formulaShelf([...beside, ...places.map(({ folder }) => folder)]);
  const texts = new Map<string, string>();
  const load = (wanted: string) => {
    const found = own !== null && wanted === name ? own : orReason(() => shelf.load(wanted));
    if (found === null) return null;
    const file = found === own ? own : { ...found, file: shortPath(found.file) };
    texts.set(file.file, file.text);
    return file;
  };
  return { name, load, names: shelf.names(), sourceOf: (file) => texts.get(file) ?? null };
}

/** A formula that is there and cannot be read comes back with the reason in place of its text, and stops none of the others. */
export function orReason<F extends FormulaFile | null>(read: () => F): F | FormulaFile {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return { file: error.path, text: '', unreadable: reasonOf(error) };
  }
}

/** As it is said from where the person stands, unless that leads up and away. */
export function shortPath(file: string): string {
  const near = relative(process.cwd(), file);
  return near === '' || near.startsWith(`..${sep}`) || near === '..' ? file : near;
}

/** All files of formulas in a folder and the folders in it, also those that another of the same name goes before; but for hidden ones and installed packages. */
export function formulaFilesUnder(folder: string): readonly string[] {
  const inside = orUnreadable(folder, () => readdirSync(folder, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules')
    .flatMap((entry) => formulaFilesUnder(join(folder, entry.name)));
  return [...formulaFilesIn(folder).map(({ file }) => file), ...inside];
}

export function isFolder(path: string): boolean {
  return orUnreadable(path, () => statSync(path, { throwIfNoEntry: false }))?.isDirectory() === true;
}

/** `--var a=b`, each name once. Throws UsageError for what `varProblems` finds. */
export function readVars(vars: readonly string[] = []): Readonly<Record<string, string>> {
  const problems = varProblems(vars);
  if (problems.length > 0) throw new UsageError(problems.map(({ message }) => message).join('\n'));
  return Object.fromEntries(vars.map(nameAndValue));
}

/** One for each `--var` without a name, and for each name that is given again. */
export function varProblems(vars: readonly string[] = []): readonly Problem[] {
  const values = new Map<string, string>();
  return vars.flatMap((text) => {
    if (text.indexOf('=') < 1)
      return problemOf('--var', `--var is "${text}"; NAME=VALUE is expected, for example feature="login"`, null);
    const [name, value] = nameAndValue(text);
    const before = values.get(name);
    values.set(name, before ?? value);
    if (before === undefined) return [];
    return problemOf('--var', `--var gives ${name} twice, as "${before}" and as "${value}": give it once`, null);
  });
}

function nameAndValue(text: string): readonly [string, string] {
  const at = text.indexOf('=');
  return [text.slice(0, at), text.slice(at + 1)];
}

function cannot(file: string, message: string, hint: string | null): Found {
  return { ok: false, problems: [problemOf(file, message, hint)] };
}

/** Without a place in a text. */
function problemOf(file: string, message: string, hint: string | null): Problem {
  return { file, line: 0, column: 0, step: null, message, hint };
}

function reasonOf({ code, path, reason }: Unreadable): string {
  if (code === 'ENOENT') return isLink(path) ? 'this is a link to a file that is not there' : 'there is no such file';
  if (code === 'EISDIR') return 'this is a folder, not a file';
  return `this cannot be read: ${reason}`;
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}
