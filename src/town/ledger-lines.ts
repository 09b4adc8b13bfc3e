/** The lines of a ledger: whether each is a record, under an id of its own. They come a few at a time, as a file may be larger than the memory. */
import * as z from 'zod';

const Line = z.looseObject({ id: z.string().min(1), kind: z.string().min(1), at: z.string().min(1) });

const PROBLEMS_MAX = 50;
const SHOWN_CHARS = 80;

export class LedgerLines {
  /** Of each id the line that it stands in first. */
  readonly #at = new Map<string, number>();
  readonly #problems: string[] = [];
  #more = 0;
  #count = 0;
  /** The last line without its end is being written, or is the ledger's own to set aside. */
  #open = '';

  /** The next piece of the text, cut anywhere. */
  take(text: string): void {
    const lines = (this.#open + text).split('\n');
    this.#open = lines.pop() ?? '';
    for (const line of lines) this.#check(line);
  }

  get records(): number {
    return this.#at.size;
  }

  has(id: string): boolean {
    return this.#at.has(id);
  }

  /** Each begins with the number of its line, and says what mends it; of many some. */
  get problems(): readonly string[] {
    return this.#more === 0 ? this.#problems : [...this.#problems, `… and ${this.#more} more lines like these`];
  }

  #check(line: string): void {
    this.#count += 1;
    const read = Line.safeParse(parsed(line));
    const number = this.#count;
    if (!read.success)
      return this.#tell(`${number}: this is no record, so mend it or take it out: ${line.slice(0, SHOWN_CHARS)}`);
    const first = this.#at.get(read.data.id);
    if (first === undefined) this.#at.set(read.data.id, number);
    else this.#tell(`${number}: the record ${read.data.id} stands in line ${first} already, so take one of them out`);
  }

  #tell(problem: string): void {
    if (this.#problems.length < PROBLEMS_MAX) this.#problems.push(problem);
    else this.#more += 1;
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
