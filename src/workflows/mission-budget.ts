/**
 * A mission's money: what sessions tell that they have cost, and the budget. When it is spent, or a session stands before its next turn
 * with nothing left, everything at work is held until somebody has raised it: nothing is ended in the midst of a turn.
 */
import { CancellationScope, setHandler, workflowInfo } from '@temporalio/workflow';
import { missionMessages } from '../contract/messages.js';
import { purseQuery, type MissionCarry } from '../contract/mission.js';
import { budgetGap, rigsIn } from '../town/mission-stand.js';
import { isOverBudget, spent, type MissionEvent, type MissionState } from '../town/mission.js';
import { purseOf } from '../town/purse.js';
import { done, refused, takenFromAbove, type Desk } from './desk.js';
import type { MissionAsks } from './mission-asks.js';
import { patched } from './patches.js';
import { wordFor, type Teller, type Word } from './pausing.js';

const BUDGET = 'the budget';

type Mission = {
  readonly now: () => MissionCarry;
  readonly note: (event: MissionEvent) => void;
  readonly teller: Teller;
  readonly asks: MissionAsks;
};

/** What changes without a message to the mission: a report may cross the budget, either way. */
export type Costs = {
  /** Those at work do not know yet that the budget is spent, or that it is not any more. */
  readonly isNews: () => boolean;
  readonly tell: () => Promise<void>;
};

const isMarked = () => patched('a spent budget holds what is at work', '0.6');

export function takeCosts(desk: Desk, { now, note, teller, asks }: Mission): Costs {
  /** As those at work know it. */
  let isHeld = isOverBudget(now().state);
  setHandler(purseQuery, () => purseOf(now().state), { description: 'The budget, and what is left of it.' });
  const tell = (word: Word) => CancellationScope.nonCancellable(() => teller.tell(now().open, word));
  /** A molecule that stopped holds itself, and its polecat knows of no hold: it passes on the end of one that it has heard of. */
  const tellAll = async () => {
    isHeld = isOverBudget(now().state);
    const word = wordNow(now().state, BUDGET);
    if (word.verb === 'resume') await tell({ verb: 'pause', by: BUDGET, reason: 'it was spent' });
    await tell(wordNow(now().state, BUDGET));
  };
  desk.on(missionMessages.spent, async ({ molecule, usage }) => {
    const item = workedIn(now().state, molecule);
    if (item === undefined) return nobody(molecule);
    note({ kind: 'spent', item: item.id, usage });
    if (isOverBudget(now().state) !== isHeld) await tellAll();
    return done('counted');
  });
  desk.on(missionMessages.stopped, async ({ molecule, budgetUsd }) => {
    if (workedIn(now().state, molecule) === undefined) return nobody(molecule);
    // One that was raised since holds nobody.
    if (budgetUsd >= (now().state.budgetUsd ?? Infinity)) note({ kind: 'stopped' });
    await tellAll();
    return done('taken');
  });
  takenFromAbove(desk, 'this mission', () => rigsIn(now().state)).on(missionMessages.budget, async ({ usd, by }) => {
    note({ kind: 'budgeted', usd });
    asks.answered({ kind: 'budget' }, by);
    if (isMarked()) await tellAll();
    const gap = budgetGap(now().state);
    const said = `the budget is $${usd}; spent so far: $${spent(now().state).usd.toFixed(2)}`;
    return done(gap === null ? said : `${said}; ${gap}`);
  });
  return {
    isNews: () => isOverBudget(now().state) !== isHeld && isMarked(),
    tell: tellAll,
  };
}

/** Then those at work are held, whoever else lets them go. */
export function isHeldByBudget(state: MissionState): boolean {
  return isOverBudget(state) && isMarked();
}

/** What those at work are to hear: paused by somebody, or held by the budget, or neither. */
export function wordNow(state: MissionState, by: string): Word {
  const { paused = null } = state;
  if (paused !== null) return wordFor(paused, by);
  if (!isOverBudget(state)) return wordFor(undefined, by);
  const reason = `$${spent(state).usd.toFixed(2)} of $${state.budgetUsd} are spent: gt budget ${workflowInfo().workflowId} DOLLARS raises it`;
  return { verb: 'pause', by: BUDGET, reason };
}

/** Work that is done again is a molecule of its own, named after the first. */
function workedIn({ items }: MissionState, molecule: string) {
  return items.find(
    ({ state }) =>
      state.kind === 'working' && (molecule === state.molecule || molecule.startsWith(`${state.molecule}-r`)),
  );
}

const nobody = (molecule: string) => refused(`no item of this mission is worked in ${molecule}`);
