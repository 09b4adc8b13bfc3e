/** The mail of an agent that is not for the town to act on: kept for the agent to read. What has no room is refused, so that its sender knows. */
import { setHandler } from '@temporalio/workflow';
import { inboxQuery } from '../contract/polecat.js';
import { isHandoff, type Mail } from '../town/mail.js';
import type { Answer } from './desk.js';
import { done, refused } from './desk.js';

const MAILS_MAX = 100;

export class Mailbox {
  readonly #owner: string;
  #mails: readonly Mail[] = [];

  constructor(owner: string) {
    this.#owner = owner;
    setHandler(inboxQuery, () => this.#mails, { description: 'The mail that has come for it, the oldest first.' });
  }

  take(mail: Mail): Answer {
    // Of anybody else it would take the place of what the agent has left itself.
    if (isHandoff(mail) && mail.from !== this.#owner)
      return refused(`a handoff comes from ${this.#owner} itself, not from ${mail.from.slice(0, 200)}`);
    // The last one tells how things stand.
    const others = isHandoff(mail) ? this.#mails.filter((one) => !isHandoff(one)) : this.#mails;
    if (others.length >= MAILS_MAX) return refused(`the inbox of ${this.#owner} holds ${MAILS_MAX} mails: it is full`);
    this.#mails = [...others, mail];
    return done('taken');
  }
}
