/** A formula as written: read and typed, its variables still open. `parse.ts` makes it, `check.ts` and `cook.ts` use it. */
import type { Json, StepKind } from '../town/protomolecule.js';

export const DEFAULT_REWORK = 'rework';

export type Formula = {
  readonly name: string;
  readonly description: string;
  /** Name of the formula run when a branch comes back, null when the author names none. */
  readonly rework: string | null;
  readonly vars: readonly Variable[];
  readonly steps: readonly StepDraft[];
};

export const VARIABLE_TYPES = ['string', 'int', 'bool'] as const;
type VariableType = (typeof VARIABLE_TYPES)[number];

export type Variable = {
  readonly name: string;
  readonly description: string;
  readonly required: boolean;
  readonly default: string | null;
  /** The only values it may have, null for any. */
  readonly enum: readonly string[] | null;
  /** A regular expression that must match somewhere in the value. */
  readonly pattern: RegExp | null;
  readonly type: VariableType;
};

export type StepDraft = {
  /** Its place among `[[steps]]`. */
  readonly index: number;
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly notes: string | null;
  readonly kind: StepKind;
  readonly needs: readonly Need[];
  /** `shorthand` when it was written as one text and not as a table. */
  readonly acceptance: { readonly text: string | null; readonly command: string | null; readonly shorthand: boolean };
  readonly run: string | null;
  readonly script: readonly ActDraft[] | null;
};

/** An act of right shape whose texts are still open. */
export type ActDraft = Readonly<Record<string, Json | undefined>>;

/** One entry of `needs` or `depends_on`: the two mean the same. */
export type Need = { readonly id: string; readonly key: 'needs' | 'depends_on'; readonly index: number };
