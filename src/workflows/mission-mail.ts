/** The mail of a mission: what its agents and others write to it, for whoever looks after it. Nothing of it waits for an answer. */
import { workflowInfo } from '@temporalio/workflow';
import type { MissionCarry } from '../contract/mission.js';
import { mailLines } from '../town/inbox-board.js';
import { refused, takenUnless, type Desk } from './desk.js';
import { takeMail } from './mail-taking.js';
import { Mailbox } from './mailbox.js';
import { patched } from './patches.js';
import { isDue } from './start.js';

const hasInbox = () => patched('a mission has an inbox', '0.9');

export class MissionMail {
  readonly #address = workflowInfo().workflowId;
  readonly #mailbox: Mailbox;
  #isOver = false;

  /** `onChange`: its mail is otherwise. */
  constructor(desk: Desk, now: () => MissionCarry, onChange: () => void) {
    const owner = {
      address: this.#address,
      get patience() {
        return now().limits.patience;
      },
      isAgent: false,
      onChange,
      mustGoOn: () => !this.#isOver && isDue(),
    };
    this.#mailbox = new Mailbox(owner, now().mail);
    const here = takenUnless(desk, () => (this.#isOver ? `${this.#address} has ended` : null));
    this.#mailbox.serve(here);
    takeMail(here, (mail) => {
      if (!hasInbox()) return refused('a mission of an earlier version has no inbox');
      if (mail.to !== this.#address) return refused(`this is ${this.#address}, not ${mail.to.slice(0, 200)}`);
      return this.#mailbox.take(mail);
    });
  }

  /** What a next run takes over. */
  get kept(): Pick<MissionCarry, 'mail'> {
    return { mail: this.#mailbox.kept };
  }

  get isIdle(): boolean {
    return this.#mailbox.isIdle;
  }

  get lines(): readonly string[] {
    return mailLines(this.#address, this.#mailbox.inbox);
  }

  /** The mission ends: what nobody has put away goes to the ledger. */
  async close(): Promise<void> {
    if (!hasInbox()) return;
    this.#isOver = true;
    await this.#mailbox.close();
  }
}
