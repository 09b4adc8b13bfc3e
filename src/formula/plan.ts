/**
 * Composed steps → one list in an order that can run. Says what only the whole can say: ids that stand twice, needs of nobody, circles,
 * scopes without a body.
 */
import { didYouMean, placeOf, quote, type Origin } from './problem.js';
import type { Need, Planned, StepDraft } from './formula.js';
import { circlesOf, printCircle, wayOut } from './circles.js';
import { orderOf, waitsOf, type WaitNode, type Waits } from './graph.js';
import { standingFor, type Kitchen } from './kitchen.js';
import { refuseUntil } from './loops.js';
import { isScopeBody } from './metadata.js';
import { outsideNeeds } from './output-loops.js';
import { readScopes } from './scopes.js';
import { stepMeant } from './template.js';
import { nameNeeds, standIns, waitedFor } from './standing.js';
import { anyStep, inPlace } from './tree.js';

export type Plan = {
  /** In an order that can run; as declared when there is none, which is reported. */
  readonly steps: readonly Planned[];
  readonly ids: ReadonlyMap<string, StepDraft>;
  readonly waits: Waits;
  /** Nodes of `waits` from first to last, null when they go in a circle, or are too many; `places` are those of the ids. */
  readonly order: readonly number[] | null;
  readonly places: ReadonlyMap<string, number>;
};

/** `around` are steps outside of these that they may need, and whose scopes they may join. */
export function planSteps(steps: readonly StepDraft[], kitchen: Kitchen, around: Plan['ids'] = NOBODY): Plan {
  const flat = flatten(steps, kitchen);
  const ids = new Map<string, StepDraft>();
  for (const { draft } of flat) noteId(draft, ids, kitchen);
  const known = flat.filter(({ draft }) => ids.get(draft.id) === draft);
  const scoped = readScopes(known, { ids, around }, kitchen);
  const needing = scoped.map((step) => ({ ...step, needs: settleNeeds(step, ids, around, kitchen) }));
  for (const { needs } of needing) checkChildren(needs, ids, kitchen);
  const places = new Map(needing.map(({ draft }, index) => [draft.id, index]));
  const waits = waitsOf(needing.map((step) => nodeOf(step, places, kitchen)));
  const order = kitchen.budget.spent ? null : orderOf(waits);
  if (order === null && !kitchen.budget.spent)
    for (const circle of circlesOf(waits)) {
      const step = circle[0]?.id ?? '';
      const at = ids.get(step)?.at;
      if (at !== undefined)
        kitchen.findings.refuse(at, `the needs go in a circle: ${printCircle(circle)}`, {
          step,
          hint: wayOut(circle),
        });
    }
  const ordered = order === null ? needing : order.flatMap((node) => needing[node] ?? []);
  return { steps: ordered, ids, waits, order, places };
}

const NOBODY: Plan['ids'] = new Map();

function flatten(steps: readonly StepDraft[], { findings }: Kitchen): readonly Planned[] {
  const all: Planned[] = [];
  const walk = (list: readonly StepDraft[], parent: string | null, around: string | null): void => {
    for (const draft of list) {
      const group = draft.hollow || draft.children.length > 0;
      const loop = draft.repeated?.id ?? around;
      const checked = group && draft.check !== null;
      if (around !== null && loop !== around && draft.repeated !== null)
        refuseUntil(
          draft.repeated.at,
          findings,
          `the check of ${quote(around)} repeats its children: put the loop before ${quote(around)} or after it`,
        );
      if (checked && loop !== null)
        findings.refuse(draft.at, 'a check on a step with children cannot stand in a loop that ends at run time');
      if (loop !== null && draft.onComplete !== null)
        findings.refuse(draft.onComplete.at, 'a step in a loop that ends at run time cannot fan out', {
          hint: 'close the loop first, and fan out over the output of a step after it',
        });
      all.push({ draft, needs: draft.needs, parent, group, loop, scope: null });
      walk(draft.children, draft.id, checked && loop === null ? draft.id : loop);
    }
  };
  walk(steps, null, null);
  return all;
}

/** The first step of an id keeps it. */
function noteId(draft: StepDraft, ids: Map<string, StepDraft>, { findings }: Kitchen): void {
  if (draft.id === '') return;
  const first = ids.get(draft.id);
  if (first === undefined) {
    ids.set(draft.id, draft);
    return;
  }
  const at = { source: draft.at.source, path: [...draft.at.path, 'id'] };
  const { line } = first.at.source.toml.locate(first.at.path);
  const here = draft.at.source.toml.locate(draft.at.path);
  if (first.at.source === draft.at.source && here.line === line)
    findings.refuse(at, `more than one step gets the id ${quote(draft.id)}`, {
      hint: 'put {target}, {step.id} or the variable of the loop into it',
      once: 'id',
    });
  else
    findings.refuse(at, `the id ${quote(draft.id)} is already that of the step at ${placeOf(first.at, at)}`, {
      step: draft.id,
      once: 'id',
    });
}

/** Needs with the ids that are there in the end, each once. */
function settleNeeds(
  { draft, needs }: Planned,
  ids: ReadonlyMap<string, StepDraft>,
  around: ReadonlyMap<string, unknown>,
  kitchen: Kitchen,
): readonly Need[] {
  if (needs.length === 0) return needs;
  const { became, alsoNeeded, budget, findings, library } = kitchen;
  const settled = new Map<string, Need>();
  const all = { has: (id: string) => ids.has(id) || around.has(id) };
  const isThere = (id: string) => all.has(id) || became.has(id);
  for (const need of nameNeeds(needs, isThere)) {
    const meant = waitedFor(need.id, all, kitchen);
    if (meant === null) {
      if (!library.gaps)
        findings.refuse(need.at, `needs unknown step ${quote(need.id)}`, {
          hint: () => whichStep(need.id, draft, ids, became.keys()),
          step: draft.id,
        });
      continue;
    }
    budget.takeNeeds('settled', standingFor(need, meant));
    if (budget.spent) return needs;
    const own = alsoNeeded.size === 0 ? all : new Set(standIns(need.id, all, became));
    for (const id of meant) {
      const isOwn = own.has(id);
      // A loop over an output that needs who needs it is told as the circle that it is.
      if (id === draft.id && isOwn) findings.refuse(need.at, 'needs itself', { step: draft.id });
      else if (id !== draft.id && settled.get(id)?.any !== true)
        settled.set(id, need.id === id ? need : { ...inPlace(need, id), any: need.any && isOwn });
    }
  }
  return [...settled.values()];
}

/** A step that no others stand in, and that adds none, is waited for itself. */
function checkChildren(needs: readonly Need[], ids: Plan['ids'], { findings, library }: Kitchen): void {
  if (library.gaps) return;
  for (const { id, children } of needs) {
    const step = children === undefined ? undefined : ids.get(id);
    if (children === undefined || step === undefined || step.hollow || step.children.length > 0) continue;
    if (step.onComplete !== null || isScopeBody(step)) continue;
    findings.warn(children, `waits_for is as needs here: ${quote(id)} has no children, and adds none`, {
      hint: 'steps are added by on_complete, or by a loop over its output; what an agent creates elsewhere is not waited for',
      once: 'waits_for',
    });
  }
}

/** The step that a text means by an id, with everything that has become of it. */
export function stepFor(
  id: string,
  draft: StepDraft,
  ids: ReadonlyMap<string, unknown>,
  { became }: Pick<Kitchen, 'became'>,
): readonly string[] | null {
  return standIns(
    stepMeant(id, draft.scope, (one) => ids.has(one) || became.has(one)),
    ids,
    became,
  );
}

/** The step that was most likely meant by a name that is none: one that is called so in a loop or a template, else one of nearly that name. */
export function whichStep(
  name: string,
  draft: StepDraft,
  ids: ReadonlyMap<string, StepDraft>,
  more: Iterable<string> = [],
): string | null {
  const target = targetAround(draft.scope);
  const inside = Array.from(ids.keys()).findLast((id) => id.endsWith(`.${name}`) || bare(id) === bare(name));
  if (inside !== undefined)
    return `did you mean ${quote(inside === `${target}.${name}` ? `{target}.${name}` : inside)}?`;
  for (const { onComplete } of ids.values())
    if (onComplete?.bond.kind === 'body' && isAddedBy(onComplete.bond.loop, name))
      return `it is added once for each entry, and nothing outside of the loop can name it: name the loop, ${quote(onComplete.bond.loop.id)}`;
  return didYouMean(name, [...namesIn(draft, ids), ...more]);
}

/** The id without the numbers of iterations. */
function bare(id: string): string {
  return id.replaceAll(/\.iter\d+(?=\.)/g, '');
}

function targetAround(scope: StepDraft['scope']): string | null {
  for (let here = scope; here !== null; here = here.outer) {
    const target = here.single.get('target');
    if (target !== undefined) return target;
  }
  return null;
}

function isAddedBy({ id, loop }: StepDraft, name: string): boolean {
  const item = `${id}.item.`;
  const short = name.startsWith(item) ? name.slice(item.length).replace(/^[^.]+\./, '') : name;
  return anyStep(loop?.body ?? [], (step) => step.id === short);
}

/** The names that a text may call steps by: their ids, and in the body of a loop those written there. */
function namesIn(draft: StepDraft, ids: ReadonlyMap<string, unknown>): readonly string[] {
  return Array.from(ids.keys()).flatMap((id) => {
    const short = id.replace(/^.*\.(?:iter|item\.)[^.]+\./, '');
    return short !== id && stepMeant(short, draft.scope, (one) => ids.has(one)) === id ? [short, id] : [id];
  });
}

function nodeOf(
  { draft, needs, group, loop, parent }: Planned,
  places: ReadonlyMap<string, number>,
  kitchen: Kitchen,
): WaitNode {
  const bond = draft.onComplete?.bond;
  const added = bond?.kind === 'body' ? [bond.loop] : [];
  const isThere = (id: string) => places.has(id) || kitchen.became.has(id);
  const outside = nameNeeds(
    outsideNeeds(added).map(({ need }) => need),
    isThere,
  );
  return {
    id: draft.id,
    needs: needs.map(({ id }) => id),
    needsAny: needs.flatMap(({ id, any }) => (any ? id : [])),
    parent: parent === null ? null : (places.get(parent) ?? null),
    loop,
    group,
    fanOut: bond === undefined ? null : outside.flatMap(({ id }) => waitedFor(id, places, kitchen) ?? []),
  };
}

export function originOf(draft: StepDraft, ...path: readonly (string | number)[]): Origin {
  return { source: draft.at.source, path: [...draft.at.path, ...path] };
}
