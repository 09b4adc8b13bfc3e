/** The notes that a session has in its journal: what is left of one that ended without a result. */
import * as z from 'zod';
import type { Journal } from './journal.js';

const NotesKept = z.object({ effect: z.object({ kind: z.literal('note'), text: z.string() }) });
const NOTES_MAX = 20;
const NOTE_CHARS_MAX = 2_000;

/** The last ones. */
export function notesIn({ entries }: Pick<Journal, 'entries'>): readonly string[] {
  const notes = entries.flatMap((entry) => {
    const kept = entry.kind === 'done' ? NotesKept.safeParse(entry.outcome) : null;
    return kept?.success === true ? [kept.data.effect.text.slice(0, NOTE_CHARS_MAX)] : [];
  });
  return notes.slice(-NOTES_MAX);
}
