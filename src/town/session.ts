/**
 * A session is one context window of an agent: what it is given and how it may end. Sessions cycle; the step goes on.
 */
import * as z from 'zod';
import type { Act, Json } from './act.js';
import type { Agent } from './agents.js';
import type { Answer } from './answer.js';
import type { Confinement } from './confinement.js';
import type { Asked } from './escalation-sources.js';
import type { Acceptance, ProtoStep } from './protomolecule.js';
import type { AskingRole, RuntimeKind } from './runtime.js';

type SessionLimits = {
  readonly turnsMax: number;
  readonly minutesMax: number;
  readonly contextTokensMax: number;
  /** Silence after which a session counts as stalled, in seconds. */
  readonly quietSecondsMax: number;
  /** In dollars, by the prices of town.toml. Absent: no limit. */
  readonly usdMax?: number;
};

/** All a session is told. Work is an argument of the session, never something it looks up. */
export type SessionSpec = {
  /** `<molecule>/<step>/<session>`, the same for every attempt of the activity: the key of its journal. */
  readonly sessionId: string;
  readonly mission: string;
  readonly molecule: string;
  readonly rig: string;
  /** Address of the worker, `<rig>/polecats/<Name>`. Author of its commits. */
  readonly agent: string;
  /** Which of those who have that address, one after the other. Absent in what an earlier version asked for. */
  readonly incarnation?: number;
  /** 1 for the first session of a step. */
  readonly session: number;
  /** Who asks, where its answer is all that is wanted: it changes nothing, and has no sandbox. Absent: a step's work is wanted. */
  readonly role?: AskingRole;
  /** Of `prompts/`: how it is done. Absent: as that role, or a polecat, does its work. */
  readonly prompt?: 'judge';
  /** How many sessions of this step have ended in a handoff or a question: tells a scripted session where to go on. */
  readonly handoffs: number;
  /** Whether it is the first since the step was to be done; absent in what an earlier version asked for. */
  readonly isFirst?: boolean;
  /** Where work that was sent back begins at `base`: the target that it is brought up to then. */
  readonly catchUp?: string;
  readonly step: {
    readonly id: string;
    readonly title: string;
    readonly description: string;
    readonly acceptance: Acceptance;
    /** Whose words stand in the title or in the command of the acceptance, besides the formula's. Absent: nobody's. */
    readonly wordsOf?: string;
    readonly script: readonly Act[] | null;
    /** The command of a `run` step. */
    readonly run: string | null;
    /** JSON Schema of what the close must bring as `output`; absent when the step declares none. */
    readonly output?: Readonly<Record<string, Json>>;
  };
  readonly worktree: string;
  readonly branch: string;
  /** The commit the branch stood at when the step began. */
  readonly base: string;
  /** The branch of somebody who is gone, from which this one goes on. Absent: nothing was begun before. */
  readonly from?: string;
  /** Note of the session before, or the engine's word on why it did not count. */
  readonly note: string | null;
  /** What earlier sessions of the step left on the way, oldest first. Absent when they left nothing. */
  readonly notes?: readonly string[];
  /** What people have answered the step, oldest first. Absent when it has waited for nobody. */
  readonly answers?: readonly Answer[];
  readonly runtime: {
    readonly kind: Exclude<RuntimeKind, 'human'>;
    readonly model: string;
    /** Of the kind `command`. */
    readonly agent?: Agent;
  };
  readonly limits: SessionLimits;
  /** Of its commands. Absent: not shut in. */
  readonly confinement?: Confinement;
  /** Named commands of the operator that the session may run (the rig's gates). */
  readonly commands: Readonly<Record<string, string>>;
};

/** What a session is told of its step, out of what the step has. */
export function stepFor(step: ProtoStep): SessionSpec['step'] {
  const { id, title, description, acceptance, wordsOf, script, run, output } = step;
  const optional = { ...(wordsOf === undefined ? {} : { wordsOf }), ...(output === undefined ? {} : { output }) };
  return { id, title, description, acceptance, script, run, ...optional };
}

export const Usage = z.strictObject({
  turns: z.number(),
  inputTokens: z.number(),
  cacheReadTokens: z.number(),
  cacheWriteTokens: z.number(),
  outputTokens: z.number(),
  usd: z.number(),
  /** Of models without a price: what they cost is not in `usd`. Absent as 0. */
  unpricedTokens: z.number().optional(),
});
export type Usage = z.infer<typeof Usage>;

export const NO_USAGE: Usage = {
  turns: 0,
  inputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
  usd: 0,
};

/** Neither money nor tokens that have no price. */
export function costsNothing({ usd, unpricedTokens = 0 }: Pick<Usage, 'usd' | 'unpricedTokens'>): boolean {
  return usd === 0 && unpricedTokens === 0;
}

export function addUsage(a: Usage, b: Usage): Usage {
  const unpricedTokens = (a.unpricedTokens ?? 0) + (b.unpricedTokens ?? 0);
  return {
    turns: a.turns + b.turns,
    inputTokens: a.inputTokens + b.inputTokens,
    cacheReadTokens: a.cacheReadTokens + b.cacheReadTokens,
    cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    usd: a.usd + b.usd,
    ...(unpricedTokens > 0 ? { unpricedTokens } : {}),
  };
}

/**
 * What is known of a session that has ended without a result: by its failure, or by its last heartbeat when it was lost with its host.
 * `spentId`: by which it tells its mission what it has cost. `isOpen`: its worker did not know that it had ended, and has told nobody else.
 */
export const SessionLeft = z.object({
  notes: z.array(z.string()).readonly().optional(),
  usage: Usage.optional(),
  spentId: z.string().optional(),
  isOpen: z.boolean().optional(),
});
export type SessionLeft = z.infer<typeof SessionLeft>;

/** What a session has cost is counted once, whoever tells it: the session itself, or its molecule once the host is lost. */
export function spentIdOf(sessionId: string, run: string): string {
  return `spent:${sessionId}@${run}`;
}

/** `cost`: of this session; `budget`: of its mission, whose sessions begin again when somebody has raised it. */
type HandoffReason = 'requested' | 'context' | 'turns' | 'time' | 'cost' | 'budget';

/** How one session ended. Only trouble of the infrastructure throws; everything an agent does is one of these. */
export type SessionResult = {
  readonly usage: Usage;
  /** Notes the agent left on the way, oldest first. */
  readonly notes: readonly string[];
} & (
  | {
      readonly outcome: 'closed';
      readonly verdict: 'done' | 'no-changes' | 'failed';
      readonly summary: string;
      /** What the step leaves to those after it; absent when it left nothing. */
      readonly output?: Json;
      /** Of a failure: the same may succeed when it is tried again. */
      readonly transient?: boolean;
    }
  | {
      readonly outcome: 'handoff';
      readonly note: string;
      readonly reason: HandoffReason;
      /** Of the reason `budget`: the one that it saw. */
      readonly budgetUsd?: number;
    }
  | ({ readonly outcome: 'blocked'; readonly detail: string } & Asked)
  | { readonly outcome: 'stalled'; readonly detail: string }
);
