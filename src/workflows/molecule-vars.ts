/** A molecule whose variables change: its formula is cooked once more, and must still be what it was poured from. */
import { asSummary } from '../town/bytes.js';
import { shapeProblem, whyNoVars } from '../town/molecule-vars.js';
import { own } from '../town/own.js';
import type { Protomolecule } from '../town/protomolecule.js';
import { wordsOf } from './failing.js';
import { town } from './hands.js';
import type { Book } from './molecule-book.js';

type Recooked = { readonly ok: true; readonly proto: Protomolecule } | { readonly ok: false; readonly why: string };

/** Whatever does not fit is said in words, as when a molecule is started. */
export async function recooked(book: Book, changed: Readonly<Record<string, string>>): Promise<Recooked> {
  const { proto, hook, patience } = book;
  const why = whyNoVars(proto);
  if (why !== null) return { ok: false, why };
  const { formula, vars, wordsOf: origins = {}, hash } = proto;
  const request = {
    formula,
    vars: { ...vars, ...changed },
    // Whoever answers a step works the town: what they say are nobody else's words.
    wordsOf: Object.fromEntries(Object.entries(origins).filter(([name]) => own(changed, name) === undefined)),
    offered: {},
    was: { vars, wordsOf: origins, hash },
    ...(hook === null ? {} : { rig: hook.rig.name }),
  };
  try {
    const summary = asSummary(`cook ${formula} · with other values`);
    const cooked = await town(patience).cook.executeWithOptions({ summary }, [request]);
    const problem = shapeProblem(proto, cooked);
    return problem === null ? { ok: true, proto: cooked } : { ok: false, why: problem };
  } catch (error) {
    return { ok: false, why: wordsOf(error) };
  }
}
