/** Steps that are not worked themselves: nobody closes them with an output, so that who asks for it would wait, or read, in vain. */
import type { StepDraft } from './formula.js';
import { isScopeBody } from './metadata.js';
import { quote } from './problem.js';

export type NoOutput = {
  readonly why: string;
  readonly hint: string;
  /** It depends on the values of variables: with others there may be an output. */
  readonly byValues: boolean;
};

const NAMED_MAX = 3;

/** Null for a step that may leave an output. */
export function noOutputOf(step: StepDraft): NoOutput | null {
  if (step.hollow)
    return {
      why: 'it is a loop, and the list that it goes round over is empty',
      hint: 'give the list an entry, or ask a step before the loop',
      byValues: true,
    };
  if (step.children.length > 0) {
    const named = step.children.slice(0, NAMED_MAX).map(({ id }) => quote(id));
    const more = step.children.length > NAMED_MAX ? ', …' : '';
    const hint = `name the one of its children that leaves it: ${named.join(', ')}${more}`;
    return { why: 'it has children, and is not worked itself', hint, byValues: false };
  }
  if (!isScopeBody(step)) return null;
  const why = 'it is the body of a scope, and is not worked itself';
  return { why, hint: 'name the one of its members that leaves it', byValues: false };
}
