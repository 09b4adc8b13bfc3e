/** Signals from workflow to workflow: the one way roles talk. A recipient that is not there is a value, never an exception. */
import { getExternalWorkflowHandle, isCancellation } from '@temporalio/workflow';
import type { z } from 'zod';
import type { Message } from '../contract/messages.js';

export type Delivery = 'delivered' | 'no-recipient';

export async function send<Schema extends z.ZodType>(
  to: string,
  message: Message<Schema>,
  content: z.input<Schema>,
): Promise<Delivery> {
  try {
    await getExternalWorkflowHandle(to).signal(message.signal, content);
    return 'delivered';
  } catch (error) {
    if (isCancellation(error)) throw error;
    return 'no-recipient';
  }
}

/** To a role that is started when it does not run. */
export async function sendToRole<Schema extends z.ZodType>(
  to: string,
  message: Message<Schema>,
  content: z.input<Schema>,
  ensure: () => Promise<void>,
): Promise<void> {
  while ((await send(to, message, content)) === 'no-recipient') await ensure();
}
