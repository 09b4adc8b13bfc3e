/** What a letter means to a polecat that has handed in its branch: a verdict on that hand-in, or nothing to it; if it is for another of its name, nobody has it. */
import type { Letter } from './mail.js';
import type { RuntimeKind } from './runtime.js';
import { unreachable } from './unreachable.js';

export type HandIn = {
  readonly request: string;
  readonly head: string;
  readonly round: number;
  readonly workedBy: readonly RuntimeKind[];
};

export type Verdict =
  | { readonly kind: 'merged'; readonly commit: string }
  | {
      readonly kind: 'rework';
      readonly type: string;
      readonly brief: string;
      readonly text: string;
      readonly files: string;
    }
  /** It waits for the rest of its mission; a verdict is still to come. */
  | { readonly kind: 'verified' }
  /** Taken out of the queue by somebody: not merged, and not to be tried again. */
  | { readonly kind: 'removed'; readonly why: string };

/** `for-another`: who had the name before it. */
export type NotOurs =
  | { readonly kind: 'not-ours'; readonly why: string }
  | { readonly kind: 'for-another'; readonly why: string };

/** `pending`: what it has handed in, and waits for; `incarnation`: which one of its name it is. */
export function verdictIn(letter: Letter, pending: HandIn | null, incarnation: number): Verdict | NotOurs {
  const { Request: request, Incarnation: theirs } = letter.keys;
  if (pending?.request !== request || theirs !== incarnation) {
    const ours =
      pending === null ? 'nothing is handed in' : `handed in is ${pending.request} of incarnation ${incarnation}`;
    const kind = theirs === incarnation ? 'not-ours' : 'for-another';
    return { kind, why: `${letter.type} is about ${request} of incarnation ${theirs}, ${ours}` };
  }
  switch (letter.type) {
    case 'VERIFIED':
      return { kind: 'verified' };
    case 'MERGED':
      return { kind: 'merged', commit: letter.keys['Merge-Commit'] };
    case 'MERGE_FAILED': {
      const type = letter.keys['Failure-Type'];
      if (type === 'removed') return { kind: 'removed', why: letter.text };
      const gate = letter.keys.Gate === undefined ? '' : ` (${letter.keys.Gate})`;
      return { kind: 'rework', type, brief: `${type}${gate}`, text: letter.text, files: '' };
    }
    case 'REWORK_REQUEST': {
      const files = letter.keys['Conflict-Files'];
      return { kind: 'rework', type: 'conflict', brief: `conflict in ${files}`, text: letter.text, files };
    }
    case 'POLECAT_DONE':
    case 'MERGE_READY':
      return { kind: 'not-ours', why: `${letter.type} is no mail for a polecat` };
    default:
      return unreachable(letter);
  }
}
