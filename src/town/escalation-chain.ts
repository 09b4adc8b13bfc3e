/** The chain of an escalation: who did what when, and why, the oldest first. */
import { unreachable } from './unreachable.js';

/** The first and the last are kept. */
const LINKS_MAX = 400;
const FIRST_LINKS = 50;
const SAYS_CHARS_MAX = 2_000;

export type LinkKind =
  | 'raised'
  | 'joined'
  | 'full'
  | 'asked'
  | 'reminded'
  | 'unreached'
  | 'acked'
  | 'forwarded'
  | 'silent'
  | 'stale'
  | 'resolved'
  | 'answered'
  | 'settled'
  | 'noted'
  | 'refused'
  | 'ended';

/** `times`: so often, one after the other; absent: once. */
export type Link = {
  readonly atMs: number;
  readonly kind: LinkKind;
  readonly by: string;
  readonly says: string;
  readonly times?: number;
};

/** `omitted`: links that had no room. */
export type Chain = { readonly links: readonly Link[]; readonly omitted: number };

export const NO_CHAIN: Chain = { links: [], omitted: 0 };

export function withLink({ links, omitted }: Chain, { says, ...link }: Link): Chain {
  const next = { ...link, says: says.slice(0, SAYS_CHARS_MAX) };
  const last = links.at(-1);
  if (last !== undefined && isSame(last, next))
    return { links: [...links.slice(0, -1), { ...next, times: (last.times ?? 1) + 1 }], omitted };
  const all = [...links, next];
  if (all.length <= LINKS_MAX) return { links: all, omitted };
  return { links: [...all.slice(0, FIRST_LINKS), ...all.slice(FIRST_LINKS + 1)], omitted: omitted + 1 };
}

export const hasSaid = ({ links }: Chain, words: string): boolean =>
  links.some(({ says }) => says === words.slice(0, SAYS_CHARS_MAX));

/** Of those who join it is enough how many they are. */
function isSame(one: Link, other: Link): boolean {
  if (one.kind !== other.kind) return false;
  return one.kind === 'joined' || one.kind === 'full' || (one.by === other.by && one.says === other.says);
}

/** In a sentence without its end. */
export function linkText({ kind, by, says, times = 1 }: Link): string {
  const often = times === 1 ? '' : ` (${times} times)`;
  switch (kind) {
    case 'raised':
      return `${by} raised it: ${says}`;
    case 'joined':
      return times === 1 ? `${by} has the same trouble` : `${times} more have the same trouble, the last of them ${by}`;
    case 'full':
      return `${times} for whom there is no room here wait with others of their own, the last of them ${by}`;
    case 'asked':
      return `${by} was asked, ${says}`;
    case 'reminded':
      return `${by} was told again, ${says}${often}`;
    case 'unreached':
      return `${by} could not be asked: ${says}${often}`;
    case 'acked':
      return `${by} took it up${says === '' ? '' : `: ${says}`}`;
    case 'forwarded':
      return `${by} passed it on: ${says}`;
    case 'silent':
      return `${by} ${says}${often}`;
    case 'stale':
      return says;
    case 'resolved':
      return `${by} answered: ${says}`;
    case 'answered':
      return `with the answer of ${by} ${says}`;
    case 'settled':
      return `${says}, by ${by}${often}`;
    case 'noted':
      return `${by} noted: ${says}`;
    case 'refused':
      return `${by} was refused: ${says}${often}`;
    case 'ended':
      return `${by} ended it: ${says}`;
    default:
      return unreachable(kind);
  }
}
