import { isBlank } from './shape.js';

/** A step's description with its notes below. */
export function withNotes(description: string, notes: string | null): string {
  if (notes === null || isBlank(notes)) return description;
  return `${isBlank(description) ? '' : `${description.trimEnd()}\n\n`}## Notes\n\n${notes}`;
}
