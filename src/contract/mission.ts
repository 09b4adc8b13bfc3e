import { defineQuery } from '@temporalio/workflow';
import * as z from 'zod';
import type { Asks } from '../town/asks.js';
import type { Inbox } from '../town/inbox.js';
import type { ItemState, MissionState } from '../town/mission.js';
import type { Purse } from '../town/purse.js';
import type { Protomolecule } from '../town/protomolecule.js';
import type { Limits, RigSnapshot } from '../town/rig.js';
import type { DeskState } from './desk.js';
import { BranchName } from './message.js';
import { checkOrigins, Origins, Vars } from './vars.js';

const priority = z.number().int().min(0).max(4).default(2).describe('0 is the most urgent');
/** Whether the rig has one of that name is checked with the work. */
const agent = z.string().min(1).max(200).optional().describe('name of the one polecat of the rig that is to do it');
const from = BranchName.optional().describe('branch that the work begins from, if not the target');
const notify = z.array(z.string().min(1)).default([]).describe('addresses that hear of the landing');
const budget = z.strictObject({ usd: z.number().positive() }).optional();
const integration = z
  .union([z.boolean(), BranchName])
  .optional()
  .describe('items land on a branch of the mission, which lands as one in the end: true, or its name to go on with it');

const atomic = z
  .boolean()
  .optional()
  .describe('as `integration`, and of several rigs none lands before all are verified');

const WorkItemInput = z
  .strictObject({
    id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'letters, digits, ".", "_" and "-", at most 64'),
    title: z.string().min(1).max(200).optional(),
    rig: z.string().min(1),
    formula: z.string().default(''),
    assignee: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .describe('the person who does it, instead of a formula: crew/NAME of the rig, or RIG/crew/NAME'),
    vars: Vars.default({}),
    origins: Origins.optional(),
    needs: z.array(z.string()).default([]),
    priority,
    agent,
    from,
  })
  .superRefine(checkOrigins)
  .superRefine(checkDoer);

/** A formula for polecats, or a person, who needs nothing that those do. */
function checkDoer({ formula, assignee, vars, ...others }: Doer, context: z.RefinementCtx): void {
  const refuse = (key: string, message: string) => context.addIssue({ code: 'custom', path: [key], message });
  if (assignee === undefined) {
    if (formula === '') refuse('formula', 'it is missing; a formula is expected, or an assignee');
    return;
  }
  const given = {
    formula: formula !== '',
    vars: Object.keys(vars).length > 0,
    agent: 'agent' in others,
    from: 'from' in others,
  };
  for (const [key, isGiven] of Object.entries(given))
    if (isGiven) refuse(key, 'an item with an assignee has none: no polecat works on it');
}

type Doer = { readonly formula: string; readonly assignee?: string | undefined; readonly vars: object };

export const MissionInput = z.strictObject({
  title: z.string().min(1).max(200).optional(),
  work: z.array(WorkItemInput).min(1).max(500),
  notify,
  budget,
  integration,
  atomic,
});
export type MissionInput = z.infer<typeof MissionInput>;

export const MISSION_EXAMPLE =
  '{"title": "Login", "work": [{"id": "api", "rig": "server", "formula": "shiny", "vars": {"feature": "login"}}]}';

/** The input of a workflow whose type is a formula's name: the rig, the mission's own options, and every other key a variable. */
export const FormulaInput = z
  .object({
    rig: z.string().min(1),
    mission: z
      .strictObject({
        title: z.string().min(1).max(200).optional(),
        notify,
        budget,
        integration,
        priority,
        origins: Origins.optional(),
      })
      .optional(),
  })
  .catchall(z.union([z.string(), z.number(), z.boolean()]))
  .superRefine(({ rig: _rig, mission, ...vars }, context) =>
    checkOrigins({ vars, origins: mission?.origins }, context),
  );

export const FORMULA_EXAMPLE = '{"rig": "server", "feature": "login endpoint"}';

/** What a mission needs to know to give an item away: fixed when it is accepted, and again by `retry`. */
export type Plan = {
  /** Names of the variables that the mission's author gave; their values stand in `proto`. */
  readonly given: readonly string[];
  readonly proto: Protomolecule;
};

/** A polecat that has not closed yet: its slot is freed only then, also when its report came long before. */
export type OpenPolecat = {
  readonly claim: string;
  readonly item: string;
  readonly rig: string;
  readonly workflowId: string;
  readonly runId: string;
};

/** What a mission hands to its next run: its whole state, plain JSON. */
export type MissionCarry = {
  readonly state: MissionState;
  readonly plans: Readonly<Record<string, Plan>>;
  readonly rigs: Readonly<Record<string, RigSnapshot>>;
  readonly limits: Limits;
  readonly notify: readonly string[];
  readonly firstRun: string;
  /** When that began. Absent in what an earlier version handed over. */
  readonly sinceMs?: number;
  readonly open: readonly OpenPolecat[];
  readonly desk: DeskState;
  /** What people were told last of items that wait for them, as JSON. Absent where none ever did. */
  readonly toldAssigned?: Readonly<Record<string, string>>;
  /** `leaving`: on its way to the ledger. Absent in what an earlier version handed over. */
  readonly mail?: { readonly inbox: Inbox; readonly leaving: Inbox };
  /** What is before the ladder. Absent in what an earlier version handed over. */
  readonly asks?: Asks;
};

export type Progress = {
  readonly title: string;
  readonly phase: string;
  readonly landed: number;
  readonly total: number;
  readonly usd: number;
  /** Tokens of models without a price, which are not in `usd`. Absent as 0. */
  readonly unpricedTokens?: number;
  /** What the mission's budget does not hold, and what to do. Absent when it holds everything. */
  readonly warning?: string;
  readonly items: readonly {
    readonly id: string;
    readonly title: string;
    readonly rig: string;
    readonly attempt: number;
    readonly state: ItemState;
    readonly sessions: number;
    readonly reworks: number;
    readonly needs: readonly string[];
  }[];
};

/** A slot that the witness gave to a claim. */
export type Grant = {
  readonly claim: string;
  readonly rig: string;
  readonly name: string;
  readonly incarnation: number;
};

/** What sessions may still cost, those under way not counted. */
export const purseQuery = defineQuery<Purse>('purse');
export const progressQuery = defineQuery<Progress>('progress');
/** The slots that a mission was given, and whose polecats it has not started yet. */
export const grantsQuery =
  defineQuery<readonly (Grant & { readonly item: string; readonly priority: number })[]>('grants');
/** The polecats at work now: item → workflow id. */
export const swarmQuery = defineQuery<Readonly<Record<string, string>>>('swarm');
