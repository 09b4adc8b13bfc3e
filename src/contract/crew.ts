/** The desk of a person in a rig: what is slung onto the hook, which steps wait for them, and a worktree of their own. */
import { defineQuery } from '@temporalio/workflow';
import * as z from 'zod';
import { WorkflowId } from '../town/address.js';
import { ASSIGNED_MAX, type Assigned } from '../town/assigned.js';
import type { CrewTree } from '../town/crew-tree.js';
import type { Ended, Hooked } from '../town/hook.js';
import type { LedgerEntry } from './ledger.js';
import { by, id, machineId, message } from './message.js';
import { Vars } from './vars.js';

const taskId = z.string().min(1).max(200);

export const crewMessages = {
  sling: message(
    'sling',
    'Hangs work on the hook, or has it wait there by its priority: words, or the steps of a formula to go by.',
    z
      .strictObject({
        id,
        by,
        formula: z.string().min(1).max(200).optional(),
        vars: Vars.default({}),
        title: z.string().min(1).max(200).optional(),
        text: z.string().max(10_000).default(''),
        priority: z.number().int().min(0).max(4).default(2).describe('0 is the most urgent'),
      })
      .refine(({ formula, title }) => formula !== undefined || title !== undefined, {
        path: ['title'],
        message: 'a formula, or a title in words is expected',
      }),
  ),
  unsling: message(
    'unsling',
    'Takes work off the hook, undone: what hangs there, or the task that is named.',
    z.strictObject({ id, by, task: taskId.optional() }),
  ),
  done: message(
    'done',
    'Says that work on the hook is done: what hangs there, or the task that is named. The next one hangs in the same moment.',
    z.strictObject({ id, by, task: taskId.optional(), note: z.string().max(10_000).default('') }),
  ),
  at: message(
    'at',
    'Answers with the path of the worktree, which is made if there is none.',
    z.strictObject({ id, by }),
  ),
  leave: message(
    'leave',
    'Removes the worktree, before the member leaves; refused while something in it is nowhere else, unless `force` saves it as a branch.',
    z.strictObject({ id, by, force: z.boolean().default(false) }),
  ),
  assigned: message(
    'assigned',
    'From a molecule: all of its steps that wait for this person, none when none does. From a mission: its items.',
    z.strictObject({
      id: machineId,
      molecule: WorkflowId,
      steps: z
        .array(
          z.strictObject({
            step: z.string().min(1),
            title: z.string().max(1_000),
            token: z.string().max(40).nullable(),
            sinceMs: z.number().int(),
            isEscalated: z.literal(true).optional(),
            isItem: z.literal(true).optional(),
          }),
        )
        .max(ASSIGNED_MAX),
      more: z.number().int().nonnegative(),
    }),
  ),
};

/** Molecules and missions take it. */
export const askAssigned = message(
  'ask-assigned',
  'From a member of a crew: tells them anew which steps, or items, wait for them.',
  z.strictObject({ id: machineId, person: WorkflowId }),
);

export const crewHookQuery = defineQuery<Hooked>('hook');
export const tasksQuery = defineQuery<readonly Assigned[]>('tasks');

/** A worktree of their own. */
export const treeQuery = defineQuery<CrewTree | null>('worktree');

/** What a member of a crew has besides the inbox; `records`: on their way to the ledger. `ended`: absent in what 0.9 carried. */
export type CrewCarry = {
  readonly hooked: Hooked;
  readonly ended?: Ended;
  readonly assigned: readonly Assigned[];
  readonly records: readonly LedgerEntry[];
  readonly tree: CrewTree | null;
};
