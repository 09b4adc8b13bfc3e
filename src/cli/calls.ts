/** What commands ask of workflows: through the relay of the town around us where one listens, else with a client of their own. */
import { randomUUID } from 'node:crypto';
import type { QueryDefinition } from '@temporalio/common';
import type { z } from 'zod';
import { Answer } from '../contract/calls.js';
import type { Call, Relayed } from '../contract/calls.js';
import type { Message } from '../contract/message.js';
import { explainQuery } from '../contract/messages.js';
import { askRelay } from '../relay.js';
import type { Json } from '../town/act.js';
import { makeId, rigOfCrew } from '../town/address.js';
import { townPaths } from '../town/paths.js';
import { CliError } from './command.js';
import type { OpenClient } from './server.js';
import { findServer, noExecution, refusedBy } from './server-place.js';
import type { ServerPlace, ServerValues } from './server-place.js';
import { mustBeRig } from './town.js';

export type Content = Readonly<Record<string, Json>>;

/** All reject with CliError for what is refused, and for an execution that is not there. */
export type Calls = {
  /**
   * The workflow's answer, also when it is asked again under the same `id`. Every message has one: asked again after a lost answer
   * it happens once, also when the workflow goes on in another run meanwhile. The Update's own id is of this call alone: under a known one the
   * server would answer for the workflow, whatever is said.
   */
  readonly update: (to: string, message: Message<z.ZodType>, content: Content, id?: string) => Promise<string>;
  readonly query: <T>(of: string, query: QueryDefinition<T>) => Promise<T>;
  /** Ids of executions, in order. */
  readonly list: (filter: string) => Promise<readonly string[]>;
  /** Any call, with whatever is the answer: for what speaks in an agent's place. */
  readonly call: (call: Call) => Promise<Answer>;
};

export async function withCalls(values: ServerValues, work: (calls: Calls) => Promise<void>): Promise<void> {
  const caller = new Caller(await findServer(values));
  try {
    await work({
      update: async (workflow, { name }, content, id = randomUUID()) => {
        const updateId = `${name}:${randomUUID()}`;
        return caller.ask<string>({ kind: 'update', workflow, name, content: { ...content, id }, updateId });
      },
      query: async <T>(workflow: string, { name }: QueryDefinition<T>) =>
        caller.ask<T>({ kind: 'query', workflow, name }),
      list: async (filter) => (await caller.ask<string[]>({ kind: 'list', filter })).toSorted(),
      call: (call) => caller.call(call),
    });
  } finally {
    await caller.close();
  }
}

class Caller {
  readonly #place: ServerPlace;
  #own: OpenClient | null = null;

  constructor(place: ServerPlace) {
    this.#place = place;
  }

  /** `T` is what workflows of this version answer. */
  async ask<T>(call: Call): Promise<T> {
    const answer = await this.call(call);
    if (answer.kind === 'result') return answer.value as T;
    if (answer.kind === 'missing') throw await this.#gone(call);
    throw answer.kind === 'failed' ? refusedBy(this.#place, answer.why) : new CliError(answer.why);
  }

  /** The server finds none for an Update when it has ended, either. Of a crew it is told first that nobody has the rig. */
  async #gone(call: Call): Promise<CliError> {
    if (call.kind === 'list') return noExecution('');
    const { kind, workflow: id } = call;
    const { name } = explainQuery;
    const asked = kind === 'update' ? await this.call({ kind: 'query', workflow: id, name }) : null;
    if (asked !== null && asked.kind !== 'missing') return new CliError(`${id} has ended: gt explain ${id} tells how`);
    const rig = rigOfCrew(id);
    if (rig !== null && this.#place.town !== null) await mustBeRig(rig, this.#place.town);
    return noExecution(id);
  }

  async call(call: Call): Promise<Answer> {
    return (await this.#relayed(call)) ?? (await this.#direct(call));
  }

  async close(): Promise<void> {
    await this.#own?.close();
  }

  /** Null when the server must be asked: after a call that was lost, too, since it is harmless to ask again. */
  async #relayed(call: Call): Promise<Answer | null> {
    const { address, namespace, town } = this.#place;
    if (town === null || this.#own !== null) return null;
    const said = await askRelay(townPaths(town).relay, { address, namespace, call } satisfies Relayed);
    return Answer.safeParse(said).data ?? null;
  }

  async #direct(call: Call): Promise<Answer> {
    // They are most of what a client of its own takes to start.
    const [{ openClient, serverSays }, { perform }] = await Promise.all([import('./server.js'), import('../calls.js')]);
    this.#own ??= await openClient(this.#place);
    return perform(this.#own.client, call).catch((error: unknown) => {
      throw serverSays(this.#place, error);
    });
  }
}

export function newId(prefix: string): string {
  return makeId(prefix, randomUUID());
}
