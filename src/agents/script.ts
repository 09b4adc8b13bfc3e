/**
 * The runtime without a model: plays the acts that a formula gives a step, or the one command of a `run` step. For work that
 * needs no intelligence, for the demo, for tests. A session that is taken up again does no act twice whose outcome stands in
 * the journal; a command that was cut off is run again (it is the operator's own, and says so in a note).
 */
import { readFile, rm } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { RunResult } from '../process/run.js';
import type { Act } from '../town/protomolecule.js';
import { NO_USAGE } from '../town/session.js';
import type { SessionResult, SessionSpec } from '../town/session.js';
import { unreachable } from '../town/unreachable.js';
import { inside } from './confined.js';
import type { Runtime, SessionContext } from './runtime.js';
import { writeWhole } from './whole-file.js';

const TAIL_CHARS = 2_000;

/** What an act leads to: the next act, or the end of the session. */
type Step = { readonly kind: 'next'; readonly note?: string } | { readonly kind: 'end'; readonly end: End };
type End =
  | { readonly outcome: 'closed'; readonly verdict: 'done' | 'failed'; readonly summary: string }
  | { readonly outcome: 'handoff'; readonly note: string; readonly reason: 'requested' }
  | { readonly outcome: 'blocked' | 'stalled'; readonly detail: string };

const NEXT: Step = { kind: 'next' };
const failed = (summary: string): Step => ({ kind: 'end', end: { outcome: 'closed', verdict: 'failed', summary } });

export function scriptRuntime(): Runtime {
  return { kind: 'script', run: (spec, context) => play(spec, context) };
}

async function play(spec: SessionSpec, context: SessionContext): Promise<SessionResult> {
  const ended = context.journal.entries.find((entry) => entry.kind === 'ended');
  // Written by `play` itself in an earlier life, and read back through the same journal.
  if (ended !== undefined) return ended.result as SessionResult;
  const acts = actsOf(spec);
  const notes: string[] = [];
  for (const { act, index } of acts) {
    context.signal.throwIfAborted();
    context.heartbeat({ turn: index + 1, doing: Object.keys(act)[0] ?? '' });
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
  if (begun === undefined) await journal.append({ kind: 'begun', key, before: await sizeBefore(act, spec) });
  const before = begun?.kind === 'begun' ? begun.before : undefined;
  const step = await perform(act, spec, context, { again: begun !== undefined, before });
  await journal.append({ kind: 'done', key, outcome: step });
  return step;
}

type Life = { readonly again: boolean; readonly before: unknown };

async function perform(act: Act, spec: SessionSpec, context: SessionContext, life: Life): Promise<Step> {
  if ('write' in act) return onFile(spec, act.write, () => act.text);
  if ('append' in act) return onFile(spec, act.append, (text) => appended(text, act.text, life));
  if ('replace' in act) return replace(spec, act);
  if ('delete' in act) return remove(spec, act.delete);
  if ('run' in act) return runCommand(act.run, context, life);
  if ('sleep' in act) return rest(act.sleep, context);
  if ('note' in act) return { kind: 'next', note: act.note };
  if ('handoff' in act) return { kind: 'end', end: { outcome: 'handoff', note: act.handoff, reason: 'requested' } };
  if ('block' in act) return { kind: 'end', end: { outcome: 'blocked', detail: act.block } };
  if ('fail' in act) return failed(act.fail);
  if ('close' in act) return { kind: 'end', end: { outcome: 'closed', verdict: 'done', summary: act.close } };
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

async function sizeBefore(act: Act, spec: SessionSpec): Promise<number | null> {
  if (!('append' in act)) return null;
  const place = await inside(spec.worktree, act.append);
  return place.ok ? ((await readOr(place.path)) ?? '').length : null;
}

async function replace(
  spec: SessionSpec,
  act: { readonly replace: string; readonly find: string; readonly with: string },
): Promise<Step> {
  let missing = false;
  const step = await onFile(spec, act.replace, (text) => {
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

async function runCommand(command: string, { exec, signal }: SessionContext, { again }: Life): Promise<Step> {
  const result = await exec(command);
  signal.throwIfAborted();
  if (result.end.kind !== 'exited' || result.end.code !== 0) return failed(account(command, result));
  return again ? { kind: 'next', note: `\`${command}\` was cut off and ran again` } : NEXT;
}

function account(command: string, { end, stdout, stderr }: RunResult): string {
  const how = end.kind === 'exited' ? `exited with ${end.code}` : end.kind;
  return `\`${command}\` ${how}\n${`${stdout}${stderr}`.trim().slice(-TAIL_CHARS)}`;
}

async function rest(seconds: number, { signal }: SessionContext): Promise<Step> {
  await pause(seconds * 1_000, undefined, { signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw error;
  });
  return NEXT;
}

async function readOr(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
}
