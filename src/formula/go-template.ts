/**
 * The part of Go's text/template that convoys use: fields (`{{.leg.title}}`), `if`, `else`, `range`, `with`, `end`, `not`, `eq`, `ne`, `and`, `or`, `len`,
 * comments, and `-` that takes the white space away. `{{name}}` is a variable as elsewhere in the language, and references to steps stay.
 */
import { NESTING_MAX, TEXT_CHARS_MAX } from './limits.js';

export type GoValue = string | number | boolean | readonly GoValue[] | { readonly [key: string]: GoValue };

type Term =
  | { readonly kind: 'field'; readonly root: boolean; readonly path: readonly string[] }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'call'; readonly name: string; readonly terms: readonly Term[] };

type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'show'; readonly term: Term; readonly written: string }
  | { readonly kind: 'if' | 'with' | 'range'; readonly term: Term; readonly yes: Node[]; readonly no: Node[] };

/** A field of the whole, `{{.leg.id}}`, by its names; `written` is the first action that it stands in. */
type Field = { readonly path: readonly string[]; readonly written: string };

export type GoTemplate =
  | { readonly ok: true; readonly nodes: readonly Node[]; readonly fields: readonly Field[] }
  | { readonly ok: false; readonly message: string; readonly written: string };

const ACTION = /\{\{(-(?=\s))?((?:[^}"`]|"(?:[^"\\]|\\.)*"|`[^`]*`|\}(?!\}))*?)((?<=\s)-)?\}\}/g;
const TOKEN = /"(?:[^"\\]|\\.)*"|`[^`]*`|[()|]|[^\s()|]+/g;
const CALLS: Readonly<Record<string, number | null>> = { not: 1, len: 1, eq: 2, ne: 2, and: null, or: null };

class Refused extends Error {
  readonly written: string;

  constructor(message: string, written: string) {
    super(message);
    this.written = written;
  }
}

export function parseGoTemplate(text: string): GoTemplate {
  try {
    const parser = new Parser(text);
    return { ok: true, nodes: parser.read(), fields: [...parser.fields.values()] };
  } catch (error) {
    if (error instanceof Refused) return { ok: false, message: error.message, written: error.written };
    throw error;
  }
}

type Block = { readonly node: Extract<Node, { readonly yes: Node[] }>; into: Node[]; readonly chained: boolean };

class Parser {
  readonly fields = new Map<string, Field>();
  readonly #text: string;
  readonly #root: Node[] = [];
  readonly #blocks: Block[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  read(): readonly Node[] {
    let from = 0;
    let trim = false;
    for (const match of this.#text.matchAll(ACTION)) {
      const [written, before, inner = '', behind] = match;
      const between = this.#text.slice(from, match.index);
      this.#addText(trim ? between.trimStart() : between, before !== undefined);
      this.#addAction(inner.trim(), written);
      trim = behind !== undefined;
      from = match.index + written.length;
    }
    const rest = this.#text.slice(from);
    this.#addText(trim ? rest.trimStart() : rest, false);
    const open = this.#blocks.at(-1);
    if (open !== undefined) throw new Refused(`{{${open.node.kind}}} is never ended: {{end}} is missing`, '');
    return this.#root;
  }

  #add(node: Node): void {
    (this.#blocks.at(-1)?.into ?? this.#root).push(node);
  }

  #addText(text: string, trimmed: boolean): void {
    const open = /\{\{.{0,40}/.exec(text)?.[0];
    if (open !== undefined) throw new Refused('an action is never closed: }} is missing', open);
    const kept = trimmed ? text.trimEnd() : text;
    if (kept !== '') this.#add({ kind: 'text', text: kept });
  }

  #addAction(inner: string, written: string): void {
    if (inner === '' || inner.startsWith('/*')) return;
    const [word = '', ...rest] = inner.match(TOKEN) ?? [];
    if (word === 'if' || word === 'with' || word === 'range') this.#open(word, rest, written, false);
    else if (word === 'else') this.#else(rest, written);
    else if (word === 'end') this.#end(written);
    else if (/^[A-Za-z_]\w*$/.test(inner) && !Object.hasOwn(CALLS, inner)) this.#addVariable(inner, written);
    else if (inner.startsWith('steps.')) this.#add({ kind: 'text', text: written });
    else this.#add({ kind: 'show', term: this.#term([word, ...rest], written), written });
  }

  #addVariable(name: string, written: string): void {
    this.#add({ kind: 'show', term: { kind: 'field', root: true, path: [name] }, written });
  }

  #open(kind: 'if' | 'with' | 'range', tokens: readonly string[], written: string, chained: boolean): void {
    if (this.#blocks.length >= NESTING_MAX)
      throw new Refused(`blocks stand in blocks more than ${NESTING_MAX} deep`, written);
    const block: Block['node'] = { kind, term: this.#term(tokens, written), yes: [], no: [] };
    this.#add(block);
    this.#blocks.push({ node: block, into: block.yes, chained });
  }

  #else(tokens: readonly string[], written: string): void {
    const block = this.#blocks.at(-1);
    if (block === undefined) throw new Refused('there is no block that this could be the other side of', written);
    block.into = block.node.no;
    const [word, ...rest] = tokens;
    if (word === 'if' || word === 'with') this.#open(word, rest, written, true);
    else if (word !== undefined) throw new Refused(`else cannot be followed by ${word}`, written);
  }

  #end(written: string): void {
    let block = this.#blocks.pop();
    if (block === undefined) throw new Refused('there is no block that this could end', written);
    while (block?.chained === true) block = this.#blocks.pop();
  }

  #term(tokens: readonly string[], written: string): Term {
    const state = { at: 0 };
    const term = this.#read(tokens, state, written, 0);
    const more = tokens[state.at];
    if (more !== undefined) throw new Refused(tooMuch(more, term), written);
    return term;
  }

  #read(tokens: readonly string[], state: { at: number }, written: string, depth: number): Term {
    const token = tokens[state.at];
    if (token === undefined || depth > NESTING_MAX) throw new Refused('something is missing', written);
    state.at += 1;
    if (token === '(') {
      const term = this.#read(tokens, state, written, depth + 1);
      if (tokens[state.at] !== ')') throw new Refused('a ")" is missing', written);
      state.at += 1;
      return term;
    }
    if (/^["`]/.test(token)) return { kind: 'text', text: token.slice(1, -1).replace(/\\(.)/g, '$1') };
    if (/^-?\d+$/.test(token)) return { kind: 'text', text: token };
    if (/^\$?\.?$|^\$?(\.[A-Za-z_]\w*)+$/.test(token)) return this.#field(token, written);
    if (!Object.hasOwn(CALLS, token)) throw new Refused(unknown(tokens, state.at - 1), written);
    const terms: Term[] = [];
    const count = CALLS[token] ?? null;
    while (count === null ? state.at < tokens.length && tokens[state.at] !== ')' : terms.length < count)
      terms.push(this.#read(tokens, state, written, depth + 1));
    return { kind: 'call', name: token, terms };
  }

  #field(token: string, written: string): Term {
    const root = token.startsWith('$');
    const path = token
      .replace('$', '')
      .split('.')
      .slice(1)
      .filter((part) => part !== '');
    const inRange = this.#blocks.some(({ node }) => node.kind !== 'if');
    const name = path.join('.');
    if (name !== '' && (root || !inRange) && !this.fields.has(name)) this.fields.set(name, { path, written });
    return { kind: 'field', root, path };
  }
}

/** What is said of a token that is nothing here: a name behind which values stand is a function, any other a field without its dot. */
function unknown(tokens: readonly string[], at: number): string {
  const [before, token = '', behind] = [tokens[at - 1], tokens[at], tokens[at + 1]];
  if (token.startsWith('$'))
    return `${token} cannot be executed: there are no variables; in a range {{.}} is the entry`;
  if (!/^[A-Za-z_]\w*$/.test(token)) return `${token} cannot be executed`;
  const isCalled = (before === undefined || before === '(') && behind !== undefined && !/^[)|]$/.test(behind);
  if (isCalled) return `${token} cannot be executed; the functions are ${Object.keys(CALLS).join(', ')}`;
  return `${token} cannot be executed; fields have a dot: {{.${token}}}`;
}

function tooMuch(more: string, term: Term): string {
  if (more === '|') return 'pipes cannot be executed here';
  const takes = term.kind === 'call' ? (CALLS[term.name] ?? null) : null;
  if (term.kind !== 'call' || takes === null) return `${more} cannot stand there: a function must stand in front`;
  const rule = `${term.name} takes ${takes === 1 ? 'one value' : 'two values'}, and ${more} is one more`;
  return term.name === 'eq' ? `${rule}: write or (eq … …) (eq … …)` : rule;
}

/** Null when the text would be longer than a text may be. */
export function renderGoTemplate({ nodes }: Extract<GoTemplate, { readonly ok: true }>, data: GoValue): string | null {
  const out: string[] = [];
  let left = TEXT_CHARS_MAX;
  const write = (list: readonly Node[], dot: GoValue): void => {
    for (const node of list) {
      if (left < 0) return;
      if (node.kind === 'text' || node.kind === 'show') {
        const text = node.kind === 'text' ? node.text : shown(valueOf(node.term, dot, data), node);
        left -= text.length;
        out.push(text);
        continue;
      }
      const value = valueOf(node.term, dot, data);
      if (!isTrue(value)) write(node.no, dot);
      else if (node.kind === 'if') write(node.yes, dot);
      else if (node.kind === 'with') write(node.yes, value ?? '');
      else
        for (const entry of Array.isArray(value) ? (value as readonly GoValue[]) : [value ?? ''])
          write(node.yes, entry);
    }
  };
  write(nodes, data);
  return left < 0 ? null : out.join('');
}

/** A variable that nobody knows stays as it is written; a field that is not there is empty. */
function shown(value: GoValue | undefined, { term, written }: Extract<Node, { readonly kind: 'show' }>): string {
  if (value !== undefined) return textOf(value);
  return term.kind === 'field' && !written.includes('.') ? written : '';
}

function textOf(value: GoValue): string {
  if (typeof value !== 'object') return String(value);
  return Array.isArray(value) ? (value as readonly GoValue[]).map(textOf).join(', ') : JSON.stringify(value);
}

function valueOf(term: Term, dot: GoValue, data: GoValue): GoValue | undefined {
  if (term.kind === 'text') return term.text;
  if (term.kind === 'call') return called(term, dot, data);
  let value: GoValue | undefined = term.root ? data : dot;
  for (const key of term.path) {
    if (typeof value !== 'object' || Array.isArray(value) || !Object.hasOwn(value, key)) return undefined;
    value = (value as { readonly [key: string]: GoValue })[key];
  }
  return value;
}

function called({ name, terms }: Extract<Term, { readonly kind: 'call' }>, dot: GoValue, data: GoValue): GoValue {
  const values = terms.map((term) => valueOf(term, dot, data));
  const [first, second] = values;
  if (name === 'not') return !isTrue(first);
  if (name === 'eq') return textOf(first ?? '') === textOf(second ?? '');
  if (name === 'ne') return textOf(first ?? '') !== textOf(second ?? '');
  if (name === 'and') return values.find((value) => !isTrue(value)) ?? values.at(-1) ?? '';
  if (name === 'or') return values.find(isTrue) ?? values.at(-1) ?? '';
  return typeof first === 'string' || Array.isArray(first) ? first.length : Object.keys(first ?? {}).length;
}

/** As in Go: empty, zero and nothing are false. */
function isTrue(value: GoValue | undefined): boolean {
  if (value === undefined || value === '' || value === false || value === 0) return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}
