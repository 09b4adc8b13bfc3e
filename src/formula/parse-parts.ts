/** The tables inside a step: gate, retry, check, loop, expansion, fan-out. */
import { readApproval } from './approvals.js';
import { durationMs, DURATION_FORM } from './durations.js';
import type { ExpandDraft, GateDraft, LoopDraft, OnComplete, StepDraft } from './formula.js';
import { CHECK_KEYS, GATE_KEYS, LOOP_KEYS, ON_COMPLETE_KEYS, reportKeys, RETRY_KEYS, SCRIPT_KEYS } from './keys.js';
import { COUNT_MAX, ITERATIONS_MAX } from './limits.js';
import { leadsOut } from './paths.js';
import { quote, type Origin, type Path, type Report } from './problem.js';
import { CheckTable, GateTable, LoopTable, OnCompleteTable, RetryTable, ScriptTable } from './schemas.js';
import { isBlank, isTable, kindOf, readTable, type ReadTable, type Table } from './shape.js';
import type { StepReader } from './step-reader.js';

const AWAITED = ['await_id', 'await', 'id', 'condition'] as const;

export function readGate(raw: Table | undefined, at: Origin, report: Report): readonly GateDraft[] {
  if (raw === undefined) return [];
  reportKeys(raw, GATE_KEYS, at.path, report);
  const table = readTable(raw, GateTable, at.path, report);
  if (table.type === undefined) return [];
  if (table.condition !== undefined && table.type !== 'condition' && table.type !== 'conditional')
    report([...at.path, 'condition'], `a gate of type ${quote(table.type)} has no condition`);
  const written = AWAITED.filter((key) => key in raw);
  const [awaited = '', second] = new Set(written.flatMap((key) => table[key] ?? []));
  if (second !== undefined) {
    const same = 'condition' in raw ? 'condition, await_id, await and id' : 'await_id, await and id';
    report(at.path, `a gate awaits one thing: ${same} mean the same, so write one of them`);
  }
  // What cannot be read has been told.
  if (written.some((key) => table[key] === undefined) || ('timeout' in raw && table.timeout === undefined)) return [];
  const approval = readApproval(table);
  const gate = { at, type: table.type, await: awaited, timeout: table.timeout ?? null };
  return [approval === null ? gate : { ...gate, approval }];
}

export function readRetry(raw: Table | undefined, path: Path, report: Report): StepDraft['retry'] {
  if (raw === undefined) return null;
  reportKeys(raw, RETRY_KEYS, path, report);
  const { max_attempts: max, on_exhausted: exhausted = 'hard_fail' } = readTable(raw, RetryTable, path, report);
  if (exhausted !== 'hard_fail' && exhausted !== 'soft_fail')
    report([...path, 'on_exhausted'], `on_exhausted cannot be ${quote(exhausted)}`, {
      hint: 'it is hard_fail (escalate) or soft_fail (close the step and go on)',
    });
  return max === undefined ? null : { max, exhausted: exhausted === 'soft_fail' ? 'soft' : 'hard' };
}

const CHECK_TIMEOUT_MS = 60_000;

type CheckedStep = {
  readonly ralph?: Table | undefined;
  readonly check?: Table | undefined;
  /** Of a script that says none itself. */
  readonly timeout?: string | undefined;
};

/** `ralph` and `check` are one. The script stands in a table of its own, `[steps.ralph.check]`, or right in this one. */
export function readCheck({ ralph, check, timeout: outer }: CheckedStep, at: Path, report: Report): StepDraft['check'] {
  const raw = ralph ?? check;
  if (raw === undefined) {
    if (outer !== undefined)
      report([...at, 'timeout'], 'a step has a timeout for its check only, and this one has no check');
    return null;
  }
  const path = [...at, ralph === undefined ? 'check' : 'ralph'];
  reportKeys(raw, CHECK_KEYS, path, report);
  const table = readTable(raw, CheckTable, path, report);
  const inner = table.check === undefined ? path : [...path, 'check'];
  if (table.check !== undefined) reportKeys(table.check, SCRIPT_KEYS, inner, report);
  const script = table.check === undefined ? table : readTable(table.check, ScriptTable, inner, report);
  if (table.check !== undefined)
    for (const key of Object.keys(ScriptTable().shape))
      if (key in raw) report([...path, key], `${key} stands beside the table check`, { hint: 'write it into that' });
  if (script.path !== undefined && script.command !== undefined)
    report([...inner, 'command'], 'a check has either path or command, not both');
  if (script.mode !== undefined && script.mode !== 'exec')
    report([...inner, 'mode'], `a check of the mode ${quote(script.mode)} cannot be executed`, {
      hint: 'the mode is exec',
    });
  const timeout = script.timeout ?? outer;
  const timeoutMs = timeout === undefined ? CHECK_TIMEOUT_MS : durationMs(timeout);
  if (timeoutMs === null)
    report(
      [...(script.timeout === undefined ? at : inner), 'timeout'],
      `the timeout ${quote(timeout ?? '')} is no duration`,
      {
        hint: DURATION_FORM,
      },
    );
  const { path: file } = script;
  const wrong = file === undefined || file.includes('{{') ? null : misplaced(file);
  if (wrong !== null) report([...inner, 'path'], wrong, { hint: SCRIPT_PLACE });
  const command = script.command ?? (file === undefined ? null : commandOf(file));
  if (command === null || isBlank(command)) report(inner, 'a check needs the script to run', { hint: SCRIPT_PLACE });
  if (table.max_attempts === undefined || command === null || timeoutMs === null) return null;
  return { path: file?.includes('{{') === true ? file : null, command, timeoutMs, max: table.max_attempts };
}

export const SCRIPT_PLACE = 'write path = "checks/green.sh", a file of the sandbox, or command = …, any shell command';

/** Why no check can be the file of this path; null when it can. */
export function misplaced(path: string): string | null {
  if (isBlank(path)) return 'the path of the check is empty';
  return leadsOut(path) ? `the path ${quote(path)} of the check leads out of the sandbox` : null;
}

/** A path as a word of the shell; a bare name is a file of the sandbox and no program of the machine. */
function commandOf(path: string): string {
  const file = path.includes('/') ? path : `./${path}`;
  return /^[\w./{}-]+$/.test(file) ? file : `'${file.replaceAll("'", String.raw`'\''`)}'`;
}

type ReadBody = (list: readonly unknown[], path: Path, reader: StepReader) => readonly StepDraft[];

export function readLoop(raw: Table | undefined, at: Origin, reader: StepReader, readBody: ReadBody): LoopDraft | null {
  if (raw === undefined) return null;
  const { report, warn } = reader;
  reportKeys(raw, LOOP_KEYS, at.path, report);
  const table = readTable(raw, LoopTable, at.path, report);
  const body = readBody(table.body ?? [], [...at.path, 'body'], reader);
  if (table.body?.length === 0) report([...at.path, 'body'], 'the body of the loop has no steps');
  const times = readTimes(table, raw, at.path, report);
  if (table.max !== undefined && !('until' in raw))
    warn([...at.path, 'max'], 'max changes nothing: it is for a loop with until');
  if (table.var !== undefined && !/^[A-Za-z_][A-Za-z0-9_]*$/.test(table.var))
    report([...at.path, 'var'], `${quote(table.var)} is no name for a variable`);
  if (table.var !== undefined && 'until' in raw)
    report([...at.path, 'var'], 'a loop with until has no var: its texts are the same each time', {
      hint: 'leave it out; the first steps are told why the iteration before was not the last',
    });
  return times === null ? null : { at, times, variable: table.var ?? null, body };
}

type LoopRead = ReadTable<typeof LoopTable>;

function readTimes(table: LoopRead, raw: Table, path: Path, report: Report): LoopDraft['times'] | null {
  const kinds = ['count', 'range', 'until', 'for_each'].filter((key) => key in raw);
  const [kind, second] = kinds;
  if (kind === undefined) report(path, 'a loop needs one of count, range, until and for_each');
  if (second !== undefined) report([...path, second], `a loop has either ${kind} or ${second}, not both`);
  if (table.count !== undefined) {
    if (table.count < 1) report([...path, 'count'], 'count must be at least 1');
    if (table.count > COUNT_MAX) report([...path, 'count'], `count must be at most ${COUNT_MAX}`);
    return table.count >= 1 && table.count <= COUNT_MAX ? { kind: 'count', count: table.count } : null;
  }
  if (table.range !== undefined) return { kind: 'range', range: table.range };
  if (table.for_each !== undefined)
    return { kind: 'each', list: typeof table.for_each === 'string' ? table.for_each : table.for_each.map(String) };
  if (table.until === undefined) return null;
  const { max } = table;
  if (max === undefined) {
    if (!('max' in raw)) report(path, 'a loop with until needs max: how often at most');
    return null;
  }
  if (max < 1 || max > ITERATIONS_MAX) {
    report([...path, 'max'], `max must be from 1 to ${ITERATIONS_MAX}`);
    return null;
  }
  return { kind: 'until', until: table.until, max };
}

export function readExpand(
  { expand, expand_vars: vars }: { readonly expand?: string | undefined; readonly expand_vars?: Table | undefined },
  { source, path }: Origin,
  report: Report,
): ExpandDraft | null {
  if (expand === undefined && vars !== undefined)
    report([...path, 'expand_vars'], 'expand_vars are for a step with expand');
  if (expand === undefined) return null;
  return {
    at: { source, path: [...path, 'expand'] },
    formula: expand,
    vars: readValues(vars, [...path, 'expand_vars'], report),
  };
}

/** Values of another formula's variables: texts, and numbers and booleans as texts. */
export function readValues(raw: Table | undefined, path: Path, report: Report): Readonly<Record<string, string>> {
  const pairs = Object.entries(raw ?? {}).flatMap(([key, value]): (readonly [string, string])[] => {
    if (
      typeof value === 'string' ||
      typeof value === 'number' ||
      typeof value === 'boolean' ||
      typeof value === 'bigint'
    )
      return [[key, String(value)]];
    report([...path, key], `the value of ${quote(key)} must be text, not ${kindOf(value)}`);
    return [];
  });
  return Object.fromEntries(pairs);
}

export function readOnComplete(raw: unknown, at: Origin, report: Report): OnComplete | null {
  if (!isTable(raw)) return null;
  reportKeys(raw, ON_COMPLETE_KEYS, at.path, report);
  const table = readTable(raw, OnCompleteTable, at.path, report);
  const { for_each: forEach, bond } = table;
  if (bond === undefined && !('bond' in raw))
    report(at.path, 'on_complete needs bond: the formula to add for each entry');
  if (forEach === undefined && !('for_each' in raw))
    report(at.path, 'on_complete needs for_each: the list in the output, as output.items');
  if (table.parallel === true && table.sequential === true)
    report([...at.path, 'sequential'], 'on_complete is either parallel or sequential, not both');
  const vars = readValues(table.vars, [...at.path, 'vars'], report);
  if (forEach === undefined || bond === undefined) return null;
  if (!/^output(\.[\w-]+)*$/.test(forEach)) {
    report([...at.path, 'for_each'], `for_each must be a path in the output, as output.items, not ${quote(forEach)}`);
    return null;
  }
  return { at, forEach, bond: { kind: 'formula', name: bond }, vars, sequential: table.sequential === true };
}
