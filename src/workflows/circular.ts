/**
 * A mail to a group. Who belongs to it is looked up once, and stands in this history from then on; each of them gets a copy under an id of its own, so
 * that however often the mail is sent under its id, and whoever comes or goes meanwhile, nobody has it twice. It ends with the names of
 * those who have it, and of those who could not be reached.
 */
import { setHandler, workflowInfo } from '@temporalio/workflow';
import { CIRCULAR_EXAMPLE, CircularInput, circularQuery } from '../contract/circular.js';
import { attribute } from '../contract/search-attributes.js';
import { circularOf } from '../town/address.js';
import { asSummary } from '../town/bytes.js';
import { circularBoard } from '../town/circular-board.js';
import { addressOf, MEMBERS_MAX, type Member, type Outcome } from '../town/group.js';
import type { Mail } from '../town/mail.js';
import { explainBy } from './explain.js';
import { failure, readInput, reasonOf } from './failing.js';
import { town } from './hands.js';
import { Standing, startAs } from './standing.js';

/** What one act brings. */
const BATCH_MAX = 50;

export async function circular(raw: unknown): Promise<Outcome> {
  return startAs('circular', () => new CircularRun(fresh(raw))).run();
}

type Start = { readonly mail: Mail; readonly patience: number };

function fresh(raw: unknown): Start {
  const own = circularOf(workflowInfo().workflowId);
  if (own === null) {
    const expected = 'circular/ID, for example "circular/slow-gates"';
    throw failure('BadInput', `the workflow id of a circular is ${expected}, not "${workflowInfo().workflowId}"`);
  }
  const { patience, id = own, ...mail } = readInput(CircularInput, raw, 'BadInput', CIRCULAR_EXAMPLE);
  return { mail: { id, ...mail }, patience };
}

class CircularRun {
  readonly #mail: Mail;
  readonly #patience: number;
  readonly #standing = new Standing();
  /** Null until it is known whom it is for. */
  #members: readonly Member[] | null = null;
  #outcome: Outcome;
  #why: string | null = null;

  constructor({ mail, patience }: Start) {
    this.#mail = mail;
    this.#patience = patience;
    this.#outcome = { to: mail.to, reached: [], missed: [] };
    setHandler(circularQuery, () => this.#mail, { description: 'The mail that it brings, or has brought.' });
    explainBy(() => this.#board());
  }

  async run(): Promise<Outcome> {
    this.#standing.introduce([{ key: attribute.role, value: 'circular' }]);
    this.#standing.show({ phase: 'working' }, () => this.#board());
    try {
      this.#members = await this.#findMembers();
      for (let at = 0; at < this.#members.length; at += BATCH_MAX)
        await this.#bring(this.#members.slice(at, at + BATCH_MAX));
    } catch (error) {
      this.#why = reasonOf(error);
      this.#standing.show({ phase: 'failed' }, () => this.#board());
      throw error;
    }
    this.#standing.show({ phase: 'done' }, () => this.#board());
    return this.#outcome;
  }

  async #findMembers(): Promise<readonly Member[]> {
    const { to, from } = this.#mail;
    const summary = asSummary(`who is of ${to}`);
    const members = await town(this.#patience).findMembers.executeWithOptions({ summary }, [{ group: to, from }]);
    if (members.length === 0) throw failure('Refused', `nobody else is of ${to} now: nothing was sent`);
    if (members.length > MEMBERS_MAX)
      throw failure('Refused', `${to} has ${members.length} members, the most is ${MEMBERS_MAX}: write to its parts`);
    return members;
  }

  async #bring(members: readonly Member[]): Promise<void> {
    const summary = asSummary(`mail to ${members.length} of ${this.#mail.to}: ${this.#mail.subject}`);
    const copy = { ...this.#mail, id: workflowInfo().workflowId, thread: this.#mail.thread ?? this.#mail.id };
    const missed = await town(this.#patience).deliverToEach.executeWithOptions({ summary }, [{ mail: copy, members }]);
    const reached = members.map(addressOf).filter((one) => !missed.some(({ to }) => to === one));
    const { to, ...before } = this.#outcome;
    this.#outcome = { to, reached: [...before.reached, ...reached], missed: [...before.missed, ...missed] };
    this.#standing.show({ phase: 'working' }, () => this.#board());
  }

  #board(): string {
    return circularBoard(this.#mail, this.#members?.length ?? null, this.#outcome, this.#why);
  }
}
