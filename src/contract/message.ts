/**
 * How a message is defined: its name, one line on what it does, what it holds. The Update, the Signal, the handler and the documentation
 * derive from here; the messages themselves are in `messages`.
 */
import { defineSignal, defineUpdate } from '@temporalio/workflow';
import type { SignalDefinition, UpdateDefinition } from '@temporalio/common';
import * as z from 'zod';
import { WorkflowId } from '../town/address.js';
import { isBranchName } from '../town/branch.js';
import { asLine } from '../town/wording.js';

export type Message<Schema extends z.ZodType> = {
  readonly name: string;
  readonly description: string;
  readonly schema: Schema;
  readonly update: UpdateDefinition<string, [z.input<Schema>]>;
  readonly signal: SignalDefinition<[z.input<Schema>]>;
};

export function message<Schema extends z.ZodType>(name: string, description: string, schema: Schema): Message<Schema> {
  return { name, description, schema, update: defineUpdate(name), signal: defineSignal(name) };
}

export const id = z.string().min(1).max(200).optional().describe('repeating the message under this id is a no-op');
/** Made by the town: holds a mission's id, which may have 1,000 characters, an item's, a run's. */
export const machineId = z.string().min(1).max(2_000);
/** On one line: a board has it in its sentences, and whatever else it says would be read as the board's own. */
export const by = z.string().min(1).max(200).overwrite(asLine).default('operator').describe('who asks, for the record');
/** Whether the remote has it is found when its sandbox is made. */
export const BranchName = z.string().max(250).refine(isBranchName, 'the name of a branch of its remote is expected');
export const reason = z.string().min(1).max(10_000);
export const step = z.string().min(1).describe('id of a step of this molecule');
export const token = z
  .string()
  .min(1)
  .max(40)
  .optional()
  .describe('as the query `current` gave it: what comes under it is refused once the step waits anew');

/** Of whatever can be held. */
export const pauses = <Above extends z.ZodRawShape>(what: string, above: Above) => ({
  pause: message(
    'pause',
    `Holds ${what}: nothing new begins until \`resume\`. A session under way ends first; answers are taken all the same.`,
    z.strictObject({ id, by, reason: reason.default('paused'), ...above }),
  ),
  resume: message(
    'resume',
    `Lets ${what} go on, unless it is held from elsewhere, too.`,
    z.strictObject({ id, by, ...above }),
  ),
});
export const fromAbove = {
  above: WorkflowId.optional().describe(
    'the workflow that passes it on; what several hold goes on when all have let go',
  ),
};
