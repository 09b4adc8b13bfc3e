/** What a formula says of itself to whoever lists or cooks it: Gas City's `contract`, `requires` and `catalog`. */
import { satisfies, validRange } from 'semver';
import { CATALOG_KEYS, REQUIRES_KEYS, reportKeys } from './keys.js';
import { quote, type Report } from './problem.js';
import { CatalogTable, RequiresTable } from './schemas.js';
import { readTable, type Table } from './shape.js';

/** The version of Gas City's compiler whose language is understood here. */
const COMPILER = '2.0.0';

type Declarations = {
  readonly contract?: string | undefined;
  readonly requires?: Table | undefined;
  readonly catalog?: Table | undefined;
};

export function checkDeclarations({ contract, requires, catalog }: Declarations, report: Report): void {
  if (contract !== undefined && contract !== 'graph.v2')
    report(['contract'], `there is no contract ${quote(contract)}`, { hint: 'it is graph.v2' });
  if (requires !== undefined) checkRequires(requires, report);
  if (catalog === undefined) return;
  reportKeys(catalog, CATALOG_KEYS, ['catalog'], report);
  readTable(catalog, CatalogTable, ['catalog'], report);
}

function checkRequires(raw: Table, report: Report): void {
  reportKeys(raw, REQUIRES_KEYS, ['requires'], report);
  const { formula_compiler: written } = readTable(raw, RequiresTable, ['requires'], report);
  if (written === undefined) return;
  const path = ['requires', 'formula_compiler'];
  // Gas City joins comparators by commas, the package by spaces.
  const range = written.replaceAll(',', ' ');
  if (written.trim() === '' || validRange(range) === null)
    report(path, `${quote(written)} compares with no version`, { hint: 'write formula_compiler = ">=2.0.0"' });
  else if (!satisfies(COMPILER, range))
    report(path, `the formula asks for a compiler ${written}, and this one has the version ${COMPILER}`);
}
