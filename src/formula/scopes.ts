/**
 * Scopes, in Gas City's words in `metadata`: the members of a scope (`gc.scope_ref`, `gc.scope_role`), its body (`gc.kind = "scope"`),
 * which is not worked and is over when its members are, and its teardown, which runs whatever became of them.
 */
import type { Need, Planned, StepDraft, StepScope } from './formula.js';
import { readAt, withHanded } from './handed.js';
import type { Kitchen } from './kitchen.js';
import { isScopeBody, originOfWord } from './metadata.js';
import { quote } from './problem.js';
import { fill, stepMeant } from './template.js';
import { eachStep } from './tree.js';

const WORDS = ['gc.kind', 'gc.scope_ref', 'gc.scope_role', 'gc.on_fail'];
const ROLES = ['body', 'setup', 'member', 'teardown'];

/** A step that is put before or after one of a scope belongs to the scope, too, unless it names one itself. */
export function inScopeOf(step: StepDraft, added: StepDraft): StepDraft {
  const { 'gc.scope_ref': reference, 'gc.scope_role': role } = step.metadata;
  if (reference === undefined || 'gc.scope_ref' in added.metadata || isScopeBody(added)) return added;
  const scope = { 'gc.scope_ref': reference, ...(role === undefined ? {} : { 'gc.scope_role': role }) };
  const paths = Object.keys(scope).map(
    (word) =>
      [
        ['metadata', word],
        ['metadata', word],
      ] as const,
  );
  return { ...added, metadata: { ...added.metadata, ...scope }, handed: withHanded(added, step, paths) };
}

/** Steps by their ids: those that are planned, and for what a fan-out adds those around it. */
type Known = { readonly ids: ReadonlyMap<string, StepDraft>; readonly around: ReadonlyMap<string, StepDraft> };

/** The steps with their scopes; bodies need their members, teardowns their body. */
export function readScopes(steps: readonly Planned[], known: Known, kitchen: Kitchen): readonly Planned[] {
  if (!steps.some(({ draft }) => WORDS.some((word) => word in draft.metadata))) return steps;
  const members = new Map<string, Need[]>();
  const join = (of: string, id: string, at: Need['at']) =>
    members.set(of, [...(members.get(of) ?? []), { id, at, any: false }]);
  const scoped = steps.map((step): Planned => {
    for (const { of, at } of joinedLater(step.draft, known, kitchen)) join(of, step.draft.id, at);
    const scope = readScope(step.draft, known, kitchen);
    if (scope === null) return step;
    const at = originOfWord(step.draft, 'gc.scope_ref');
    if (scope.role === 'teardown') return { ...step, scope, needs: [...step.needs, { id: scope.of, at, any: false }] };
    join(scope.of, step.draft.id, at);
    return { ...step, scope };
  });
  return scoped.map((step) => {
    if (!isScopeBody(step.draft)) return step;
    if (!members.has(step.draft.id) && !kitchen.library.gaps)
      kitchen.findings.warn(
        originOfWord(step.draft, 'gc.kind'),
        `the scope ${quote(step.draft.id)} has no members: nothing is done in it`,
        {
          hint: `its members say metadata = { "gc.scope_ref" = ${quote(step.draft.id)} }`,
          once: 'members',
        },
      );
    return { ...step, group: true, needs: [...step.needs, ...(members.get(step.draft.id) ?? [])] };
  });
}

/** The scopes that steps of a loop over the step's output belong to: they are not over before it has added them. */
function joinedLater(
  { onComplete }: StepDraft,
  { ids }: Known,
  kitchen: Kitchen,
): readonly { readonly of: string; readonly at: Need['at'] }[] {
  const bond = onComplete?.bond;
  if (bond?.kind !== 'body') return [];
  const added = [...withBodies([bond.loop])];
  const own = new Set(added.map(({ id }) => id));
  return added.flatMap((draft) => {
    const reference = draft.metadata['gc.scope_ref'];
    if (typeof reference !== 'string' || own.has(reference)) return [];
    const at = originOfWord(draft, 'gc.scope_ref');
    return [{ of: scopeMeant(reference, bond.loop.scope, at, kitchen, ids), at }];
  });
}

function* withBodies(steps: readonly StepDraft[]): Generator<StepDraft> {
  for (const step of eachStep(steps)) {
    yield step;
    if (step.loop !== null) yield* withBodies(step.loop.body);
  }
}

function scopeMeant(
  reference: string,
  scope: StepDraft['scope'],
  at: Need['at'],
  { values }: Kitchen,
  ids: Known['ids'],
): string {
  return stepMeant(
    fill(reference, scope, values, () => at),
    scope,
    (id) => ids.has(id),
  );
}

function readScope(draft: StepDraft, { ids, around }: Known, kitchen: Kitchen): StepScope | null {
  const { findings, library } = kitchen;
  const { metadata } = draft;
  const reference = metadata['gc.scope_ref'];
  const role = metadata['gc.scope_role'] ?? 'member';
  const inside = (word: string) => originOfWord(draft, word);
  const onFail = metadata['gc.on_fail'];
  if (onFail !== undefined && onFail !== 'abort_scope' && onFail !== 'abort')
    findings.refuse(inside('gc.on_fail'), 'a member that fails always ends its scope', {
      hint: 'write abort_scope, or nothing',
    });
  const isRole = typeof role === 'string' && ROLES.includes(role);
  if (!isRole)
    findings.refuse(
      inside('gc.scope_role'),
      `there is no such role in a scope: ${quote(typeof role === 'string' ? role : JSON.stringify(role))}`,
      {
        hint: `the roles are ${ROLES.join(', ')}`,
      },
    );
  if (reference === undefined) {
    if (isRole && 'gc.scope_role' in metadata && !(role === 'body' && isScopeBody(draft)))
      findings.refuse(inside('gc.scope_role'), 'the step has a role in a scope and names none', {
        hint: 'a body has "gc.kind" = "scope", any other "gc.scope_ref", the id of the body',
      });
    return null;
  }
  if (typeof reference !== 'string') {
    findings.refuse(inside('gc.scope_ref'), 'gc.scope_ref must be the id of the body of a scope');
    return null;
  }
  const { scope } = readAt(draft, ['metadata', 'gc.scope_ref']);
  const of = scopeMeant(reference, scope, inside('gc.scope_ref'), kitchen, ids);
  const body = ids.get(of) ?? around.get(of);
  if (body === undefined || !isScopeBody(body)) {
    const why = body === undefined ? 'there is no such step' : 'that step is no body of a scope';
    if (body !== undefined || !library.gaps)
      findings.refuse(inside('gc.scope_ref'), `the scope ${quote(of)} is not there: ${why}`, {
        hint: 'its body has metadata = { "gc.kind" = "scope", "gc.scope_role" = "body" }',
      });
    return null;
  }
  if (role === 'teardown' && !ids.has(of))
    findings.refuse(inside('gc.scope_role'), 'what a loop over an output adds cannot be the teardown of a scope', {
      hint: 'when the scope fails before it is added nothing would be taken down: put it outside of the loop',
    });
  return role === 'body' ? null : { of, role: role === 'teardown' ? 'teardown' : 'member' };
}
