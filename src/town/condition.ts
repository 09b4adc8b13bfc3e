/**
 * Conditions on a molecule at work, for `loop.until`, conditional gates and `compose.gate`:
 *
 *     step.status == 'complete'                      the step the condition stands on
 *     review.status != failed                        another step
 *     output.clean == true                           the output of the step the condition stands on
 *     review.output.findings.count < 3               the output of another
 *     children(x).all(status == 'complete')          also any(…), count(…) >= 3; descendants(x) for all below
 *     steps.complete >= 2                            how many steps of the molecule stand so
 *     file.exists('go.mod')                          a file of the sandbox
 *
 * Two texts that read as numbers are compared as numbers. What is not there equals the empty text only, and is never
 * greater or less than anything. `all` of nothing is false.
 */
import type { Json } from './act.js';
import { unreachable } from './unreachable.js';

const STATUSES = ['pending', 'ready', 'active', 'waiting', 'complete', 'skipped', 'failed'] as const;
export type Status = (typeof STATUSES)[number];

/** Other systems' words for the same. */
const SYNONYMS: Readonly<Record<string, Status>> = {
  open: 'pending',
  in_progress: 'active',
  blocked: 'waiting',
  closed: 'complete',
  completed: 'complete',
  done: 'complete',
};

const OPERATORS = ['==', '!=', '>=', '<=', '>', '<'] as const;
export type Operator = (typeof OPERATORS)[number];

/** What is compared: a step's status or a part of its output. */
type Value = { readonly kind: 'status' } | { readonly kind: 'output'; readonly path: readonly string[] };
type Comparison = { readonly value: Value; readonly op: Operator; readonly right: string };

/** `step` is `step` for the one the condition stands on. */
export type Condition =
  | ({ readonly kind: 'compare'; readonly step: string } & Comparison)
  | {
      readonly kind: 'among';
      readonly step: string;
      readonly deep: boolean;
      readonly inner: Comparison;
      readonly how:
        | { readonly kind: 'all' }
        | { readonly kind: 'any' }
        | { readonly kind: 'count'; readonly op: Operator; readonly n: number };
    }
  | { readonly kind: 'steps'; readonly status: Status; readonly op: Operator; readonly n: number }
  | { readonly kind: 'file'; readonly path: string };

export type Parsed =
  | { readonly ok: true; readonly condition: Condition }
  | { readonly ok: false; readonly message: string };

const FILE = /^file\.exists\(\s*(['"])(.+)\1\s*\)$/;
/** Ids of steps that a fan-out will add hold a mark for their number, as `src/formula` writes it. */
const AMONG =
  /^(children|descendants|steps)\(\s*([\w.\uE000\uE001-]+)\s*\)\.(all|any|count)\((.+?)\)\s*(?:([=!<>]+)\s*(\d+))?$/;
const COUNT = /^(?:children|descendants|steps)\(.*\)\.count\(.*\)\s*[=!<>]+\s*(.*)$/;
const STEPS = /^steps\.(\w+)\s*([=!<>]+)\s*(.*)$/;
const COMPARE = /^([\w.\uE000\uE001-]+?)\s*([=!<>]+)\s*(.*)$/;
const FORMS =
  "the forms are `step.status == complete`, `ID.status == …`, `ID.output.x == …`, `children(ID).all(…)`, `steps.complete >= 2`, `file.exists('…')`";

export function parseCondition(text: string): Parsed {
  const written = text.trim();
  const file = FILE.exec(written);
  if (file?.[2] !== undefined) return { ok: true, condition: { kind: 'file', path: file[2] } };
  const among = AMONG.exec(written);
  if (among !== null) return readAmong(among);
  const steps = STEPS.exec(written);
  if (steps !== null && (isNumber(steps[3] ?? '') || statusOf(steps[1] ?? '') !== null)) return readSteps(steps);
  const count = COUNT.exec(written);
  if (count !== null) return wrongNumber('count(…)', count[1] ?? '');
  const comparison = COMPARE.exec(written);
  if (comparison === null) return wrong(`no condition: ${written}`);
  const [, path = '', op = '', right = ''] = comparison;
  return readCompare(path, op, right);
}

function readAmong([, which, step = '', how, inside = '', op, n]: RegExpExecArray): Parsed {
  const comparison = COMPARE.exec(inside.trim());
  if (comparison === null) return wrong(`no comparison: ${inside}`);
  const inner = readComparison((comparison[1] ?? '').split('.'), comparison[2] ?? '', comparison[3] ?? '');
  if (typeof inner === 'string') return wrong(inner);
  const base = { kind: 'among', step, deep: which === 'descendants', inner } as const;
  if (how === 'count') {
    const operator = OPERATORS.find((one) => one === op);
    if (operator === undefined) return wrong('count(…) is compared with a number, as in count(…) >= 3');
    return { ok: true, condition: { ...base, how: { kind: 'count', op: operator, n: Number(n) } } };
  }
  if (op !== undefined) return wrong(`${how}(…) is true or false by itself`);
  return { ok: true, condition: { ...base, how: { kind: how === 'all' ? 'all' : 'any' } } };
}

function readSteps([, word = '', op, n = '']: RegExpExecArray): Parsed {
  const status = statusOf(word);
  const operator = OPERATORS.find((one) => one === op);
  if (status === null) return wrong(`unknown status ${word}; there are ${STATUSES.join(', ')}`);
  if (operator === undefined) return wrong(`unknown operator ${op}; there are ${OPERATORS.join(' ')}`);
  if (!isNumber(n)) return wrongNumber(`steps.${word}`, n);
  return { ok: true, condition: { kind: 'steps', status, op: operator, n: Number(n) } };
}

function isNumber(text: string): boolean {
  return /^\d+$/.test(text);
}

function wrongNumber(what: string, written: string): Parsed {
  return wrong(
    `${what} is compared with a whole number from 0, ${written === '' ? 'which is missing' : `not ${written}`}`,
  );
}

function readCompare(path: string, op: string, right: string): Parsed {
  if (path.startsWith('env.')) return wrong('a formula does not see the environment: declare a variable instead');
  const { step, rest } = splitPath(path);
  if (rest.length === 0) return wrong(`${path} is neither a status nor an output`);
  const comparison = readComparison(rest, op, right);
  return typeof comparison === 'string'
    ? wrong(comparison)
    : { ok: true, condition: { kind: 'compare', step, ...comparison } };
}

/** Ids may hold dots, so the step ends where `status` or `output` begins. */
function splitPath(path: string): { readonly step: string; readonly rest: readonly string[] } {
  const parts = path.split('.');
  const at = parts.findIndex((part) => part === 'status' || part === 'output');
  if (at === -1) return { step: path, rest: [] };
  return { step: at === 0 ? 'step' : parts.slice(0, at).join('.'), rest: parts.slice(at) };
}

function readComparison(path: readonly string[], op: string, right: string): Comparison | string {
  const operator = OPERATORS.find((one) => one === op);
  if (operator === undefined) return `unknown operator ${op}; there are ${OPERATORS.join(' ')}`;
  const text = unquoted(right.trim());
  if (path[0] === 'output') return { value: { kind: 'output', path: path.slice(1) }, op: operator, right: text };
  if (path[0] !== 'status' || path.length > 1) return `${path.join('.')} is neither a status nor an output`;
  const status = statusOf(text);
  if (text === '') return `nothing stands behind ${operator}: a status is one of ${STATUSES.join(', ')}`;
  if (status === null) return `unknown status ${text}; there are ${STATUSES.join(', ')}`;
  if (operator !== '==' && operator !== '!=') return `a status is compared with == or !=, not ${operator}`;
  return { value: { kind: 'status' }, op: operator, right: status };
}

function statusOf(word: string): Status | null {
  return STATUSES.find((one) => one === word) ?? (Object.hasOwn(SYNONYMS, word) ? (SYNONYMS[word] ?? null) : null);
}

function unquoted(text: string): string {
  return /^(['"]).*\1$/s.test(text) && text.length >= 2 ? text.slice(1, -1) : text;
}

function wrong(message: string): Parsed {
  return { ok: false, message: `${message} (${FORMS})` };
}

/** The condition with another step in place of the one it names. */
export function withStep(condition: Condition, to: (step: string) => string): Condition {
  return 'step' in condition && condition.step !== 'step' ? { ...condition, step: to(condition.step) } : condition;
}

/** The condition as text that reads as the same condition. */
export function printCondition(condition: Condition): string {
  switch (condition.kind) {
    case 'file':
      return `file.exists('${condition.path}')`;
    case 'steps':
      return `steps.${condition.status} ${condition.op} ${condition.n}`;
    case 'compare':
      return `${condition.step === 'step' && condition.value.kind === 'output' ? '' : `${condition.step}.`}${printComparison(condition)}`;
    case 'among': {
      const { how, deep, step, inner } = condition;
      const among = `${deep ? 'descendants' : 'children'}(${step}).${how.kind}(${printComparison(inner)})`;
      return how.kind === 'count' ? `${among} ${how.op} ${how.n}` : among;
    }
    default:
      return unreachable(condition);
  }
}

function printComparison({ value, op, right }: Comparison): string {
  const left = value.kind === 'status' ? 'status' : ['output', ...value.path].join('.');
  // A text that holds one kind of quotes is put into the other.
  return `${left} ${op} ${right.includes("'") ? `"${right}"` : `'${right}'`}`;
}

export function filesNamed(condition: Condition): readonly string[] {
  return condition.kind === 'file' ? [condition.path] : [];
}

/** A step as conditions see it. */
export type Seen = {
  readonly id: string;
  readonly parent: string | null;
  readonly status: Status;
  readonly output: Json | null;
};

export type Facts = {
  /** Id of the step that the condition stands on. */
  readonly self: string;
  readonly steps: readonly Seen[];
  /** Paths of files that exist, of those that the condition names. */
  readonly files: readonly string[];
};

export function holds(condition: Condition, facts: Facts): boolean {
  switch (condition.kind) {
    case 'file':
      return facts.files.includes(condition.path);
    case 'steps':
      return compared(
        facts.steps.filter((step) => step.status === condition.status).length,
        condition.op,
        String(condition.n),
      );
    case 'compare': {
      const id = condition.step === 'step' ? facts.self : condition.step;
      return meets(facts.steps.find((step) => step.id === id) ?? null, condition);
    }
    case 'among':
      return holdsAmong(condition, facts);
    default:
      return unreachable(condition);
  }
}

function holdsAmong(condition: Extract<Condition, { readonly kind: 'among' }>, facts: Facts): boolean {
  const { how, inner, deep } = condition;
  const below = childrenOf(condition.step === 'step' ? facts.self : condition.step, facts.steps, deep);
  const met = below.filter((step) => meets(step, inner)).length;
  switch (how.kind) {
    case 'all':
      return below.length > 0 && met === below.length;
    case 'any':
      return met > 0;
    case 'count':
      return compared(met, how.op, String(how.n));
    default:
      return unreachable(how);
  }
}

function childrenOf(id: string, steps: readonly Seen[], deep: boolean): readonly Seen[] {
  const children = steps.filter((step) => step.parent === id);
  return deep ? children.flatMap((child) => [child, ...childrenOf(child.id, steps, true)]) : children;
}

function meets(step: Seen | null, { value, op, right }: Comparison): boolean {
  if (value.kind === 'status') return compared(step?.status ?? null, op, right);
  return compared(partOf(step?.output ?? null, value.path), op, right);
}

/** The part of an output at a path; null when it is not there. Numbers of the path count entries of lists from 0. */
export function partOf(output: Json | null, path: readonly string[]): Json | null {
  let part: Json | null = output;
  for (const key of path) {
    if (typeof part !== 'object' || part === null || !Object.hasOwn(part, key)) return null;
    part = Array.isArray(part) ? (part[Number(key)] ?? null) : ((part as Readonly<Record<string, Json>>)[key] ?? null);
  }
  return part;
}

export function compared(left: Json | null, op: Operator, right: string): boolean {
  if (left === null) return op === '==' ? right === '' : op === '!=' && right !== '';
  const text = typeof left === 'string' ? left : JSON.stringify(left);
  const order = orderOf(text, right, typeof left === 'number');
  switch (op) {
    case '==':
      return order === 0;
    case '!=':
      return order !== 0;
    case '>=':
      return order >= 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '<':
      return order < 0;
    default:
      return unreachable(op);
  }
}

const WHOLE = /^\s*-?\d+\s*$/;

/** Less than 0, 0 or more than 0. Whole numbers in texts, as ids are, are compared to the last digit. */
function orderOf(left: string, right: string, isNumber: boolean): number {
  if (!isNumber && WHOLE.test(left) && WHOLE.test(right)) return signOf(BigInt(left), BigInt(right));
  const [a, b] = [numberOf(left), numberOf(right)];
  return a !== null && b !== null ? signOf(a, b) : signOf(left, right);
}

function signOf<Value extends bigint | number | string>(a: Value, b: Value): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function numberOf(text: string): number | null {
  const number = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(number) ? number : null;
}
