/**
 * Formulas that put many parts of the language together: groups, loops, expansions, advice, parents, inside of one another. They are
 * drawn from a source of numbers in which 0 always means the simpler, so that fast-check can make a failure small. What needs what is
 * added by `test/support/composition-meaning.ts`, which knows what would go in a circle.
 */
import { stringify } from 'smol-toml';
import { unreachable } from '../../src/town/unreachable.js';
import type { Random } from './random.js';

/** How often a loop goes round; the variable of `none` has no entries. */
export type Times =
  | { readonly kind: 'count'; readonly count: number }
  | { readonly kind: 'range'; readonly from: number; readonly to: number }
  | { readonly kind: 'list'; readonly entries: readonly string[] }
  | { readonly kind: 'none' }
  | { readonly kind: 'until' };

export type Work =
  | { readonly kind: 'step' }
  | { readonly kind: 'group'; readonly children: readonly Part[] }
  | { readonly kind: 'loop'; readonly times: Times; readonly variable: string; readonly body: readonly Part[] }
  | { readonly kind: 'each'; readonly source: string; readonly body: readonly Part[] }
  /** `composed`: by `compose.expand` and not by the step itself. */
  | { readonly kind: 'expand'; readonly template: number; readonly composed: boolean }
  | { readonly kind: 'bond'; readonly template: number };

/** A step as written. Its title is found again in every step that is born of it. */
export type Part = {
  readonly id: string;
  readonly title: string;
  readonly work: Work;
  readonly condition: string | null;
  /** Ids as written, in the words of the place where the part stands. */
  readonly needs: string[];
};

/** Steps around each whose id ends with one of the marks. */
export type Advice = {
  readonly marks: string;
  readonly before: readonly Part[];
  readonly after: readonly Part[];
};

export type Composition = {
  readonly parts: readonly Part[];
  /** Ids of the parts that come from the parent, and of those that it has otherwise, which the child replaces. */
  readonly inherited: ReadonlySet<string>;
  readonly replaced: ReadonlySet<string>;
  readonly templates: readonly (readonly Part[])[];
  /** The template in whose place every step stands that is marked for it. */
  readonly map: number | null;
  readonly advice: Advice | null;
  readonly aspects: readonly Advice[];
  readonly branches: { readonly from: string; readonly step: string; readonly join: string }[];
};

/** Marks at the end of ids, for the globs of `compose.map`, of the formula's own advice and of aspects. */
export const MAPPED = 'mb';
const MARKS = { none: [''], any: ['', '', '-m', '-o', '-p', '-b'], kept: ['', '-o', '-p'] } as const;
const ADVISED = 'ob';
const CROSSCUT = 'pb';
const PARTS_MAX = 10;

export function composition(next: Random): Composition {
  return new Maker(next).composition();
}

/** Where parts are made. */
type Place = {
  /** What ids begin with: `{target}.` in a template. */
  readonly prefix: string;
  readonly variable: string | null;
  readonly depth: number;
  /** Inside of what is repeated or added at run time, where nothing else may be. */
  readonly atRuntime: boolean;
  readonly template: number | null;
  /** Ids of the same namespace. */
  readonly ids: Set<string>;
};

class Maker {
  readonly #next: Random;
  readonly #templates: (readonly Part[])[] = [];
  /** Templates in which something is repeated or added at run time. */
  readonly #restless = new Set<number>();
  readonly #outer: string[] = [];
  #made = 0;
  #numbers = 0;

  constructor(next: Random) {
    this.#next = next;
  }

  composition(): Composition {
    const next = this.#next;
    // The first templates are for those behind them to use.
    for (let template = next.below(4); template > 0; template -= 1) this.#template();
    const quiet = this.#quiet();
    const map = quiet.length > 0 && next.below(2) > 0 ? next.pick(quiet) : null;
    this.#made = 0;
    const ids = new Set<string>();
    const parts = this.#parts(
      { prefix: '', variable: null, depth: 0, atRuntime: false, template: null, ids },
      1 + next.below(6),
    );
    const chosen = (among: number) => new Set(parts.filter(() => next.below(among) === 1).map(({ id }) => id));
    const inherits = next.below(3) === 1;
    const aspects = Array.from({ length: next.below(3) }, () => this.#advice(CROSSCUT));
    const advice = next.below(2) === 1 ? this.#advice(ADVISED) : null;
    return {
      parts,
      inherited: inherits ? chosen(2) : new Set(),
      replaced: inherits ? chosen(5) : new Set(),
      templates: this.#templates,
      map,
      advice,
      aspects,
      branches: [],
    };
  }

  #template(): void {
    const template = this.#templates.length;
    this.#made = PARTS_MAX - 5;
    const place = { prefix: '{target}.', variable: null, depth: 1, atRuntime: false, template, ids: new Set<string>() };
    const parts = this.#parts(place, 1 + this.#next.below(3));
    this.#templates.push(parts);
  }

  #quiet(): readonly number[] {
    return [...this.#templates.keys()].filter((template) => !this.#restless.has(template));
  }

  #parts(place: Place, count: number): readonly Part[] {
    const parts: Part[] = [];
    for (let one = 0; one < count && this.#made <= PARTS_MAX; one += 1) parts.push(this.#part(place, parts));
    return parts.length === 0 ? [this.#plain(place, 'none')] : parts;
  }

  #part(place: Place, before: readonly Part[]): Part {
    const { depth } = place;
    this.#made += 1;
    const kind = this.#next.below(12);
    if (kind < 4) return this.#plain(place, 'any');
    if (kind < 6 && depth < 3) return this.#group(place);
    if (kind < 9 && depth < 3) return this.#loop(place);
    if (kind === 9) return this.#each(place, before) ?? this.#plain(place, 'any');
    return this.#using(place, kind === 10 ? 'bond' : 'expand') ?? this.#plain(place, 'any');
  }

  #plain(place: Place, marks: keyof typeof MARKS): Part {
    return this.#written(place, marks, { kind: 'step' });
  }

  #group(place: Place): Part {
    const children = this.#parts({ ...place, depth: place.depth + 1 }, 1 + this.#next.below(3));
    return this.#written(place, 'kept', { kind: 'group', children });
  }

  #loop(place: Place): Part {
    const times = this.#times(place);
    const variable = `i${(this.#numbers += 1)}`;
    const body = this.#parts(
      {
        ...place,
        prefix: '',
        variable: times.kind === 'until' || times.kind === 'none' ? null : variable,
        depth: place.depth + 1,
        atRuntime: place.atRuntime || times.kind === 'until',
        ids: new Set(),
      },
      1 + this.#next.below(3),
    );
    return this.#written(place, 'none', { kind: 'loop', times, variable, body });
  }

  #times(place: Place): Times {
    const next = this.#next;
    const kind = next.below(place.atRuntime ? 5 : 6);
    if (kind === 5) {
      this.#disturb(place);
      return { kind: 'until' };
    }
    if (kind === 4) return { kind: 'none' };
    if (kind === 3) return { kind: 'list', entries: ['x', 'y'].slice(0, 1 + next.below(2)) };
    if (kind === 2) {
      const from = next.below(3);
      return { kind: 'range', from, to: from + next.below(2) };
    }
    return { kind: 'count', count: 1 + next.below(2) };
  }

  /** A loop over the output of a step that stands before it, or in a group before it. */
  #each(place: Place, before: readonly Part[]): Part | null {
    if (place.atRuntime) return null;
    const taken = new Set(before.flatMap(({ work }) => (work.kind === 'each' ? [work.source] : [])));
    const leaves = (parts: readonly Part[]): readonly Part[] =>
      parts.flatMap((part) => (part.work.kind === 'group' ? leaves(part.work.children) : part));
    const free = leaves(before).filter(({ id, work }) => work.kind === 'step' && !/-[mb]$/.test(id) && !taken.has(id));
    const inGroups = leaves(before).flatMap(({ work }) => (work.kind === 'each' ? [work.source] : []));
    const sources = free.filter(({ id }) => !inGroups.includes(id));
    if (sources.length === 0) return null;
    const source = this.#next.pick(sources).id;
    this.#disturb(place);
    const body = this.#parts(
      { ...place, prefix: '', variable: null, depth: place.depth + 1, atRuntime: true, ids: new Set() },
      1 + this.#next.below(2),
    );
    return this.#written(place, 'none', { kind: 'each', source, body });
  }

  #using(place: Place, kind: 'bond' | 'expand'): Part | null {
    if (kind === 'bond' && place.atRuntime) return null;
    const templates = place.atRuntime || kind === 'bond' ? this.#quiet() : [...this.#templates.keys()];
    if (templates.length === 0) return null;
    const template = this.#next.pick(templates);
    if (kind === 'bond') {
      this.#disturb(place);
      return this.#written(place, 'kept', { kind, template });
    }
    if (this.#restless.has(template)) this.#disturb(place);
    const composed = place.template === null && place.depth === 0 && this.#next.below(3) === 1;
    return this.#written(place, 'kept', { kind, template, composed });
  }

  #disturb({ template }: Place): void {
    if (template !== null) this.#restless.add(template);
  }

  #advice(marks: string): Advice {
    const next = this.#next;
    const brought = (): Part => {
      const number = (this.#numbers += 1);
      const quiet = this.#quiet();
      const uses = quiet.length > 0 && next.below(4) === 1;
      const work: Work = uses ? { kind: 'expand', template: next.pick(quiet), composed: false } : { kind: 'step' };
      const mark = next.pick(uses ? MARKS.none : ['', '', '-p', '-m']);
      return { id: `{step.id}.a${number}${mark}`, title: `A${number}/{step.title}`, work, condition: null, needs: [] };
    };
    const kinds = next.below(3);
    const list = (wanted: boolean) => (wanted ? Array.from({ length: 1 + next.below(2) }, brought) : []);
    return { marks, before: list(kinds !== 0), after: list(kinds !== 1) };
  }

  #written(place: Place, marks: keyof typeof MARKS, work: Work): Part {
    const next = this.#next;
    const number = (this.#numbers += 1);
    const { prefix, variable, ids, depth } = place;
    const spoken = variable !== null && next.below(3) === 1 ? `_${variable}_{${variable}}` : '';
    const whole = prefix !== '' && work.kind === 'step' && depth === 1 && next.below(3) === 1 ? '{target}' : null;
    // In a body a step may be called as one outside, and is meant there.
    const same =
      prefix === '' && depth > 0 && this.#outer.length > 0 && next.below(5) === 1 ? next.pick(this.#outer) : null;
    const wanted = whole ?? same ?? `${prefix}s${number}${spoken}${next.pick(MARKS[marks])}`;
    const id = ids.has(wanted) ? `${prefix}s${number}` : wanted;
    ids.add(id);
    if (prefix === '' && depth === 0 && !/-.$/.test(id)) this.#outer.push(id);
    const title = `T${number}${variable === null ? '' : `@{${variable}}`}${prefix === '' ? '' : '/{target.title}'}`;
    const condition = next.pick([null, null, null, '{{no}}', '{{yes}} == yes']);
    return { id, title, work, condition, needs: [] };
  }
}

/** The text of each formula, without its first line. */
export function textsOf({ parts, inherited, replaced, templates, map, advice, aspects, branches }: Composition) {
  const own = parts.filter(({ id }) => !inherited.has(id) || replaced.has(id));
  const others = parts.filter(({ id }) => inherited.has(id) || replaced.has(id));
  const composed = parts.flatMap(({ id, work }) =>
    work.kind === 'expand' && work.composed ? [{ target: id, with: `t${work.template}` }] : [],
  );
  const x = {
    ...(others.length === 0 ? {} : { extends: ['p'] }),
    vars: { yes: 'yes', no: '', none: '' },
    ...(own.length === 0 ? {} : { steps: own.map(tableOf) }),
    ...(advice === null ? {} : { advice: [adviceTable(advice)] }),
    compose: {
      branch: branches.map(({ from, step, join }) => ({ from, steps: [step], join })),
      expand: composed,
      ...(map === null ? {} : { map: [{ select: `*-[${MAPPED}]`, with: `t${map}` }] }),
      aspects: aspects.map((_, index) => `a${index}`),
    },
  };
  const p = {
    steps: others.map((part) => (replaced.has(part.id) ? { id: part.id, title: 'replaced' } : tableOf(part))),
  };
  return Object.fromEntries(
    Object.entries({
      x,
      ...(others.length === 0 ? {} : { p }),
      ...Object.fromEntries(
        templates.map((all, index) => [`t${index}`, { type: 'expansion', template: all.map(tableOf) }]),
      ),
      ...Object.fromEntries(aspects.map((one, index) => [`a${index}`, { type: 'aspect', advice: [adviceTable(one)] }])),
    }).map(([name, table]) => [name, stringify(table)]),
  );
}

function adviceTable({ marks, before, after }: Advice) {
  const around = Object.entries({ before, after }).filter(([, parts]) => parts.length > 0);
  return { target: `*-[${marks}]`, ...Object.fromEntries(around.map(([key, parts]) => [key, parts.map(tableOf)])) };
}

function tableOf({ id, title, needs, condition, work }: Part): Record<string, unknown> {
  const head = { id, title, ...(needs.length === 0 ? {} : { needs }), ...(condition === null ? {} : { condition }) };
  switch (work.kind) {
    case 'step':
      return head;
    case 'group':
      return { ...head, children: work.children.map(tableOf) };
    case 'loop':
      return { ...head, loop: { ...loopTable(work.times, work.variable), body: work.body.map(tableOf) } };
    case 'each':
      return { ...head, loop: { for_each: `${work.source}.output.list`, body: work.body.map(tableOf) } };
    case 'expand':
      return work.composed ? head : { ...head, expand: `t${work.template}` };
    case 'bond':
      return { ...head, on_complete: { for_each: 'output.list', bond: `t${work.template}` } };
    default:
      return unreachable(work);
  }
}

function loopTable(times: Times, variable: string) {
  switch (times.kind) {
    case 'count':
      return { count: times.count, var: variable };
    case 'range':
      return { range: `${times.from}..${times.to}`, var: variable };
    case 'list':
      return { for_each: times.entries, var: variable };
    case 'none':
      return { for_each: 'none' };
    case 'until':
      return { until: "file.exists('done')", max: 3 };
    default:
      return unreachable(times);
  }
}
