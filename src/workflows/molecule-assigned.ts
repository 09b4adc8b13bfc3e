/** Steps of a molecule that wait for members of crews, or are meant for one and have escalated. */
import { OVERSEER } from '../town/address.js';
import { memberMeant, tellingsOf, type Tellings } from '../town/assigned.js';
import { fill } from '../town/molecule-facts.js';
import type { Molecule } from '../town/molecule-live.js';
import { tokenOf } from '../town/molecule-refusal.js';
import { waitingSteps } from '../town/molecule.js';
import type { Book } from './molecule-book.js';

type Assigned = { readonly now: () => Tellings; readonly all: () => Tellings };

/** `now`: for members of crews; `all`: for the overseer, too, what is for none of them. Asked after each step: most molecules have no such steps. */
export function assignedIn(book: Book): Assigned {
  let cooked: Molecule['cooked'] | null = null;
  let [hasAssignees, hasPeople] = [false, false];
  const look = () => {
    if (cooked === book.molecule.cooked) return;
    cooked = book.molecule.cooked;
    const all = [...cooked.values()];
    hasAssignees = all.some(({ assignee }) => assignee !== undefined);
    hasPeople = all.some(({ kind }) => kind === 'human');
  };
  const waiting = () => waitingIn(book.molecule, book.hook?.rig.name ?? null);
  return {
    now: () => {
      look();
      return tellingsOf(hasAssignees ? waiting().filter(({ person }) => person !== OVERSEER) : []);
    },
    all: () => {
      look();
      return tellingsOf(hasAssignees || hasPeople ? waiting() : []);
    },
  };
}

function waitingIn(molecule: Molecule, rig: string | null): Parameters<typeof tellingsOf>[0] {
  return waitingSteps(molecule, Infinity, ['human', 'escalation']).flatMap((step) => {
    const { id, title, state } = step;
    const { assignee, kind } = molecule.cooked.get(id) ?? {};
    const member = assignee === undefined ? null : memberMeant(fill(molecule, id, assignee), rig);
    const person = member ?? (kind === 'human' ? OVERSEER : null);
    if (person === null || state.kind !== 'waiting') return [];
    const escalated = state.for === 'escalation' ? ({ isEscalated: true } as const) : {};
    return [{ person, step: { step: id, title, token: tokenOf(step), sinceMs: state.sinceMs, ...escalated } }];
  });
}
