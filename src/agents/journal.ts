/**
 * The journal of a session: what was done and what came of it, a JSON line each, on disk before the session goes on. A session
 * whose worker was killed reads it and repeats nothing that has an outcome. A last line torn by the kill was never relied on
 * and is dropped; anything else that cannot be read ends the session in words, since nobody can tell what it has done.
 */
import { constants } from 'node:fs';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as z from 'zod';
import { addUsage, NO_USAGE, Usage } from '../town/session.js';
import type { SessionResult } from '../town/session.js';
import { cleaned } from './secrets.js';
import { RuntimeTrouble } from './trouble.js';

const VERSION = 1;

/** `run`: the run of the molecule that asked for the session; absent in what an earlier version wrote. */
const Opened = z.object({
  kind: z.literal('opened'),
  version: z.number(),
  sessionId: z.string(),
  run: z.string().optional(),
});

/** `usage`: what it tells of tokens, by the prices of the town; `usd`: what it says itself. */
const ToldOfAll = z.object({ usage: Usage, usd: z.number() });
export type ToldOfAll = z.infer<typeof ToldOfAll>;

const Entry = z.discriminatedUnion('kind', [
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
  /**
   * What an agent that is a program has used since the last entry of this kind; `told`: of all its conversation, as it reckons itself;
   * `estimatedUsd`: how much of it is estimated.
   */
  z.object({
    kind: z.literal('spent'),
    usage: Usage,
    told: ToldOfAll.optional(),
    estimatedUsd: z.number().optional(),
  }),
  z.object({ kind: z.literal('ended'), result: z.unknown() }),
]);
export type JournalEntry = z.infer<typeof Entry>;

/** How long the session had worked when the line was written; absent in what an earlier version wrote. */
const Timed = z.object({ workedMs: z.number().nonnegative().default(0) });

export type Journal = {
  /** All entries so far, the ones of dead forerunners included, without the opening. */
  readonly entries: readonly JournalEntry[];
  /** Without secrets. */
  append(entry: JournalEntry): Promise<void>;
  /**
   * How long the session has worked, dead forerunners included, each up to what it wrote last: while no worker is there, or the provider
   * lets nobody ask, no time of a session passes.
   */
  workedMs(): number;
  /** That long it has only waited. */
  waited(ms: number): void;
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
  return entries
    .flatMap((one) => (one.kind === 'message' || one.kind === 'spent' ? (one.usage ?? []) : []))
    .reduce(addUsage, NO_USAGE);
}

/** How much of that nobody has told the tokens of. */
export function estimatedIn({ entries }: Pick<Journal, 'entries'>): number {
  const usd = entries.map((one) => (one.kind === 'spent' ? (one.estimatedUsd ?? 0) : 0));
  return Math.max(
    0,
    usd.reduce((sum, one) => sum + one, 0),
  );
}

type Opening = { readonly sessionId: string; readonly run?: string };

/** Throws RuntimeTrouble when it cannot be written, and when what is there cannot be read. */
export async function openJournal(path: string, opening: Opening): Promise<Journal> {
  const handle = await orUnwritable(path, async () => {
    await mkdir(dirname(path), { recursive: true });
    return open(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT);
  });
  try {
    const found = readJournal(path, await handle.readFile(), opening.sessionId);
    const journal = new JournalFile(path, handle, found);
    if (!found.isOpened) await journal.open(opening);
    await journal.write();
    return journal;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * What came of something and could not be written, by journal: an answer that has been paid for, an effect that has been made. It is
 * written first when the journal is opened again by the same worker.
 */
const UNWRITTEN = new Map<string, readonly JournalEntry[]>();

class JournalFile implements Journal {
  readonly entries: JournalEntry[];
  readonly #path: string;
  readonly #handle: FileHandle;
  /** How far the file holds whole lines. */
  #bytes: number;
  /** Behind them lies the half of one, which a kill or a full disk has left. */
  #isTorn: boolean;
  /** What it had worked before, as if it had begun that much earlier. */
  #beganMs: number;
  /** One line after the other. */
  #last: Promise<void> = Promise.resolve();

  constructor(path: string, handle: FileHandle, { entries, bytes, isTorn, workedMs }: Found) {
    this.entries = [...entries];
    this.#path = path;
    this.#handle = handle;
    this.#bytes = bytes;
    this.#isTorn = isTorn;
    this.#beganMs = Date.now() - workedMs;
  }

  workedMs(): number {
    return Math.max(0, Date.now() - this.#beganMs);
  }

  waited(ms: number): void {
    this.#beganMs += ms;
  }

  open({ sessionId, run }: Opening): Promise<void> {
    const opening = { kind: 'opened', version: VERSION, sessionId } as const;
    return this.#line(run === undefined ? opening : { ...opening, run });
  }

  async append(raw: JournalEntry): Promise<void> {
    const entry = cleaned(raw);
    await this.#inTurn(async () => {
      try {
        await this.#writeKept();
        await this.#line(entry);
        this.entries.push(entry);
      } catch (error) {
        // What was about to begin has not begun.
        if (entry.kind !== 'begun') UNWRITTEN.set(this.#path, [...(UNWRITTEN.get(this.#path) ?? []), entry]);
        throw error;
      }
    });
  }

  /** Writes what could not be written before. */
  write(): Promise<void> {
    return this.#inTurn(() => this.#writeKept());
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#handle.close();
  }

  #inTurn(act: () => Promise<void>): Promise<void> {
    const mine = this.#last.then(act);
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  async #writeKept(): Promise<void> {
    for (const entry of UNWRITTEN.get(this.#path) ?? []) {
      await this.#line(entry);
      this.entries.push(entry);
      const rest = UNWRITTEN.get(this.#path)?.slice(1) ?? [];
      if (rest.length === 0) UNWRITTEN.delete(this.#path);
      else UNWRITTEN.set(this.#path, rest);
    }
  }

  async #line(entry: JournalEntry | z.infer<typeof Opened>): Promise<void> {
    const timed = entry.kind === 'opened' ? entry : { ...entry, workedMs: this.workedMs() };
    const line = Buffer.from(`${JSON.stringify(timed)}\n`);
    await orUnwritable(this.#path, async () => {
      if (this.#isTorn) await this.#handle.truncate(this.#bytes);
      this.#isTorn = true;
      for (let written = 0; written < line.length;) {
        written += (await this.#handle.write(line, written)).bytesWritten;
      }
      await this.#handle.sync();
    });
    this.#isTorn = false;
    this.#bytes += line.length;
  }
}

/** For whoever looks on: the entries that are whole, whatever becomes of the rest. Empty when there is none. */
export async function entriesIn(path: string): Promise<readonly JournalEntry[]> {
  const text = await readFile(path, 'utf8').catch(missing);
  return text
    .split('\n')
    .slice(0, -1)
    .flatMap((line) => Entry.safeParse(parsed(line)).data ?? []);
}

/** Whether another run asked for the session: its molecule has been reset to before it, and the session of the same number is another one. */
export async function isOfOtherRun(path: string, run: string): Promise<boolean> {
  const text = await readFile(path, 'utf8').catch(missing);
  const opening = Opened.safeParse(parsed(text.slice(0, Math.max(0, text.indexOf('\n')))));
  return opening.success && opening.data.run !== undefined && opening.data.run !== run;
}

/** Puts what a session left aside, with the folder that it lies in. */
export async function setAside(path: string): Promise<void> {
  const folder = dirname(path);
  UNWRITTEN.delete(path);
  await rename(folder, `${folder}.before-${Date.now()}`);
}

function missing(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return '';
  throw error;
}

type Found = {
  readonly entries: readonly JournalEntry[];
  readonly isOpened: boolean;
  readonly bytes: number;
  readonly isTorn: boolean;
  readonly workedMs: number;
};
const NEWLINE = 10;

function readJournal(path: string, content: Buffer, sessionId: string): Found {
  const bytes = content.lastIndexOf(NEWLINE) + 1;
  const isTorn = bytes < content.length;
  if (bytes === 0) return { entries: [], isOpened: false, bytes, isTorn, workedMs: 0 };
  const [first, ...lines] = content
    .toString('utf8', 0, bytes - 1)
    .split('\n')
    .map(parsed);
  const opening = Opened.safeParse(first);
  if (!opening.success) throw unreadable(path, 'it does not begin as one');
  const { version, sessionId: of } = opening.data;
  if (version !== VERSION) {
    throw unreadable(path, `it is of version ${version}, of which this worker (${VERSION}) knows nothing`);
  }
  if (of !== sessionId) throw unreadable(path, `it is of another session, ${of}`);
  const entries = lines.map((line, at) => {
    const entry = Entry.safeParse(line);
    if (!entry.success) throw unreadable(path, `its line ${at + 2} makes no sense`);
    return entry.data;
  });
  const workedMs = Timed.safeParse(lines.at(-1)).data?.workedMs ?? 0;
  return { entries, isOpened: true, bytes, isTorn, workedMs };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/** To begin anew would be to do again, and to pay again for, what was done. */
function unreadable(path: string, why: string): RuntimeTrouble {
  const message = `the journal ${path} of this session cannot be read: ${why}. What the session has done is not known: look at its worktree, then retry the step, which begins another session, or close it`;
  return new RuntimeTrouble({ type: 'Journal.Unreadable', message, retryable: false });
}

async function orUnwritable<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `the journal ${path} cannot be written: ${reason}. Free the disk; the session goes on where it was.`;
    throw new RuntimeTrouble({ type: 'Journal.Unwritable', message, retryable: true, cause });
  }
}
