/** `pause` and `resume`, alike on everything that can be held. */
import { CancellationScope, workflowInfo } from '@temporalio/workflow';
import type { z } from 'zod';
import type { Message } from '../contract/message.js';
import { polecatMessages, witnessMessages, type moleculeMessages } from '../contract/messages.js';
import { heldFrom, type Hold } from '../town/pause.js';
import type { Taking } from './desk.js';
import { done, refused } from './desk.js';
import { send } from './outbox.js';
import { patched } from './patches.js';

/** What those below are to hear. */
export type Word = { readonly verb: 'pause' | 'resume'; readonly by: string; readonly reason?: string };

type Asked = { readonly by: string; readonly above?: string | undefined };

type Held = {
  /** `the molecule` */
  readonly what: string;
  readonly messages: {
    readonly pause: Message<z.ZodType<Asked & { readonly reason: string }>>;
    readonly resume: Message<z.ZodType<Asked>>;
  };
  /** The first one is shown, and passed on. */
  readonly holds: () => readonly Hold[];
  readonly hold: (hold: Hold) => void;
  readonly letGo: (above: string | undefined) => void;
  /** Passes it on to those below. */
  readonly tell?: (word: Word) => Promise<unknown>;
  /** For whoever pauses: what goes on all the same, '' for nothing. */
  readonly meanwhile: () => string;
  /** What keeps it from going on though nobody holds it, in words; null for nothing. */
  readonly still?: () => string | null;
  /** By a word of its own: ends what else keeps it from going on; whether anything did. */
  readonly goOn?: () => boolean;
  /** Those of the workflows above that have closed: they will never let go. */
  readonly gone?: (holders: readonly string[]) => Promise<readonly string[]>;
};

export function takePauses(desk: Taking, held: Held): void {
  const { what, messages, holds, hold, letGo, tell, meanwhile, still = () => null } = held;
  const passOn = async (before: Hold | undefined, by: string) => {
    const [first] = holds();
    const isNews = first?.by !== before?.by || first?.why !== before?.why;
    if (isNews && tell !== undefined) await CancellationScope.nonCancellable(async () => tell(wordFor(first, by)));
  };
  desk.on(messages.pause, async ({ by, reason, above }) => {
    const before = holds();
    const own = before.find((one) => one.above === above);
    if (own !== undefined && above === undefined) return refused(`${what} is paused already, by ${own.by}: ${own.why}`);
    hold({ by, why: reason, above });
    await passOn(before[0], by);
    const under = meanwhile();
    return done(under === '' ? `${what} is paused` : `${what} is paused; ${under}`);
  });
  desk.on(messages.resume, async ({ by, above }) => {
    const before = holds();
    const isHeld = heldFrom(before, above) !== undefined;
    if (isHeld) letGo(above);
    const asked = above === undefined ? withoutGone(held) : null;
    const gone = asked === null ? [] : await asked;
    const wasShut = above === undefined && (held.goOn?.() ?? false);
    if (!isHeld && gone.length === 0 && !wasShut) return refused(whyNot(what, holds()));
    await passOn(before[0], by);
    const [first] = holds();
    const goesOn = first === undefined ? (still() ?? `${what} goes on`) : `${what} is still held, ${toldBy(first)}`;
    return done([goesOn, ...gone.map((one) => `${one.above} held it (${one.by}: ${one.why}) and is gone`)].join('; '));
  });
}

/** Lets go of what workflows hold that have closed since, as one that was terminated, and tells of it. Null when there are none above to ask for. */
function withoutGone({ holds, letGo, gone }: Held): Promise<readonly Hold[]> | null {
  const holders = holds().flatMap((hold) => hold.above ?? []);
  if (gone === undefined || holders.length === 0 || !patched('who holds is asked whether it is there', '0.6'))
    return null;
  return CancellationScope.nonCancellable(async () => {
    const closed = await gone(holders);
    const left = holds().filter(({ above }) => above !== undefined && closed.includes(above));
    for (const { above } of left) letGo(above);
    return left;
  });
}

/** As it is kept where several may hold. */
export function sided(hold: Hold): Hold {
  return hold.above !== undefined || patched('holds have sides') ? hold : { ...hold, isFromAnywhere: true };
}

export function wordFor(hold: Hold | undefined, by: string): Word {
  return hold === undefined ? { verb: 'resume', by } : { verb: 'pause', by: hold.by, reason: hold.why };
}

function whyNot(what: string, holds: readonly Hold[]): string {
  const [first] = holds;
  return first === undefined ? `${what} is not paused` : `${what} is held ${toldBy(first)}`;
}

function toldBy({ by, why, above }: Hold): string {
  return above === undefined
    ? `by ${by}: ${why}`
    : `by ${above} (${by}: ${why}): gt explain ${above} says what lets it go on`;
}

type Cycle = { readonly by: string; readonly text: string; readonly id: string | undefined };

/** What can be held from above. */
type Told = typeof polecatMessages | typeof moleculeMessages | typeof witnessMessages;

type Below = { readonly workflowId: string };

/** The server lets 2,000 signals be under way. */
const AT_ONCE_MAX = 200;

/**
 * Those below, each of whom hears one word after the other, and of many that wait only the last: words that overtook each other would
 * leave somebody held for ever.
 */
export class Teller {
  readonly #messages: Told;
  readonly #next = new Map<string, Word>();
  /** Of the last word. */
  readonly #missed = new Set<string>();
  #isTalking = false;
  #round: Promise<void> = Promise.resolve();

  constructor(messages: Told) {
    this.#messages = messages;
  }

  /** When all have heard it, or a later one. Returns those that are not there: they have closed, or are about to begin. */
  async tell<B extends Below>(below: readonly B[], word: Word): Promise<readonly B[]> {
    for (const { workflowId } of below) this.#next.set(workflowId, word);
    if (!this.#isTalking) this.#round = CancellationScope.nonCancellable(() => this.#tellAll());
    await this.#round;
    return below.filter(({ workflowId }) => this.#missed.has(workflowId));
  }

  /** Those below are to hand over to fresh sessions: an agent itself, or whoever has agents below it. */
  async cycle(below: readonly Below[], { by, text, id }: Cycle): Promise<void> {
    const under = id === undefined ? {} : { id: `cycle:${id}`.slice(0, 200) };
    const isAgent = this.#messages === polecatMessages;
    const { nudge } = polecatMessages;
    const { cycle } = witnessMessages;
    for (let at = 0; at < below.length; at += AT_ONCE_MAX)
      await Promise.all(
        below.slice(at, at + AT_ONCE_MAX).map(({ workflowId }) => {
          if (isAgent) return send(workflowId, nudge, { by, text, cycle: true, ...under });
          return send(workflowId, cycle, { by, reason: text, ...under });
        }),
      );
  }

  async #tellAll(): Promise<void> {
    this.#isTalking = true;
    while (this.#next.size > 0) {
      const some = [...this.#next].slice(0, AT_ONCE_MAX);
      for (const [id] of some) this.#next.delete(id);
      await Promise.all(some.map(([id, word]) => this.#tellOne(id, word)));
    }
    this.#isTalking = false;
  }

  async #tellOne(id: string, { verb, ...content }: Word): Promise<void> {
    const delivery = await send(id, this.#messages[verb], { ...content, above: workflowInfo().workflowId });
    if (delivery === 'no-recipient') this.#missed.add(id);
    else this.#missed.delete(id);
  }
}
