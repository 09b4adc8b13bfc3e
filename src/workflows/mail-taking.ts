/** How a workflow takes mail: also as people write it by hand, without an id, and with the keys indented. */
import { uuid4 } from '@temporalio/workflow';
import { mailMessage } from '../contract/messages.js';
import { makeId } from '../town/address.js';
import { plain } from '../town/mail-text.js';
import { FROM_CHARS_MAX, type Mail } from '../town/mail.js';
import { refused, type Answer, type Taking } from './desk.js';
import { patched } from './patches.js';

export function takeMail(taking: Taking, take: (mail: Mail) => Answer): void {
  taking.on(mailMessage, ({ id, body, ...said }) => {
    const isWhole = id !== undefined && body !== undefined;
    if (!isWhole && !patched('a mail needs neither id nor body', '0.10')) return refused('id and body are expected');
    if (said.from.length > FROM_CHARS_MAX && patched('who writes has a name that can be shown', '0.10'))
      return refused(`from: of ${said.from.length} characters; the most is ${FROM_CHARS_MAX}`);
    const mail = { ...said, id: id ?? makeId('ml', uuid4()), body: body ?? '' };
    const read = plain(mail);
    return take(read.body === mail.body || !patched('keys may be indented', '0.10') ? mail : read);
  });
}

/** An escalation asks its tiers itself, one after the other: a role that passes its call on, or keeps it, would ask for it a second time. */
export const keepsNoHelp = () => patched('a call of an escalation is neither kept nor passed on', '0.11');
