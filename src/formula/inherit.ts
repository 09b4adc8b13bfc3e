/**
 * `extends`: what a formula takes over from its parents. Nothing of a parent is lost: lists are joined, parents first; where both
 * say something of one thing, the child wins, and of two parents the first. A step of the child stands in the place of the
 * parent's of the same id, wherever that stands.
 */
import { approvalTexts } from './approvals.js';
import { convoyVariables } from './convoy-variables.js';
import type { Compose, Convoy, Formula, FormulaType, StepDraft, Variable, Written } from './formula.js';
import { didYouMean, quote, type Findings, type Origin } from './problem.js';
import { mapTexts, placeholders } from './template.js';
import { mergeVariables, settleVariable } from './vars.js';

export function joinParents(child: Written, parents: readonly Written[]): Written {
  if (parents.length === 0) return child;
  const all = [child, ...parents];
  const first = <Key extends keyof Written>(key: Key): Written[Key] =>
    all.find((one) => one[key] !== null)?.[key] ?? child[key];
  return {
    ...child,
    description: first('description'),
    type: first('type'),
    rework: first('rework'),
    vars: mergeVariables(all.map(({ vars }) => vars)),
    steps: joinSteps(
      parents.map(({ steps }) => steps),
      child.steps,
    ),
    template: joinSteps(
      parents.map(({ template }) => template),
      child.template,
    ),
    advice: [...parents, child].flatMap(({ advice }) => advice),
    pointcuts: [...parents, child].flatMap(({ pointcuts }) => pointcuts),
    compose: joinCompose([...parents, child].map(({ compose }) => compose)),
    phase: first('phase'),
    pour: first('pour'),
    squash: first('squash'),
    agent: first('agent'),
    reviewOnly: first('reviewOnly'),
    convoy: joinConvoy([...parents, child].map(({ convoy }) => convoy)),
  };
}

function joinSteps(parents: readonly (readonly StepDraft[])[], own: readonly StepDraft[]): readonly StepDraft[] {
  const instead = byId(own);
  const placed = new Set<string>();
  const owners = new Map<Origin, number>();
  const replace = (steps: readonly StepDraft[], parent: number): readonly StepDraft[] =>
    steps.flatMap((step) => {
      // What another parent has brought in from the same formula has been told.
      if ((owners.get(step.at) ?? parent) !== parent) return [];
      owners.set(step.at, parent);
      const children = instead.get(step.id);
      if (children !== undefined) {
        const isFirst = !placed.has(step.id);
        placed.add(step.id);
        return isFirst ? children : [];
      }
      return step.children.length === 0 ? step : { ...step, children: replace(step.children, parent) };
    });
  const joined = parents.flatMap(replace);
  return [...joined, ...own.filter(({ id }) => !placed.has(id))];
}

/** By their ids; those of one id, which is a mistake, all stay, to be told. */
function byId<Part extends { readonly id: string }>(parts: readonly Part[]): ReadonlyMap<string, readonly Part[]> {
  const all = new Map<string, Part[]>();
  for (const part of parts) all.set(part.id, [...(all.get(part.id) ?? []), part]);
  return all;
}

/** A step that two parents have from one file, by their places in the list. */
type Shared = { readonly step: StepDraft; readonly first: number; readonly second: number };

/** The first such step of each two parents: of it the first parent's is kept. */
export function sharedSteps(parents: readonly Written[]): readonly Shared[] {
  const owners = new Map<Origin, number>();
  const shared = new Map<string, Shared>();
  for (const [second, { steps, template }] of parents.entries())
    for (const step of withChildren([...steps, ...template])) {
      const first = owners.get(step.at) ?? second;
      const pair = `${first} ${second}`;
      if (first === second) owners.set(step.at, second);
      else if (!shared.has(pair)) shared.set(pair, { step, first, second });
    }
  return [...shared.values()];
}

function withChildren(steps: readonly StepDraft[]): readonly StepDraft[] {
  return steps.flatMap((step) => [step, ...withChildren(step.children)]);
}

/** The last that says something of a key wins, at the place of the first. */
function lastByKey<Part>(parts: readonly Part[], key: (part: Part) => string): readonly Part[] {
  return [...new Map(parts.map((part) => [key(part), part])).values()];
}

/** What one formula says twice is its own mistake, to be told; what a child says again is meant to replace. */
function across<Part extends { readonly at: Origin }>(
  lists: readonly (readonly Part[])[],
  key: (part: Part) => string,
): readonly Part[] {
  const later = lists.map((_, index) => new Set(lists.slice(index + 1).flatMap((list) => list.map(key))));
  return lists.flatMap((list, index) => list.filter((part) => later[index]?.has(key(part)) !== true));
}

function joinCompose(all: readonly Compose[]): Compose {
  return {
    expand: across(
      all.map(({ expand }) => expand),
      ({ target }) => target,
    ),
    map: all.flatMap(({ map }) => map),
    branch: all.flatMap(({ branch }) => branch),
    gate: all.flatMap(({ gate }) => gate),
    aspects: lastByKey(
      all.flatMap(({ aspects }) => aspects),
      ({ name }) => name,
    ),
    bondPoints: across(
      all.map(({ bondPoints }) => bondPoints),
      ({ id }) => id,
    ),
  };
}

function joinConvoy(all: readonly Convoy[]): Convoy {
  const last = <Key extends 'synthesis' | 'prompt' | 'output'>(key: Key): Convoy[Key] | null =>
    all.findLast((one) => one[key] !== null)?.[key] ?? null;
  const own = all.at(-1)?.legs ?? [];
  const instead = byId(own);
  const parents = all.slice(0, -1).flatMap(({ legs }) => legs);
  const before = new Set<string>();
  const kept = parents.flatMap((leg) => {
    const isFirst = !before.has(leg.id);
    before.add(leg.id);
    const children = instead.get(leg.id);
    return children === undefined ? leg : isFirst ? children : [];
  });
  return {
    legs: [...kept, ...own.filter(({ id }) => !before.has(id))],
    synthesis: last('synthesis'),
    presets: lastByKey(
      all.flatMap(({ presets }) => presets),
      ({ name }) => name,
    ),
    prompt: last('prompt'),
    output: last('output'),
  };
}

/** The formula with nothing left open but values. */
export function settleFormula(written: Written, findings: Findings): Formula {
  const declared = written.vars.map((draft) => settleVariable(draft, findings));
  const declares = declared.length > 0;
  const names = new Set(declared.map(({ name }) => name));
  for (const { at, requiredUnless } of declared)
    for (const [index, name] of (requiredUnless ?? []).entries())
      if (!names.has(name))
        findings.refuse(
          { source: at.source, path: [...at.path, 'required_unless', index] },
          `there is no input ${quote(name)}`,
          {
            hint: didYouMean(name, names),
          },
        );
  const type = written.type ?? typeMeant(written);
  const convoy = type === 'convoy' ? convoyVariables(written, declared, findings) : null;
  const more = convoy?.variables ?? (type === 'workflow' && !declares ? variablesMeant(written) : []);
  return {
    ...written,
    description: written.description ?? '',
    type,
    vars: [...declared, ...more],
    declares,
    usedByTemplates: convoy?.used ?? NOTHING,
    vapor: written.phase === 'vapor' && written.pour !== true,
    reviewOnly: written.reviewOnly ?? false,
  };
}

const NOTHING: ReadonlySet<string> = new Set();

/** As gt does: what a formula holds says what it is. */
function typeMeant({ steps, template, advice, convoy }: Written): FormulaType {
  if (convoy.legs.length > 0) return 'convoy';
  if (steps.length > 0) return 'workflow';
  if (template.length > 0) return 'expansion';
  return advice.length > 0 ? 'aspect' : 'workflow';
}

/** A formula without `[vars]` has each placeholder as a variable that must be given. */
function variablesMeant({ source, description, steps }: Written): readonly Variable[] {
  const found = new Map<string, Variable>();
  // The condition of a step in a loop that writes its variable in double braces is told to write single ones.
  const look = (text: string, at: Origin, around = NOTHING): void => {
    for (const name of placeholders(text))
      if (!found.has(name) && !around.has(name))
        found.set(name, {
          name,
          at,
          description: '',
          required: true,
          default: null,
          enum: null,
          pattern: null,
          type: 'string',
          requiredUnless: null,
        });
  };
  look(description ?? '', { source, path: ['description'] });
  const walk = (list: readonly StepDraft[], around: ReadonlySet<string>): void => {
    for (const step of list) {
      const at = (path: Origin['path']) => ({ source: step.at.source, path: [...step.at.path, ...path] });
      mapTexts(step, (text, path) => {
        if (text.includes('{{')) look(text, at(path));
        return text;
      });
      if (step.condition !== null) look(step.condition.text, step.condition.at, around);
      for (const gate of step.gates) look([gate.await, gate.timeout ?? '', ...approvalTexts(gate)].join(' '), gate.at);
      walk(step.children, around);
      if (step.loop !== null) walk(step.loop.body, new Set([...around, step.loop.variable ?? '']));
    }
  };
  walk(steps, NOTHING);
  return [...found.values()];
}
