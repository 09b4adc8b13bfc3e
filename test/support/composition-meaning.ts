/**
 * What a composition means, worked out from docs/formulas.md and from nothing of the compiler: the steps that there are in the end, with
 * their ids and titles, and which of them come after which.
 *
 * Every part is a box with a beginning and an end, and other boxes inside: a group has its children, a loop its iterations one after
 * the other, an expanded step its template, a step with advice the steps around it. Whoever needs a part begins after its end.
 */
import { unreachable } from '../../src/town/unreachable.js';
import { MAPPED, type Advice, type Composition, type Part, type Times } from './compositions.js';
import { Order } from './order.js';
import type { Random } from './random.js';

/** Where a part is unfolded: what ids begin with, and what stands for the names in single braces. */
type Here = { readonly prefix: string; readonly names: ReadonlyMap<string, string> };

type Kind = 'step' | 'group' | 'loop' | 'until' | 'body' | 'each' | 'expanded' | 'advised';

class Box {
  readonly kind: Kind;
  readonly id: string;
  readonly title: string;
  readonly here: Here;
  up: Box | null = null;
  part: Part | null = null;
  /** As written; read at the time of asking, since they are added while the boxes are there. */
  needs: readonly string[] = [];
  parts: readonly Box[] = [];
  /** What `on_complete` adds to a step. */
  bonded: Box | null = null;
  #names: ReadonlyMap<string, Box> | null = null;

  constructor(kind: Kind, id: string, title: string, here: Here) {
    this.kind = kind;
    this.id = id;
    this.title = title;
    this.here = here;
  }

  inside(): readonly Box[] {
    return this.bonded === null ? this.parts : [...this.parts, this.bonded];
  }

  /** The outermost box of each id inside. */
  named(id: string): Box | null {
    if (this.#names === null) {
      const names = new Map<string, Box>();
      for (const box of within(this)) if (box.kind !== 'body' && !names.has(box.id)) names.set(box.id, box);
      this.#names = names;
    }
    return this.#names.get(id) ?? null;
  }

  isIn(box: Box): boolean {
    return this === box || (this.up?.isIn(box) ?? false);
  }
}

/**
 * Whether the lists of outputs have entries. Where they have none, the reference does not say if what stands around a loop
 * over an output, a group above all, is over before what that needs: `none` is without, `none-at-most` with such waits.
 */
type Lists = 'entries' | 'none' | 'none-at-most';

export class Meaning {
  readonly #composition: Composition;
  readonly #root: Box;
  readonly #boxes: readonly Box[];

  constructor(composition: Composition) {
    this.#composition = composition;
    const { parts, templates, map, advice, aspects } = composition;
    const kitchen = { templates };
    let boxes = unfold(parts, { prefix: '', names: new Map() });
    if (advice !== null) boxes = advised(boxes, advice);
    boxes = boxes.map((box) => expanded(box, kitchen));
    if (map !== null) boxes = mapped(boxes, map, kitchen);
    for (const aspect of aspects) boxes = advised(boxes, aspect).map((box) => expanded(box, kitchen));
    this.#root = new Box('body', '', '', { prefix: '', names: new Map() });
    this.#root.parts = boxes;
    this.#boxes = [...within(this.#root)];
    for (const box of [this.#root, ...this.#boxes]) for (const inside of box.inside()) inside.up = box;
  }

  /** The steps of the protomolecule, those that are added at run time too. */
  steps() {
    return this.#boxes
      .filter(({ kind }) => kind === 'step' || kind === 'group')
      .map((box) => ({ id: box.id, title: box.title, kind: box.kind, added: addedWith(box) !== null }));
  }

  isSound(): boolean {
    return this.#order('entries').order.isPossible();
  }

  /** For each step those that begin after its end. */
  after(lists: Lists): ReadonlyMap<string, ReadonlySet<string>> {
    const { order, begin, end } = this.#order(lists);
    const entries = lists === 'entries';
    const steps = this.#boxes.filter(
      (box) => (box.kind === 'step' || box.kind === 'group') && (entries || addedWith(box) === null),
    );
    return new Map(
      steps.map((box) => {
        const behind = order.behind(end(box));
        return [box.id, new Set(steps.filter((other) => behind.has(begin(other))).map(({ id }) => id))];
      }),
    );
  }

  /** Lets a part need another, and says whether it could; `sound` is what it must leave the whole. */
  addNeed(next: Random, sound: boolean): boolean {
    const site = next.pick(this.#boxes);
    const target = next.pick(this.#boxes);
    const { part } = site;
    if (part === null || site.needs !== part.needs || target.kind === 'body') return false;
    const written = wordsFor(target, site);
    if (written === null || part.needs.includes(written)) return false;
    if (sound && (site.isIn(target) || target.isIn(site))) return false;
    // A loop over an output and a template are no steps: that something needs what it stands in is not always told as a circle.
    const isNoStep = [site.kind, target.kind].includes('each') || target.kind === 'expanded';
    if (isNoStep && site.isIn(target) && site !== target) return false;
    part.needs.push(written);
    const all = this.#boxes.filter(({ needs }) => needs === part.needs);
    if (all.every((box) => this.#meant(written, box) !== null) && this.isSound() === sound) return true;
    part.needs.pop();
    return false;
  }

  addBranch(next: Random): void {
    const { parts, branches } = this.#composition;
    const [from, step, join] = [next.pick(parts), next.pick(parts), next.pick(parts)];
    if (new Set([from, step, join]).size < 3) return;
    branches.push({ from: from.id, step: step.id, join: join.id });
    if (!this.isSound()) branches.pop();
  }

  #order(lists: Lists) {
    const entries = lists === 'entries';
    const order = new Order();
    const points = new Map([this.#root, ...this.#boxes].map((box) => [box, order.point()]));
    for (let ends = 2 * points.size; ends > 0; ends -= 1) order.point();
    const begin = (box: Box): number => points.get(box) ?? -1;
    const closed = (box: Box): number => begin(box) + points.size;
    const end = (box: Box): number => closed(box) + points.size;
    const needs = (box: Box, name: string) => {
      const other = this.#meant(name, box);
      if (other === null) return;
      // What a loop over an output adds to a step waits for no more of the step than its close.
      const own = this.#sourceAround(box);
      order.put(own !== null && stepOf(other) === own ? closed(own) : end(other), begin(box));
    };
    for (const box of points.keys()) {
      order.put(begin(box), closed(box));
      order.put(closed(box), end(box));
      for (const name of box.needs) needs(box, name);
      for (const inside of box.parts) order.put(begin(box), begin(inside));
      for (const inside of box.parts)
        if (box.kind !== 'each' && (lists !== 'none' || inside.kind !== 'each')) order.put(end(inside), end(box));
      if (box.kind === 'each') {
        const source = this.#meant(sourceOf(box), box);
        const step = source === null ? null : stepOf(source);
        if (source === null || step === null) throw new Error(`${box.id} is over the output of nothing`);
        order.put(end(source), end(box));
        for (const body of box.parts) {
          order.put(closed(step), begin(body));
          if (entries) order.put(end(body), end(step));
        }
        continue;
      }
      if (box.kind === 'loop' || box.kind === 'advised')
        for (const [index, inside] of box.parts.entries()) {
          const before = box.parts[index - 1];
          if (before !== undefined) order.put(end(before), begin(inside));
        }
      if (box.bonded !== null) {
        order.put(closed(box), begin(box.bonded));
        if (entries) order.put(end(box.bonded), end(box));
      }
    }
    for (const { from, step, join } of this.#composition.branches) {
      const [first, middle, last] = [from, step, join].map((id) => this.#root.named(id));
      if (first == null || middle == null || last == null) throw new Error('a branch of nothing');
      order.put(end(first), begin(middle));
      order.put(end(middle), begin(last));
    }
    return { order, begin, end };
  }

  /** The step over whose output the loop goes that the box is, or stands in. */
  #sourceAround(box: Box): Box | null {
    let each: Box | null = box;
    while (each !== null && each.kind !== 'each') each = each.up;
    const source = each === null ? null : this.#meant(sourceOf(each), each);
    return source === null ? null : stepOf(source);
  }

  /** The box that a need means: that of the same iteration, of the same template, or of the formula. */
  #meant(name: string, site: Box): Box | null {
    const id = filled(name, site.here.names);
    for (let up = site.up; up !== null; up = up.up) {
      const found = up.kind === 'body' ? up.named(up.here.prefix + id) : up.kind === 'expanded' ? up.named(id) : null;
      if (found !== null) return wholeOf(found, site);
    }
    return null;
  }
}

/** With what stands around it by advice, and from outside of a loop with until all of that. */
function wholeOf(found: Box, site: Box): Box {
  // What advice puts around a step means the step itself by its id.
  let whole = found;
  while (whole.kind === 'advised' && site.isIn(whole)) whole = whole.named(found.id) ?? whole;
  for (let { up } = whole; up !== null; { up } = up) if (up.kind === 'until' && !site.isIn(up)) whole = up;
  return whole;
}

/** The step itself, of which what comes before and after it may have been found. */
function stepOf(box: Box): Box | null {
  const inside = box.kind === 'advised' ? box.named(box.id) : null;
  return inside === null ? (box.kind === 'step' ? box : null) : stepOf(inside);
}

function sourceOf({ part }: Box): string {
  return part?.work.kind === 'each' ? part.work.source : '';
}

function* within(box: Box): Generator<Box> {
  for (const inside of box.inside()) {
    yield inside;
    yield* within(inside);
  }
}

/** What is added at run time with the box, null for what is there from the beginning. */
function addedWith(box: Box): Box | null {
  for (let at = box; at.up !== null; at = at.up) if (at.up.kind === 'each' || at.up.bonded === at) return at;
  return null;
}

function filled(text: string, names: Here['names']): string {
  return text.replace(/\{([\w.]+)\}/g, (whole, name: string) => names.get(name) ?? whole);
}

function unfold(parts: readonly Part[], here: Here): readonly Box[] {
  return parts.map((part) => {
    const { work } = part;
    const box = new Box(kindOf(part), here.prefix + filled(part.id, here.names), filled(part.title, here.names), here);
    box.part = part;
    box.needs = part.needs;
    if (work.kind === 'group') box.parts = unfold(work.children, here);
    if (work.kind === 'each') box.parts = [bodyOf(work.body, `${box.id}.item.{n}.`, here.names)];
    if (work.kind === 'loop')
      box.parts = valuesOf(work.times).map((value, index) => {
        const names = new Map([...here.names, [work.variable, value]]);
        return bodyOf(work.body, `${box.id}.iter${index + 1}.`, names);
      });
    return box;
  });
}

function bodyOf(parts: readonly Part[], prefix: string, names: Here['names']): Box {
  const body = new Box('body', '', '', { prefix, names });
  body.parts = unfold(parts, body.here);
  return body;
}

/** A loop that goes round not at all stays as a group. */
function kindOf({ work }: Part): Kind {
  if (work.kind === 'group' || work.kind === 'each') return work.kind;
  if (work.kind !== 'loop') return 'step';
  if (work.times.kind === 'until') return 'until';
  return work.times.kind === 'none' ? 'group' : 'loop';
}

function valuesOf(times: Times): readonly string[] {
  switch (times.kind) {
    case 'count':
      return numbers(1, times.count);
    case 'range':
      return numbers(times.from, times.to);
    case 'list':
      return times.entries;
    case 'none':
      return [];
    case 'until':
      return ['1'];
    default:
      return unreachable(times);
  }
}

function numbers(from: number, to: number): readonly string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => `${from + index}`);
}

type Kitchen = Pick<Composition, 'templates'>;

/** Each step that has a template in its place by the template's steps. */
function expanded(box: Box, kitchen: Kitchen): Box {
  const work = box.part?.work;
  if (box.kind === 'step' && work?.kind === 'expand') return instead(box, work.template, kitchen);
  if (box.kind === 'step' && work?.kind === 'bond' && box.bonded === null) {
    const entry = new Box('step', `${box.id}.item.{n}`, box.title, box.here);
    box.bonded = instead(entry, work.template, kitchen);
  }
  box.parts = box.parts.map((inside) => expanded(inside, kitchen));
  return box;
}

function instead(target: Box, template: number, kitchen: Kitchen): Box {
  const { id, title, here } = target;
  const box = new Box('expanded', id, title, here);
  box.part = target.part;
  box.needs = target.needs;
  const names = new Map([
    ['target', id],
    ['target.title', title],
  ]);
  const parts = unfold(kitchen.templates[template] ?? [], { prefix: '', names });
  box.parts = parts.map((inside) => expanded(inside, kitchen));
  return box;
}

/** What is added at run time is reached by no `compose.map` and no advice. */
function changed(boxes: readonly Box[], change: (box: Box) => Box): readonly Box[] {
  return boxes.map((box) => {
    if (box.kind !== 'each') box.parts = changed(box.parts, change);
    return change(box);
  });
}

function isMarked({ id }: Box, marks: string): boolean {
  return id.at(-2) === '-' && marks.includes(id.slice(-1));
}

function mapped(boxes: readonly Box[], template: number, kitchen: Kitchen): readonly Box[] {
  return changed(boxes, (box) =>
    box.kind === 'step' && isMarked(box, MAPPED) ? instead(box, template, kitchen) : box,
  );
}

/** The first step before needs what the target needs; who needs the target waits for the last after it. */
function advised(boxes: readonly Box[], { marks, before, after }: Advice): readonly Box[] {
  return changed(boxes, (box) => {
    if ((box.kind !== 'step' && box.kind !== 'group') || !isMarked(box, marks)) return box;
    const names = new Map([
      ['step.id', box.id],
      ['step.title', box.title],
    ]);
    const around = new Box('advised', box.id, box.title, box.here);
    around.part = box.part;
    around.needs = box.needs;
    box.needs = [];
    const brought = (parts: readonly Part[]) => unfold(parts, { prefix: '', names });
    around.parts = [...brought(before), box, ...brought(after)];
    return around;
  });
}

/** How a part calls another: by what stands behind its own iteration or its own target. */
function wordsFor(target: Box, site: Box): string | null {
  const added = addedWith(target);
  if (added !== null && added !== addedWith(site)) return null;
  const advisedId = site.here.names.get('step.id');
  if (advisedId !== undefined) {
    let around = site.up;
    while (around !== null && around.id !== advisedId) around = around.up;
    const isNear = around !== null && target.isIn(around) && target.id.startsWith(advisedId);
    return isNear ? `{step.id}${target.id.slice(advisedId.length)}` : null;
  }
  let scope: Box | null = site.up;
  while (scope !== null && !((scope.kind === 'body' || scope.kind === 'expanded') && target.isIn(scope)))
    scope = scope.up;
  if (scope === null) return null;
  for (let up: Box | null = site.up; up !== null && up !== scope; up = up.up) if (up.kind === 'expanded') return null;
  const { prefix } = scope.here;
  if (scope.kind === 'expanded')
    return target.id.startsWith(scope.id) ? `{target}${target.id.slice(scope.id.length)}` : null;
  let words = target.id.slice(prefix.length);
  for (let up: Box | null = scope; up !== null; up = up.up)
    for (const [name, value] of up.kind === 'body' ? up.here.names : [])
      words = words.replaceAll(`_${name}_${value}`, `_${name}_{${name}}`);
  return words;
}
