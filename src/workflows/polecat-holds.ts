/** Who holds a polecat's molecules: one begins as held as its polecat is, and hears what changes while it is at work. */
import { setHandler } from '@temporalio/workflow';
import { moleculeMessages, polecatMessages } from '../contract/messages.js';
import { holdsQuery, type PolecatInput } from '../contract/polecat.js';
import { withHold, withoutHold, type Hold } from '../town/pause.js';
import { holdLine } from '../town/polecat-board.js';
import { missionRunOf } from '../town/slots.js';
import type { Desk } from './desk.js';
import { town } from './hands.js';
import { patched } from './patches.js';
import { sided, takePauses, Teller, wordFor, type Word } from './pausing.js';

export class PolecatHolds {
  readonly #polecat: string;
  readonly #atWork: () => string | null;
  #holds: readonly Hold[] = [];
  readonly #teller = new Teller(moleculeMessages);

  /** `atWork`: the molecule that is at work, or about to begin. */
  constructor(desk: Desk, polecat: string, input: PolecatInput, atWork: () => string | null) {
    this.#polecat = polecat;
    this.#atWork = atWork;
    takePauses(desk, {
      what: 'the polecat',
      messages: polecatMessages,
      holds: () => this.#holds,
      hold: (hold) => (this.#holds = withHold(this.#holds, sided(hold))),
      letGo: (above) => (this.#holds = withoutHold(this.#holds, above)),
      tell: (word) => this.#tell(word),
      meanwhile: () => 'its session ends first, and what is handed in still lands',
      gone: (holders) => closed(holders, input),
    });
    setHandler(holdsQuery, () => this.#holds, { description: 'Who holds it, and why.' });
  }

  /** The one that is shown, and passed on. */
  get first(): Hold | null {
    return this.#holds[0] ?? null;
  }

  /** A molecule is there now that was started as `first` was then: what was said in between has found nobody. */
  async begun(first: Hold | null): Promise<void> {
    const now = this.first;
    if (now?.by === first?.by && now?.why === first?.why) return;
    if (patched('a molecule hears what was said before it was there', '0.6')) await this.tellNow();
  }

  /** Also to a molecule that is taken over: before the reset something else may have been said to it. */
  async tellNow(): Promise<void> {
    await this.#tell(wordFor(this.first ?? undefined, this.#polecat));
  }

  async #tell(word: Word): Promise<void> {
    const molecule = this.#atWork();
    if (molecule !== null) await this.#teller.tell([{ workflowId: molecule }], word);
  }

  rows(): readonly string[] {
    return this.#holds.map((hold) => holdLine(hold, this.#polecat));
  }
}

async function closed(
  holders: readonly string[],
  { mission, claim, limits }: PolecatInput,
): Promise<readonly string[]> {
  // Another mission may go under the same id by now.
  const executions = holders.map((workflowId) => ({
    workflowId,
    firstRunId: workflowId === mission ? missionRunOf(claim) : null,
  }));
  const summary = 'look who holds it';
  const open = await town(limits.patience).areOpen.executeWithOptions({ summary }, [executions]);
  return holders.filter((_holder, at) => open[at] === false);
}
