/**
 * A protomolecule is a cooked formula: variables substituted, every name checked, frozen. It is plain JSON, is hashed over
 * its canonical form, and travels whole in the history of the molecule that runs it, so that editing a formula never
 * touches work in flight. What a formula of an earlier version lacks is absent here, so that what was poured from it still reads.
 *
 * Texts may hold references that are filled in when a step begins: `{{steps.ID.output}}`, `{{steps.ID.output.a.b}}` and
 * `{{steps.ID.summary}}`, where ID is a step of this protomolecule.
 */
import * as z from 'zod';
import { Act, Json } from './act.js';
import { StepConfinement } from './confinement.js';
import { VALUE_TYPES } from './value.js';

export const Acceptance = z.strictObject({
  /** What must be true before the step counts as done, in words, for whoever works on it. */
  text: z.string().optional(),
  /** A shell command run by the engine in the sandbox; exit code 0 accepts the step. */
  command: z.string().optional(),
});
export type Acceptance = z.infer<typeof Acceptance>;

/**
 * How a step is worked: by an agent's session, by one command, or by a person who closes it. A `group` is not worked: it
 * opens for its children (the steps that name it as `parent`) when its own needs are met, and closes when all of them have.
 */
export const StepKind = z.enum(['agent', 'run', 'human', 'group']);
export type StepKind = z.infer<typeof StepKind>;

/**
 * A condition in the form of a step's `condition` key. `value` is text with references; the step runs when it is (`is`) or is
 * not (`isNot`) the other text, or when it is truthy or falsy. False, and the step is skipped when its turn comes.
 */
export const StepCondition = z.strictObject({
  text: z.string().describe('as written, for people'),
  value: z.string(),
  op: z.enum(['is', 'isNot', 'truthy', 'falsy']),
  against: z.string(),
});
export type StepCondition = z.infer<typeof StepCondition>;

/** A gate is opened by something outside; the step behind it waits at no cost. */
export const StepGate = z.strictObject({
  type: z.enum(['timer', 'human', 'mail', 'bead', 'gh:run', 'gh:pr', 'condition']),
  /** Whom or what it awaits: approver, mail subject, workflow id, run id or workflow file, pull request, condition. */
  await: z.string(),
  /** When it escalates as `gate_timeout`; a `timer` opens then instead. Null: never. */
  timeoutMs: z.number().int().positive().nullable(),
  /** Of type human: who may approve, by names or addresses. Absent: anybody. */
  approvers: z.array(z.string().min(1)).optional(),
  /** Of type human: how many must. Absent as 1. */
  quorum: z.number().int().positive().optional(),
  /** Of type human: how often those are reminded who have not. Absent: never. */
  remindMs: z.number().int().positive().optional(),
});
export type StepGate = z.infer<typeof StepGate>;

/** A limit that a value known only at run time must keep, as its variable declares. */
export const ValueCheck = z.strictObject({
  name: z.string(),
  value: z.string().describe('text with {item…} open'),
  type: z.enum(VALUE_TYPES),
  enum: z.array(z.string()).nullable(),
  pattern: z.string().nullable(),
});
export type ValueCheck = z.infer<typeof ValueCheck>;

const PLAIN_STEP = {
  id: z.string().min(1),
  title: z.string().min(1),
  description: z.string(),
  kind: StepKind,
  needs: z.array(z.string()),
  acceptance: Acceptance,
  /** Whose words stand in the title or in the command of the acceptance, besides the formula's. Absent: nobody's. */
  wordsOf: z.string().optional(),
  /** The command of a `run` step, null for the others. */
  run: z.string().nullable(),
  /** The acts of a scripted session, null when the step has none. */
  script: z.array(Act).nullable(),
  /** The group that this step is a child of. */
  parent: z.string().optional(),
  /** Needs of which the first child to close, not the last, is enough (`waits_for = "any-children"`). */
  needsAny: z.array(z.string()).optional(),
  type: z.enum(['task', 'bug', 'feature', 'epic', 'chore']).optional(),
  /** Of steps that are ready together, 0 goes first; 2 when absent. */
  priority: z.number().int().min(0).max(4).optional(),
  labels: z.array(z.string()).optional(),
  metadata: z.record(z.string(), Json).optional(),
  /** Whom a step that waits for a person waits for. */
  assignee: z.string().optional(),
  /** A runtime other than the rig's. */
  agent: z.string().optional(),
  /** How it is shut in besides what its rig says; never less. */
  confinement: StepConfinement.optional(),
  condition: StepCondition.optional(),
  /** All of these open before the step begins. */
  gates: z.array(StepGate).optional(),
  /** JSON Schema of what the step's close must bring as `output`. */
  output: z.record(z.string(), Json).optional(),
  /** Attempts after transient failures. Exhausted, `hard` escalates and `soft` closes the step as `soft-failed`. */
  retry: z.strictObject({ max: z.number().int().positive(), exhausted: z.enum(['hard', 'soft']) }).optional(),
  /** A script in the sandbox that must exit with 0 before the step counts; until then it is worked again, `max` times in all. */
  check: z
    .strictObject({
      command: z.string().min(1),
      timeoutMs: z.number().int().positive(),
      max: z.number().int().positive(),
    })
    .optional(),
  /** When a member fails, open members are skipped; a teardown runs whatever became of the members. `of` is the scope's body. */
  scope: z.strictObject({ of: z.string(), role: z.enum(['member', 'teardown']) }).optional(),
  /** A leg of a convoy, or its synthesis: worked by a polecat of its own where the formula is an item of a mission. */
  leg: z
    .strictObject({
      role: z.enum(['leg', 'synthesis']),
      /** File in the sandbox whose text is the leg's findings; '' for none. */
      file: z.string(),
      /** Nothing of it is merged. */
      reviewOnly: z.boolean(),
    })
    .optional(),
} as const;

/**
 * Steps that are added when a step has closed, once for each entry of a list in its output. In their ids, needs and texts `{n}`
 * is the entry's number from 1, and in texts `{index}` its number from 0, `{item}` the entry, `{item.a.b}` a part of it.
 */
export const FanOut = z.strictObject({
  bond: z.string().describe('name of the formula that the steps come from'),
  forEach: z.string().describe('path of the list in the output, as output.a.b'),
  /** One entry after the other instead of all at once. */
  sequential: z.boolean(),
  steps: z.array(z.strictObject(PLAIN_STEP)),
  checks: z.array(ValueCheck),
});
export type FanOut = z.infer<typeof FanOut>;

export const ProtoStep = z.strictObject({ ...PLAIN_STEP, fanOut: FanOut.optional() });
export type ProtoStep = z.infer<typeof ProtoStep>;

/** The numbers that a loop goes over, both ends in it. In the texts of its body `{variable}` is open, where it has one. */
export const Counter = z.strictObject({
  from: z.number().int(),
  to: z.number().int(),
  variable: z.string().nullable(),
});
export type Counter = z.infer<typeof Counter>;

/**
 * Steps that are repeated until a condition holds, or once for each of more numbers than are unrolled when cooked. `body` are the ids of the first iteration, which stand among the steps; whoever
 * needs one of them from outside of the loop needs the end of the loop. Iteration n has the same steps under other ids, see
 * `iterationId`.
 */
export const ProtoLoop = z.strictObject({
  id: z.string(),
  body: z.array(z.string()).min(1),
  /** Iterations in all; after them the loop escalates. */
  max: z.number().int().positive(),
  /** In the grammar of `town/condition`. */
  until: z.string().nullable(),
  check: z.strictObject({ command: z.string().min(1), timeoutMs: z.number().int().positive() }).nullable(),
  /** Of the check. */
  confinement: StepConfinement.optional(),
  /** Of a loop that ends by itself: it has neither `until` nor `check`, and `max` is how many numbers there are. */
  counter: Counter.optional(),
  /** The group that waits for the end of the loop, null outside of groups. Absent where the loop is a group itself. */
  parent: z.string().nullable().optional(),
});
export type ProtoLoop = z.infer<typeof ProtoLoop>;

/** The id in iteration `n` (2 and up) of a step that is `id` in the first iteration of the loop. */
export function iterationId(loop: string, id: string, n: number): string {
  const first = `${loop}.iter1.`;
  return `${loop}.iter${n}.${id.startsWith(first) ? id.slice(first.length) : id}`;
}

/** A named place where another formula can be bonded to a molecule at work. */
export const BondPoint = z.strictObject({
  id: z.string(),
  description: z.string(),
  /** Several steps where what stood there ends with several: all of them are waited for. A loop by its own id. */
  after: z.union([z.string(), z.array(z.string())]).nullable(),
  /** Several where it begins with several: all of them wait. */
  before: z.union([z.string(), z.array(z.string())]).nullable(),
});
export type BondPoint = z.infer<typeof BondPoint>;

export const Protomolecule = z.strictObject({
  formula: z.string(),
  description: z.string(),
  /** `workflow` when absent. */
  type: z.enum(['workflow', 'expansion', 'aspect', 'convoy']).optional(),
  version: z.number().int().positive().optional(),
  /** Values of all variables after defaults, as substituted. */
  vars: z.record(z.string(), z.string()),
  /** Of variables whose values others wrote, whose words they are. Absent where there are none. */
  wordsOf: z.record(z.string(), z.string()).optional(),
  /** Name of the formula that runs in the same sandbox when the refinery sends the branch back. */
  rework: z.string(),
  /** In an order that can run: whatever a step needs stands before it, and a group before its children. */
  steps: z.array(ProtoStep),
  loops: z.array(ProtoLoop).optional(),
  bondPoints: z.array(BondPoint).optional(),
  /** A run of it is a wisp unless it is asked for otherwise. */
  vapor: z.boolean().optional(),
  /** What the author asks of the digest. */
  squash: z.record(z.string(), Json).optional(),
  /** SHA-256, hex, over the canonical JSON of everything above. */
  hash: z.string().length(64),
});
export type Protomolecule = z.infer<typeof Protomolecule>;
