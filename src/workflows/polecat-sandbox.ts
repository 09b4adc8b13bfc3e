/** A polecat's sandbox, wherever it is: on a host that is lost it is rebuilt elsewhere from what was pushed last. */
import type { NukeRequest, RebuildRequest, SandboxRef } from '../contract/activities.js';
import type { PolecatInput, Sandbox } from '../contract/polecat.js';
import { branchFor, nextBranch } from '../town/branch.js';
import { rigRef } from '../town/rig.js';
import { lossOf, onHost } from './hands.js';

type Hands = ReturnType<typeof onHost>;

/** What is known of its work. */
type Known = { readonly molecule: string; readonly since: string | null };

export class PolecatSandbox {
  readonly #name: string;
  readonly #patience: number;
  readonly #known: () => Known;
  readonly #show: () => void;
  readonly #begun: { readonly from?: string };
  readonly #isWhole: boolean;
  #host: string;
  #ref: SandboxRef;
  /** Null before it is open. */
  #open: Sandbox | null = null;
  #lost: readonly string[] = [];

  constructor(input: PolecatInput, known: () => Known, show: () => void) {
    const { name, incarnation, rig, host, molecule, limits, from, isWhole = false } = input;
    this.#name = name;
    this.#patience = limits.patience;
    this.#known = known;
    this.#show = show;
    this.#begun = from === undefined ? {} : { from };
    this.#isWhole = isWhole;
    this.#host = host;
    this.#ref = { rig: rigRef(rig), name, incarnation, branch: branchFor(name, molecule) };
  }

  get host(): string {
    return this.#host;
  }

  get branch(): string {
    return this.#ref.branch;
  }

  get path(): string {
    return this.#open?.path ?? '';
  }

  get opened(): Sandbox | null {
    return this.#open;
  }

  /** The branch that is to land as one, as it was when it was opened. */
  get whole(): Pick<NukeRequest, 'whole'> {
    const { from } = this.#begun;
    if (!this.#isWhole || from === undefined || this.#open === null) return {};
    return { whole: { branch: from, head: this.#open.base } };
  }

  /** Hosts that were lost with it, in their order. */
  get lost(): readonly string[] {
    return this.#lost;
  }

  async open(): Promise<void> {
    const summary = `open sandbox · ${this.#name}`;
    this.#open = await this.act((hands, ref) =>
      hands.openSandbox.executeWithOptions({ summary }, [{ ...ref, ...this.#begun }]),
    );
  }

  /** It is another one from now on. */
  moved(host: string, path: string, branch: string): void {
    this.#lost = [...this.#lost, this.#host];
    this.#host = host;
    this.#ref = { ...this.#ref, branch };
    if (this.#open !== null) this.#open = { ...this.#open, path, branch };
    this.#show();
  }

  /** An act in it; one whose host is lost is done anew where the sandbox was rebuilt. */
  async act<T>(act: (hands: Hands, ref: SandboxRef) => Promise<T>): Promise<T> {
    let host = this.#host;
    for (;;) {
      try {
        if (host !== this.#host) await this.#rebuildOn(host);
        return await this.actHere(act);
      } catch (error) {
        const loss = lossOf(error);
        if (loss === null) throw error;
        host = loss.to;
      }
    }
  }

  /** An act in it as it lies there; throws `HostLost` when it does not any more. */
  actHere<T>(act: (hands: Hands, ref: SandboxRef) => Promise<T>): Promise<T> {
    return act(onHost(this.#patience, this.#host), this.#ref);
  }

  async #rebuildOn(host: string): Promise<void> {
    const { branch } = this.#ref;
    const request: RebuildRequest = {
      ...this.#ref,
      ...this.#known(),
      ...this.#begun,
      branch: nextBranch(branch),
      lost: branch,
      step: null,
    };
    const summary = `${this.#host} is lost: rebuild on ${host} · ${this.#name}`;
    const { path } = await onHost(this.#patience, host).rebuildSandbox.executeWithOptions({ summary }, [request]);
    this.moved(host, path, request.branch);
  }
}
