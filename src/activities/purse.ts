/**
 * What a session may still cost: the mission knows its budget and what ended sessions have cost, a worker what its sessions under way have.
 * Those of other hosts are counted when they end. However many sessions a worker has, it asks a mission one question at a time, and
 * tells it one thing at a time: the server keeps one question beside a task of its workflow, and ten Updates.
 */
import type { SessionContext } from '../agents/runtime.js';
import { RuntimeTrouble } from '../agents/trouble.js';
import type { Answer } from '../contract/calls.js';
import { Purse } from '../town/purse.js';
import { costsNothing, spentIdOf, type SessionSpec, type Usage } from '../town/session.js';

type Whose = Pick<SessionSpec, 'mission' | 'molecule' | 'sessionId'>;

export class Purses {
  readonly #call: SessionContext['call'];
  /** By session. */
  readonly #live = new Map<string, { readonly mission: string; readonly usd: number }>();
  /** By mission: the answer that is on its way, for all who ask meanwhile. */
  readonly #asked = new Map<string, Promise<Answer>>();
  /** By mission: what was told last. */
  readonly #told = new Map<string, Promise<unknown>>();

  constructor(call: SessionContext['call']) {
    this.#call = call;
  }

  /** Null where there is no budget, or nobody who knows one. Throws RuntimeTrouble when nobody can be asked now. */
  async left({ mission, sessionId }: Whose, usd: number): Promise<Purse> {
    this.#live.set(sessionId, { mission, usd });
    const answer = answered(await this.#ask(mission), mission);
    const purse = answer.kind === 'result' ? Purse.parse(answer.value) : null;
    if (purse === null) return null;
    const live = [...this.#live.values()].filter((one) => one.mission === mission);
    return { ...purse, leftUsd: purse.leftUsd - live.reduce((sum, one) => sum + one.usd, 0) };
  }

  /** Tells the mission, once however often it is told. Throws RuntimeTrouble when nobody can be told now. */
  async ended({ mission, molecule, sessionId }: Whose, run: string, usage: Usage): Promise<void> {
    const live = this.#live.get(sessionId);
    if (costsNothing(usage)) return void this.#live.delete(sessionId);
    const id = spentIdOf(sessionId, run);
    const content = { id, molecule, usage: { ...usage, unpricedTokens: usage.unpricedTokens ?? 0 } };
    try {
      const update = { kind: 'update', workflow: mission, name: 'spent', content, updateId: id } as const;
      const tell = async () => {
        // From here on the mission counts it: twice would be too much.
        this.#live.delete(sessionId);
        return this.#call(update);
      };
      answered(await this.#tell(mission, tell), mission);
    } catch (error) {
      if (live !== undefined) this.#live.set(sessionId, live);
      throw error;
    }
  }

  /** It goes on elsewhere, or not at all: what it has cost its mission knows from its last heartbeat. */
  givenUp({ sessionId }: Whose): void {
    this.#live.delete(sessionId);
  }

  #ask(mission: string): Promise<Answer> {
    const known = this.#asked.get(mission);
    if (known !== undefined) return known;
    const asked = this.#call({ kind: 'query', workflow: mission, name: 'purse' }).finally(() => {
      this.#asked.delete(mission);
    });
    this.#asked.set(mission, asked);
    return asked;
  }

  #tell(mission: string, tell: () => Promise<Answer>): Promise<Answer> {
    const mine = (this.#told.get(mission) ?? Promise.resolve()).then(tell);
    const over = mine
      .catch(() => undefined)
      .finally(() => {
        if (this.#told.get(mission) === over) this.#told.delete(mission);
      });
    this.#told.set(mission, over);
    return mine;
  }
}

/** That a mission is gone, or knows nothing of it, is an answer; that it does not answer in time is none. */
function answered(answer: Answer, mission: string): Answer {
  if (answer.kind !== 'failed' && answer.kind !== 'unanswered') return answer;
  const message = `${mission} cannot be told now what this session costs: ${answer.why}`;
  throw new RuntimeTrouble({ type: 'Town.Unreachable', message, retryable: true });
}
