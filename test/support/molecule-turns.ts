/** The tokens of a molecule's waits: a step has another whenever it begins to wait, no two waits have the same, and a wait keeps its own. */
import { expect } from 'vitest';

export class Turns {
  /** By a step all tokens that it had, the last one last. */
  readonly tokens = new Map<string, readonly string[]>();
  /** By its token the turn of a wait in the model. */
  readonly of = new Map<string, number>();

  /** The steps that wait now, by the molecule and by its model. */
  see(tokens: ReadonlyMap<string, string>, turns: ReadonlyMap<string, number>): void {
    expect([...tokens.keys()].toSorted()).toEqual([...turns.keys()].toSorted());
    for (const [id, token] of tokens) {
      const turn = turns.get(id) ?? 0;
      const known = this.tokens.get(id) ?? [];
      if (known.at(-1) === token) {
        expect(this.of.get(token), `the token of ${id}`).toBe(turn);
        continue;
      }
      expect([...this.of.keys()], `the token of ${id}`).not.toContain(token);
      expect([...this.of.values()], `the token of ${id}`).not.toContain(turn);
      this.tokens.set(id, [...known, token]);
      this.of.set(token, turn);
    }
  }
}
