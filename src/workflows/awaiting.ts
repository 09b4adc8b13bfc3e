/**
 * Who has asked by mail waits here for the answer, and asks nothing meanwhile: each wait is a condition with a timer, and ends at the latest when
 * the run does.
 */
import { CancellationScope, condition } from '@temporalio/workflow';
import { inboxMessages } from '../contract/messages.js';
import { asSummary } from '../town/bytes.js';
import { answerTo, inFull, type Inbox } from '../town/inbox.js';
import { done, refused, type Answer, type Taking } from './desk.js';
import { patched } from './patches.js';

/** The server has at most ten Updates of a workflow under way, and other messages have to come through. */
const WAITING_MAX = 5;

type Of = {
  readonly address: string;
  readonly inbox: () => Inbox;
  /** Its workflow ends, or goes on in another run. */
  readonly isEnding: () => boolean;
  /** One who waited has been answered. */
  readonly onEnd: () => void;
};

export class Awaiting {
  readonly #of: Of;
  #waiting = 0;

  constructor(of: Of) {
    this.#of = of;
  }

  serve(desk: Taking): void {
    desk.on(inboxMessages.await, ({ mail, seconds }) => this.#answer(mail, seconds), { repeatable: true });
  }

  async #answer(mail: string, seconds: number): Promise<Answer> {
    const { address, inbox, isEnding, onEnd } = this.#of;
    if (!patched('who has asked waits for the answer', '0.10')) return refused('nobody waits here for answers');
    const look = () => answerTo(inbox(), mail);
    const which = mail.slice(0, 200);
    if (look() === undefined && this.#waiting >= WAITING_MAX)
      return refused(`no answer to ${which} has come, and ${WAITING_MAX} wait here already: ask again later`);
    this.#waiting += 1;
    const summary = asSummary(`give up waiting for an answer to ${which}`);
    const woken = () => look() !== undefined || isEnding();
    await CancellationScope.nonCancellable(() => condition(woken, seconds * 1_000, { summary }));
    this.#waiting -= 1;
    onEnd();
    const answer = look();
    if (answer !== undefined) return done(inFull(answer));
    return isEnding()
      ? refused(`no answer to ${which} has come to ${address}, whose run ends: ask again`)
      : refused(`no answer to ${which} has come in ${seconds} s; it comes to the inbox of ${address}`);
  }
}
