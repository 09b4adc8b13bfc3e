/**
 * A formula as written, read and typed, with everything still open: variables, loops, expansions. `parse*.ts` make it, `inherit.ts`
 * joins it with its parents, `compose.ts` turns it into steps. Every part remembers where it was written.
 */
import type { Act, Json } from '../town/act.js';
import type { StepConfinement } from '../town/confinement.js';
import type { Counter, StepKind } from '../town/protomolecule.js';
import type { Origin, Source } from './problem.js';
import type { ValueType } from '../town/value.js';

export const DEFAULT_REWORK = 'rework';

export const FORMULA_TYPES = ['workflow', 'expansion', 'aspect', 'convoy'] as const;
export type FormulaType = (typeof FORMULA_TYPES)[number];

export type Formula = {
  readonly name: string;
  readonly source: Source;
  readonly description: string;
  readonly type: FormulaType;
  readonly version: number | null;
  /** Name of the formula run when a branch comes back, null when the author names none. */
  readonly rework: string | null;
  readonly vars: readonly Variable[];
  /** False when it has no `[vars]` at all: then each placeholder is a variable. */
  readonly declares: boolean;
  /** Variables that the templates of a convoy ask for. */
  readonly usedByTemplates: ReadonlySet<string>;
  readonly steps: readonly StepDraft[];
  readonly template: readonly StepDraft[];
  readonly advice: readonly Advice[];
  readonly pointcuts: readonly Pointcut[];
  readonly compose: Compose;
  readonly vapor: boolean;
  readonly squash: Readonly<Record<string, Json>> | null;
  readonly agent: string | null;
  readonly reviewOnly: boolean;
  readonly convoy: Convoy;
};

/** A formula as its own file has it: null for what is not written, so that a parent's holds. */
export type Written = {
  readonly name: string;
  readonly source: Source;
  readonly extends: readonly { readonly at: Origin; readonly name: string }[];
  readonly description: string | null;
  readonly type: FormulaType | null;
  readonly version: number | null;
  readonly rework: string | null;
  readonly vars: readonly VariableDraft[];
  readonly steps: readonly StepDraft[];
  readonly template: readonly StepDraft[];
  readonly advice: readonly Advice[];
  readonly pointcuts: readonly Pointcut[];
  readonly compose: Compose;
  readonly phase: string | null;
  readonly pour: boolean | null;
  readonly squash: Readonly<Record<string, Json>> | null;
  readonly agent: string | null;
  readonly reviewOnly: boolean | null;
  readonly convoy: Convoy;
};

export type VariableDraft = {
  readonly name: string;
  readonly at: Origin;
  /** Where its default stands. */
  readonly defaultAt: Origin;
  readonly description?: string | undefined;
  readonly required?: boolean | undefined;
  readonly default?: string | undefined;
  readonly enum?: readonly string[] | undefined;
  readonly pattern?: string | undefined;
  readonly type?: ValueType | undefined;
  readonly requiredUnless?: readonly string[] | undefined;
};

export type Variable = {
  readonly name: string;
  readonly at: Origin;
  readonly description: string;
  readonly required: boolean;
  readonly default: string | null;
  /** The only values it may have, null for any. */
  readonly enum: readonly string[] | null;
  /** A regular expression that must match somewhere in the value. */
  readonly pattern: string | null;
  readonly type: ValueType;
  /** Of a convoy's inputs: one of them must be given when none of these is. */
  readonly requiredUnless: readonly string[] | null;
};

/**
 * What the braces in a text stand for, from the place where it stands outwards: `{name}` of a loop, a template or an advice, and
 * `{{name}}` of an expansion's own variables. Whatever no scope knows is a variable of the formula.
 */
/** A variable without a value, and who should have given one: null when that is whoever cooks the formula. */
export type Unset = {
  readonly variable: Variable;
  readonly asker: { readonly owner: string; readonly at: Origin } | null;
};

export type Scope = {
  readonly outer: Scope | null;
  readonly single: ReadonlyMap<string, string>;
  readonly double: ReadonlyMap<string, string>;
  /** Variables that are declared and have no value here: a text that asks for one is refused, and a condition finds it empty. */
  readonly unset: ReadonlyMap<string, Unset>;
  /** The id of a step that texts of this scope name by a shorter one; null for those of other scopes. */
  readonly stepNamed: ((id: string) => string | null) | null;
  /** In the body of a loop, what the ids of all steps of the iteration begin with. */
  readonly prefix: string | null;
  /** Its texts are final: nothing in them is looked at. */
  readonly verbatim: boolean;
};

/** A text that a step has from the one in whose place it stands: what is in it means what it means where it was written. */
export type Handed = { readonly at: Origin; readonly scope: Scope | null };

export type StepDraft = {
  readonly at: Origin;
  readonly scope: Scope | null;
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly notes: string | null;
  readonly kind: StepKind;
  readonly type: StepType | null;
  readonly needs: readonly Need[];
  /** `shorthand` when it was written as one text and not as a table. */
  readonly acceptance: { readonly text: string | null; readonly command: string | null; readonly shorthand: boolean };
  readonly run: string | null;
  readonly script: readonly ActDraft[] | null;
  readonly priority: number | null;
  readonly labels: readonly string[];
  readonly metadata: Readonly<Record<string, Json>>;
  readonly assignee: string | null;
  readonly agent: string | null;
  readonly confinement: StepConfinement | null;
  readonly condition: ConditionDraft | null;
  readonly gates: readonly GateDraft[];
  /** JSON Schema. */
  readonly output: Readonly<Record<string, Json>> | null;
  readonly retry: { readonly max: number; readonly exhausted: 'hard' | 'soft' } | null;
  readonly check: CheckDraft | null;
  readonly loop: LoopDraft | null;
  readonly expand: ExpandDraft | null;
  readonly onComplete: OnComplete | null;
  readonly children: readonly StepDraft[];
  /** A loop over nothing: a group without children, which no glob or target finds. */
  readonly hollow: boolean;
  readonly leg: { readonly role: 'leg' | 'synthesis'; readonly file: string; readonly reviewOnly: boolean } | null;
  /** The loop with an end known at run time only that it belongs to. */
  readonly repeated: Repetition | null;
  /** Which of its texts were handed down, by key, those of labels and metadata by key and place in it. */
  readonly handed: ReadonlyMap<string, Handed>;
};

export const STEP_TYPES = ['task', 'bug', 'feature', 'epic', 'chore'] as const;
export type StepType = (typeof STEP_TYPES)[number];

/** An act of right shape whose texts are still open. */
export type ActDraft = Act;

/** An id that a step needs; `any` when the first of its children to close is enough. */
export type Need = {
  readonly id: string;
  readonly at: Origin;
  readonly any: boolean;
  /** Where `waits_for` says that it is for the children of the step; left out where nothing does. */
  readonly children?: Origin;
  /** In the body of a loop, the scope it was written in: it may be on a step that comes into being there later. */
  readonly scope?: Scope | null;
  /** In the body of a loop over an output, the id of a step outside of it, though one in it is called the same; left out elsewhere. */
  readonly outside?: true;
};

export type CheckDraft = {
  /** The file that the command is, when it is not known until variables are filled in; else null. */
  readonly path: string | null;
  readonly command: string;
  readonly timeoutMs: number;
  readonly max: number;
};

/** `scope` is that of the step it was handed down from; left out where it is the step's own. */
type ConditionDraft = { readonly at: Origin; readonly text: string; readonly scope?: Scope | null };

/** `scope` as for a condition. */
export type GateDraft = {
  readonly at: Origin;
  readonly scope?: Scope | null;
  readonly type: string;
  readonly await: string;
  readonly timeout: string | null;
  /** Left out where nothing is said of it. */
  readonly approval?: ApprovalDraft;
};

/** Who may open a gate of type human. */
export type ApprovalDraft = {
  readonly approvers: readonly string[] | null;
  readonly quorum: number | null;
  readonly remind: string | null;
};

export type LoopDraft = {
  readonly at: Origin;
  readonly times:
    | { readonly kind: 'count'; readonly count: number }
    | { readonly kind: 'range'; readonly range: string }
    | { readonly kind: 'until'; readonly until: string; readonly max: number }
    | { readonly kind: 'each'; readonly list: string | readonly string[] };
  readonly variable: string | null;
  readonly body: readonly StepDraft[];
};

/** A loop of which the first iteration is in the list of steps. */
export type Repetition = {
  readonly id: string;
  readonly at: Origin;
  readonly scope: Scope | null;
  /** Null for a loop that goes over numbers. */
  readonly until: string | null;
  readonly max: number;
  readonly counter: Counter | null;
  /** Of steps that advice has put there: the author knows nothing of them when he speaks of the last one of the body. */
  readonly isAdvice: boolean;
};

/** A use of an expansion: the values of its variables as written. */
export type ExpandDraft = {
  readonly at: Origin;
  readonly formula: string;
  readonly vars: Readonly<Record<string, string>>;
};

export type OnComplete = {
  readonly at: Origin;
  readonly forEach: string;
  readonly bond:
    | { readonly kind: 'formula'; readonly name: string }
    | { readonly kind: 'body'; readonly loop: StepDraft };
  readonly vars: Readonly<Record<string, string>>;
  readonly sequential: boolean;
};

export type Advice = {
  readonly at: Origin;
  /** Null: the pointcuts say where. */
  readonly target: string | null;
  readonly before: readonly StepDraft[];
  readonly after: readonly StepDraft[];
};

/** Where advice without a target applies: all that are given must fit. */
export type Pointcut = {
  readonly at: Origin;
  readonly glob: string | null;
  readonly type: string | null;
  readonly label: string | null;
};

export type Compose = {
  readonly expand: readonly (ExpandDraft & { readonly target: string })[];
  readonly map: readonly (ExpandDraft & { readonly select: string })[];
  readonly branch: readonly {
    readonly at: Origin;
    readonly from: string;
    readonly steps: readonly string[];
    readonly join: string;
  }[];
  readonly gate: readonly { readonly at: Origin; readonly before: string; readonly condition: string }[];
  readonly aspects: readonly { readonly at: Origin; readonly name: string }[];
  readonly bondPoints: readonly {
    readonly at: Origin;
    readonly id: string;
    readonly description: string;
    readonly after: string | null;
    readonly before: string | null;
  }[];
};

export type Leg = {
  readonly at: Origin;
  readonly id: string;
  readonly title: string;
  readonly focus: string;
  readonly description: string;
  readonly agent: string | null;
  readonly reviewOnly: boolean | null;
  readonly needs: readonly Need[];
};

export type Convoy = {
  readonly legs: readonly Leg[];
  readonly synthesis: {
    readonly at: Origin;
    readonly title: string;
    readonly description: string;
    readonly dependsOn: readonly string[] | null;
  } | null;
  readonly presets: readonly { readonly at: Origin; readonly name: string; readonly legs: readonly string[] }[];
  /** Of `[prompts] base`, null when there is none. */
  readonly prompt: { readonly at: Origin; readonly text: string } | null;
  readonly output: {
    readonly at: Origin;
    readonly directory: string;
    readonly legPattern: string;
    readonly synthesis: string;
  } | null;
};

export type StepScope = { readonly of: string; readonly role: 'member' | 'teardown' };

/** A step in the list of all, with what only the whole can say of it. */
export type Planned = {
  readonly draft: StepDraft;
  readonly needs: readonly Need[];
  /** Id of the group it is a child of. */
  readonly parent: string | null;
  readonly group: boolean;
  /** Id of the loop with an end at run time that it belongs to. */
  readonly loop: string | null;
  readonly scope: StepScope | null;
};
