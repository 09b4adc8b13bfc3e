/** The text of a ledger: whether each line is a record, under an id of its own. */
import * as z from 'zod';

const Line = z.looseObject({ id: z.string().min(1), kind: z.string().min(1), at: z.string().min(1) });

/** Each problem begins with the number of its line. A last line without its end is being written, or is the ledger's own to set aside. */
export function checkLines(text: string): { readonly ids: readonly string[]; readonly problems: readonly string[] } {
  const at = new Map<string, number>();
  const problems: string[] = [];
  const whole = text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .slice(0, -1);
  for (const [index, line] of whole.entries()) {
    const number = index + 1;
    const read = Line.safeParse(parsed(line));
    if (!read.success) {
      problems.push(`${number}: this is no record: ${line.slice(0, 80)}`);
      continue;
    }
    const first = at.get(read.data.id);
    if (first === undefined) at.set(read.data.id, number);
    else problems.push(`${number}: the record ${read.data.id} stands in line ${first} already`);
  }
  return { ids: [...at.keys()], problems };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
