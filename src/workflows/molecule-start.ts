/** From the input of a molecule to its first state: read, cooked unless a polecat had it cooked, and poured, or refused in words. */
import { CancellationScope, condition, setHandler } from '@temporalio/workflow';
import { EMPTY_DESK } from '../contract/desk.js';
import { mailMessage, moleculeMessages } from '../contract/messages.js';
import type { MoleculeCarry } from '../contract/molecule.js';
import { currentQuery, MOLECULE_EXAMPLE, MoleculeInput, readyQuery, stepsQuery } from '../contract/molecule.js';
import { asKeyword, attribute } from '../contract/search-attributes.js';
import { stateOf } from '../town/molecule-live.js';
import { after, pour } from '../town/molecule.js';
import type { Protomolecule } from '../town/protomolecule.js';
import { DEFAULT_LIMITS } from '../town/rig.js';
import type { Desk } from './desk.js';
import { explainBy } from './explain.js';
import { causeOf, readInput, wordsOf } from './failing.js';
import { town } from './hands.js';
import { howOf } from './molecule-book.js';
import { patched } from './patches.js';
import { showRefused, Standing } from './standing.js';
import { refuseRoleAddress } from './start.js';

type Wanted = Exclude<MoleculeInput, { readonly proto: unknown }>;

const ROLE = { key: attribute.role, value: 'molecule' };

export async function acceptMolecule(raw: unknown, desk: Desk): Promise<MoleculeCarry> {
  const input = await orTurnAway(desk, [ROLE], () => readInput(MoleculeInput, raw, 'BadInput', MOLECULE_EXAMPLE));
  const { wisp } = input;
  const { hook, proto } = 'proto' in input ? input : { hook: null, proto: await cookedFor(desk, input) };
  const limits = hook?.limits ?? DEFAULT_LIMITS;
  const fresh = pour(proto, { ...howOf(hook), limits, workedBy: hook?.workedBy }, Date.now());
  const paused = 'proto' in input ? input.paused : undefined;
  // A polecat of before does not say that it is it who holds.
  const hold = paused?.above === undefined ? { ...paused, isFromAnywhere: true as const } : paused;
  const poured = paused === undefined ? fresh : after(fresh, { kind: 'paused', ...paused, ...hold }, Date.now());
  return { proto, hook, molecule: stateOf(poured), desk: EMPTY_DESK, ...(wisp === undefined ? {} : { wisp }) };
}

/** Until there are steps, messages wait, and whoever asks is told so. */
async function cookedFor(desk: Desk, { formula, vars, origins }: Wanted): Promise<Protomolecule> {
  const known = [ROLE, { key: attribute.formula, value: asKeyword(formula) }];
  return orTurnAway(desk, known, async () => {
    refuseRoleAddress('BadInput', 'molecule');
    desk.expect([...Object.values(moleculeMessages), mailMessage]);
    for (const query of [stepsQuery, readyQuery, currentQuery]) setHandler(query, () => []);
    const board = () => `The formula "${formula}" is being cooked. Then its first steps begin.`;
    explainBy(board);
    if (patched('a molecule is shown as it is cooked', '0.6')) {
      const standing = new Standing();
      standing.introduce(known);
      standing.show({ phase: 'working' }, board);
    }
    const { cook } = town(DEFAULT_LIMITS.patience);
    const request = { formula, vars, offered: {}, ...(origins === undefined ? {} : { wordsOf: origins }) };
    return cook.executeWithOptions({ summary: `cook ${formula}` }, [request]);
  });
}

/** Whoever has said something already is told why nobody will hear it. */
async function orTurnAway<T>(
  desk: Desk,
  known: Parameters<typeof showRefused>[0],
  act: () => T | Promise<T>,
): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const cause = causeOf(error);
    showRefused(known, cause);
    desk.turnAway(`the molecule did not begin: ${wordsOf(cause)}`);
    await CancellationScope.nonCancellable(() => condition(() => desk.isQuiet()));
    throw cause;
  }
}
