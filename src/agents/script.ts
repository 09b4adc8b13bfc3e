/**
 * The runtime without a model: plays the acts that a formula gives a step, or the one command of a `run` step. For work that
 * needs no intelligence, for the demo, for tests. A session that is taken up again does no act twice whose outcome stands in
 * the journal; a command that was cut off is run again (it is the operator's own, and says so in a note).
 */
import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { lstat, readFile, rm, stat } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { RunResult } from '../process/run.js';
import { cut } from '../town/findings.js';
import { OUTPUT_CHARS_MAX, outputProblem } from '../town/output.js';
import type { Act, Json } from '../town/act.js';
import { NO_USAGE } from '../town/session.js';
import type { SessionResult, SessionSpec } from '../town/session.js';
import { unreachable } from '../town/unreachable.js';
import { inside } from './confined.js';
import { resultIn } from './journal.js';
import { latest } from './notes.js';
import type { Runtime, SessionContext } from './runtime.js';
import { withoutSecrets } from './secrets.js';
import { RuntimeTrouble } from './trouble.js';
import { writeWhole } from './whole-file.js';

const TAIL_CHARS = 2_000;
/** Of a command, where it is told how it ended: what it was filled with may be long, and must not hide that. */
const SHOWN_CHARS_MAX = 200;

/** What an act leads to: the next act, or the end of the session. */
type Step = { readonly kind: 'next'; readonly note?: string } | { readonly kind: 'end'; readonly end: End };
type End =
  | {
      readonly outcome: 'closed';
      readonly verdict: 'done' | 'failed';
      readonly summary: string;
      readonly output?: Json;
      readonly transient?: boolean;
    }
  | { readonly outcome: 'handoff'; readonly note: string; readonly reason: 'requested' }
  | { readonly outcome: 'blocked' | 'stalled'; readonly detail: string };

const NEXT: Step = { kind: 'next' };
const failed = (summary: string, transient = false): Step => ({
  kind: 'end',
  end: { outcome: 'closed', verdict: 'failed', summary, ...(transient ? { transient } : {}) },
});

/** What only the machine's trouble brings about, and passes: these are thrown, for the whole session to be tried again. */
const MACHINE_TROUBLE = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EMFILE', 'ENFILE', 'EAGAIN', 'EBUSY', 'ENOMEM', 'ESTALE']);

/** `EX_TEMPFAIL` of sysexits.h: how a program says that the same may succeed later. */
const TEMPORARY_FAILURE = 75;
/** A shell tells a program that was killed by signal n as 128 + n. */
const SIGNAL_CODES = { first: 128 + 1, last: 128 + 31 };

export function scriptRuntime(): Runtime {
  return { kind: 'script', run: (spec, context) => play(spec, context) };
}

async function play(spec: SessionSpec, context: SessionContext): Promise<SessionResult> {
  const result = resultIn(context.journal) ?? (await playActs(spec, context));
  // What a command left there stands in the result, without its secrets.
  await rm(context.outputFile, { force: true, recursive: true });
  return result;
}

async function playActs(spec: SessionSpec, context: SessionContext): Promise<SessionResult> {
  const acts = actsOf(spec);
  const notes: string[] = [];
  for (const { act, index } of acts) {
    context.signal.throwIfAborted();
    context.heartbeat({ turn: index + 1, doing: Object.keys(act)[0] ?? '', notes: latest(notes) });
    const step = await once(act, `act-${index}`, spec, context);
    if (step.kind === 'next' && step.note !== undefined) notes.push(step.note);
    if (step.kind === 'end') return end(step.end, acts.length, notes, context);
  }
  const detail = `the script of "${spec.step.id}" ended without close, fail, block or handoff`;
  return end({ outcome: 'stalled', detail }, acts.length, notes, context);
}

/** The acts of this session: those behind the handoffs and questions that ended the sessions before. */
function actsOf({ step, handoffs }: SessionSpec): readonly { readonly act: Act; readonly index: number }[] {
  if (step.run !== null) {
    return [{ run: step.run }, { close: `\`${step.run}\` succeeded` }].map((act, index) => ({ act, index }));
  }
  const acts = (step.script ?? []).map((act, index) => ({ act, index }));
  const cuts = acts.filter(({ act }) => 'handoff' in act || 'block' in act);
  const from = handoffs === 0 ? 0 : (cuts[handoffs - 1]?.index ?? -1) + 1;
  return acts.slice(from);
}

async function end(
  end: End,
  turns: number,
  notes: readonly string[],
  { journal }: SessionContext,
): Promise<SessionResult> {
  const result: SessionResult = { usage: { ...NO_USAGE, turns }, notes: [...notes], ...end };
  await journal.append({ kind: 'ended', result });
  return result;
}

/** An act with its outcome in the journal is not done again. */
async function once(act: Act, key: string, spec: SessionSpec, context: SessionContext): Promise<Step> {
  const { journal } = context;
  const known = journal.entries.find((entry) => entry.kind === 'done' && entry.key === key);
  if (known?.kind === 'done') return known.outcome as Step; // our own record of this very act
  const begun = journal.entries.find((entry) => entry.kind === 'begun' && entry.key === key);
  if (begun === undefined) await journal.append({ kind: 'begun', key, before: await lookBefore(act, spec) });
  const before = begun?.kind === 'begun' ? begun.before : undefined;
  const life = { again: begun !== undefined, before };
  const step = await perform(act, spec, context, life).catch((error: unknown) => troubleIn(act, error, context));
  await journal.append({ kind: 'done', key, outcome: step });
  return step;
}

/** An act that cannot be done ends the session in words; only what passes by itself is tried again. */
function troubleIn(act: Act, error: unknown, { signal }: SessionContext): Step {
  signal.throwIfAborted();
  const code = error instanceof Error && 'code' in error ? String(error.code) : null;
  if (error instanceof RuntimeTrouble || code === null || MACHINE_TROUBLE.has(code)) throw error;
  const [verb = ''] = Object.keys(act);
  const [what] = Object.values(act);
  return failed(
    `the act ${verb} ${JSON.stringify(what)} cannot be done: ${error instanceof Error ? error.message : code}`,
  );
}

/** `before` is what `lookBefore` saw when the act was begun first. */
type Life = { readonly again: boolean; readonly before: unknown };

async function perform(act: Act, spec: SessionSpec, context: SessionContext, life: Life): Promise<Step> {
  if ('write' in act) return onFile(spec, act.write, () => act.text);
  if ('append' in act) return onFile(spec, act.append, (text) => appended(text, act.text, life));
  if ('replace' in act) return replace(spec, act, life);
  if ('delete' in act) return remove(spec, act.delete);
  if ('run' in act) return runCommand(act.run, spec, context, life);
  if ('sleep' in act) return rest(act.sleep, context);
  if ('note' in act) return { kind: 'next', note: act.note };
  if ('handoff' in act) return { kind: 'end', end: { outcome: 'handoff', note: act.handoff, reason: 'requested' } };
  if ('block' in act) return { kind: 'end', end: { outcome: 'blocked', detail: act.block } };
  if ('fail' in act) return failed(act.fail, act.transient);
  if ('close' in act)
    return spec.step.run === null ? close(act.close, act.output, spec) : closeRun(act.close, spec, context);
  return unreachable(act);
}

/** `change` gets the file's text, null when there is none, and gives the new one; null leaves it alone. */
async function onFile(spec: SessionSpec, file: string, change: (text: string | null) => string | null): Promise<Step> {
  const place = await inside(spec.worktree, file);
  if (!place.ok) return failed(place.why);
  const text = await readOr(place.path);
  const changed = change(text);
  if (changed === null) return NEXT;
  await writeWhole(place.path, changed);
  return NEXT;
}

/** Cut off in the middle, an append is begun anew from the size the file had before. */
function appended(text: string | null, more: string, { again, before }: Life): string {
  const whole = text ?? '';
  const kept = again && typeof before === 'number' ? whole.slice(0, before) : whole;
  return kept + more;
}

/** What tells later whether a change that was cut off took place: the file's length for an append, its hash for a replace. */
async function lookBefore(act: Act, spec: SessionSpec): Promise<number | string | null> {
  const file = 'append' in act ? act.append : 'replace' in act ? act.replace : null;
  if (file === null) return null;
  const place = await inside(spec.worktree, file);
  // What cannot be read is told by the act itself.
  const text = place.ok ? await readOr(place.path).catch(() => null) : null;
  if ('append' in act) return place.ok ? (text ?? '').length : null;
  return text === null ? null : hashOf(text);
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

async function replace(
  spec: SessionSpec,
  act: { readonly replace: string; readonly find: string; readonly with: string },
  { again, before }: Life,
): Promise<Step> {
  let missing = false;
  const step = await onFile(spec, act.replace, (text) => {
    // Files are written whole: another text than before means that it was replaced, also where the new text holds the old.
    if (again && typeof before === 'string' && text !== null && hashOf(text) !== before) return null;
    if (text?.includes(act.find) === true) return text.replace(act.find, () => act.with);
    // Done before, by a session whose close was refused, or by a life of this one that was cut off.
    missing = text === null || (act.with !== '' && !text.includes(act.with));
    return null;
  });
  return missing ? failed(`${act.replace} does not hold the text to replace: ${act.find}`) : step;
}

async function remove(spec: SessionSpec, file: string): Promise<Step> {
  const place = await inside(spec.worktree, file);
  if (!place.ok) return failed(place.why);
  const root = await inside(spec.worktree, '.');
  if (root.ok && place.path === root.path) return failed('the worktree itself cannot be deleted');
  await rm(place.path, { recursive: true, force: true });
  return NEXT;
}

function close(summary: string, output: Json | undefined, { step }: SessionSpec): Step {
  const problem = outputProblem(step.output ?? null, output);
  if (problem !== null) return failed(`the close of "${step.id}" is refused: ${problem}`);
  return {
    kind: 'end',
    end: { outcome: 'closed', verdict: 'done', summary, ...(output === undefined ? {} : { output }) },
  };
}

/** A `run` step leaves what its command wrote to the file named by $GT_OUTPUT. */
async function closeRun(summary: string, spec: SessionSpec, { outputFile }: SessionContext): Promise<Step> {
  // Not what a link leads to: whoever wrote it may see less than this process.
  const found = await lstat(outputFile).catch(() => null);
  if (found === null || (found.isFile() && found.size === 0)) return close(summary, undefined, spec);
  if (!found.isFile()) return failed(`\`${spec.step.run}\` left no file at $GT_OUTPUT: an output is written to a file`);
  if (found.size > 4 * OUTPUT_CHARS_MAX) {
    return failed(
      `\`${spec.step.run}\` wrote ${found.size} bytes to $GT_OUTPUT: an output has at most ${OUTPUT_CHARS_MAX} characters`,
    );
  }
  const output = readJson(await readFile(outputFile, 'utf8'));
  if (output === undefined) {
    return failed(
      `\`${spec.step.run}\` wrote to $GT_OUTPUT what is not JSON: an output is JSON, a text stands in quotes`,
    );
  }
  return close(summary, output, spec);
}

function readJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json; // whatever JSON.parse answers is JSON
  } catch {
    return undefined;
  }
}

async function runCommand(
  command: string,
  { step, limits }: SessionSpec,
  context: SessionContext,
  { again }: Life,
): Promise<Step> {
  const { exec, signal, outputFile } = context;
  await rm(outputFile, { force: true, recursive: true });
  // A session has its time, and a command is all that can use it up here.
  const timeoutMs = limits.minutesMax * 60_000;
  const result = await exec(command, { timeoutMs, ...(step.run === null ? {} : { env: { GT_OUTPUT: outputFile } }) });
  signal.throwIfAborted();
  const { end } = result;
  if (end.kind !== 'exited' || end.code !== 0) return failed(account(command, result), isTransient(end));
  return again ? { kind: 'next', note: `\`${command}\` was cut off and ran again` } : NEXT;
}

function isTransient(end: RunResult['end']): boolean {
  if (end.kind !== 'exited') return end.kind === 'signalled' || end.kind === 'timed-out';
  const isKilled = end.code >= SIGNAL_CODES.first && end.code <= SIGNAL_CODES.last;
  return isKilled || end.code === TEMPORARY_FAILURE;
}

function account(command: string, { end, stdout, stderr }: RunResult): string {
  const tail = withoutSecrets(`${stdout}${stderr}`).trim().slice(-TAIL_CHARS);
  return `\`${cut(withoutSecrets(command), SHOWN_CHARS_MAX)}\` ${howOf(end)}\n${tail}`;
}

function howOf(end: RunResult['end']): string {
  if (end.kind === 'exited') return `exited with ${end.code}`;
  if (end.kind === 'not-started') return `could not be started: ${end.reason}`;
  if (end.kind === 'over-limit') return `was ended: ${end.what}`;
  return end.kind === 'timed-out' ? 'ran out of time' : end.kind;
}

async function rest(seconds: number, { signal }: SessionContext): Promise<Step> {
  await pause(seconds * 1_000, undefined, { signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw error;
  });
  return NEXT;
}

/** Somebody who has worked there before may have left a pipe, for which this process would wait for ever. */
async function readOr(path: string): Promise<string | null> {
  const found = await stat(path).catch(() => null);
  if (found !== null && !found.isFile() && !found.isDirectory()) throw unfit(`${path} is no file`);
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  // It is written anew as a whole: what cannot be read would be lost.
  if (bytes !== null && !isUtf8(bytes)) throw unfit(`${path} is not in UTF-8`);
  return bytes === null ? null : bytes.toString();
}

function unfit(why: string): Error {
  return Object.assign(new Error(why), { code: 'EINVAL' });
}
