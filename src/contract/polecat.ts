import { defineQuery } from '@temporalio/workflow';
import * as z from 'zod';
import { WorkflowId } from '../town/address.js';
import type { Nudge } from '../town/nudge.js';
import type { Hold } from '../town/pause.js';
import { Protomolecule } from '../town/protomolecule.js';
import { Limits, RigSnapshot } from '../town/rig.js';
import { RuntimeKind } from '../town/runtime.js';

/** Given by a mission, which has claimed the slot: a polecat is not started by hand. */
export const PolecatInput = z.strictObject({
  mission: WorkflowId,
  /** The claim that brought the slot: reports name it, so that a namesake of the mission does not take them for its own. */
  claim: z.string(),
  item: z.strictObject({ id: z.string(), title: z.string(), priority: z.number().int() }),
  name: z.string(),
  incarnation: z.number().int(),
  host: z.string(),
  /** Id of the first molecule; the ones after rework add `-r1`, `-r2`. The branch is named for it. */
  molecule: WorkflowId,
  rig: RigSnapshot,
  limits: Limits,
  proto: Protomolecule,
  /** The branch that the work begins from. Absent: the target. */
  from: z.string().optional(),
  /** The branch that it lands on. Absent: the rig's. */
  target: z.string().optional(),
  /** What is on `from` is handed in as it is, to land as one; there is a molecule only if that comes back. */
  isWhole: z.literal(true).optional(),
  /** The models that worked on what it begins from. Absent: none. */
  workedBy: z.array(RuntimeKind).optional(),
  /** It lands when its mission says so, once all that is to land with it is verified. */
  isTogether: z.literal(true).optional(),
  /** Absent where an earlier version has started it. */
  missionSinceMs: z.number().int().optional(),
});
export type PolecatInput = z.infer<typeof PolecatInput>;

export type Sandbox = {
  readonly path: string;
  readonly branch: string;
  /** The commit the branch was cut from. */
  readonly base: string;
};

/** The three layers, and what is on the hook. */
export type Lifecycle = {
  readonly slot: { readonly name: string; readonly incarnation: number };
  readonly sandbox: (Sandbox & { readonly host: string }) | null;
  /** Hosts that were lost with its sandbox, in their order. Absent when there were none. */
  readonly lost?: readonly string[];
  /** The molecule at work, whose `current` query tells of the session. */
  readonly molecule: string;
  readonly stage: string;
  readonly round: number;
};

export const lifecycleQuery = defineQuery<Lifecycle>('lifecycle');
/** Who holds it, the one that is shown first. */
export const holdsQuery = defineQuery<readonly Hold[]>('holds');
/** The same of a deacon or a witness, for whoever comes after it; null as long as it does not know itself how the one before it held. */
export const keptHoldsQuery = defineQuery<readonly Hold[] | null>('keptHolds');
/** Words to its agent, the oldest first. */
export const nudgesQuery = defineQuery<readonly Nudge[]>('nudges');
export const hookQuery = defineQuery<{ readonly mission: string; readonly item: string; readonly formula: string }>(
  'hook',
);
