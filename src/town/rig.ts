/** The part of `town.toml` that workflows see: a frozen, hashed snapshot. */
import * as z from 'zod';
import { Agent } from './agents.js';
import { ConfinementSettings } from './confinement.js';
import { withoutPassword } from './credentials.js';
import { EscalationSettings } from './escalation-routes.js';
import { Plugin } from './plugin.js';
import { Price } from './prices.js';
import { ReachSettings } from './reach.js';
import { ASKING_ROLES, RUNTIME_KINDS } from './runtime.js';
import { Strategy } from './strategy.js';

export const DEFAULT_NAMES = [
  'Toast', 'Shadow', 'Copper', 'Ash', 'Storm', 'Ember', 'Flint', 'Onyx', 'Rust', 'Slate', 'Nova', 'Quill', 'Wren', 'Birch', 'Cinder',
  'Dusk', 'Echo', 'Frost', 'Glint', 'Hazel', 'Iris', 'Jasper', 'Kestrel', 'Lark', 'Moss',
] as const; // prettier-ignore

export const Gate = z.strictObject({
  name: z.string().min(1),
  command: z.string().min(1),
  /** Of one run. Absent: what any command of the town may take. */
  timeoutMs: z.number().int().positive().optional(),
  /** So often it is run again where it has failed, on the very same tree: what passes then is flaky. Absent: never. */
  retries: z.number().int().positive().optional(),
  /** It is run and told of, and keeps nothing from landing. */
  quarantined: z.literal(true).optional(),
});
export type Gate = z.infer<typeof Gate>;

/** Requests that are verified and land together. */
export const BATCH_DEFAULT = 16;
export const BATCH_MAX = 64;

/** Of the merge queue. */
const MergeSettings = z.strictObject({
  strategy: Strategy.optional(),
  batch: z.number().int().positive().max(BATCH_MAX).optional(),
  /** Whether gates may run beside each other: the next batch's beside those of the one before, and two while it is looked who is at fault. Absent: they may. */
  concurrent: z.boolean().optional(),
});

export const RigSnapshot = z.strictObject({
  name: z.string(),
  /** Where the repository lives: an absolute path or a URL that git understands; to workflows, without a password. */
  url: z.string(),
  branch: z.string(),
  gates: z.array(Gate),
  /** Absent where town.toml says nothing of it. */
  merge: MergeSettings.optional(),
  /** Names of the slots, the most polecats at once, and the prefix of molecule ids. */
  names: z.array(z.string()).min(1),
  capacity: z.number().int().positive(),
  prefix: z.string(),
  runtime: z.strictObject({
    kind: z.enum(RUNTIME_KINDS),
    /** Empty: as the agent has it. */
    model: z.string(),
    /** Of the kind `command`: which. */
    agent: z.string().optional(),
  }),
  /** As town.toml has them, by their names. Absent where it has none. */
  agents: z.record(z.string(), Agent).optional(),
  /** Absent where town.toml says nothing of it. */
  confinement: ConfinementSettings.optional(),
  /** When town.toml said so: a role keeps to the latest word. Absent where nobody looked, and from versions that did not tell. */
  readAtMs: z.number().int().nonnegative().optional(),
});
export type RigSnapshot = z.infer<typeof RigSnapshot>;

/** What work in a sandbox needs of its rig. */
export type RigRef = Pick<RigSnapshot, 'name' | 'url' | 'branch'>;

/** What a version that told passwords has told goes no further. */
export function rigRef({ name, url, branch }: RigRef): RigRef {
  return { name, url: withoutPassword(url), branch };
}

export const Limits = z.strictObject({
  /** Multiplies every wait and time-out of the town: 1 in production, less in tests and the demo. */
  patience: z.number().positive(),
  sessionsPerStepMax: z.number().int().positive(),
  /** How often a step's acceptance may fail before the step escalates. */
  rejectionsPerStepMax: z.number().int().positive(),
  reworksMax: z.number().int().nonnegative(),
  turnsMax: z.number().int().positive(),
  sessionMinutesMax: z.number().positive(),
  contextTokensMax: z.number().int().positive(),
  quietSecondsMax: z.number().positive(),
  /** Of one session, in dollars; absent where town.toml sets none. */
  sessionUsdMax: z.number().positive().optional(),
});
export type Limits = z.infer<typeof Limits>;

export const DEFAULT_LIMITS: Limits = {
  patience: 1,
  sessionsPerStepMax: 8,
  rejectionsPerStepMax: 3,
  reworksMax: 5,
  turnsMax: 200,
  sessionMinutesMax: 60,
  contextTokensMax: 150_000,
  quietSecondsMax: 600,
};

/** What a role of a rig works with. */
export type RoleSettings = { readonly rig: RigSnapshot; readonly patience: number };

/**
 * The settings of a role that knows some and is told others; null when it is told older ones, as a mission tells them that was
 * planned before town.toml changed. Settings without a time are those of whoever tells them now. A time that is yet to come, of a
 * clock that was wrong, must not outlast what is told later.
 */
export function settingsAfter(
  known: RoleSettings,
  { rig, patience }: RoleSettings,
  nowMs: number,
): RoleSettings | null {
  const readAtMs = Math.min(rig.readAtMs ?? nowMs, nowMs);
  return readAtMs < (known.rig.readAtMs ?? 0) ? null : { rig: { ...rig, readAtMs }, patience };
}

/** Whether they say the same, whenever they were read. */
export function areAlike(one: RoleSettings, other: RoleSettings): boolean {
  const said = ({ rig, patience }: RoleSettings) => JSON.stringify({ rig: { ...rig, readAtMs: 0 }, patience });
  return said(one) === said(other);
}

/** What sessions of a role of the town are run with: as a rig has it for its work. */
export const Workbench = RigSnapshot.pick({ runtime: true, agents: true, confinement: true });
export type Workbench = z.infer<typeof Workbench>;

export const TownSnapshot = z.strictObject({
  name: z.string(),
  rigs: z.record(z.string(), RigSnapshot),
  roles: z.record(z.enum(ASKING_ROLES), Workbench),
  limits: Limits,
  /** By the beginning of a model's id. */
  prices: z.record(z.string(), Price),
  /** Absent where town.toml has none. */
  plugins: z.record(z.string(), Plugin).optional(),
  /** Who is reached outside of the town, and how. Absent where town.toml says nothing of it. */
  reach: ReachSettings.optional(),
  /** Absent where town.toml says nothing of it. */
  escalation: EscalationSettings.optional(),
  /** What the deacon may do by itself. Absent where town.toml says nothing of it. */
  deacon: z.strictObject({ redispatch: z.boolean() }).optional(),
  /** SHA-256, hex, over the canonical JSON of the rest. */
  hash: z.string(),
});
export type TownSnapshot = z.infer<typeof TownSnapshot>;
