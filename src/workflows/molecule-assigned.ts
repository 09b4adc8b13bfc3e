/** Steps of a molecule that wait for members of crews, or are meant for one and have escalated. */
import { memberMeant, tellingsOf, type Tellings } from '../town/assigned.js';
import { fill } from '../town/molecule-facts.js';
import type { Molecule } from '../town/molecule-live.js';
import { tokenOf } from '../town/molecule-refusal.js';
import { waitingSteps } from '../town/molecule.js';
import type { Book } from './molecule-book.js';

/** Asked after each step: most molecules have no such steps. */
export function assignedIn(book: Book): () => Tellings {
  let cooked: Molecule['cooked'] | null = null;
  let hasAssignees = false;
  return () => {
    const { molecule, hook } = book;
    if (cooked !== molecule.cooked) {
      cooked = molecule.cooked;
      hasAssignees = [...cooked.values()].some(({ assignee }) => assignee !== undefined);
    }
    return tellingsOf(hasAssignees ? waitingIn(molecule, hook?.rig.name ?? null) : []);
  };
}

function waitingIn(molecule: Molecule, rig: string | null): Parameters<typeof tellingsOf>[0] {
  return waitingSteps(molecule, Infinity, ['human', 'escalation']).flatMap((step) => {
    const { id, title, state } = step;
    const { assignee } = molecule.cooked.get(id) ?? {};
    const person = assignee === undefined ? null : memberMeant(fill(molecule, id, assignee), rig);
    if (person === null || state.kind !== 'waiting') return [];
    const escalated = state.for === 'escalation' ? ({ isEscalated: true } as const) : {};
    return [{ person, step: { step: id, title, token: tokenOf(step), sinceMs: state.sinceMs, ...escalated } }];
  });
}
