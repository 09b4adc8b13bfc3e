/** A witness's mail to the deacon, who is started when there is none. */
import { mailMessage } from '../contract/messages.js';
import { DEACON } from '../town/address.js';
import type { Mail } from '../town/mail.js';
import { town } from './hands.js';
import { sendToRole, type Delivery } from './outbox.js';
import { patrolAct } from './patience.js';

/** `reason`: why it is to patrol, if it is started. Null: it cannot be started now. */
export function tellDeacon(mail: Mail, patience: number, reason: string): Promise<Delivery | null> {
  const options = { ...patrolAct(patience), summary: `ensure the ${DEACON}` };
  const ensure = () => town(patience).startDeacon.executeWithOptions(options, [{ patience, reason }]);
  return sendToRole(DEACON, mailMessage, mail, ensure).catch(() => null);
}
