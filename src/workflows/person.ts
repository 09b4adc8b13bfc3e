/**
 * People of a town: the overseer, who answers for all of it, and the crew of a rig. Both have an inbox here, the crew a hook and tasks as well; it waits
 * at no cost, as long as the town stands.
 */
import { CancellationScope, condition, isCancellation, setHandler, workflowInfo } from '@temporalio/workflow';
import type { SearchAttributePair } from '@temporalio/common';
import { EMPTY_DESK } from '../contract/desk.js';
import { personKeptQuery, PersonInput, type PersonCarry, type PersonKept } from '../contract/inbox.js';
import { attribute } from '../contract/search-attributes.js';
import { OVERSEER, rigOfCrew, workerAt } from '../town/address.js';
import { isCrewName } from '../town/branch.js';
import { asSummary } from '../town/bytes.js';
import { EMPTY_HOOK } from '../town/hook.js';
import { inboxBoard } from '../town/inbox-board.js';
import type { Mail } from '../town/mail.js';
import { CrewDesk } from './crew-desk.js';
import { Desk, refused, takenOnce, takenUnless, type Answer } from './desk.js';
import { explainBy } from './explain.js';
import { failure, readInput } from './failing.js';
import { town } from './hands.js';
import { takeMail } from './mail-taking.js';
import { Mailbox } from './mailbox.js';
import { patched } from './patches.js';
import { Reaching } from './reaching.js';
import { Standing, startAs } from './standing.js';
import { carried, goOn, isDue } from './start.js';

type Role = 'overseer' | 'crew';

export const overseer = (raw: unknown, carry?: PersonCarry): Promise<never> => begin('overseer', raw, carry);
export const crew = (raw: unknown, carry?: PersonCarry): Promise<never> => begin('crew', raw, carry);

function begin(role: Role, raw: unknown, carry: PersonCarry | undefined): Promise<never> {
  const [start, isFresh] = startAs(role, () => {
    const before = carried(carry, 'BadInput');
    return [before ?? fresh(role, raw), before === null] as const;
  });
  return new PersonRun(role, raw, start, isFresh).run();
}

function fresh(role: Role, raw: unknown): PersonCarry {
  const { workflowId } = workflowInfo();
  const isItsOwn = role === 'overseer' ? workflowId === OVERSEER : rigOfCrew(workflowId) !== null;
  const expected = role === 'overseer' ? `"${OVERSEER}"` : 'RIG/crew/NAME, for example "server/crew/ann"';
  if (!isItsOwn) throw failure('BadInput', `the workflow id of the ${role} is ${expected}, not "${workflowId}"`);
  const name = role === 'crew' ? (workerAt(workflowId)?.name ?? '') : null;
  if (name !== null && !isCrewName(name) && patched('the name of a member is checked', '0.10'))
    throw failure(
      'BadInput',
      `"${name.slice(0, 200)}" is no name of a member of a crew: it begins with a letter, has at most 100 letters, digits, "_", "." and "-", and git takes crew/NAME as a branch`,
    );
  return { ...readInput(PersonInput, raw, 'BadInput', '{}'), inbox: [], leaving: [], desk: EMPTY_DESK };
}

class PersonRun {
  readonly #role: Role;
  readonly #raw: unknown;
  readonly #address = workflowInfo().workflowId;
  readonly #patience: number;
  readonly #desk: Desk;
  readonly #mailbox: Mailbox;
  /** Null of the overseer. */
  readonly #crew: CrewDesk | null;
  readonly #reaching: Reaching;
  readonly #standing = new Standing();
  /** It is known what whoever had the address before had. */
  #isKnown: boolean;
  #isGone = false;
  #news = true;

  constructor(role: Role, raw: unknown, carry: PersonCarry, isFresh: boolean) {
    const { patience, inbox, leaving, desk } = carry;
    this.#isKnown = !isFresh || !patched('who begins takes over an inbox that was left', '0.15');
    this.#role = role;
    this.#raw = raw;
    this.#patience = patience;
    this.#desk = new Desk(desk);
    this.#mailbox = new Mailbox(
      {
        address: this.#address,
        patience,
        isAgent: false,
        onChange: () => (this.#news = true),
        mustGoOn: () => !this.#isGone && isDue(),
      },
      { inbox, leaving },
    );
    const waiting = this.#isKnown ? this.#desk : takenOnce(this.#desk, () => this.#isKnown || this.#isGone);
    const here = takenUnless(waiting, () => (this.#isGone ? `${this.#address} is no more in this town` : null));
    this.#mailbox.serve(here);
    const owner = { address: this.#address, patience, onChange: () => (this.#news = true) };
    this.#crew = role === 'crew' ? new CrewDesk(owner, isFresh ? null : carry) : null;
    this.#crew?.serve(here);
    this.#reaching = new Reaching(
      { ...owner, inbox: () => this.#mailbox.inbox, mustGoOn: isDue, isQuiet: () => this.#isQuiet() },
      carry.reach,
    );
    this.#reaching.serve(here);
    takeMail(here, (mail) => this.#take(mail));
    setHandler(personKeptQuery, () => (this.#isKnown ? this.#kept() : null), {
      description: 'What the next of this address takes over, null as long as it is not known what the one before had.',
    });
    explainBy(() => this.#board());
    this.#desk.open();
  }

  async run(): Promise<never> {
    const rig = rigOfCrew(this.#address);
    const ofRig: readonly SearchAttributePair[] = rig === null ? [] : [{ key: attribute.rig, value: [rig] }];
    this.#standing.introduce([{ key: attribute.role, value: this.#role }, ...ofRig]);
    try {
      if (!this.#isKnown) await this.#adopt();
      return await this.#wait();
    } catch (error) {
      if (isCancellation(error)) await CancellationScope.nonCancellable(() => this.#leave());
      throw error;
    }
  }

  async #wait(): Promise<never> {
    for (;;) {
      this.#news = false;
      this.#show();
      const mustGoOn = () => isDue() && this.#isQuiet();
      const woken = () => this.#news || mustGoOn();
      const lookInMs = this.#crew?.lookInMs() ?? null;
      if (lookInMs === null) await condition(woken);
      else if (lookInMs === 0 || !(await condition(woken, lookInMs, { summary: 'ask what waits for them' })))
        this.#crew?.look();
      if (mustGoOn()) await goOn<typeof overseer>(this.#raw, this.#carry());
    }
  }

  /** First of all: whoever had the address before may have been terminated. */
  async #adopt(): Promise<void> {
    const summary = asSummary(`what ${this.#address} had before`);
    const request = { address: this.#address };
    const before = await town(this.#patience).findPersonBefore.executeWithOptions({ summary }, [request]);
    if (before !== null) {
      const { inbox, leaving, reach, ...crew } = before;
      this.#mailbox.adopt({ inbox, leaving });
      this.#crew?.adopt(crew);
      if (reach !== undefined) this.#reaching.adopt(reach);
    }
    this.#isKnown = true;
  }

  /** One that has left leaves what is on its way to the ledger. */
  #kept(): PersonKept {
    const { assigned: _, ...crew } = this.#crew?.kept ?? { assigned: [] };
    const { leaving } = this.#mailbox.kept;
    if (this.#isGone)
      return { inbox: [], leaving, ...crew, ...('hooked' in crew ? { hooked: EMPTY_HOOK, tree: null } : {}) };
    return { ...this.#mailbox.kept, ...crew, ...this.#reaching.kept };
  }

  #take(mail: Mail): Answer {
    if (mail.to !== this.#address) return refused(`this is ${this.#address}, not ${mail.to.slice(0, 200)}`);
    const before = this.#mailbox.inbox;
    const answer = this.#mailbox.take(mail);
    if (answer.ok && this.#mailbox.inbox !== before) this.#reaching.came(mail, before);
    return answer;
  }

  /** Cancelled: a member leaves the crew, and what nobody has put away goes to the ledger. */
  async #leave(): Promise<void> {
    this.#isGone = true;
    this.#crew?.close();
    this.#reaching.close();
    await this.#mailbox.close();
    await condition(() => this.#isQuiet());
    this.#standing.show({ phase: 'done' }, () => this.#board());
  }

  #isQuiet(): boolean {
    return this.#mailbox.isIdle && this.#crew?.isIdle !== false && this.#reaching.isIdle && this.#desk.isQuiet();
  }

  #carry(): PersonCarry {
    return {
      patience: this.#patience,
      ...this.#mailbox.kept,
      ...this.#crew?.kept,
      ...this.#reaching.kept,
      desk: this.#desk.state(),
    };
  }

  #board(): string {
    const inbox = `${inboxBoard(this.#address, this.#mailbox.inbox, this.#isGone)}${this.#reaching.board()}`;
    return this.#crew === null || this.#isGone ? inbox : `${this.#crew.board()}\n\n${inbox}`;
  }

  #show(): void {
    const phase = this.#crew?.isAtWork === true ? 'working' : 'waiting';
    this.#standing.show({ phase }, () => this.#board());
  }
}
