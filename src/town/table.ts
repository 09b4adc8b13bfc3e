/** A Markdown table; a bar or the end of a line within a cell does not end the cell. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  return [line(heads), `|${' --- |'.repeat(heads.length)}`, ...rows.map(line)];
}

function line(cells: readonly string[]): string {
  return `| ${cells.map(cell).join(' | ')} |`;
}

function cell(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|');
}
