/** What is known of a molecule at work: plain data, carried from run to run. The rules are in `molecule.ts`. */
import type { Json } from './act.js';
import type { Answer } from './answer.js';
import type { Source } from './escalation-input.js';
import type { Trouble } from './escalation-sources.js';
import type { Hold, Pause } from './pause.js';
import type { ProtoLoop, Protomolecule, ProtoStep, StepGate } from './protomolecule.js';
import type { Limits } from './rig.js';
import type { RuntimeKind } from './runtime.js';
import type { SessionLeft, SessionResult, Usage } from './session.js';

type Outcome = 'done' | 'skipped' | 'failed' | 'soft-failed';

export type StepState =
  | { readonly kind: 'pending' }
  | { readonly kind: 'ready'; readonly sinceMs: number }
  | { readonly kind: 'active'; readonly sinceMs: number }
  /** Of a group or a loop: its children are at work. */
  | { readonly kind: 'open'; readonly sinceMs: number }
  | {
      readonly kind: 'waiting';
      readonly for: 'human' | 'escalation' | 'gate';
      readonly why: string;
      readonly sinceMs: number;
      /** How many waits the molecule has had, with this one: two may begin in the same millisecond. Absent in what began before 0.6. */
      readonly turn?: number;
      /** Of an escalation. Absent in what began before 0.11. */
      readonly trouble?: Trouble;
    }
  | {
      readonly kind: 'closed';
      readonly outcome: Outcome;
      readonly summary: string;
      readonly by: string;
      readonly atMs: number;
      /** The commit the branch stood at when the step was accepted; null for a step without a sandbox. */
      readonly head: string | null;
      /** What the step leaves to those after it; absent when it left nothing. */
      readonly output?: Json;
    };
export type Waiting = Extract<StepState, { readonly kind: 'waiting' }>;
export type Closed = Extract<StepState, { readonly kind: 'closed' }>;

/** By whom, as one of those who may approve is called. */
export type Approval = { readonly by: string; readonly atMs: number; readonly note: string | null };

/**
 * One gate of a step whose turn has come, with references filled in, and approvers by their addresses. `opened` says by what, null while it
 * is shut. `approvals`: so far; absent when there are none. `rejected`: by whom, absent when nobody has.
 */
export type GateState = StepGate & {
  readonly opened: string | null;
  readonly approvals?: readonly Approval[];
  readonly rejected?: { readonly by: string; readonly reason: string };
};

export type Step = {
  readonly id: string;
  readonly title: string;
  readonly needs: readonly string[];
  readonly runtime: RuntimeKind;
  readonly state: StepState;
  /** Sessions begun, those of them that ended in a handoff or a question, closes that the engine's checks refused, stalls in a row. */
  readonly sessions: number;
  readonly handoffs: number;
  readonly rejections: number;
  readonly stalls: number;
  /** What the next session is told about the ones before. */
  readonly note: string | null;
  /** Sessions of before it was to be done again; they count for no limit. Absent when there were none. */
  readonly sessionsBefore?: number;
  /** What its sessions noted on the way, oldest first, for those after them. Absent when they noted nothing. */
  readonly notes?: readonly string[];
  /** What people have answered it, oldest first, for its sessions. Absent when it has waited for nobody. */
  readonly answers?: readonly Answer[];
  readonly usage: Usage;
  /** Absent on a step that is worked. A `loop` is added for each loop that is not a group itself. */
  readonly kind?: 'group' | 'loop';
  readonly parent?: string;
  /** The step whose fan-out added this one. */
  readonly from?: string;
  /** Steps that the fan-out of this one has added. */
  readonly fan?: readonly string[];
  readonly gates?: readonly GateState[];
  /** Transient failures so far. */
  readonly failures?: number;
};

/** A loop at work: `iteration` is the last one that was begun, of `max`. */
export type LoopState = ProtoLoop & {
  readonly iteration: number;
  /** The last iteration of which the steps are gone; absent when none are. */
  readonly forgotten?: number;
};

/** Steps of iterations that are over (`molecule-iterations`): how many closed, the last of them when, and what they cost. */
export type Passed = {
  readonly steps: number;
  readonly atMs: number;
  readonly sessions: number;
  readonly usage: Usage;
};

/** What a step has cost that is not there any more, and may come again. */
export type Gone = { readonly sessions: number; readonly usage: Usage };

/** A host that was lost with the sandbox, and the one on which it was rebuilt. */
export type LostHost = { readonly host: string; readonly to: string; readonly atMs: number };

/** Variables that have other values since. */
export type Revision = { readonly vars: Readonly<Record<string, string>>; readonly by: string; readonly atMs: number };

/** What continue-as-new carries. What an earlier version did not know is absent in what it carried. */
export type MoleculeState = {
  readonly steps: readonly Step[];
  readonly limits: Limits;
  /** Steps that are not of the formula: iterations, fan-outs, bonds. */
  readonly added?: readonly ProtoStep[];
  readonly loops?: readonly LoopState[];
  /** Subjects of mails, for gates whose turn comes after the mail. */
  readonly mails?: readonly string[];
  readonly bonds?: number;
  /** Waits of steps so far. */
  readonly turns?: number;
  /** The commit of the branch after the last accepted step. */
  readonly head?: string | null;
  /** Null while it goes on. */
  readonly paused?: Pause | null;
  /** All who hold it; `paused` is the first. */
  readonly holds?: readonly Pause[];
  /** By their ids the steps that went when somebody went back to before what had added them. */
  readonly gone?: Readonly<Record<string, Gone>>;
  readonly passed?: Passed;
  /** The last hosts that were lost. */
  readonly lost?: readonly LostHost[];
  /** The last times that its variables were changed. */
  readonly revisions?: readonly Revision[];
  /** What has worked on the branch in sessions: of steps that are gone, too, and of molecules before this one. */
  readonly workedBy?: readonly RuntimeKind[];
  /** Id of the step that failed first, and with it the molecule. Null while none has. */
  readonly failed?: string | null;
};

/** Of a session that has ended without a result. Absent: nothing, or nobody knows. */
type Cost = { readonly usage?: Usage };

type OfStep<Kind extends string, More = unknown> = { readonly kind: Kind; readonly step: string } & More;

export type MoleculeEvent =
  | OfStep<'session-started'>
  | OfStep<'session-ended', { readonly result: SessionResult }>
  /** `source`: what it was refused for; absent where that is not known. */
  | OfStep<
      'session-refused',
      { readonly why: string; readonly source?: Source; readonly notes?: readonly string[] } & Cost
    >
  | OfStep<
      'accepted',
      { readonly summary: string; readonly by: string; readonly head: string | null; readonly output?: Json }
    >
  /** `check`: it was the step's check script that said no. `isLeak`: something may not be pushed. */
  | OfStep<'rejected', { readonly why: string; readonly check?: boolean; readonly isLeak?: boolean }>
  /** `head`: the commit of what a skipped step had left in the sandbox. */
  | OfStep<'skipped' | 'failed', { readonly reason: string; readonly by: string; readonly head?: string }>
  /** Somebody outside says that the step has failed: others decide what that means. */
  | OfStep<'given-up', { readonly why: string; readonly by: string }>
  | OfStep<'retried', { readonly by: string; readonly note: string | null }>
  /** Its formula was cooked once more, with other values for these variables. */
  | OfStep<
      'revised',
      { readonly proto: Protomolecule; readonly vars: Readonly<Record<string, string>>; readonly by: string }
    >
  /** Its session was ended from outside and left nothing. */
  | OfStep<'called-off', { readonly why: string } & Cost>
  /** Its session was ended with the molecule: the step stays as it was. */
  | OfStep<'cut-off', Cost>
  /** `head`: the commit that the sandbox went back to, null where the molecule began; absent when it stayed. */
  | OfStep<'went-back', { readonly by: string; readonly note: string | null; readonly head?: string | null }>
  | OfStep<'gate-opened', { readonly gate: number; readonly by: string }>
  | OfStep<'gate-stuck', { readonly gate: number; readonly why: string }>
  | OfStep<'gate-timed-out', { readonly gate: number }>
  | OfStep<'approved', { readonly by: string; readonly note?: string }>
  | OfStep<'approval-rejected', { readonly by: string; readonly reason: string }>
  /** `isWhole`: everything had been pushed. */
  | {
      readonly kind: 'host-lost';
      readonly host: string;
      readonly to: string;
      readonly left: SessionLeft;
      readonly isWhole: boolean;
    }
  | ({ readonly kind: 'paused' } & Hold)
  | { readonly kind: 'resumed'; readonly above?: string | undefined }
  | { readonly kind: 'mailed'; readonly subject: string; readonly from: string }
  /** Which of the awaited files exist. */
  | { readonly kind: 'files-seen'; readonly files: readonly string[] }
  | { readonly kind: 'loop-judged'; readonly loop: string; readonly verdict: LoopVerdict }
  | {
      readonly kind: 'bonded';
      readonly proto: Pick<Protomolecule, 'formula' | 'steps' | 'loops'>;
      readonly place: BondPlace;
    };

/**
 * Where a formula is bonded: after steps, before steps, or beside all others. `between`: the steps that needed all of those it comes
 * after wait for the bonded ones too.
 */
export type BondPlace =
  | { readonly kind: 'beside' }
  | { readonly kind: 'after'; readonly steps: readonly string[]; readonly between: boolean }
  | { readonly kind: 'before'; readonly steps: readonly string[] };

/** Whether a loop is over: as its script says, as its condition does (`files` are those that exist), or nobody can tell. */
export type LoopVerdict =
  | { readonly kind: 'checked'; readonly ok: boolean; readonly detail: string }
  | { readonly kind: 'condition'; readonly files: readonly string[] }
  | { readonly kind: 'unknown'; readonly why: string };
