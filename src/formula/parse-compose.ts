/** `[compose]`: what is done to the steps of a formula as a whole. */
import type { z } from 'zod';
import type { Compose } from './formula.js';
import { compileGlob } from './glob.js';
import * as keys from './keys.js';
import { readValues } from './parse-parts.js';
import { quote, type Origin, type Report, type Source } from './problem.js';
import * as tables from './schemas.js';
import { isTable, kindOf, readTable, type ReadTable, type Table } from './shape.js';

export function readCompose(raw: Table, source: Source, report: Report, warn: Report): Compose {
  keys.reportKeys(raw, keys.COMPOSE_KEYS, ['compose'], report);
  const table = readTable(raw, tables.ComposeTable, ['compose'], report);
  const each = <Shape extends z.ZodRawShape, Part>(
    key: Exclude<keyof typeof table, 'aspects'>,
    [schema, known]: readonly [tables.LazyTable<Shape>, keys.KeyTable],
    read: (entry: ReadTable<tables.LazyTable<Shape>>, at: Origin) => Part | null,
  ): readonly Part[] =>
    (table[key] ?? []).flatMap((entry: unknown, index) => {
      const path = ['compose', key, index];
      if (!isTable(entry)) {
        report(path, `an entry of compose.${key} must be a table, not ${kindOf(entry)}`);
        return [];
      }
      keys.reportKeys(entry, known, path, report);
      const part = read(readTable(entry, schema, path, report), { source, path });
      return part === null ? [] : [part];
    });
  return {
    expand: each(
      'expand',
      [tables.ComposeExpandTable, keys.COMPOSE_EXPAND_KEYS],
      ({ target, with: formula, vars }, at) =>
        target === undefined || formula === undefined
          ? null
          : { at, target, formula, vars: readValues(vars, [...at.path, 'vars'], report) },
    ),
    map: each('map', [tables.ComposeMapTable, keys.COMPOSE_MAP_KEYS], ({ select, with: formula, vars }, at) => {
      if (select === undefined || formula === undefined) return null;
      if (compileGlob(select) === null) report([...at.path, 'select'], `${quote(select)} is no glob`);
      return { at, select, formula, vars: readValues(vars, [...at.path, 'vars'], report) };
    }),
    branch: each('branch', [tables.BranchTable, keys.BRANCH_KEYS], ({ from, steps, join }, at) =>
      from === undefined || steps === undefined || join === undefined ? null : { at, from, steps, join },
    ),
    gate: each('gate', [tables.ComposeGateTable, keys.COMPOSE_GATE_KEYS], ({ before, condition }, at) =>
      before === undefined || condition === undefined ? null : { at, before, condition },
    ),
    aspects: (table.aspects ?? []).map((name, index) => ({
      at: { source, path: ['compose', 'aspects', index] },
      name,
    })),
    bondPoints: each('bond_points', [tables.BondPointTable, keys.BOND_POINT_KEYS], (point, at) =>
      readBondPoint(point, at, report, warn),
    ),
  };
}

function readBondPoint(
  point: ReadTable<typeof tables.BondPointTable>,
  at: Origin,
  report: Report,
  warn: Report,
): Compose['bondPoints'][number] | null {
  const { id, description = '', after_step: after = null, before_step: before = null, parallel } = point;
  if (after !== null && before !== null)
    report([...at.path, 'before_step'], 'a bond point has either after_step or before_step, not both');
  if (after === null && before === null) report(at.path, 'a bond point needs after_step or before_step');
  if (parallel === true)
    warn([...at.path, 'parallel'], 'parallel changes nothing: what is bonded runs beside the rest');
  return id === undefined ? null : { at, id, description, after, before };
}
