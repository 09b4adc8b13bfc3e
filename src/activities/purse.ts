/**
 * What a session may still cost: the mission knows its budget and what ended sessions have cost, a worker what its sessions under way have.
 * Those of other hosts are counted when they end.
 */
import type { SessionContext } from '../agents/runtime.js';
import { RuntimeTrouble } from '../agents/trouble.js';
import type { Answer } from '../contract/calls.js';
import { Purse } from '../town/mission.js';
import { costsNothing, spentIdOf, type SessionSpec, type Usage } from '../town/session.js';

export class Purses {
  readonly #call: SessionContext['call'];
  /** By session. */
  readonly #live = new Map<string, { readonly mission: string; readonly usd: number }>();

  constructor(call: SessionContext['call']) {
    this.#call = call;
  }

  /** Null where there is no budget, or nobody who knows one. Throws RuntimeTrouble when nobody can be asked now. */
  async left({ mission, sessionId }: SessionSpec, usd: number): Promise<Purse> {
    this.#live.set(sessionId, { mission, usd });
    const answer = answered(await this.#call({ kind: 'query', workflow: mission, name: 'purse' }), mission);
    const purse = answer.kind === 'result' ? Purse.parse(answer.value) : null;
    if (purse === null) return null;
    const live = [...this.#live.values()].filter((one) => one.mission === mission);
    return { ...purse, leftUsd: purse.leftUsd - live.reduce((sum, one) => sum + one.usd, 0) };
  }

  /** Tells the mission, once however often it is told. Throws RuntimeTrouble when nobody can be told now. */
  async ended({ mission, molecule, sessionId }: SessionSpec, run: string, usage: Usage): Promise<void> {
    const live = this.#live.get(sessionId);
    // From here on the mission counts it: twice would be too much.
    this.#live.delete(sessionId);
    if (costsNothing(usage)) return;
    const id = spentIdOf(sessionId, run);
    const content = { id, molecule, usage: { ...usage, unpricedTokens: usage.unpricedTokens ?? 0 } };
    try {
      answered(await this.#call({ kind: 'update', workflow: mission, name: 'spent', content, updateId: id }), mission);
    } catch (error) {
      if (live !== undefined) this.#live.set(sessionId, live);
      throw error;
    }
  }
}

/** That a mission is gone, or knows nothing of it, is an answer; that it does not answer in time is none. */
function answered(answer: Answer, mission: string): Answer {
  const isOpen =
    answer.kind === 'failed' || (answer.kind === 'refused' && answer.why.includes('has not answered in time'));
  if (!isOpen) return answer;
  const message = `${mission} cannot be told now what this session costs: ${answer.why}`;
  throw new RuntimeTrouble({ type: 'Town.Unreachable', message, retryable: true });
}
