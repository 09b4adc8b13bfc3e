/** What the parts of a formula say of one another: ids, needs, placeholders. Speaks only of what `parse.ts` could read. */
import type { Formula, Need, StepDraft } from './formula.js';
import { didYouMean, quote, type Path, type Report } from './problem.js';
import { mapTexts, placeholders, spacedPlaceholders } from './template.js';

/** More cycles than this are not named one by one. */
const CYCLES_NAMED_MAX = 10;

export function checkSteps(steps: readonly StepDraft[], report: Report): void {
  const byId = new Map<string, StepDraft>();
  for (const step of steps) {
    if (step.id === '') continue;
    const first = byId.get(step.id);
    if (first === undefined) byId.set(step.id, step);
    else report(['steps', step.index, 'id'], `the id ${quote(step.id)} is already that of step ${first.index + 1}`);
  }
  for (const step of steps) checkNeeds(step, byId, report);
  for (const cycle of findCycles(byId)) {
    const [first] = cycle;
    const at = first === undefined ? undefined : byId.get(first);
    if (at !== undefined) report(['steps', at.index], `the needs go in a circle: ${cycle.join(' → ')}`);
  }
}

function checkNeeds(step: StepDraft, byId: ReadonlyMap<string, StepDraft>, report: Report): void {
  for (const need of step.needs) {
    const path = ['steps', step.index, need.key, need.index];
    if (need.id === step.id) report(path, 'needs itself');
    else if (!byId.has(need.id))
      report(path, `needs unknown step ${quote(need.id)}`, { hint: didYouMean(need.id, byId.keys()) });
  }
}

/**
 * Circles of needs that share no step, each from and to its first step in the text: `a → b → a` is "a needs b, b needs a". Steps that
 * need themselves are not among them. Peels off what can be done, so that only steps on a circle, or behind one, are walked.
 */
export function findCycles(byId: ReadonlyMap<string, StepDraft>): readonly (readonly string[])[] {
  const open = new Map<string, readonly string[]>();
  for (const [id, step] of byId) open.set(id, otherNeeds(step.needs, id, byId));
  const cycles: (readonly string[])[] = [];
  while (cycles.length < CYCLES_NAMED_MAX) {
    peel(open);
    const cycle = walk(open);
    if (cycle === null) break;
    const start = cycle.indexOf([...byId.keys()].find((id) => cycle.includes(id)) ?? '');
    const turned = [...cycle.slice(start), ...cycle.slice(0, start)];
    cycles.push([...turned, ...turned.slice(0, 1)]);
    for (const id of cycle) open.delete(id);
  }
  return cycles;
}

function otherNeeds(needs: readonly Need[], id: string, byId: ReadonlyMap<string, StepDraft>): readonly string[] {
  return [...new Set(needs.map((need) => need.id))].filter((need) => need !== id && byId.has(need));
}

/** Takes away every step whose needs can all be met. */
function peel(open: Map<string, readonly string[]>): void {
  const waiting = new Map<string, number>();
  const dependents = new Map<string, string[]>();
  for (const [id, needs] of open) {
    const inside = needs.filter((need) => open.has(need));
    waiting.set(id, inside.length);
    for (const need of inside) dependents.set(need, [...(dependents.get(need) ?? []), id]);
  }
  const ready = [...waiting].filter(([, count]) => count === 0).map(([id]) => id);
  for (let id = ready.pop(); id !== undefined; id = ready.pop()) {
    open.delete(id);
    for (const dependent of dependents.get(id) ?? []) {
      const count = (waiting.get(dependent) ?? 0) - 1;
      waiting.set(dependent, count);
      if (count === 0) ready.push(dependent);
    }
  }
}

/** Follows first needs until a step comes again; null when nothing is left to follow. */
function walk(open: ReadonlyMap<string, readonly string[]>): readonly string[] | null {
  const seen = new Map<string, number>();
  let [id] = open.keys();
  while (id !== undefined) {
    const before = seen.get(id);
    if (before !== undefined) return [...seen.keys()].slice(before);
    seen.set(id, seen.size);
    id = open.get(id)?.find((need) => open.has(need));
  }
  return null;
}

/** Reports placeholders of no declared variable as problems and returns the names that are used. */
export function checkTexts(formula: Formula, report: Report, warn: Report): ReadonlySet<string> {
  const declared = new Set(formula.vars.map(({ name }) => name));
  const used = new Set<string>();
  const look = (text: string, path: Path): string => {
    for (const name of placeholders(text, declared)) {
      used.add(name);
      if (declared.has(name)) continue;
      const hint = didYouMean(name, declared) ?? `declare it: [vars] ${name} = "its default"`;
      report(path, `the placeholder {{${name}}} is no variable of the formula`, { hint, text: `{{${name}}}` });
    }
    for (const { written, name } of spacedPlaceholders(text))
      if (declared.has(name))
        warn(path, `${written} has spaces inside and stays as it is`, { hint: `write {{${name}}}`, text: written });
    return text;
  };
  look(formula.description, ['description']);
  for (const step of formula.steps) mapTexts(step, look);
  return used;
}

export function checkVariables(formula: Formula, used: ReadonlySet<string>, warn: Report): void {
  for (const variable of formula.vars) {
    const path = ['vars', variable.name];
    if (!used.has(variable.name)) warn(path, `the variable ${quote(variable.name)} is never used`);
    if (variable.required && variable.default !== null)
      warn([...path, 'required'], `the variable ${quote(variable.name)} has a default, so required changes nothing`);
  }
}
