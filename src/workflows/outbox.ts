/** Signals from workflow to workflow: the one way roles talk. That one cannot be delivered is a value, never an exception. */
import { getExternalWorkflowHandle, isCancellation, sleep } from '@temporalio/workflow';
import type { z } from 'zod';
import type { Message } from '../contract/message.js';
import { isWorkflowId } from '../town/address.js';

/** `undeliverable`: for another reason than that nobody is there, for example that the recipient has too many signals. */
export type Delivery = 'delivered' | 'no-recipient' | 'undeliverable';

export async function send<Schema extends z.ZodType>(
  to: string,
  message: Message<Schema>,
  content: z.input<Schema>,
): Promise<Delivery> {
  // The server refuses the task that asks for such a signal, and refuses it again for ever.
  if (!isWorkflowId(to)) return 'undeliverable';
  try {
    await getExternalWorkflowHandle(to).signal(message.signal, content);
    return 'delivered';
  } catch (error) {
    if (isCancellation(error)) throw error;
    return error instanceof Error && error.message.includes('not found') ? 'no-recipient' : 'undeliverable';
  }
}

const TRIES_MAX = 4;
const PAUSE_MS = 2_000;

/**
 * To a role, which is started when it does not run. After some tries this gives up: whoever waits for an answer asks again
 * after a while (`askAgainMs`), and meanwhile the sender has other work.
 */
export async function sendToRole<Schema extends z.ZodType>(
  to: string,
  message: Message<Schema>,
  content: z.input<Schema>,
  ensure: () => Promise<void>,
): Promise<Delivery> {
  for (let tries = 1; ; tries += 1) {
    const delivery = await send(to, message, content);
    if (delivery === 'delivered' || tries === TRIES_MAX) return delivery;
    const isFirst = tries === 1 && delivery === 'no-recipient';
    if (!isFirst) await sleep(2 ** tries * PAUSE_MS, { summary: `send to ${to} again` });
    if (delivery === 'no-recipient') await ensure();
  }
}
