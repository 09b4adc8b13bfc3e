/** The loops of a protomolecule: those that go on as it runs, until a condition (`until`) or a script (a check on a group) ends them, or iteration by iteration. */
import type { ProtoLoop } from '../town/protomolecule.js';
import { readUntil } from './conditions.js';
import type { Planned, Repetition, StepDraft } from './formula.js';
import { textIn } from './kitchen.js';
import type { Plan } from './plan.js';
import type { Finish } from './step-references.js';
import { fill, isOpen } from './template.js';

/** In the order of their first steps. */
export function loopsOf({ steps }: Plan, finish: Finish): readonly ProtoLoop[] {
  const bodies = new Map<string, Planned[]>();
  const groups = new Map<string, StepDraft>();
  for (const step of steps) {
    if (step.draft.check !== null && step.group) groups.set(step.draft.id, step.draft);
    if (step.loop === null) continue;
    const body = bodies.get(step.loop);
    if (body === undefined) bodies.set(step.loop, [step]);
    else body.push(step);
  }
  return [...bodies].flatMap(([id, body]) => {
    const ids = body.map(({ draft }) => draft.id);
    const group = groups.get(id);
    if (group !== undefined) return checkedLoop(id, ids, group, finish) ?? [];
    const repeated = body.find(({ draft }) => draft.repeated !== null)?.draft.repeated ?? null;
    return repeated === null ? [] : repeatedLoop(ids, body, repeated, finish);
  });
}

function checkedLoop(id: string, body: string[], group: StepDraft, { kitchen }: Finish): ProtoLoop | null {
  if (group.check === null) return null;
  const { max, timeoutMs } = group.check;
  const command = textIn(group, group.check.command, kitchen, 'check');
  // Handed down to the group from what it stands in the place of.
  const held = group.confinement === null ? {} : { confinement: { ...group.confinement } };
  return { id, body, max, until: null, check: { command, timeoutMs }, ...held };
}

function repeatedLoop(
  ids: string[],
  body: readonly Planned[],
  { id, at, scope, until, max, counter }: Repetition,
  finish: Finish,
): ProtoLoop {
  // A group stands before its children, so that the first step is in nothing of the body.
  const loop = { id, body: ids, max, check: null, parent: body[0]?.parent ?? null };
  if (until === null) return { ...loop, until, ...(counter === null ? {} : { counter: { ...counter } }) };
  const place = { source: at.source, path: [...at.path, 'until'] };
  const text = fill(until, scope, finish.kitchen.values, () => place);
  const last = lastOf(body);
  const read =
    isOpen(text) || last === null
      ? text
      : readUntil({ text, written: until }, place, { ...last, scope }, finish, { id, last: last.id });
  return { ...loop, until: read };
}

/** What `step` and `output` without a step mean in an `until`: the last step of the body that no other of it needs, advice aside. */
function lastOf(all: readonly Planned[]): StepDraft | null {
  const body = all.filter(({ draft }) => draft.repeated?.isAdvice !== true);
  const inside = new Set(body.map(({ draft }) => draft.id));
  const needed = new Set(body.flatMap(({ needs }) => needs.map(({ id }) => id)));
  const last = body.findLast(({ draft, parent }) => !needed.has(draft.id) && (parent === null || !inside.has(parent)));
  return (last ?? body.at(-1))?.draft ?? null;
}
