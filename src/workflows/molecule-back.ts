/** Going back to before a step: asked for by message, done by the one loop that acts in the sandbox. */
import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import type { z } from 'zod';
import type { moleculeMessages } from '../contract/messages.js';
import { backRefusal, wayBack } from '../town/molecule-back.js';
import type { WayBack } from '../town/molecule-back.js';
import { code } from '../town/wording.js';
import type { Answer } from './desk.js';
import { done, refused } from './desk.js';
import { wordsOf } from './failing.js';
import type { Book } from './molecule-book.js';
import type { Hands } from './molecule-hands.js';
import { patched } from './patches.js';

type Retry = z.infer<typeof moleculeMessages.retry.schema>;
type Asked = { readonly message: Retry; answer: Answer | null };

const ENDED = 'the molecule ended first';

export class WaysBack {
  readonly #book: Book;
  readonly #hands: Hands;
  #asked: Asked[] = [];

  constructor(book: Book, hands: Hands) {
    this.#book = book;
    this.#hands = hands;
  }

  get isIdle(): boolean {
    return this.#asked.length === 0;
  }

  get doings(): readonly string[] {
    return this.#asked.map(
      ({ message: { step, by } }) => `The sandbox goes back to before ${code(step)}, as ${by} asked.`,
    );
  }

  /**
   * A session whose work would be undone is ended. Where the sandbox stays as it is nothing is waited for, but a check under way: what it
   * says is of the steps as they are.
   */
  ask(message: Retry): Answer | Promise<Answer> {
    const why = backRefusal(this.#book.molecule, message.step);
    if (why !== null) return refused(why);
    const way = wayBack(this.#book.molecule, message.step);
    if (way.sandbox === null && !this.#hands.isLooking) return this.#gone(message, way, null);
    const asked: Asked = { message, answer: null };
    this.#asked.push(asked);
    this.#book.news = true;
    const undone = patched('a session of a step that goes away is ended', '0.6')
      ? [...way.again, ...way.gone]
      : way.again;
    this.#hands.callOff(undone, `${message.by} goes back to before "${message.step}"`);
    return this.#answered(asked);
  }

  /** The next to be done; it stays until it is. */
  next(): Asked | null {
    return this.#asked[0] ?? null;
  }

  async go(asked: Asked): Promise<void> {
    try {
      asked.answer = await this.#go(asked.message);
    } catch (error) {
      asked.answer = refused(`the sandbox cannot go back: ${wordsOf(error)}`);
      if (isCancellation(error)) throw error;
    } finally {
      this.#asked = this.#asked.filter((one) => one !== asked);
    }
  }

  end(): void {
    for (const asked of this.#asked) asked.answer ??= refused(ENDED);
  }

  /** Meanwhile the molecule has gone on. */
  async #go(message: Retry): Promise<Answer> {
    const { molecule, hook } = this.#book;
    const why = backRefusal(molecule, message.step);
    if (why !== null) return refused(why);
    const way = wayBack(molecule, message.step);
    if (way.sandbox === null || hook === null) return this.#gone(message, way, null);
    const result = await this.#hands.goBack(message.step, way.sandbox.head ?? hook.sandbox.base);
    return result.kind === 'refused' ? refused(result.why) : this.#gone(message, way, result.kept);
  }

  #gone({ step, by, note }: Retry, { again, sandbox }: WayBack, kept: string | null): Answer {
    this.#book.note({ kind: 'went-back', step, by, note: note ?? null, ...sandbox });
    const where = sandbox === null ? '' : `; the branch is at ${this.#book.head() ?? 'its beginning'}`;
    const left = kept === null ? '' : `, and what was undone is ${placeOf(kept)}`;
    return done(
      `back before "${step}": to be done again ${again.length === 1 ? 'is' : 'are'} ${again.join(', ')}${where}${left}`,
    );
  }

  async #answered(asked: Asked): Promise<Answer> {
    await CancellationScope.nonCancellable(() => condition(() => asked.answer !== null));
    return asked.answer ?? refused(ENDED);
  }
}

/** A ref of the mirror, or where others had a part in it a branch of the remote. */
function placeOf(kept: string): string {
  return kept.startsWith('refs/') ? `${kept} of the rig's mirror` : `the branch ${kept} of the remote`;
}
