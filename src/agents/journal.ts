/**
 * The journal of a session: what was done and what came of it, a JSON line each, on disk before the session goes on. A session
 * whose worker was killed reads it and repeats nothing that has an outcome. A last line torn by the kill was never relied on
 * and is dropped; anything else that cannot be read sets the whole file aside under a name that tells, and starts anew.
 */
import { constants } from 'node:fs';
import { mkdir, open, readFile, rename, truncate } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as z from 'zod';
import { addUsage, NO_USAGE, Usage } from '../town/session.js';
import type { SessionResult } from '../town/session.js';
import { cleaned } from './secrets.js';
import { RuntimeTrouble } from './trouble.js';

const VERSION = 1;

const Entry = z.discriminatedUnion('kind', [
  /** `run`: the run of the molecule that asked for the session; absent in what an earlier version wrote. */
  z.object({
    kind: z.literal('opened'),
    version: z.literal(VERSION),
    sessionId: z.string(),
    run: z.string().optional(),
  }),
  /** An act or tool call is about to happen. `before` is what tells later whether it did. */
  z.object({ kind: z.literal('begun'), key: z.string(), before: z.unknown() }),
  z.object({ kind: z.literal('done'), key: z.string(), outcome: z.unknown() }),
  /** An answer of the model, what it cost, and what its agent was told before it, beyond what follows from the entries before. */
  z.object({
    kind: z.literal('message'),
    message: z.unknown(),
    usage: Usage.optional(),
    told: z.object({ nudges: z.array(z.string()), text: z.string(), cycle: z.boolean() }).optional(),
  }),
  z.object({ kind: z.literal('ended'), result: z.unknown() }),
]);
export type JournalEntry = z.infer<typeof Entry>;

export type Journal = {
  /** All entries so far, the ones of dead forerunners included, without the opening. */
  readonly entries: readonly JournalEntry[];
  /** Name of the unreadable journal that was set aside, null when there was none. */
  readonly setAside: string | null;
  /** Without secrets. */
  append(entry: Exclude<JournalEntry, { readonly kind: 'opened' }>): Promise<void>;
  close(): Promise<void>;
};

/** How the session has ended in an earlier life, as its runtime wrote it; null when it has not. */
export function resultIn({ entries }: Pick<Journal, 'entries'>): SessionResult | null {
  const ended = entries.find((entry) => entry.kind === 'ended');
  return ended === undefined ? null : (ended.result as SessionResult);
}

/** What a session has cost so far, as far as its answers tell. */
export function spentIn({ entries }: Pick<Journal, 'entries'>): Usage {
  const ended = resultIn({ entries });
  if (ended !== null) return ended.usage;
  return entries.reduce((sum, one) => (one.kind === 'message' ? addUsage(sum, one.usage ?? NO_USAGE) : sum), NO_USAGE);
}

type Opening = { readonly sessionId: string; readonly run?: string };

export async function openJournal(path: string, { sessionId, run }: Opening): Promise<Journal> {
  await mkdir(dirname(path), { recursive: true });
  const found = await load(path, sessionId);
  const handle = await open(path, constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY);
  const entries = [...found.entries];
  if (!found.isOpened) {
    const opening = { kind: 'opened', version: VERSION, sessionId } as const;
    await write(handle, path, run === undefined ? opening : { ...opening, run });
  }
  return {
    entries,
    setAside: found.setAside,
    append: async (entry) => {
      const kept = cleaned(entry);
      await write(handle, path, kept);
      entries.push(kept);
    },
    close: () => handle.close(),
  };
}

/** For whoever looks on: the entries that are whole, whatever becomes of the rest. Empty when there is none. */
export async function entriesIn(path: string): Promise<readonly JournalEntry[]> {
  const text = await readFile(path, 'utf8').catch(missing);
  return text
    .split('\n')
    .slice(0, -1)
    .flatMap((line) => readLine(line) ?? []);
}

/** Whether another run asked for the session: its molecule has been reset to before it, and the session of the same number is another one. */
export async function isOfOtherRun(path: string, run: string): Promise<boolean> {
  const text = await readFile(path, 'utf8').catch(missing);
  const opening = readLine(text.slice(0, Math.max(0, text.indexOf('\n'))));
  return opening?.kind === 'opened' && opening.run !== undefined && opening.run !== run;
}

/** Puts what a session left aside, with the folder that it lies in. */
export async function setAside(path: string): Promise<void> {
  const folder = dirname(path);
  await rename(folder, `${folder}.before-${Date.now()}`);
}

function missing(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return '';
  throw error;
}

type Found = {
  readonly entries: readonly JournalEntry[];
  readonly isOpened: boolean;
  readonly setAside: string | null;
};
const NOTHING: Found = { entries: [], isOpened: false, setAside: null };

async function load(path: string, sessionId: string): Promise<Found> {
  const text = await readFile(path, 'utf8').catch(missing);
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole.length < text.length) await truncate(path, Buffer.byteLength(whole));
  if (whole === '') return NOTHING;
  const lines = whole.split('\n').slice(0, -1).map(readLine);
  const [opening, ...entries] = lines;
  const isOurs = opening?.kind === 'opened' && opening.sessionId === sessionId;
  const readable = entries.filter((entry) => entry !== null);
  if (isOurs && readable.length === entries.length) return { entries: readable, isOpened: true, setAside: null };
  const setAside = `${path}.unreadable-${Date.now()}`;
  await rename(path, setAside);
  return { ...NOTHING, setAside };
}

function readLine(line: string): JournalEntry | null {
  try {
    return Entry.parse(JSON.parse(line));
  } catch {
    return null;
  }
}

async function write(handle: FileHandle, path: string, entry: JournalEntry): Promise<void> {
  try {
    await handle.appendFile(`${JSON.stringify(entry)}\n`);
    await handle.sync();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `the journal ${path} cannot be written: ${reason}. Free the disk; the session goes on where it was.`;
    throw new RuntimeTrouble({ type: 'Journal.Unwritable', message, retryable: true, cause });
  }
}
