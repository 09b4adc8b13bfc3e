/**
 * What `gt` asks of workflows, and how it is answered, as plain data: it asks the server, or a worker of the town, which has a
 * connection to the server already.
 */
import * as z from 'zod';
import { Json } from '../town/act.js';

const workflow = z.string().min(1);
const name = z.string().min(1);

export const Call = z.discriminatedUnion('kind', [
  /** Under one `updateId` a workflow does it once, however often it is asked. */
  z.strictObject({ kind: z.literal('update'), workflow, name, content: Json, updateId: z.string().min(1) }),
  z.strictObject({ kind: z.literal('query'), workflow, name }),
  /** Ids of the executions that a list filter of Temporal finds. */
  z.strictObject({ kind: z.literal('list'), filter: z.string() }),
]);
export type Call = z.infer<typeof Call>;

export const Answer = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('result'), value: z.unknown() }),
  /** By the workflow, in a sentence. */
  z.strictObject({ kind: z.literal('refused'), why: z.string() }),
  /** By nobody in time, in a sentence: what was sent may still be taken. */
  z.strictObject({ kind: z.literal('unanswered'), why: z.string() }),
  /** There is no such execution. */
  z.strictObject({ kind: z.literal('missing') }),
  /** By the server, in its words. */
  z.strictObject({ kind: z.literal('failed'), why: z.string() }),
]);
export type Answer = z.infer<typeof Answer>;

/** On the socket of a town's worker: a call for the server that is meant. */
export const Relayed = z.strictObject({ address: z.string(), namespace: z.string(), call: Call });
export type Relayed = z.infer<typeof Relayed>;
