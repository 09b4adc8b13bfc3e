/** What people say to a step of a molecule that waits for their word: each message finds the step by itself when only one waits so. */
import * as z from 'zod';
import { by, id, message, reason, step, token } from './message.js';

const meant = step.optional().describe('id of a step of this molecule; if not given the one that waits for this');
const ANSWER_CHARS_MAX = 10_000;

export const answerMessages = {
  answer: message(
    'answer',
    'Answers a question, in words or by one of its choices: closes a step that waits for a person, lets one that asked go on.',
    z.strictObject({
      id,
      by,
      step: meant,
      token,
      text: z.string().trim().min(1).max(ANSWER_CHARS_MAX).describe('the answer; where there are choices one of them'),
    }),
  ),
  approve: message(
    'approve',
    'Opens the gates that a step waits for; where approvals are counted, says that one who may approve does.',
    z.strictObject({ id, by, step: meant, token, note: z.string().max(10_000).optional() }),
  ),
  reject: message(
    'reject',
    'Refuses the approval that a step waits for, and gives the step up: others decide what becomes of it.',
    z.strictObject({ id, by, step: meant, token, reason }),
  ),
};
