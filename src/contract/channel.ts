/** Channels: what is published there, kept for a while, and sent to those who subscribed. */
import { defineQuery } from '@temporalio/workflow';
import * as z from 'zod';
import type { ChannelState, Published, Subscriber } from '../town/channel.js';
import { Retention } from '../town/channel-input.js';
import type { DeskState } from './desk.js';
import type { LedgerEntry } from './ledger.js';

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
