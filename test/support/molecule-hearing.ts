/** How a molecule stands that has heard what its histories tell, by its model. */
import { expect } from 'vitest';
import { MoleculeModel } from './molecule-model.js';
import type { Planned, Said } from './molecule-plans.js';
import type { Begun, Heard, Rest, Told } from './said-history.js';

/** Who was refused, and who came when everything was over. */
export type Hearing = {
  readonly model: MoleculeModel;
  readonly refused: ReadonlySet<string>;
  readonly late: ReadonlySet<string>;
  /** Ids of Updates that took effect as they came. */
  readonly done: ReadonlySet<string>;
  /** By the ids of Updates that may be answered only after a check. */
  readonly begun: ReadonlyMap<string, Beginning>;
  /** What was refused though it fits so far: by something that is answered after it in the same task, or it should not have been. */
  readonly doubted: readonly Doubt[];
  /** What was taken though it does not fit so far: by something that is answered after it in the same task, or it should not have been. */
  readonly early: readonly Doubt[];
};

type Doubt = { readonly said: Said; readonly turn: number | undefined };

/** When such an Update came: the turn that its step had, if it waited, and whether it would have been refused. */
type Beginning = { readonly turn: number | undefined; readonly isRefused: boolean };

/**
 * All that can have come of it: a molecule that continues as new may judge its loops before that or after, which no history says.
 * `turns`: by the tokens that are known the turns in the model.
 */
export function hearings(
  plan: readonly Planned[],
  heard: readonly Told[],
  turns: ReadonlyMap<string, number>,
  isSandboxed: boolean,
): readonly Hearing[] {
  const model = new MoleculeModel(plan, isSandboxed);
  let all: readonly Hearing[] = [
    { model, refused: new Set(), late: new Set(), done: new Set(), begun: new Map(), doubted: [], early: [] },
  ];
  for (const one of heard) {
    const before = all;
    all = differing(before.flatMap((hearing) => afterOne(hearing, one, turns)));
    const stood = before.map(({ model }) => JSON.stringify(model.stands())).join(' or ');
    expect(all.length, `${JSON.stringify(one)}, where the model has ${stood}`).toBeGreaterThan(0);
  }
  return all;
}

function afterOne(hearing: Hearing, one: Told, turns: ReadonlyMap<string, number>): readonly Hearing[] {
  if (typeof one === 'string') return afterRest(hearing, one);
  const turn = turns.get(one.content.token ?? '');
  if (!('begun' in one)) {
    const isDone = one.updateId !== null && hearing.done.has(one.updateId);
    return isDone ? [hearing] : afterMessage(hearing, one, turn).map(withEarly);
  }
  const later = withBegun(hearing, one, turn);
  if (!one.maybeAtOnce) return [later];
  const heard = { name: one.name, content: one.content, answer: 'taken', updateId: one.begun } as const;
  const atOnce = afterMessage(hearing, heard, turn).map(withEarly);
  return [later, ...atOnce.map((each) => ({ ...each, done: new Set([...each.done, one.begun]) }))];
}

/** Those that are alike once. */
function differing(all: readonly Hearing[]): readonly Hearing[] {
  const known = new Map(
    all.map((one) => {
      const { model, refused, late, done, begun, doubted, early } = one;
      return [JSON.stringify([model.mark(), [...refused], [...late], [...done], [...begun], doubted, early]), one];
    }),
  );
  return [...known.values()];
}

/** The task is over: none when something that it refused fits still. */
function afterRest(ended: Hearing, rest: Rest): readonly Hearing[] {
  if (ended.early.length > 0) return [];
  const hearing = { ...ended, doubted: [], done: new Set<string>() };
  if (ended.doubted.some(({ said, turn }) => ended.model.copy().take(said, turn))) return [];
  const model = hearing.model.copy();
  const all = rest === 'continues' ? [hearing] : [];
  while (model.judgeByLast()) if (rest === 'continues') all.push({ ...hearing, model: model.copy() });
  return rest === 'continues' ? all : [{ ...hearing, model }];
}

function withBegun(hearing: Hearing, said: Begun, turn: number | undefined): Hearing {
  const { model } = hearing;
  if (!model.isAfterCheck(said)) return hearing;
  const beginning = { turn: model.turns().get(String(said.content.step)), isRefused: !model.copy().take(said, turn) };
  return { ...hearing, begun: new Map([...hearing.begun, [said.begun, beginning]]) };
}

/** With what was taken before that fits by now. */
function withEarly(hearing: Hearing): Hearing {
  const model = hearing.model.copy();
  const early = hearing.early.filter(({ said, turn }) => !model.take(said, turn));
  return { ...hearing, model, early };
}

/** None when it was answered otherwise. */
function afterMessage(
  hearing: Hearing,
  { name, content, answer, updateId }: Heard,
  turn: number | undefined,
): readonly Hearing[] {
  const { model: before, refused, late } = hearing;
  const who = whoSaid(content);
  const model = before.copy();
  if (before.isOver) {
    // A bond that is under way may bring more to do.
    if (answer === 'taken' || name === 'mail') model.take({ name, content }, turn);
    return [{ ...hearing, model, late: new Set([...late, who]) }];
  }
  // A close is of the wait in which it came: of another one it is taken only when that began while it was checked.
  const now = before.turns().get(String(content.step));
  const began = hearing.begun.get(updateId ?? '');
  const isStale = began?.turn !== undefined && began.turn !== now;
  if ((isStale || began?.isRefused === true) && answer === 'refused')
    return [{ ...hearing, refused: new Set([...refused, who]) }];
  const isTaken = model.take({ name, content }, isStale ? now : turn);
  const doubt = { said: { name, content }, turn };
  if (answer === 'refused' && isTaken && began !== undefined)
    return [{ ...hearing, doubted: [...hearing.doubted, doubt], refused: new Set([...refused, who]) }];
  if (answer === 'taken' && !isTaken) return [{ ...hearing, early: [...hearing.early, doubt] }];
  if (answer === 'refused' && isTaken) return [];
  return [{ ...hearing, model, refused: isTaken ? refused : new Set([...refused, who]) }];
}

export function whoSaid({ by, from }: Said['content']): string {
  return by ?? (from === true ? '' : (from ?? ''));
}
