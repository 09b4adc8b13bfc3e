/** The polecat shows on whom its molecule waits, and its mission with it. Nothing here depends on whether they hear of it. */
import { CancellationScope, proxySinks, setHandler, workflowInfo } from '@temporalio/workflow';
import { polecatMessages, type Wait } from '../contract/messages.js';
import { waitQuery } from '../contract/molecule.js';
import type { ResetSinks } from '../contract/resets.js';
import type { Book } from './molecule-book.js';
import { waitOf } from './molecule-stand.js';
import { send } from './outbox.js';
import { Pace } from './pace.js';
import { patched } from './patches.js';

/**
 * Each telling is ten events of the polecat's history, which goes on until the polecat ends: somebody who closes thousands of steps
 * is told ever more rarely. An escalation is told at once.
 */
const EVERY_MS = 1_000;
const EVERY_MS_MORE = 20;

const { resets } = proxySinks<ResetSinks>();

export class WaitTeller {
  readonly #book: Book;
  readonly #pace = new Pace('until the polecat hears on whom this waits', 'waits are told ever more rarely');
  #told: string;
  #times: number;

  /** What the run before has told, and how often the runs before have. */
  constructor(book: Book, told = '', times = 0) {
    this.#book = book;
    this.#told = told;
    this.#times = times;
    setHandler(waitQuery, () => waitOf(book.molecule), {
      description: 'On whom it waits, `for` empty when it does not.',
    });
    // What was told after the event that this run was reset to stands in no history that it could know of.
    const { runId, originalExecutionRunId } = workflowInfo();
    if (book.hook !== null && runId !== originalExecutionRunId) resets.seen(book.hook.agent);
  }

  /** The wait that the polecat knows of, '' for none. */
  get told(): string {
    return this.#told;
  }

  /** Of all runs. */
  get times(): number {
    return this.#times;
  }

  tell(): void {
    const { hook, molecule } = this.#book;
    const wait = waitOf(molecule);
    if (hook === null) return;
    if (this.#isTold(wait)) return this.#pace.drop();
    const isFirst = this.#times === 0 && patched('the first wait is told at once', '0.6');
    const every = isFirst || wait.escalated ? 0 : Math.max(EVERY_MS, this.#times * EVERY_MS_MORE);
    this.#pace.say(() => this.#say(hook.agent), every);
  }

  #say(agent: string): void {
    const { id, molecule } = this.#book;
    const wait = waitOf(molecule);
    if (this.#isTold(wait)) return;
    this.#told = wait.for === '' ? '' : textOf(wait);
    this.#times += 1;
    if (!patched('a wait is told')) return;
    // The same wait may come again, and must not be taken for a repetition.
    const content = { ...wait, id: `wait:${id}:${Date.now()}:${this.#times}`, molecule: id };
    void CancellationScope.nonCancellable(() => send(agent, polecatMessages.waiting, content));
  }

  #isTold(wait: Wait): boolean {
    return textOf(wait) === this.#told || (wait.for === '' && this.#told === '');
  }
}

function textOf(wait: Wait): string {
  return `${wait.for} ${wait.since} ${wait.escalated}`;
}
