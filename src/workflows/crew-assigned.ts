/** Which steps of molecules wait for a member of a crew. The molecules tell it; whoever has joined asks them to, and from time to time who is told of some. */
import { CancellationScope, setHandler } from '@temporalio/workflow';
import { crewMessages, tasksQuery } from '../contract/crew.js';
import { afterTold, type Assigned } from '../town/assigned.js';
import { asSummary } from '../town/bytes.js';
import { done, refused, type Taking } from './desk.js';
import { town } from './hands.js';
import { askAssignedMs } from './patience.js';
import { patched } from './patches.js';

type Owner = { readonly address: string; readonly patience: number; readonly onChange: () => void };

export class CrewAssigned {
  readonly #owner: Owner;
  #assigned: readonly Assigned[];
  /** How often it was asked, by this run and, so that a next one does not begin anew, twice by those before. */
  #asked: number;
  /** When it asks next; null before that is known. */
  #dueMs: number | null = null;
  #isAsking = false;

  constructor(owner: Owner, assigned: readonly Assigned[], isFresh: boolean) {
    this.#owner = owner;
    this.#assigned = assigned;
    this.#asked = isFresh ? 0 : 2;
    setHandler(tasksQuery, () => this.#assigned, { description: 'Steps of molecules that wait for this person.' });
  }

  get all(): readonly Assigned[] {
    return this.#assigned;
  }

  get isIdle(): boolean {
    return !this.#isAsking;
  }

  serve(desk: Taking): void {
    const { address, onChange } = this.#owner;
    desk.on(crewMessages.assigned, ({ molecule, steps, more }) => {
      const after = afterTold(this.#assigned, { molecule, steps, more });
      if (after === null)
        return refused(`${address} is told of ${this.#assigned.length} molecules: there is no room for more`);
      this.#assigned = after;
      onChange();
      return done('taken');
    });
  }

  /** In how many milliseconds it is to `ask`, whatever comes meanwhile; null when it need not. */
  askInMs(): number | null {
    if (this.#isAsking) return null;
    if (this.#asked >= 2 && this.#assigned.length === 0) {
      this.#asked = 2;
      this.#dueMs = null;
      return null;
    }
    if (!patched('whoever joins a crew asks what waits for them', '0.9')) return null;
    if (this.#asked === 0) return 0;
    this.#dueMs ??= Date.now() + askAssignedMs(this.#owner.patience, this.#asked);
    // A timer in any case: what is decided by the clock alone might not replay.
    return Math.max(1, this.#dueMs - Date.now());
  }

  /** A molecule that is not there any more waits for nobody. */
  async ask(): Promise<void> {
    const { address: person, patience, onChange } = this.#owner;
    this.#isAsking = true;
    this.#dueMs = null;
    this.#asked += 1;
    const molecules = this.#assigned.map(({ molecule }) => molecule);
    const how = { summary: asSummary(`which steps wait for ${person}`) };
    const gone = await CancellationScope.nonCancellable(() =>
      town(patience).askAssigned.executeWithOptions(how, [{ person, molecules }]),
    );
    this.#assigned = this.#assigned.filter(({ molecule }) => !gone.includes(molecule));
    this.#isAsking = false;
    onChange();
  }
}
