/** Formulas that are bonded to a molecule at work: each is cooked first, and the molecule does not end before it is there. */
import type { z } from 'zod';
import type { moleculeMessages } from '../contract/messages.js';
import { bondPlace, bondProblem } from '../town/molecule-bond.js';
import { fateOf } from '../town/molecule.js';
import type { Protomolecule } from '../town/protomolecule.js';
import type { Answer } from './desk.js';
import { done, refused } from './desk.js';
import { wordsOf } from './failing.js';
import { town } from './hands.js';
import type { Book } from './molecule-book.js';
import { patched } from './patches.js';

type Bond = z.infer<typeof moleculeMessages.bond.schema>;

export class Bonds {
  readonly #book: Book;
  readonly #ended: () => string | null;
  #cooking = 0;

  /** `ended`: why nothing is taken any more, null as long as it is. */
  constructor(book: Book, ended: () => string | null) {
    this.#book = book;
    this.#ended = ended;
  }

  get isIdle(): boolean {
    return this.#cooking === 0;
  }

  async bond(message: Bond): Promise<Answer> {
    const place = this.#placeFor(message);
    if (!place.ok) return refused(place.why);
    this.#cooking += 1;
    try {
      const { formula, vars, origins } = message;
      const summary = `cook ${formula} · bond`;
      const rig = this.#book.hook?.rig.name;
      const words = origins === undefined ? {} : { wordsOf: origins };
      const request = { formula, vars, offered: {}, ...words, ...(rig === undefined ? {} : { rig }) };
      const proto = await town(this.#book.patience).cook.executeWithOptions({ summary }, [request]);
      return this.#bonded(message, proto);
    } catch (error) {
      return refused(wordsOf(error));
    } finally {
      this.#cooking -= 1;
      this.#book.news = true;
    }
  }

  /** Meanwhile the molecule has gone on: what was possible before may not be now. */
  #bonded(message: Bond, proto: Protomolecule): Answer {
    const ended = this.#ended();
    if (ended !== null && patched('nothing is bonded to what was cancelled', '0.6')) return refused(ended);
    const found = this.#placeFor(message);
    const problem = found.ok ? bondProblem(this.#book.molecule, proto) : found.why;
    if (!found.ok || problem !== null) return refused(problem ?? '');
    const before = this.#book.molecule.steps.length;
    this.#book.note({ kind: 'bonded', proto, place: found.place });
    const added = this.#book.molecule.steps.slice(before).map((step) => step.id);
    return done(`bonded ${proto.formula}: ${added.join(', ')}`);
  }

  #placeFor(message: Bond): ReturnType<typeof bondPlace> {
    const { molecule, proto } = this.#book;
    if (fateOf(molecule).kind === 'failed') return { ok: false, why: 'the molecule has failed; start another one' };
    return bondPlace(molecule, proto.bondPoints ?? [], message);
  }
}
