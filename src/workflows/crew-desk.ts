/** What a member of a crew has besides the inbox: a hook, the steps of molecules that wait for them, and a worktree. */
import type { CrewCarry } from '../contract/crew.js';
import { treeText } from '../town/crew-tree.js';
import { EMPTY_HOOK } from '../town/hook.js';
import { hookBoard } from '../town/hook-board.js';
import { CrewAssigned } from './crew-assigned.js';
import { CrewHook } from './crew-hook.js';
import { CrewWorktree } from './crew-tree.js';
import type { Taking } from './desk.js';

type Owner = { readonly address: string; readonly patience: number; readonly onChange: () => void };

export class CrewDesk {
  readonly #address: string;
  readonly #hook: CrewHook;
  readonly #assigned: CrewAssigned;
  readonly #worktree: CrewWorktree;

  /** `carried`: by the run before; null in a first one. */
  constructor(owner: Owner, carried: Partial<CrewCarry> | null) {
    const { hooked = EMPTY_HOOK, ended = [], assigned = [], records = [], tree = null } = carried ?? {};
    this.#address = owner.address;
    this.#hook = new CrewHook(owner, { hooked, ended, records });
    this.#assigned = new CrewAssigned(owner, assigned, carried === null);
    this.#worktree = new CrewWorktree(owner, tree);
  }

  /** Of one that has had the address before. What waits for them is asked for in any case. */
  adopt({ hooked, ended = [], records = [], tree = null }: Partial<CrewCarry>): void {
    if (hooked !== undefined) this.#hook.adopt({ hooked, ended, records });
    if (tree !== null) this.#worktree.adopt(tree);
  }

  serve(desk: Taking): void {
    this.#hook.serve(desk);
    this.#assigned.serve(desk);
    this.#worktree.serve(desk);
  }

  get kept(): CrewCarry {
    const { hooked, ended, records } = this.#hook;
    return { hooked, ended, records, assigned: this.#assigned.all, tree: this.#worktree.tree };
  }

  get isIdle(): boolean {
    return this.#hook.isIdle && this.#assigned.isIdle;
  }

  get isAtWork(): boolean {
    return this.#hook.hooked.hook !== null;
  }

  /** In how many milliseconds it is to `look`; null: not before there is news. */
  lookInMs(): number | null {
    return this.#assigned.askInMs();
  }

  /** Beside the loop of its owner. */
  look(): void {
    void this.#assigned.ask();
  }

  /** Its owner leaves. */
  close(): void {
    this.#hook.close(`${this.#address} is no more in this town`);
  }

  board(): string {
    const { tree } = this.#worktree;
    const where = tree === null ? '' : `\n\n${treeText(tree)}`;
    return `${hookBoard(this.#address, this.#hook.hooked, this.#assigned.all)}${where}`;
  }
}
