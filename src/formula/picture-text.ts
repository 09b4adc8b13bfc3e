/** The lines of text in a step's card, and how much room they take. There is no font here to ask: widths are estimates, on the wide side. */
import type { PictureBox, PictureStep } from './picture.js';

export const TITLE_SIZE = 13;
export const SMALL_SIZE = 11;
const LINE_HEIGHT = 17;
const SMALL_LINE_HEIGHT = 15;
const TEXT_WIDTH_MAX = 220;
const WIDTH_MIN = 96;
const TITLE_LINES_MAX = 3;
const MARK_LINES_MAX = 2;
const PADDING = { x: 14, y: 10 };

type Line = { readonly text: string; readonly role: 'title' | 'id' | 'mark'; readonly baseline: number };

export type TextBlock = { readonly lines: readonly Line[]; readonly width: number; readonly height: number };

export function linesOf({ id, title, marks }: PictureStep): TextBlock {
  const block = stack([
    ...wrap(title, TITLE_SIZE, TITLE_LINES_MAX).map((text) => ({ text, role: 'title' as const })),
    { text: cut(id, SMALL_SIZE), role: 'id' as const },
    ...markLines(marks),
  ]);
  return { ...block, width: Math.max(WIDTH_MIN, block.width) };
}

/** What stands at the head of a box. */
export function headerOf({ title, marks }: PictureBox): TextBlock {
  return stack([{ text: cut(title, TITLE_SIZE), role: 'title' }, ...markLines(marks)]);
}

type Text = Pick<Line, 'text' | 'role'>;

function markLines(marks: readonly string[]): readonly Text[] {
  return marks.flatMap((mark) =>
    wrap(mark, SMALL_SIZE, MARK_LINES_MAX).map((text) => ({ text, role: 'mark' as const })),
  );
}

function stack(texts: readonly Text[]): TextBlock {
  let y = PADDING.y;
  const lines = texts.map(({ text, role }) => {
    const height = role === 'title' ? LINE_HEIGHT : SMALL_LINE_HEIGHT;
    const baseline = y + height - 4;
    y += height;
    return { text, role, baseline };
  });
  // Titles are bold, which takes more.
  const widest = Math.max(
    ...texts.map(({ text, role }) => widthOf(text, role === 'title' ? TITLE_SIZE * 1.07 : SMALL_SIZE)),
  );
  return { lines, width: Math.ceil(widest + 2 * PADDING.x), height: y + PADDING.y };
}

/** Words in lines; what does not fit on the last one is cut. */
function wrap(text: string, size: number, linesMax: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.trim().split(/\s+/)) {
    const last = lines.at(-1);
    const longer = last === undefined ? word : `${last} ${word}`;
    if (last === undefined || widthOf(longer, size) > TEXT_WIDTH_MAX) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  const kept = lines.slice(0, linesMax);
  if (lines.length > linesMax) kept[linesMax - 1] = `${kept[linesMax - 1] ?? ''} …`;
  return kept.map((line) => cut(line, size));
}

function cut(text: string, size: number, widthMax: number = TEXT_WIDTH_MAX): string {
  if (widthOf(text, size) <= widthMax) return text;
  const chars = Array.from(text);
  while (chars.length > 1 && widthOf(`${chars.join('')}…`, size) > widthMax) chars.pop();
  return `${chars.join('')}…`;
}

function widthOf(text: string, size: number): number {
  return Array.from(text, charWidth).reduce((sum, width) => sum + width, 0) * size;
}

/** In parts of the font's size, for the sans-serif fonts that are usual. */
function charWidth(char: string): number {
  if (/[ijl.,:;'|!()[\]ftI ]/.test(char)) return 0.34;
  if (/[mwMW@%…—]/.test(char)) return 0.9;
  if (/[A-Z&#]/.test(char)) return 0.68;
  return (char.codePointAt(0) ?? 0) > 0x2e7f ? 1.05 : 0.57;
}
