/**
 * What a session may still cost: the mission knows its budget and what ended sessions have cost, a worker what its sessions under way have.
 * Those of other hosts are counted when they end.
 */
import * as z from 'zod';
import type { SessionContext } from '../agents/runtime.js';
import type { SessionSpec, Usage } from '../town/session.js';

const Purse = z.object({ budgetUsd: z.number(), leftUsd: z.number() }).nullable();
export type Purse = z.infer<typeof Purse>;

export class Purses {
  readonly #call: SessionContext['call'];
  /** By session. */
  readonly #live = new Map<string, { readonly mission: string; readonly usd: number }>();

  constructor(call: SessionContext['call']) {
    this.#call = call;
  }

  /** Null where there is no budget, or nobody who knows one. */
  async left({ mission, sessionId }: SessionSpec, usd: number): Promise<Purse> {
    this.#live.set(sessionId, { mission, usd });
    const answer = await this.#call({ kind: 'query', workflow: mission, name: 'purse' });
    const purse = answer.kind === 'result' ? Purse.parse(answer.value) : null;
    if (purse === null) return null;
    const live = [...this.#live.values()].filter((one) => one.mission === mission);
    return { ...purse, leftUsd: purse.leftUsd - live.reduce((sum, one) => sum + one.usd, 0) };
  }

  /** Tells the mission, once however often it is told. Rejects when nobody can be told now. */
  async ended({ mission, molecule, sessionId }: SessionSpec, run: string, usage: Usage): Promise<void> {
    if (usage.usd > 0 || (usage.unpricedTokens ?? 0) > 0) {
      const id = `spent:${sessionId}@${run}`;
      const content = { id, molecule, usage: { ...usage, unpricedTokens: usage.unpricedTokens ?? 0 } };
      await this.#call({ kind: 'update', workflow: mission, name: 'spent', content, updateId: id });
    }
    this.#live.delete(sessionId);
  }
}
