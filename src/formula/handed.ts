/** Texts that steps hand down to those in their place. They are read in the scope of the step on which they were written. */
import type { GateDraft, Handed, Scope, StepDraft } from './formula.js';
import type { Origin, Path } from './problem.js';

export const NOTHING_HANDED: StepDraft['handed'] = new Map();

/** The step as a text is read that was handed down to it with this scope. */
export function readIn(step: StepDraft, scope: Scope | null | undefined): StepDraft {
  return scope === undefined || scope === step.scope ? step : { ...step, scope };
}

/** The step as its text at this path is read. */
export function readAt(step: StepDraft, path: Path): StepDraft {
  return step.handed.size === 0 ? step : readIn(step, step.handed.get(keyOf(path))?.scope);
}

/** The scope of the text at this path of a step, and where it was written. */
export function writtenAt({ at, scope, handed }: StepDraft, path: Path): Handed {
  const from = handed.size === 0 ? undefined : handed.get(keyOf(path));
  if (from === undefined) return { scope, at: originIn(at, path) };
  return { scope: from.scope, at: originIn(from.at, path.slice(lengthOf(path))) };
}

/** `to` with what `from` hands down at each of these paths, which it has at the one beside it. */
export function withHanded(
  to: StepDraft,
  from: StepDraft,
  paths: readonly (readonly [to: Path, from: Path])[],
): StepDraft['handed'] {
  if (paths.length === 0) return to.handed;
  return new Map([...to.handed, ...paths.map(([path, own]) => [keyOf(path), writtenAt(from, own)] as const)]);
}

export function handCondition(from: StepDraft): StepDraft['condition'] {
  return from.condition === null ? null : { scope: from.scope, ...from.condition };
}

export function handGates({ gates, scope }: StepDraft): readonly GateDraft[] {
  return gates.map((gate) => ({ scope, ...gate }));
}

function originIn({ source, path }: Origin, more: Path): Origin {
  return { source, path: [...path, ...more] };
}

/** Each label and each entry of metadata is handed down by itself, all else whole. */
function lengthOf([key]: Path): number {
  return key === 'labels' || key === 'metadata' ? 2 : 1;
}

function keyOf(path: Path): string {
  return path.slice(0, lengthOf(path)).join('.');
}
