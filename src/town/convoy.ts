/**
 * A convoy formula as items of a mission: each leg is worked by a polecat of its own, side by side, and the synthesis when all
 * that it needs have landed. Every part has a protomolecule of one step.
 */
import { filledWith } from './molecule-facts.js';
import { own } from './own.js';
import type { Protomolecule } from './protomolecule.js';
import { withoutReferences } from './references.js';
import type { Left } from './references.js';
import { mapTexts } from './texts.js';
import { untrusted } from './untrusted.js';

/** Where an item comes from that a mission made of a convoy. */
export type LegOf = {
  /** The item that was ordered. */
  readonly item: string;
  /** The step of the convoy's formula that this part is. */
  readonly step: string;
  readonly role: 'leg' | 'synthesis';
};

export type ConvoyPart = LegOf & {
  /** Id of the item that this part becomes. */
  readonly id: string;
  readonly title: string;
  /** Ids of other parts. */
  readonly needs: readonly string[];
};

type Part = ConvoyPart & { readonly proto: Protomolecule };

/** Null for what is no convoy. `hash` is the one that hashes protomolecules. */
export function legsOf(
  item: string,
  proto: Protomolecule,
  hash: (content: Omit<Protomolecule, 'hash'>) => string,
): readonly Part[] | null {
  if (proto.type !== 'convoy') return null;
  const { formula, description, version, vars, wordsOf, rework } = proto;
  const ids = new Set(proto.steps.map((step) => step.id));
  return proto.steps.map((step) => {
    const { parent: _, needsAny: __, ...alone } = step;
    const content = {
      formula,
      description,
      ...(version === undefined ? {} : { version }),
      vars,
      ...(wordsOf === undefined ? {} : { wordsOf }),
      rework,
      steps: [{ ...alone, needs: [] }],
    };
    return {
      id: partId(item, step.id),
      item,
      step: step.id,
      role: step.leg?.role ?? 'leg',
      title: step.title,
      needs: step.needs.filter((need) => ids.has(need)).map((need) => partId(item, need)),
      proto: { ...content, hash: hash(content) },
    };
  });
}

function partId(item: string, step: string): string {
  return `${item}.${step}`;
}

type Ordered = { readonly id: string; readonly needs: readonly string[] };

type Placed<Item> = {
  /** As it was ordered. */
  readonly item: Item;
  readonly id: string;
  readonly needs: readonly string[];
  /** Null for an item that stands as it was ordered. */
  readonly part: ConvoyPart | null;
};

/**
 * The items with every convoy replaced by its parts. What the item needed is needed by the parts that begin it; who needed the
 * item needs the parts that end it: the synthesis, and legs that it leaves out.
 */
export function withParts<Item extends Ordered>(
  items: readonly Item[],
  convoys: Readonly<Record<string, readonly ConvoyPart[]>>,
): readonly Placed<Item>[] {
  const ends = (id: string): readonly string[] => {
    const parts = own(convoys, id);
    if (parts === undefined) return [id];
    const needed = new Set(parts.flatMap((part) => part.needs));
    return parts.flatMap((part) => (needed.has(part.id) ? [] : [part.id]));
  };
  return items.flatMap((item): readonly Placed<Item>[] => {
    const outside = item.needs.flatMap(ends);
    const parts = own(convoys, item.id);
    if (parts === undefined) return [{ item, id: item.id, needs: outside, part: null }];
    return parts.map((part) => ({ item, id: part.id, needs: part.needs.length > 0 ? part.needs : outside, part }));
  });
}

/** Whether nothing of the work is merged: it is only looked at, and told. */
export function isReviewOnly({ steps }: Pick<Protomolecule, 'steps'>): boolean {
  return steps.length > 0 && steps.every((step) => step.leg?.reviewOnly === true);
}

/**
 * The synthesis with the findings of its legs in its texts: fenced where its session is told them, as they come from other
 * agents. The hash stays that of the formula as it was cooked.
 */
export function withFindings(proto: Protomolecule, leftBy: (step: string) => Left | null): Protomolecule {
  // The molecule fills its references once more: what a leg wrote must not be one of them.
  const inert = (step: string) => mapTexts(leftBy(step), withoutReferences);
  const steps = proto.steps.map((step) => filledWith(step, inert, fencedFinding));
  return { ...proto, steps: steps.map((step) => ({ ...step, title: step.title.replaceAll(/\s+/g, ' ') })) };
}

function fencedFinding(value: string, step: string): string {
  return untrusted(`leg ${step}`, withoutReferences(value));
}
