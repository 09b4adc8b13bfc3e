/** The worktree of a member of a crew: opened on a host when it is first asked for, closed when the member leaves. */
import { CancellationScope, setHandler } from '@temporalio/workflow';
import { crewMessages, treeQuery } from '../contract/crew.js';
import { workerAt } from '../town/address.js';
import { asSummary } from '../town/bytes.js';
import { isLost, openedOn, lostWith, type CrewTree } from '../town/crew-tree.js';
import { done, refused, type Answer, type Taking } from './desk.js';
import { wordsOf } from './failing.js';
import { lossOf, onHost, town } from './hands.js';

type Owner = { readonly address: string; readonly patience: number; readonly onChange: () => void };

export class CrewWorktree {
  readonly #owner: Owner;
  #tree: CrewTree | null;
  /** One act at a time: the next begins when it has ended. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(owner: Owner, tree: CrewTree | null) {
    this.#owner = owner;
    this.#tree = tree;
    setHandler(treeQuery, () => this.#tree, { description: 'Where the worktree is; null while there is none.' });
  }

  get tree(): CrewTree | null {
    return this.#tree;
  }

  /** Of one that has had the address before. */
  adopt(tree: CrewTree): void {
    this.#tree ??= tree;
  }

  serve(desk: Taking): void {
    desk.on(crewMessages.at, () => this.#inTurn(() => this.#open()));
    desk.on(crewMessages.leave, ({ force }) => this.#inTurn(() => this.#close(force)));
  }

  async #inTurn(act: () => Promise<Answer>): Promise<Answer> {
    const mine = this.#last
      .then(() => CancellationScope.nonCancellable(act))
      .catch((error: unknown) => refused(wordsOf(error)));
    this.#last = mine;
    return mine;
  }

  async #open(): Promise<Answer> {
    const { patience, onChange } = this.#owner;
    const how = { summary: 'host for a worktree' };
    let host = this.#tree?.host ?? (await town(patience).chooseHost.executeWithOptions(how, []));
    for (;;) {
      try {
        const summary = asSummary(`worktree of ${this.#owner.address}`);
        const request = { ...this.#who(), ...this.#lostCommit() };
        const opened = await onHost(patience, host).openCrewTree.executeWithOptions({ summary }, [request]);
        this.#tree = openedOn(host, opened, this.#tree);
        onChange();
        return done(opened.path);
      } catch (error) {
        const loss = lossOf(error);
        if (loss === null) throw error;
        // Made anew on another host, from what was pushed.
        this.#lose(host);
        host = loss.to;
      }
    }
  }

  async #close(force: boolean): Promise<Answer> {
    const { address, onChange } = this.#owner;
    if (this.#tree === null) return done(`${address} has no worktree`);
    const { host } = this.#tree;
    const end = await this.#end(host, force);
    if (end.kind === 'kept') return refused(force ? end.why : `${end.why}; ${end.byForce}`);
    this.#tree = null;
    onChange();
    return done(`the worktree of ${address} is gone: ${end.where}`);
  }

  /** On a host that is lost it stays as it is: by force its owner leaves even so. */
  async #end(host: string, force: boolean): Promise<End> {
    const { address, patience } = this.#owner;
    const summary = asSummary(`close the worktree of ${address}`);
    try {
      const request = { ...this.#who(), force };
      const end = await onHost(patience, host).closeCrewTree.executeWithOptions({ summary }, [request]);
      return end.kind === 'gone' ? end : { ...end, byForce: 'with force it is first saved as a branch' };
    } catch (error) {
      if (lossOf(error) === null) throw error;
      this.#lose(host);
      if (force) return { kind: 'gone', where: `host ${host} is lost, and has what was not pushed` };
      return { kind: 'kept', why: wordsOf(error), byForce: 'with force it is left there' };
    }
  }

  /** What is known of it stays, for whoever asks where their work is. */
  #lose(host: string): void {
    if (this.#tree?.host !== host) return;
    this.#tree = { ...this.#tree, lost: lostWith(this.#tree) };
    this.#owner.onChange();
  }

  #lostCommit(): { readonly lost?: string } {
    const commit = this.#tree !== null && isLost(this.#tree) ? this.#tree.commit : undefined;
    return commit === undefined ? {} : { lost: commit };
  }

  #who(): { readonly rig: string; readonly name: string } {
    const { rig = '', name = '' } = workerAt(this.#owner.address) ?? {};
    return { rig, name };
  }
}

type End =
  | { readonly kind: 'gone'; readonly where: string }
  | { readonly kind: 'kept'; readonly why: string; readonly byForce: string };
