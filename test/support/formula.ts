import { cook, type Cooked } from '../../src/formula/cook.js';
import { printProblem } from '../../src/formula/problem.js';
import type { Protomolecule } from '../../src/town/protomolecule.js';

type Values = Readonly<Record<string, string | number | boolean>>;

/** Cooks one text as the formula `x` in the file `x.toml`; `rework` is the only other name there is. */
export function cookText(text: string, vars: Values = {}): Cooked {
  return cook({ name: 'x', vars, load: () => ({ file: 'x.toml', text }), names: ['rework', 'x'] });
}

/** `body` behind the line `formula = "x"`, which must cook. */
export function cooked(body: string, vars: Values = {}): Protomolecule {
  const result = cookText(`formula = "x"\n${body}`, vars);
  if (!result.ok) throw new Error(result.problems.map(printProblem).join('\n'));
  return result.protomolecule;
}

/** The printed problems of `body` behind the line `formula = "x"`: its own first line is line 2. */
export function problemsOf(body: string, vars: Values = {}): readonly string[] {
  const result = cookText(`formula = "x"\n${body}`, vars);
  return result.ok ? [] : result.problems.map(printProblem);
}

export function warningsOf(body: string, vars: Values = {}): readonly string[] {
  const result = cookText(`formula = "x"\n${body}`, vars);
  if (!result.ok) throw new Error(result.problems.map(printProblem).join('\n'));
  return result.warnings.map(printProblem);
}

/** Cooks the formula `x` of several, each given without its `formula = …` line. */
export function cookAmong(bodies: Readonly<Record<string, string>>, vars: Values = {}): Cooked {
  const load = (name: string) => {
    const body = bodies[name];
    return body === undefined ? null : { file: `${name}.toml`, text: `formula = "${name}"\n${body}` };
  };
  return cook({ name: 'x', vars, load, names: [...Object.keys(bodies), 'rework'] });
}

export function cookedAmong(bodies: Readonly<Record<string, string>>, vars: Values = {}): Protomolecule {
  const result = cookAmong(bodies, vars);
  if (!result.ok) throw new Error(result.problems.map(printProblem).join('\n'));
  return result.protomolecule;
}

export function problemsAmong(bodies: Readonly<Record<string, string>>, vars: Values = {}): readonly string[] {
  const result = cookAmong(bodies, vars);
  return result.ok ? [] : result.problems.map(printProblem);
}

export function warningsAmong(bodies: Readonly<Record<string, string>>, vars: Values = {}): readonly string[] {
  const result = cookAmong(bodies, vars);
  if (!result.ok) throw new Error(result.problems.map(printProblem).join('\n'));
  return result.warnings.map(printProblem);
}

/** `a needs b, c` for each step, in order; `a` alone for one that needs nothing. */
export function graphOf({ steps }: Pick<Protomolecule, 'steps'>): readonly string[] {
  return steps.map(({ id, needs }) => (needs.length === 0 ? id : `${id} needs ${needs.join(', ')}`));
}

/** A step of an array of tables, with more lines behind its id and title. */
export function step(id: string, more = '', table = 'steps'): string {
  return `[[${table}]]\nid = "${id}"\ntitle = "${id.toUpperCase()}"\n${more}\n`;
}
