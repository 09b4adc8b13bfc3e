/** A mail to a group, brought to each who belongs there. */
import { defineQuery } from '@temporalio/workflow';
import * as z from 'zod';
import { readGroup } from '../town/group.js';
import { Mail } from '../town/mail.js';

/** As a mail, but for what a person need not write. */
export const CircularInput = Mail.omit({ id: true, toIncarnation: true, replyTo: true }).extend({
  /** Absent: the workflow's own, without `circular/`. */
  id: Mail.shape.id.optional(),
  from: Mail.shape.from.default('operator'),
  body: Mail.shape.body.default(''),
  to: z.string().superRefine((to, context) => {
    const reading = readGroup(to);
    if (!reading.ok) context.addIssue({ code: 'custom', message: reading.problem });
  }),
  patience: z.number().positive().default(1),
});
export type CircularInput = z.infer<typeof CircularInput>;

export const CIRCULAR_EXAMPLE = '{"from": "ci", "to": "@crew/server", "subject": "the gates are slow today"}';

/** Of a circular, also of one that has ended: the mail that it brings, or has brought. */
export const circularQuery = defineQuery<Mail>('mail');
