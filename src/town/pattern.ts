/**
 * Regular expressions that cannot run away. A pattern is matched by walking all of its states at once, so the time is the length of
 * the value times the size of the pattern, whatever the pattern: what needs more than that (a back-reference, a look-around) is
 * refused. The syntax is JavaScript's with Unicode, which is also Go's for all that formulas do; a leading `(?i)` ignores case.
 */

/** Characters of a pattern, and states after `{n,m}` is written out. */
const PATTERN_CHARS_MAX = 1000;
const STATES_MAX = 10_000;
const DEPTH_MAX = 50;

export type Pattern =
  | { readonly ok: true; readonly test: (value: string) => boolean }
  | { readonly ok: false; readonly message: string };

type Tree =
  | { readonly kind: 'one'; readonly matches: (character: string) => boolean }
  | { readonly kind: 'edge'; readonly at: '^' | '$' | 'b' | 'B' }
  | { readonly kind: 'row'; readonly parts: readonly Tree[] }
  | { readonly kind: 'choice'; readonly parts: readonly Tree[] }
  | { readonly kind: 'repeat'; readonly part: Tree; readonly min: number; readonly max: number };

type State =
  | { readonly kind: 'one'; readonly matches: (character: string) => boolean; next: number }
  | { readonly kind: 'edge'; readonly at: '^' | '$' | 'b' | 'B'; next: number }
  | { readonly kind: 'fork'; next: number; other: number }
  | { readonly kind: 'end' };

/** Why a pattern is refused: caught at the door, never seen outside. */
class Refused extends Error {}

export function compilePattern(pattern: string): Pattern {
  try {
    if (pattern.length > PATTERN_CHARS_MAX)
      throw new Refused(`has ${pattern.length} characters, the most is ${PATTERN_CHARS_MAX}`);
    const states = new Machine().build(new Reader(pattern).read());
    return { ok: true, test: (value) => run(states, value) };
  } catch (error) {
    if (error instanceof Refused) return { ok: false, message: error.message };
    throw error;
  }
}

class Reader {
  readonly #text: string;
  readonly #flags: string;
  #at: number;

  constructor(pattern: string) {
    this.#text = pattern;
    const ignoresCase = pattern.startsWith('(?i)');
    this.#flags = ignoresCase ? 'iu' : 'u';
    this.#at = ignoresCase ? 4 : 0;
  }

  read(): Tree {
    const tree = this.#readChoice(0);
    if (this.#at < this.#text.length) throw new Refused(`has a ")" too many at ${this.#at + 1}`);
    return tree;
  }

  #readChoice(depth: number): Tree {
    if (depth > DEPTH_MAX) throw new Refused(`has groups more than ${DEPTH_MAX} deep`);
    const parts = [this.#readRow(depth)];
    while (this.#take('|')) parts.push(this.#readRow(depth));
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : { kind: 'choice', parts };
  }

  #readRow(depth: number): Tree {
    const parts: Tree[] = [];
    while (this.#at < this.#text.length && this.#text[this.#at] !== '|' && this.#text[this.#at] !== ')')
      parts.push(this.#readRepeated(depth));
    return { kind: 'row', parts };
  }

  #readRepeated(depth: number): Tree {
    const part = this.#readPart(depth);
    const times = this.#readTimes();
    if (times === null) return part;
    if (part.kind === 'edge') throw new Refused(`repeats ${part.at}, which has no length, at ${this.#at}`);
    // Lazy or greedy changes what is matched, never whether.
    this.#take('?');
    if (/[*+?]/.test(this.#text[this.#at] ?? '')) throw new Refused(`repeats a repetition at ${this.#at + 1}`);
    return { kind: 'repeat', part, ...times };
  }

  #readTimes(): { readonly min: number; readonly max: number } | null {
    if (this.#take('*')) return { min: 0, max: Infinity };
    if (this.#take('+')) return { min: 1, max: Infinity };
    if (this.#take('?')) return { min: 0, max: 1 };
    const counted = /^\{(\d{1,6})(,(\d{0,6}))?\}/.exec(this.#text.slice(this.#at, this.#at + 20));
    if (counted === null) return null;
    this.#at += counted[0].length;
    const min = Number(counted[1]);
    const max = counted[2] === undefined ? min : counted[3] === '' ? Infinity : Number(counted[3]);
    if (max < min) throw new Refused(`counts ${counted[0]} the wrong way round`);
    return { min, max };
  }

  #readPart(depth: number): Tree {
    if (this.#take('(')) return this.#readGroup(depth);
    if (this.#take('^')) return { kind: 'edge', at: '^' };
    if (this.#take('$')) return { kind: 'edge', at: '$' };
    if (this.#take('\\b')) return { kind: 'edge', at: 'b' };
    if (this.#take('\\B')) return { kind: 'edge', at: 'B' };
    const character = this.#text[this.#at] ?? '';
    if ('*+?{}]'.includes(character))
      throw new Refused(`has a "${character}" that stands for nothing at ${this.#at + 1}; write \\${character}`);
    if (character === '[') return this.#readOne(/^\[\^?\]?(?:\\[\s\S]|[^\]\\])*\]/u);
    if (character === '\\')
      return this.#readOne(
        /^\\(?:[pP]\{[^}]*\}|x[\da-fA-F]{2}|u\{[\da-fA-F]+\}|u[\da-fA-F]{4}|c[A-Za-z]|0|[^\dkpPxuc])/u,
      );
    return this.#readOne(/^[\s\S]/u);
  }

  #readGroup(depth: number): Tree {
    const opening = /^\?(?::|P?<[A-Za-z_]\w*>)/.exec(this.#text.slice(this.#at, this.#at + 100));
    if (opening !== null) this.#at += opening[0].length;
    else if (this.#text[this.#at] === '?')
      throw new Refused(`has a group of a kind that could run away or is not known at ${this.#at}`);
    const tree = this.#readChoice(depth + 1);
    if (!this.#take(')')) throw new Refused('has a "(" that is never closed');
    return tree;
  }

  /** One character: what JavaScript says it stands for is asked for each character once. */
  #readOne(form: RegExp): Tree {
    const [written] = form.exec(this.#text.slice(this.#at)) ?? [];
    if (written === undefined)
      throw new Refused(`has at ${this.#at + 1} what is no character, or a back-reference, which could run away`);
    this.#at += written.length;
    try {
      const expression = new RegExp(`^(?:${written})$`, this.#flags);
      return { kind: 'one', matches: (character) => expression.test(character) };
    } catch {
      throw new Refused(`has ${JSON.stringify(written)}, which is no character`);
    }
  }

  #take(what: string): boolean {
    if (!this.#text.startsWith(what, this.#at)) return false;
    this.#at += what.length;
    return true;
  }
}

/** Thompson's construction, from the end to the front: each part knows the state behind it. */
class Machine {
  readonly #states: State[] = [{ kind: 'end' }];

  /** The last state is the first to be in. */
  build(tree: Tree): readonly State[] {
    const start = this.#add(tree, 0);
    this.#push({ kind: 'fork', next: start, other: start });
    return this.#states;
  }

  #push(state: State): number {
    if (this.#states.length >= STATES_MAX) throw new Refused(`has more than ${STATES_MAX} states; count less`);
    return this.#states.push(state) - 1;
  }

  #add(tree: Tree, next: number): number {
    if (tree.kind === 'one') return this.#push({ kind: 'one', matches: tree.matches, next });
    if (tree.kind === 'edge') return this.#push({ kind: 'edge', at: tree.at, next });
    if (tree.kind === 'row') return tree.parts.reduceRight((behind, part) => this.#add(part, behind), next);
    if (tree.kind === 'choice')
      return tree.parts
        .map((part) => this.#add(part, next))
        .reduceRight((other, one) => this.#push({ kind: 'fork', next: one, other }));
    return this.#addRepeat(tree, next);
  }

  #addRepeat({ part, min, max }: Extract<Tree, { readonly kind: 'repeat' }>, next: number): number {
    let at = next;
    if (max === Infinity) {
      const fork = { kind: 'fork' as const, next: 0, other: next };
      at = this.#push(fork);
      fork.next = this.#add(part, at);
    } else for (let n = min; n < max; n += 1) at = this.#push({ kind: 'fork', next: this.#add(part, at), other: next });
    for (let n = 0; n < min; n += 1) at = this.#add(part, at);
    return at;
  }
}

function run(states: readonly State[], value: string): boolean {
  const characters = Array.from(value);
  let here = new Set<number>();
  for (let at = 0; at <= characters.length; at += 1) {
    // The pattern may begin anywhere in the value.
    follow(states, states.length - 1, { characters, at }, here);
    if (here.has(0)) return true;
    const character = characters[at];
    if (character === undefined) return false;
    const next = new Set<number>();
    for (const index of here) {
      const state = states[index];
      if (state?.kind === 'one' && state.matches(character))
        follow(states, state.next, { characters, at: at + 1 }, next);
    }
    here = next;
  }
  return false;
}

type Spot = { readonly characters: readonly string[]; readonly at: number };

/** Adds the state and all that is reached from it without a character. */
function follow(states: readonly State[], start: number, spot: Spot, into: Set<number>): void {
  const open = [start];
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    if (into.has(index)) continue;
    into.add(index);
    const state = states[index];
    if (state?.kind === 'fork') open.push(state.other, state.next);
    else if (state?.kind === 'edge' && holdsAt(state.at, spot)) open.push(state.next);
  }
}

function holdsAt(edge: '^' | '$' | 'b' | 'B', { characters, at }: Spot): boolean {
  if (edge === '^') return at === 0;
  if (edge === '$') return at === characters.length;
  return (isWord(characters[at - 1]) !== isWord(characters[at])) === (edge === 'b');
}

function isWord(character: string | undefined): boolean {
  return character !== undefined && /\w/.test(character);
}
