/**
 * A protomolecule is a cooked formula: variables substituted, every name checked, frozen. It is plain JSON, is hashed over
 * its canonical form, and travels whole in the history of the molecule that runs it, so that editing a formula never
 * touches work in flight.
 */
import { z } from 'zod';

/**
 * One act of a scripted session, in the order of the formula. `handoff` ends a session; the step's next session goes on
 * with the act behind it. `close`, `fail` and `block` end the step's work.
 */
export const Act = z.union([
  z.strictObject({ write: z.string().min(1), text: z.string() }),
  z.strictObject({ append: z.string().min(1), text: z.string() }),
  z.strictObject({ replace: z.string().min(1), find: z.string().min(1), with: z.string() }),
  z.strictObject({ delete: z.string().min(1) }),
  z.strictObject({ run: z.string().min(1) }),
  z.strictObject({ sleep: z.number().positive().describe('seconds') }),
  z.strictObject({ note: z.string().min(1) }),
  z.strictObject({ handoff: z.string().min(1) }),
  z.strictObject({ block: z.string().min(1) }),
  z.strictObject({ fail: z.string().min(1) }),
  z.strictObject({ close: z.string().min(1) }),
]);
export type Act = z.infer<typeof Act>;

export const Acceptance = z.strictObject({
  /** What must be true before the step counts as done, in words, for whoever works on it. */
  text: z.string().optional(),
  /** A shell command run by the engine in the sandbox; exit code 0 accepts the step. */
  command: z.string().optional(),
});
export type Acceptance = z.infer<typeof Acceptance>;

/** How a step is worked: by an agent's session, by one command, or by a person who closes it. */
export const StepKind = z.enum(['agent', 'run', 'human']);
export type StepKind = z.infer<typeof StepKind>;

export const ProtoStep = z.strictObject({
  id: z.string().min(1),
  title: z.string().min(1),
  description: z.string(),
  kind: StepKind,
  needs: z.array(z.string()),
  acceptance: Acceptance,
  /** The command of a `run` step, null for the others. */
  run: z.string().nullable(),
  /** The acts of a scripted session, null when the step has none. */
  script: z.array(Act).nullable(),
});
export type ProtoStep = z.infer<typeof ProtoStep>;

export const Protomolecule = z.strictObject({
  formula: z.string(),
  description: z.string(),
  /** Values of all variables after defaults, as substituted. */
  vars: z.record(z.string(), z.string()),
  /** Name of the formula that runs in the same sandbox when the refinery sends the branch back. */
  rework: z.string(),
  steps: z.array(ProtoStep).min(1),
  /** SHA-256, hex, over the canonical JSON of everything above. */
  hash: z.string().length(64),
});
export type Protomolecule = z.infer<typeof Protomolecule>;
