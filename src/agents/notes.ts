/** The notes that a session has in its journal: what is left of one that ended without a result. */
import * as z from 'zod';
import { cut } from '../town/findings.js';
import type { Journal } from './journal.js';
import { withoutSecrets } from './secrets.js';

const NotesKept = z.object({ effect: z.object({ kind: z.literal('note'), text: z.string() }) });
const NOTES_MAX = 20;
const NOTE_CHARS_MAX = 2_000;

/** A heartbeat, which comes each second, carries less of them. */
const BEAT_NOTES_MAX = 10;
const BEAT_CHARS_MAX = 500;

export function latest(notes: readonly string[]): readonly string[] {
  return notes.slice(-BEAT_NOTES_MAX).map((note) => cut(withoutSecrets(note), BEAT_CHARS_MAX));
}

/** The last ones. */
export function notesIn({ entries }: Pick<Journal, 'entries'>): readonly string[] {
  const notes = entries.flatMap((entry) => {
    const kept = entry.kind === 'done' ? NotesKept.safeParse(entry.outcome) : null;
    return kept?.success === true ? [kept.data.effect.text.slice(0, NOTE_CHARS_MAX)] : [];
  });
  return notes.slice(-NOTES_MAX);
}
