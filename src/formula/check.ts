/** What the parts of a formula say of one another: ids, needs, placeholders. Speaks only of what `parse.ts` could read. */
import { findCycle, type Node } from '../town/graph.js';
import type { Formula, StepDraft } from './formula.js';
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

/** Circles of needs that share no step, as `a → b → a`: a needs b, b needs a. A step that needs itself is told on its own. */
function findCycles(byId: ReadonlyMap<string, StepDraft>): readonly (readonly string[])[] {
  let nodes: readonly Node[] = Array.from(byId, ([id, step]) => ({ id, needs: needsOfOthers(step) }));
  const cycles: (readonly string[])[] = [];
  for (let cycle = findCycle(nodes); cycle !== null && cycles.length < CYCLES_NAMED_MAX; cycle = findCycle(nodes)) {
    const named = new Set(cycle);
    cycles.push(cycle);
    nodes = nodes.filter(({ id }) => !named.has(id));
  }
  return cycles;
}

function needsOfOthers(step: StepDraft): readonly string[] {
  return step.needs.map(({ id }) => id).filter((id) => id !== step.id);
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
