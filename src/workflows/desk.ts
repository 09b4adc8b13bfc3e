/**
 * The desk where a workflow takes its messages: reads them, knows which it had, keeps what it refused. A bad signal never
 * fails a workflow; a bad Update is answered with the reason.
 */
import {
  allHandlersFinished,
  condition,
  setDefaultSignalHandler,
  setDefaultUpdateHandler,
  setHandler,
} from '@temporalio/workflow';
import type { z } from 'zod';
import type { DeskState } from '../contract/desk.js';
import { EMPTY_DESK } from '../contract/desk.js';
import type { Message } from '../contract/message.js';
import type { Rejected } from '../contract/messages.js';
import { rejectedQuery } from '../contract/messages.js';
import { read } from '../contract/read.js';
import { whyNotFor } from '../town/escalation-who.js';
import { fingerprint, saidIn } from '../town/fingerprint.js';
import { nearest } from '../town/nearest.js';
import { failure } from './failing.js';
import { patched } from './patches.js';

const ANSWERS_MAX = 1_000;
const REJECTED_MAX = 100;
const CONTENT_CHARS_MAX = 500;
const REASON_CHARS_MAX = 1_000;
/** Of the answers together: what is carried from run to run has its limit. That it was done is known of all. */
const ANSWERS_CHARS_MAX = 200_000;
const FORGOTTEN = 'it was done before; what was answered then is too long ago';

/** What a handler says: done, with a sentence for whoever asked, or refused, with a sentence that says what is possible. */
export type Answer = { readonly ok: true; readonly says: string } | { readonly ok: false; readonly why: string };

export const done = (says: string): Answer => ({ ok: true, says });
/** What a role says to settings that were read before those it has. */
export const OLDER = 'town.toml was read again since: nothing changes';
export const refused = (why: string): Answer => ({ ok: false, why });

type Handle<Schema extends z.ZodType> = (content: z.infer<Schema>) => Answer | Promise<Answer>;

type Options<Schema extends z.ZodType> = {
  /** Messages whose handlers are idempotent themselves, and have something to do when asked again. */
  readonly repeatable?: boolean;
  /** What is answered by now to what was taken before; null: what was answered then. */
  readonly again?: (content: z.infer<Schema>) => string | null;
};

/** `mark`: of what came under the id; null in what an earlier version carried, and of what the town tells itself. */
type Known = { readonly answer: string | Promise<Answer>; readonly mark: string | null };

/** Answers a message that waits: as its handler says, or that it is refused. */
type Early = (why: string | null) => void;

export class Desk {
  /** By the name of the message. */
  readonly #options = new Map<string, Options<z.ZodType>>();
  /** By the name of the message; null while it is expected only. */
  readonly #handlers = new Map<string, Handle<z.ZodType> | null>();
  readonly #messages = new Map<string, Message<z.ZodType>>();
  /** What came before `open`, in order; null when everything is handled as it comes. */
  #early: Early[] | null = null;
  readonly #answers: Map<string, Known>;
  #rejected: readonly Rejected[];

  constructor(carried: DeskState = EMPTY_DESK) {
    this.#answers = new Map(carried.answers.map(([id, answer, mark = null]) => [id, { answer, mark }]));
    this.#rejected = carried.rejected;
    setHandler(rejectedQuery, () => this.#sweep(), { description: 'What was refused, with reasons.' });
    if (patched('what came before a workflow began is handled in its order', '0.6')) this.#collect();
  }

  /**
   * What came before the workflow began waits in the SDK's buffers, which would hand it over by name, as handlers are set: signals are taken from there as
   * they came, then Updates as they came, and all wait for `open`.
   */
  #collect(): void {
    this.#early = [];
    untilTaken(() =>
      setDefaultSignalHandler(async (name, ...content) => {
        await this.#takeByName(name, content[0]);
      }),
    );
    setDefaultSignalHandler(undefined);
    untilTaken(() =>
      setDefaultUpdateHandler(async (name, ...content) => {
        return saysOrFails(await this.#takeByName(name, content[0]));
      }),
    );
    setDefaultUpdateHandler(undefined);
  }

  /** Takes a message as Update and as Signal. Handlers that return at once keep the order in which messages came. */
  on<Schema extends z.ZodType>(message: Message<Schema>, handle: Handle<Schema>, options: Options<Schema> = {}): void {
    this.#options.set(message.name, options);
    const isNew = !this.#handlers.has(message.name);
    this.#messages.set(message.name, message);
    this.#handlers.set(message.name, handle);
    // Signals that came before are handed over in this call.
    if (isNew) this.#listen(message);
  }

  /** From now on these messages are taken; until `open` they wait, in the order in which they come. */
  expect(messages: readonly Message<z.ZodType>[]): void {
    this.#early ??= [];
    for (const message of messages) {
      this.#handlers.set(message.name, null);
      this.#messages.set(message.name, message);
      this.#listen(message);
    }
  }

  /** All handlers are there: handles what has waited. */
  open(): void {
    this.#answerEarly(null);
  }

  /** Refuses what has waited: nobody will ever handle it. */
  turnAway(why: string): void {
    this.#answerEarly(why);
  }

  /** For what was read and taken, but cannot be acted on: a dead letter, kept where refusals are. */
  drop(name: string, content: unknown, why: string): void {
    this.#refuse(name, content, why);
  }

  state(): DeskState {
    let room = ANSWERS_CHARS_MAX;
    const newest = [...this.#answers].toReversed().flatMap(([id, { answer, mark }]) => {
      if (typeof answer !== 'string') return [];
      room -= answer.length;
      const kept = room < 0 ? FORGOTTEN : answer;
      return [mark === null ? ([id, kept] as const) : ([id, kept, mark] as const)];
    });
    return { answers: newest.toReversed(), rejected: this.#sweep() };
  }

  /** Nothing half answered: the workflow may end or continue as new. */
  isQuiet(): boolean {
    return allHandlersFinished();
  }

  /**
   * All that was refused, with the signals whose names nobody knows: those wait in the SDK's buffer for a handler. A default one
   * stands only for this moment.
   */
  #sweep(): readonly Rejected[] {
    untilTaken(() => setDefaultSignalHandler((name, ...content) => void this.#refuseUnknown(name, content[0])));
    setDefaultSignalHandler(undefined);
    return this.#rejected;
  }

  #refuseUnknown(name: string, content: unknown): Answer {
    const names = [...this.#handlers.keys()];
    const near = nearest(name, names);
    const offer = near === null ? `there are ${names.join(', ')}` : `did you mean "${near}"?`;
    return this.#refuse(name.slice(0, CONTENT_CHARS_MAX), content, `there is no message of this name; ${offer}`);
  }

  #listen<Schema extends z.ZodType>(message: Message<Schema>): void {
    const { description } = message;
    setHandler(
      message.update,
      (raw: unknown) => {
        // Most are answered at once, by a word and not by a promise: an agent waits for it.
        const answer = this.#take(message, raw);
        return answer instanceof Promise ? answer.then(saysOrFails) : saysOrFails(answer);
      },
      {
        description,
        validator: (raw: unknown) => {
          const content = read(message.schema, raw);
          if (!content.ok) throw failure('Refused', `${message.name}: ${content.problems.join('; ')}`);
        },
      },
    );
    setHandler(
      message.signal,
      async (raw: unknown) => {
        await this.#take(message, raw);
      },
      { description },
    );
  }

  /** Which messages there are is known when it is handled. */
  async #takeByName(name: string, raw: unknown): Promise<Answer> {
    const handled = () => {
      const message = this.#messages.get(name);
      return message === undefined ? this.#refuseUnknown(name, raw) : this.#once(message, raw);
    };
    return new Promise((resolve) => {
      this.#early?.push((why) => resolve(why === null ? handled() : this.#refuse(name, raw, why)));
    });
  }

  #take<Schema extends z.ZodType>(message: Message<Schema>, raw: unknown): Promise<Answer> | Answer {
    const { name } = message;
    if (this.#early === null) return this.#once(message, raw);
    const early = this.#early;
    return new Promise((resolve) => {
      early.push((why) => resolve(why === null ? this.#once(message, raw) : this.#refuse(name, raw, why)));
    });
  }

  #answerEarly(why: string | null): void {
    const early = this.#early ?? [];
    this.#early = null;
    for (const answer of early) answer(why);
  }

  #once<Schema extends z.ZodType>(message: Message<Schema>, raw: unknown): Promise<Answer> | Answer {
    const content = read(message.schema, raw);
    if (!content.ok) return this.#refuse(message.name, raw, content.problems.join('; '));
    const { repeatable } = this.#options.get(message.name) ?? {};
    const id = repeatable === true ? null : idOf(content.value);
    const said = id === null ? null : saidIn(content.value);
    const mark = said === null ? null : fingerprint(said);
    const known = id === null ? undefined : this.#answers.get(`${message.name}:${id}`);
    if (known !== undefined) return this.#again(message.name, content.value, known, mark);
    const handle = this.#handlers.get(message.name);
    if (handle === undefined || handle === null) return this.#refuse(message.name, raw, 'nobody takes this message');
    const answer = handle(content.value);
    if (answer instanceof Promise) {
      if (id !== null) this.#answers.set(`${message.name}:${id}`, { answer, mark });
      return answer.then((settled) => this.#keep({ name: message.name, id, mark, raw }, settled));
    }
    return this.#keep({ name: message.name, id, mark, raw }, answer);
  }

  /** What came under the id before, or something else, which would be lost if it were answered like it. */
  #again(name: string, content: unknown, known: Known, mark: string | null): Promise<Answer> | Answer {
    const isOther = known.mark !== null && mark !== null && known.mark !== mark;
    if (isOther && patched('other content under a known id is refused', '0.10'))
      return this.#refuse(
        name,
        content,
        `the id "${(idOf(content) ?? '').slice(0, 200)}" is of another ${name}, which was taken before; nothing of this one is: give it an id of its own`,
      );
    if (typeof known.answer !== 'string') return known.answer;
    return done(this.#options.get(name)?.again?.(content) ?? known.answer);
  }

  /** A refusal is not kept as an answer: the same message may fit later. */
  #keep({ name, id, mark, raw }: Taken, answer: Answer): Answer {
    if (!answer.ok) {
      if (id !== null) this.#answers.delete(`${name}:${id}`);
      return this.#refuse(name, raw, answer.why);
    }
    if (id !== null) {
      this.#answers.set(`${name}:${id}`, { answer: answer.says, mark });
      const [oldest] = this.#answers.keys();
      if (this.#answers.size > ANSWERS_MAX && oldest !== undefined) this.#answers.delete(oldest);
    }
    return answer;
  }

  #refuse(name: string, raw: unknown, why: string): Answer {
    const content = (JSON.stringify(raw) ?? 'nothing').slice(0, CONTENT_CHARS_MAX);
    const entry = { message: name, reason: why.slice(0, REASON_CHARS_MAX), atMs: Date.now(), content };
    this.#rejected = [...this.#rejected.slice(-REJECTED_MAX + 1), entry];
    return refused(why);
  }
}

type Taken = {
  readonly name: string;
  readonly id: string | null;
  readonly mark: string | null;
  readonly raw: unknown;
};

/** Where messages are taken. */
export type Taking = Pick<Desk, 'on'>;

/** The same desk, which refuses what comes when `whyNot` says why. */
export function takenUnless(desk: Taking, whyNot: (content: unknown) => string | null): Taking {
  return {
    on: (message, handle, options) =>
      desk.on(
        message,
        (content) => {
          const why = whyNot(content);
          return why === null ? handle(content) : refused(why);
        },
        options,
      ),
  };
}

/** The same desk, where no agent has a word that is not above what is asked. */
export function takenFromAbove(desk: Taking, what: string, rigs: () => readonly string[]): Taking {
  return takenUnless(desk, (content) => {
    const by = typeof content === 'object' && content !== null && 'by' in content ? content.by : null;
    const isAsked = typeof by === 'string' && patched('no other agent answers a mission or a queue', '0.11');
    return isAsked ? whyNotFor(what, by, rigs()) : null;
  });
}

/** The same desk, where a message waits until it is known what the one before knew: that is older than the message. */
export function takenOnce(desk: Taking, isKnown: () => boolean): Taking {
  return {
    on: (message, handle, options) =>
      desk.on(
        message,
        (content) => (isKnown() ? handle(content) : condition(isKnown).then(() => handle(content))),
        options,
      ),
  };
}

/**
 * Sets a default handler, which gets all that waits. As long as one stands, a name that begins as the SDK's own do (`__temporal_`) breaks the
 * workflow's task for ever; here it only ends the round.
 */
function untilTaken(set: () => void): void {
  for (let isTaken = false; !isTaken;) {
    try {
      set();
      isTaken = true;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
  }
}

function saysOrFails(answer: Answer): string {
  if (!answer.ok) throw failure('Refused', answer.why);
  return answer.says;
}

function idOf(content: unknown): string | null {
  if (typeof content !== 'object' || content === null || !('id' in content)) return null;
  return typeof content.id === 'string' ? content.id : null;
}
