/** What is asked of a channel, as it comes from outside: what it shall publish and keep, and whom it shall send it to. */
import * as z from 'zod';
import { isInboxAddress, isRoleAddress } from './address.js';
import { bytesOf } from './bytes.js';
import { Keys, Match } from './channel-match.js';
import { fingerprint } from './fingerprint.js';
import { BODY_CHARS_MAX, bodyOf, PRIORITIES, SUBJECT_CHARS_MAX } from './mail.js';
import { asLine } from './wording.js';

export const MESSAGES_MAX = 1_000;
const DAYS_MAX = 365;
/** Of one subscription, as JSON. */
const SUBSCRIPTION_BYTES_MAX = 10_000;
const ADDRESS_CHARS_MAX = 1_000;

const line = (most: number) => z.string().trim().min(1).max(most).overwrite(asLine);

export const Publication = z.strictObject({
  id: z.string().min(1).max(200),
  from: line(ADDRESS_CHARS_MAX)
    .refine((from) => !from.startsWith('channel/'), 'a channel publishes nothing: answers would go to everybody')
    .default('operator')
    .describe('who publishes it, and gets what is answered by mail'),
  subject: line(SUBJECT_CHARS_MAX),
  body: z.string().max(BODY_CHARS_MAX).default(''),
  keys: Keys.default({}),
  priority: z.enum(PRIORITIES).optional(),
});
export type Publication = z.infer<typeof Publication>;

/** Whether they say the same, whichever way they came: as a publication, or as a mail. */
export function isSame(one: Publication, other: Publication): boolean {
  return fingerprint(saidBy(one)) === fingerprint(saidBy(other));
}

const saidBy = ({ from, subject, body, keys, priority }: Publication): object => ({
  from,
  subject,
  body,
  keys,
  priority,
});

/** Keys and body go as the one body of a mail. */
export function checkBody({ keys, body }: Pick<Publication, 'keys' | 'body'>, context: z.RefinementCtx): void {
  const { length } = bodyOf(keys, body);
  if (length <= BODY_CHARS_MAX) return;
  const message = `with the keys it has ${length} characters, the most is ${BODY_CHARS_MAX}`;
  context.addIssue({ code: 'custom', path: ['body'], message });
}

const messages = z.number().int().min(0).max(MESSAGES_MAX);
const hours = z
  .number()
  .positive()
  .max(DAYS_MAX * 24);

export const Retention = z.strictObject({
  messages: messages.default(MESSAGES_MAX),
  hours: hours.default(7 * 24),
});
export type Retention = z.infer<typeof Retention>;

/** What is not given stays. */
export const RetentionChange = z.strictObject({ messages: messages.optional(), hours: hours.optional() });

/** What a variable of the formula can have of a message. */
const PART = /^(?:subject|body|from|id|key:[A-Za-z][A-Za-z0-9-]{0,63})$/;
const PARTS = 'subject, body, from, id, or key:NAME';

/** Of each mission, when nothing is said: whoever can publish starts as many as there are messages. */
export const HOOK_USD = 20;

/** The mission that a hook starts of a message. */
export const ChannelHook = z
  .strictObject({
    formula: z.string().min(1).max(200),
    rig: z.string().min(1).max(200),
    vars: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String))
      .default({})
      .describe('values for variables of the formula, as they stand'),
    take: z
      .record(z.string(), z.string().regex(PART, `expected ${PARTS}`))
      .default({})
      .describe(`by variable, what it has of the message: ${PARTS}`),
    notify: z
      .array(
        z
          .string()
          .min(1)
          .max(ADDRESS_CHARS_MAX)
          .refine((to) => !to.startsWith('channel/'), 'a channel would start it again, and again'),
      )
      .max(20)
      .default([])
      .describe('addresses that hear of the landing'),
    budget: z.strictObject({ usd: z.number().positive() }).default({ usd: HOOK_USD }).describe('of each mission'),
  })
  .superRefine(({ vars, take }, context) => {
    for (const name of Object.keys(take).filter((one) => Object.hasOwn(vars, one)))
      context.addIssue({ code: 'custom', path: ['take'], message: `"${name}" has a value in vars already` });
  });
export type ChannelHook = z.infer<typeof ChannelHook>;

/** `since`: what of the retained messages it gets; absent: none. One that is known has what waits for it besides. */
export const Subscription = z.strictObject({
  subscriber: z.string().min(1).max(ADDRESS_CHARS_MAX).describe('the address of an inbox; of a hook, a name for it'),
  match: Match.default({}),
  since: z
    .union([z.literal('all'), z.number().int().min(0)])
    .optional()
    .describe('what it gets of what is retained: "all", or so many of the last that match'),
  hook: ChannelHook.optional(),
});
export type Subscription = z.infer<typeof Subscription>;

export function checkSubscription(subscription: Subscription, context: z.RefinementCtx): void {
  const { subscriber, hook } = subscription;
  const isInbox = isInboxAddress(subscriber);
  const isName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(subscriber) && !isRoleAddress(subscriber);
  const shown = subscriber.slice(0, 200);
  const issue = (message: string) => context.addIssue({ code: 'custom', path: ['subscriber'], message });
  if (hook === undefined && !isInbox)
    issue(`"${shown}" is nobody's inbox: expected overseer, RIG/crew/NAME or RIG/polecats/NAME`);
  if (hook !== undefined && !isName)
    issue(`"${shown}" is no name for a hook: letters, digits, ".", "_" and "-", at most 64, and no address`);
  const bytes = bytesOf(subscription);
  if (bytes > SUBSCRIPTION_BYTES_MAX) issue(`it has ${bytes} bytes, the most is ${SUBSCRIPTION_BYTES_MAX}`);
}
