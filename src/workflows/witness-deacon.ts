/** A witness's mail to the deacon, who is started when there is none. */
import { mailMessage } from '../contract/messages.js';
import type { WitnessCarry } from '../contract/witness.js';
import { DEACON } from '../town/address.js';
import type { Mail } from '../town/mail.js';
import { town } from './hands.js';
import { sendToRole, type Delivery } from './outbox.js';
import { patrolAct } from './patience.js';

/** Null: the deacon cannot be started now. */
export function tellDeacon(
  { rig, patience }: Pick<WitnessCarry, 'rig' | 'patience'>,
  mail: Mail,
): Promise<Delivery | null> {
  const options = { ...patrolAct(patience), summary: `ensure the ${DEACON}` };
  const reason = `polecats are at work in ${rig.name}`;
  const ensure = () => town(patience).startDeacon.executeWithOptions(options, [{ patience, reason }]);
  return sendToRole(DEACON, mailMessage, mail, ensure).catch(() => null);
}
