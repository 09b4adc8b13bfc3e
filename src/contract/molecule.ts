import { defineQuery } from '@temporalio/workflow';
import * as z from 'zod';
import type { MoleculeState, Step } from '../town/molecule-state.js';
import { Protomolecule } from '../town/protomolecule.js';
import type { ProtoStep } from '../town/protomolecule.js';
import type { Json } from '../town/act.js';
import { Limits, RigSnapshot } from '../town/rig.js';
import type { RaisedStep } from '../town/molecule-escalation.js';
import { RuntimeKind } from '../town/runtime.js';
import type { SessionSpec, Usage } from '../town/session.js';
import type { DeskState } from './desk.js';
import type { LedgerEntry } from './ledger.js';
import type { Wait } from './messages.js';
import { checkOrigins, Origins, Vars } from './vars.js';

/** Who has the molecule on the hook, and the sandbox that goes with it. */
export const Hook = z.strictObject({
  mission: z.string(),
  item: z.string(),
  agent: z.string(),
  rig: RigSnapshot,
  limits: Limits,
  name: z.string(),
  incarnation: z.number().int(),
  host: z.string(),
  sandbox: z.strictObject({ path: z.string(), branch: z.string(), base: z.string() }),
  /** How many times the refinery sent the work back before this molecule. */
  round: z.number().int().nonnegative(),
  /** What has worked on the branch in molecules before this one. Absent: nothing, or an earlier version did not tell. */
  workedBy: z.array(RuntimeKind).optional(),
  /** The branch that the work begins from. Absent: the target. */
  from: z.string().optional(),
});
export type Hook = z.infer<typeof Hook>;

const wisp = z
  .boolean()
  .optional()
  .describe('ephemeral: its digest goes to whoever started it; as the formula says when absent');

/** Started alone, a molecule names a formula; on a hook it brings the cooked one with it. */
export const MoleculeInput = z.union([
  z
    .strictObject({
      formula: z.string().min(1),
      vars: Vars.default({}),
      origins: Origins.optional(),
      wisp,
    })
    .superRefine(checkOrigins),
  z.strictObject({
    proto: Protomolecule,
    hook: Hook,
    wisp,
    paused: z
      .strictObject({ by: z.string(), why: z.string(), above: z.string().optional() })
      .optional()
      .describe('it begins held, until `resume`'),
  }),
]);
export type MoleculeInput = z.infer<typeof MoleculeInput>;

export const MOLECULE_EXAMPLE = '{"formula": "shiny", "vars": {"feature": "login"}}';

export type MoleculeCarry = {
  readonly proto: Protomolecule;
  readonly hook: Hook | null;
  readonly molecule: MoleculeState;
  readonly desk: DeskState;
  /** Its digest is in its result, and goes to the ledger only when nobody started it who would take it. */
  readonly wisp?: boolean;
  /** The wait that its polecat knows of, '' for none; absent in what an earlier version carried. */
  readonly toldWait?: string;
  /** By the members of crews for whom steps wait, or waited, what they were told, as JSON. Absent: nothing. */
  readonly toldAssigned?: Readonly<Record<string, string>>;
  /** Steps that wait for an answer, and the escalations that they were raised as. Absent: none. */
  readonly raised?: readonly RaisedStep[];
  /** When its first run began; absent in a first run and in what an earlier version carried. */
  readonly beganMs?: number;
  /** How often it has been told of waits: each time it hears of the next one later. */
  readonly timesTold?: number;
};

export type MoleculeResult = {
  readonly formula: string;
  readonly usage: Usage;
  readonly sessions: number;
  /** Commit of the branch after the last accepted step, null without a sandbox. */
  readonly head: string | null;
  /** What has worked on the branch so far. Absent in what an earlier version told. */
  readonly workedBy?: readonly RuntimeKind[];
  readonly steps: readonly {
    readonly id: string;
    readonly outcome: string;
    readonly summary: string;
    /** Absent when the step left none. */
    readonly output?: Json;
  }[];
  /** How many more have closed, in iterations of long loops that are forgotten. Absent when there were none. */
  readonly passed?: number;
  /** Of a wisp: what the ledger has of a molecule that is kept. */
  readonly digest?: LedgerEntry;
};

export type StepView = Step & {
  readonly description: string;
  readonly acceptance: string;
  /** JSON Schema of what `close` must bring as `output`. Absent when that is nothing. */
  readonly output?: ProtoStep['output'];
  /** Whom it waits for, as the formula has it. Absent: nobody is named. */
  readonly assignee?: string;
  /** What a question is answered with. Absent: in words. */
  readonly choices?: readonly Json[];
  /** For `close`, `fail` and `skip`: refused under it once the step waits anew. Null while it does not wait. */
  readonly token: string | null;
};

/** What somebody works on next is among them, and the answer fits into a terminal. */
export const VIEWS_MAX = 100;
/** The first steps that somebody outside can act on now, with their instructions. */
export const currentQuery = defineQuery<readonly StepView[]>('current');
/** What the session at work was asked to do, or the next one will be; null when none is to come now. */
export const sessionQuery = defineQuery<SessionSpec | null>('session');
/** What somebody at a terminal needs to go on with the last session of a step. */
export type Takeover = {
  readonly host: string;
  readonly runtime: RuntimeKind;
  /** Of that session. */
  readonly spec: SessionSpec;
  readonly isAtWork: boolean;
  /** What is resumed before the next session begins; null when it is not held. */
  readonly heldBy: string | null;
  /** The step waits for somebody's answer. */
  readonly isWaiting: boolean;
};

/** Null when no open step has had a session. */
export const takeoverQuery = defineQuery<Takeover | null>('takeover');
export const waitQuery = defineQuery<Wait>('wait');
export const readyQuery = defineQuery<readonly string[]>('ready');
export const stepsQuery = defineQuery<readonly Step[]>('steps');
