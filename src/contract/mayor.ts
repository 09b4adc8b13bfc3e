/** The mayor, who makes missions of wishes: what is said to it, and what it hands to its next run. */
import { defineQuery } from '@temporalio/workflow';
import * as z from 'zod';
import type { DeadLetter } from '../town/dead-letters.js';
import type { Inbox } from '../town/inbox.js';
import type { Mail } from '../town/mail.js';
import { PLAN_CHARS_MAX, WISH_CHARS_MAX, WISH_PRIORITY, type Wish } from '../town/wish.js';
import type { DeskState } from './desk.js';
import { by, id, message, reason } from './message.js';
import { MissionInput } from './mission.js';

export const MayorInput = z.strictObject({ patience: z.number().positive().default(1) });
export type MayorInput = z.infer<typeof MayorInput>;

/** `letters`: on their way to people. `leaving`: mail on its way to the ledger. */
export type MayorCarry = MayorInput & {
  readonly wishes: readonly Wish[];
  readonly letters: readonly Mail[];
  readonly dead: readonly DeadLetter[];
  /** Of them, those on their way to the ledger. Absent in what an earlier version handed over. */
  readonly unwritten?: readonly DeadLetter[];
  readonly inbox: Inbox;
  readonly leaving: Inbox;
  readonly desk: DeskState;
};

const words = z.string().trim().min(1).max(WISH_CHARS_MAX);
const wish = z.string().min(1).max(200).describe('id of a wish');

export const mayorMessages = {
  sling: message(
    'sling',
    'Takes a wish in words: a mission is planned of it, shown, and started once somebody approves.',
    z.strictObject({
      id: id.describe('of the wish, too; repeating the message under this id is a no-op'),
      by,
      wish: words,
      rig: z
        .string()
        .min(1)
        .max(200)
        .optional()
        .describe('whose code the planner reads; that of every rig if not given'),
      budget: z.strictObject({ usd: z.number().positive() }).optional().describe('of the mission'),
      approve: z.enum(['ask', 'start']).default('ask').describe('`start`: a plan that can be started is'),
      priority: z.number().int().min(0).max(4).default(WISH_PRIORITY).describe('0 is planned first'),
    }),
  ),
  approve: message('approve', 'Starts the mission of a wish as it is planned.', z.strictObject({ id, by, wish })),
  change: message(
    'change',
    'Has a wish planned anew, with these words in mind.',
    z.strictObject({ id, by, wish, words }),
  ),
  reject: message(
    'reject',
    'Gives a wish up; a mission that works on it is left alone.',
    z.strictObject({ id, by, wish, reason: reason.default('not wanted any more') }),
  ),
  ended: message(
    'ended',
    'Tells that the mission of a wish has ended, and may not have told it itself: how it ended is looked at.',
    z.strictObject({ id, by, mission: z.string().min(1).max(1_000) }),
  ),
  plan: message(
    'plan',
    'Gives a wish a plan of a person: the input of a mission. It is checked, shown and approved like any other.',
    z
      .strictObject({ id, by, wish, mission: MissionInput })
      .refine(({ mission }) => JSON.stringify(mission).length <= PLAN_CHARS_MAX, {
        path: ['mission'],
        message: `at most ${PLAN_CHARS_MAX} characters of JSON are possible: split it into several missions`,
      }),
  ),
};

/** What a mayor that ends leaves to the next. */
export type KeptWishes = Pick<MayorCarry, 'wishes' | 'letters' | 'inbox' | 'leaving'> &
  /** Absent of one of an earlier version. */
  Partial<Pick<MayorCarry, 'dead' | 'unwritten'>>;
/** Null as long as it does not know itself what the one before had. */
export const keptWishesQuery = defineQuery<KeptWishes | null>('keptWishes');

/** Acts of the mayor alone. On task queue `gastown`. */
export type MayorActivities = {
  /** What the mayor before the one that asks had, null: nobody knows. `over`: wishes whose missions have closed. */
  findWishesBefore(): Promise<(KeptWishes & { readonly over: readonly string[] }) | null>;
};

/** The open ones and the last that are over, the oldest first. */
export const wishesQuery = defineQuery<readonly Wish[]>('wishes');
