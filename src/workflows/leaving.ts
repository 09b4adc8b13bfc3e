/** Mail to whoever may not answer for long: once it was tried enough it stands in their history, for when they do. */
import { isCancellation } from '@temporalio/workflow';
import { mailMessage } from '../contract/messages.js';
import { asSummary } from '../town/bytes.js';
import type { Mail } from '../town/mail.js';
import { postman } from './hands.js';
import { send } from './outbox.js';
import { patched } from './patches.js';

/** False: nobody takes it there. Before 0.15 it was given up. */
export async function deliverOrLeave(mail: Mail, summary: string, patience: number): Promise<boolean> {
  try {
    return await postman(patience).deliver.executeWithOptions({ summary: asSummary(summary) }, [mail]);
  } catch (error) {
    if (isCancellation(error) || !patched('who does not answer finds the landing later', '0.15')) throw error;
    await send(mail.to, mailMessage, mail);
    return true;
  }
}
