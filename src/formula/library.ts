/** The formulas that one cooking reads: each file once, each joined with its parents once. */
import type { Formula, Written } from './formula.js';
import { joinParents, settleFormula, sharedSteps } from './inherit.js';
import { EXTENDS_DEPTH_MAX } from './limits.js';
import { nameProblem } from './names.js';
import { parseFormula } from './parse.js';
import { didYouMean, quote, type Findings, type Origin } from './problem.js';
import type { Beside } from './step-reader.js';
import { parseJson, parseToml } from './toml.js';

export type FormulaFile = {
  /** As it should stand in front of a problem: `formulas/shiny.formula.toml`. */
  readonly file: string;
  readonly text: string;
  /** Where the file is no text: what stands there is not UTF-8. */
  readonly garbled?: { readonly line: number; readonly column: number };
  /** Why there is no text, where the file is there and cannot be read. */
  readonly unreadable?: string;
  /** For `description_file`. */
  readonly readBeside?: (path: string) => Beside;
};

export type Shelf = {
  /** The file of a formula of this name, null when there is none. */
  readonly load: (name: string) => FormulaFile | null;
  /** All names there are, for "did you mean" and to check names of other formulas. */
  readonly names: readonly string[];
};

export class Library {
  readonly #shelf: Shelf;
  readonly #findings: Findings;
  readonly #joined = new Map<string, Written | null>();
  readonly #formulas = new Map<string, Formula | null>();
  /** Whether a formula was missing or unreadable: then some ids are not known, and nothing is said of ids. */
  gaps = false;

  constructor(shelf: Shelf, findings: Findings) {
    this.#shelf = shelf;
    this.#findings = findings;
  }

  /** The formula with its parents joined; null when it cannot be read, which is reported. `from` is where it is named. */
  formula(name: string, from: Origin | null): Formula | null {
    const known = this.#formulas.get(name);
    if (known !== undefined && known !== null) return known;
    const joined = this.#join(name, from, []);
    const formula = joined === null ? null : settleFormula(joined, this.#findings);
    if (formula === null) this.gaps = true;
    this.#formulas.set(name, formula);
    return formula;
  }

  #join(name: string, from: Origin | null, chain: readonly string[]): Written | null {
    const known = this.#joined.get(name);
    if (known !== undefined) return known;
    const written = this.#read(name, from);
    if (written === null) {
      this.gaps = true;
      if (chain.length > 0) this.#joined.set(name, null);
      return null;
    }
    const way = [...chain, name];
    const parents = written.extends.flatMap((parent) => {
      const refuse = (message: string) => {
        this.#findings.refuse(parent.at, message);
        this.gaps = true;
        return [];
      };
      if (way.includes(parent.name))
        return refuse(`the formulas extend one another in a circle: ${[...way, parent.name].join(' → ')}`);
      if (way.length >= EXTENDS_DEPTH_MAX)
        return refuse(`more than ${EXTENDS_DEPTH_MAX} formulas extend one another in a row`);
      const joined = this.#join(parent.name, parent.at, way);
      return joined === null ? [] : { at: parent.at, joined };
    });
    this.#refuseShared(parents);
    const joined = joinParents(
      written,
      parents.map((parent) => parent.joined),
    );
    this.#joined.set(name, joined);
    return joined;
  }

  #refuseShared(parents: readonly { readonly at: Origin; readonly joined: Written }[]): void {
    for (const { step, first, second } of sharedSteps(parents.map(({ joined }) => joined))) {
      const [one, other] = [parents[first], parents[second]];
      if (one === undefined || other === undefined) continue;
      const both = `the parents ${quote(one.joined.name)} and ${quote(other.joined.name)}`;
      this.#findings.refuse(other.at, `${both} both have the step ${quote(step.id)} from ${step.at.source.file}`, {
        hint: 'steps can be taken over once: extend one of the two',
      });
    }
  }

  #read(name: string, from: Origin | null): Written | null {
    const refuse = (message: string, hint: string | null) => {
      if (from === null) this.#findings.refuseFile(name, message, hint);
      else this.#findings.refuse(from, message, { hint });
      return null;
    };
    const unfit = nameProblem(name);
    if (unfit !== null)
      return refuse(from === null ? `no formula can have this name: it ${unfit}` : `${quote(name)} ${unfit}`, null);
    const found = this.#shelf.load(name);
    if (found === null) {
      const { names } = this.#shelf;
      const known = names.length === 0 ? null : `there are ${names.toSorted().join(', ')}`;
      const message = from === null ? 'there is no such formula' : `there is no formula ${quote(name)}`;
      return refuse(message, didYouMean(name, names) ?? (from === null ? known : null));
    }
    if (found.unreadable === undefined) return this.#parse(name, found);
    if (from !== null)
      return refuse(`the formula ${quote(name)} cannot be read: ${found.unreadable}`, `it is ${found.file}`);
    this.#findings.refuseFile(found.file, found.unreadable, null);
    return null;
  }

  #parse(name: string, { file, text, garbled, readBeside }: FormulaFile): Written | null {
    this.#findings.opened(file);
    if (garbled !== undefined) {
      const hint = 'save the file as UTF-8';
      this.#findings.refuseAt({ file, ...garbled, message: 'not UTF-8: no character can be read here', hint });
      return null;
    }
    const json = file.endsWith('.json');
    const toml = json ? parseJson(text) : parseToml(text);
    if (toml.ok) return parseFormula(name, { file, toml }, readBeside ?? null, this.#findings);
    const { line, column, message, hint = null } = toml;
    this.#findings.refuseAt({ file, line, column, message: `not ${json ? 'JSON' : 'TOML'}: ${message}`, hint });
    return null;
  }
}
