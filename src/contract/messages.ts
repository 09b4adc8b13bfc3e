/**
 * Every message that workflows take: its name, what it holds, one line on what it does. Handlers, documentation and the
 * descriptions in the Temporal UI derive from here. Each exists as an Update (checked, answered) and as a Signal of the same
 * name; each may carry an `id`, under which a repetition changes nothing and gets the first answer.
 */
import { defineQuery } from '@temporalio/workflow';
import * as z from 'zod';
import { WorkflowId } from '../town/address.js';
import { Allowed } from '../town/allowed.js';
import { MAILS_MAX } from '../town/inbox.js';
import { Mail } from '../town/mail.js';
import { PolecatReport } from '../town/polecat-report.js';
import { Json } from '../town/act.js';
import { RigSnapshot } from '../town/rig.js';
import { Usage } from '../town/session.js';
import { ErrandAsked } from './dog.js';
import { answerMessages } from './answers.js';
import { BranchName, by, fromAbove, id, machineId, message, pauses, reason, step, token } from './message.js';
import { checkOrigins, Origins, Vars } from './vars.js';

const slotName = z.string().regex(/^[A-Za-z][A-Za-z0-9-]{0,199}$/, 'the name of a slot is expected');
const line = z.string().min(1).max(1_000);
const item = z.string().min(1).describe('id of an item of this mission');
const attempt = z.number().int().optional().describe('which try is meant: another one is refused');
/** Steps that one message closes. */
const CLOSES_MAX = 1_000;
/** On whom a molecule waits, which tells it when it changes. */
export const Wait = z.strictObject({
  for: z.string().max(200).describe('`person: <step>` or `overseer: <step>`, empty when it waits no longer'),
  why: z.string().max(1_000),
  since: z.number().int().describe('milliseconds since 1970'),
  escalated: z.boolean().describe('something went wrong and wants an answer'),
});
export type Wait = z.infer<typeof Wait>;
const wait = { id: machineId, molecule: WorkflowId, ...Wait.shape };

const outcome = z
  .enum(['done', 'no-changes', 'failed'])
  .default('done')
  .describe('`failed` leaves it to others what becomes of the step');

export const moleculeMessages = {
  ...pauses('the molecule', fromAbove),
  close: message(
    'close',
    'Closes a step that waits for a person or for an answer, or several; answers with what is next.',
    z
      .strictObject({
        id,
        by,
        step: z
          .union([step, z.array(step).min(1).max(CLOSES_MAX)])
          .describe('id of a step of this molecule, or of several, which close in that order, all or none'),
        token,
        outcome,
        note: z.string().max(10_000).default('closed'),
        output: Json.optional().describe('what the step leaves to those after it, as its formula declares'),
        allow: Allowed,
        continue: z.boolean().default(false).describe('answer with the next step also when a session works on it'),
      })
      .refine(
        ({ step: ids, outcome: end, output, token: under, allow: marks }) =>
          typeof ids === 'string' ||
          (end === 'done' && output === undefined && under === undefined && marks === undefined),
        {
          message:
            'several steps are closed as done, leave no output, have no token and allow nothing: close one with an outcome, an output, a token or allow by itself',
        },
      ),
  ),
  fail: message(
    'fail',
    'Fails a waiting step, and with it the molecule.',
    z.strictObject({ id, by, step, token, reason }),
  ),
  skip: message(
    'skip',
    'Closes a step as skipped; the steps that need it go on.',
    z.strictObject({ id, by, step, token, reason: reason.default('skipped'), allow: Allowed }),
  ),
  retry: message(
    'retry',
    'Answers an escalated step: a new session, iteration or wait starts, with the note. With `vars` variables have other values from then on. With `from` it goes back to before a step.',
    z.strictObject({
      id,
      by,
      step,
      token,
      note: z.string().max(10_000).optional(),
      vars: Vars.optional().describe(
        'variables of the formula and their new values: this step, and those that have not begun, are told these',
      ),
      from: z
        .boolean()
        .default(false)
        .describe('do the step, and all that came of it, again: steps and sandbox go back to before it'),
    }),
  ),
  ...answerMessages,
  bond: message(
    'bond',
    'Adds the steps of another formula to the molecule, at a bond point, after a step, or beside the others.',
    z
      .strictObject({
        id,
        by,
        formula: z.string().min(1),
        vars: Vars.default({}),
        origins: Origins.optional(),
        after: z.string().min(1).optional().describe('id of a step that the new ones need'),
        at: z.string().min(1).optional().describe('id of a bond point of the formula'),
      })
      .superRefine(checkOrigins),
  ),
};

export const missionMessages = {
  ...pauses('the mission and its molecules', {}),
  retry: message(
    'retry',
    'Gives a failed item to a new polecat, with the formula and town.toml as they are now, and with the note.',
    z.strictObject({ id, by, item, note: z.string().max(10_000).optional() }),
  ),
  skip: message(
    'skip',
    'Gives a failed or unstarted item up; the items that need it go on.',
    z.strictObject({ id, by, item, reason: reason.default('skipped') }),
  ),
  close: message(
    'close',
    'Says that an item which stands on the desk of a person is done.',
    z.strictObject({ id, by, item, attempt, note: z.string().max(10_000).default('done') }),
  ),
  fail: message(
    'fail',
    'Says that an item which stands on the desk of a person cannot be done; it waits for `retry` or `skip`.',
    z.strictObject({ id, by, item, attempt, reason }),
  ),
  reassign: message(
    'reassign',
    'Gives an item at work to another polecat; what has not landed is brought to the remote as a branch.',
    z.strictObject({
      id,
      by,
      item,
      reason: reason.default('reassigned'),
      note: reason.optional().describe('what whoever works on it next is told'),
      molecule: WorkflowId.optional().describe('refused once another one is at work on the item'),
    }),
  ),
  feed: message('feed', 'Asks again, now, for the slots that its items wait for.', z.strictObject({ id, by })),
  budget: message(
    'budget',
    'Sets the most the mission may spend; when it is spent nothing begins and no model is asked for more. What a budget held goes on.',
    z.strictObject({ id, by, usd: z.number().nonnegative() }),
  ),
  hooked: message(
    'hooked',
    'Changes nothing: answers once an item is on somebody’s hook, with whose, or once it will be on nobody’s.',
    z.strictObject({ id, by, item: item.optional().describe('the first if not given') }),
  ),
  spent: message(
    'spent',
    'From a session: what it has cost.',
    z.strictObject({ id: machineId, molecule: machineId, usage: Usage }),
  ),
  stopped: message(
    'stopped',
    'From a molecule: a session of it had nothing left of this budget, counting the sessions under way.',
    z.strictObject({ id: machineId, molecule: machineId, budgetUsd: z.number() }),
  ),
  granted: message(
    'granted',
    'From a witness: the slot for a claim.',
    z.strictObject({
      id: machineId,
      claim: machineId,
      rig: z.string().min(1).max(200),
      name: slotName,
      incarnation: z.number().int(),
    }),
  ),
  report: message(
    'report',
    'From a polecat: how its work on an item ended.',
    z.strictObject({ id: machineId, claim: machineId, report: PolecatReport }),
  ),
  waiting: message(
    'waiting',
    'From a polecat: on whom the molecule of a claim waits, or that it waits no longer.',
    z.strictObject({ ...wait, claim: machineId }),
  ),
  verified: message(
    'verified',
    'From a polecat: what it handed in is verified, and waits for the rest of the mission; or, without a request, is so no more.',
    z.strictObject({ id: machineId, claim: machineId, request: line.nullable() }),
  ),
};

export const polecatMessages = {
  ...pauses('its molecule', fromAbove),
  nudge: message(
    'nudge',
    'Tells its agent something before the next turn of its session; with `cycle` it hands over to a fresh one.',
    z.strictObject({ id, by, text: z.string().min(1).max(10_000), cycle: z.boolean().default(false) }),
  ),
  heard: message(
    'heard',
    'From a session: the nudges that its agent has been told.',
    z.strictObject({ id: machineId, nudges: z.array(z.string()).max(100), session: machineId }),
  ),
  waiting: message('waiting', 'From its molecule: on whom it waits, or that it waits no longer.', z.strictObject(wait)),
  moved: message(
    'moved',
    'From its molecule: its host was lost, and the sandbox is another one, on another host.',
    z.strictObject({
      id: machineId,
      molecule: WorkflowId,
      host: z.string().max(200),
      path: z.string().max(4_096),
      branch: z.string().max(2_000),
    }),
  ),
};

export const mailMessage = message(
  'mail',
  'Delivers a mail in the form `TYPE: brief`, `Key: Value` lines, text.',
  Mail.partial({ id: true, body: true }),
);

const mails = z
  .union([
    z
      .string()
      .min(1)
      .transform((one) => [one]),
    z.array(z.string().min(1)).min(1).max(MAILS_MAX),
  ])
  .describe('id of a mail of this inbox, or of several');

/** Who waits longer asks again: one who has gone is not waited with for ever. */
export const AWAIT_SECONDS_MAX = 3_600;

export const inboxMessages = {
  read: message('read', 'Marks mail as read.', z.strictObject({ id, by, mail: mails })),
  ack: message('ack', 'Marks mail as taken up by whoever it is for.', z.strictObject({ id, by, mail: mails })),
  archive: message('archive', 'Takes mail out of the inbox, into the ledger.', z.strictObject({ id, by, mail: mails })),
  reply: message(
    'reply',
    'Answers a mail; the answer goes to whoever sent it, in the same thread.',
    z.strictObject({ id, by, mail: z.string().min(1), body: z.string().min(1).max(100_000) }),
  ),
  await: message(
    'await',
    'Changes nothing: answers once a mail that its owner has written is answered, with the answer, or that none has come.',
    z.strictObject({
      id,
      by,
      mail: z.string().min(1).max(2_000).describe('id of the mail that was written'),
      seconds: z.number().int().min(1).max(AWAIT_SECONDS_MAX).default(600).describe('the longest it waits'),
    }),
  ),
};

const cycle = message(
  'cycle',
  'Asks all agents at work to hand over to fresh sessions before their next turn; those begin unless they are held.',
  z.strictObject({ id, by, reason: reason.default('a fresh session is to go on') }),
);

export const witnessMessages = {
  ...pauses('the rig and its molecules', fromAbove),
  cycle,
  claim: message(
    'claim',
    'Asks for a slot; the answer is the signal `granted`.',
    z.strictObject({
      id: machineId,
      mission: WorkflowId,
      missionRun: z.string().max(200),
      item: z.string().min(1).max(200),
      priority: z.number().int().min(0).max(4),
      name: slotName.optional().describe('the one slot that will do'),
    }),
  ),
  release: message(
    'release',
    'Frees the slot of a claim whose polecat has closed, or withdraws the claim.',
    z.strictObject({ id: machineId.optional(), claim: machineId }),
  ),
  died: message(
    'died',
    'Tells that the polecat of a claim was found dead, and since when.',
    z.strictObject({ id: machineId.optional(), claim: machineId, atMs: z.number().int() }),
  ),
  look: message('look', 'Looks now at how those do who hold slots.', z.strictObject({ id, by })),
  configure: message(
    'configure',
    'Gives the role the rig as town.toml has it now.',
    z.strictObject({ id: machineId.optional(), rig: RigSnapshot, patience: z.number().positive() }),
  ),
};

export const refineryMessages = {
  configure: witnessMessages.configure,
  retry: message(
    'retry',
    'Lets a held request try again; without `request`, all but those that somebody wants held.',
    z.strictObject({ id, by, request: z.string().optional() }),
  ),
  hold: message(
    'hold',
    'Keeps a request from landing, also while its gates run, until `retry` names it.',
    z.strictObject({ id, by, request: z.string(), reason: reason.default('held') }),
  ),
  remove: message(
    'remove',
    'Takes a waiting request out of the queue and tells its polecat.',
    z.strictObject({ id, by, request: z.string(), reason: reason.default('removed') }),
  ),
  land: message(
    'land',
    'From the mission of a request that is verified and waits for the rest of it: it may land now.',
    z.strictObject({ id, by, request: z.string() }),
  ),
  abandon: message(
    'abandon',
    'From the town: a molecule has no holder any more. Takes what it handed in out of the queue, now and later; answers when it is out.',
    z.strictObject({ id, by, molecule: z.string().min(1) }),
  ),
};

export const deaconMessages = {
  recovered: message(
    'recovered',
    'Tells of work of a mission that is gone, brought to the remote as a branch: it is given to another, or the overseer is told.',
    z.strictObject({
      id: machineId.optional(),
      rig: z.string().min(1),
      mission: WorkflowId,
      run: line.optional().describe('its first run; the last mission of that id if not given'),
      item,
      branch: BranchName,
      head: line,
    }),
  ),
  ...pauses('the whole town, with rigs that begin later', {}),
  cycle,
  patrol: message(
    'patrol',
    'Sends the deacon on patrol now; with `afresh` what it has under way is given up, and begun anew.',
    z.strictObject({
      id,
      by,
      reason: reason.default('asked'),
      afresh: z.boolean().default(false),
      patience: z.number().positive().optional().describe('as town.toml has it now'),
    }),
  ),
  send: message('send', 'Sends a dog on an errand, as soon as one is free.', ErrandAsked),
  recall: message(
    'recall',
    'Takes back an errand that waits for a dog.',
    z.strictObject({ id, by, errand: line.describe('id of the errand, as `gt dog list` shows it') }),
  ),
};

export type Rejected = {
  readonly message: string;
  readonly reason: string;
  readonly atMs: number;
  readonly content: string;
};

/** On every workflow: what was refused, with reasons, newest last. */
export const rejectedQuery = defineQuery<readonly Rejected[]>('rejected');
export const explainQuery = defineQuery<string>('explain');
/** Of missions and molecules: all that a next run would be given. */
export const stateQuery = defineQuery<object>('state');
