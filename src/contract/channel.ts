/** Channels: what is published there, kept for a while, and sent to those who subscribed. */
import { defineQuery } from '@temporalio/workflow';
import * as z from 'zod';
import type { ChannelState, Published, Subscriber } from '../town/channel.js';
import {
  checkBody,
  checkSubscription,
  Publication,
  Retention,
  RetentionChange,
  Subscription,
} from '../town/channel-input.js';
import type { DeskState } from './desk.js';
import type { LedgerEntry } from './ledger.js';
import { by, id, message } from './message.js';

export const ChannelInput = z.strictObject({ patience: z.number().positive().default(1), ...Retention.shape });
export type ChannelInput = z.infer<typeof ChannelInput>;

export const CHANNEL_EXAMPLE = '{"messages": 100, "hours": 48}';

/** `leaving`: what subscribers missed, on its way to the ledger. */
export type ChannelCarry = {
  readonly patience: number;
  readonly state: ChannelState;
  readonly leaving: readonly LedgerEntry[];
  readonly desk: DeskState;
};

/** What is retained, the oldest first; as of when something last happened there. */
export const messagesQuery = defineQuery<readonly Published[]>('messages');

/** `lacks`: how many messages are on their way to it. */
export type SubscriberView = Omit<Subscriber, 'incarnation' | 'next'> & { readonly lacks: number };
export const subscribersQuery = defineQuery<readonly SubscriberView[]>('subscribers');

export const channelMessages = {
  publish: message(
    'publish',
    'Publishes a message: each subscriber whom it is for gets it, once.',
    z.strictObject({ ...Publication.shape, id }).superRefine(checkBody),
  ),
  subscribe: message(
    'subscribe',
    'Sends what matches to an inbox, or with `hook` starts a mission of each; one that is known has what is new of it.',
    z.strictObject({ id, by, ...Subscription.shape }).superRefine(checkSubscription),
  ),
  unsubscribe: message(
    'unsubscribe',
    'Sends an inbox nothing more, or takes a hook away.',
    z.strictObject({ id, by, subscriber: z.string().min(1).max(1_000) }),
  ),
  retain: message(
    'retain',
    'Sets how many messages are kept here, and for how many hours; all are in the ledger.',
    z.strictObject({ id, by, ...RetentionChange.shape }),
  ),
};
