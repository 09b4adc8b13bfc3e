/** A host was lost with the molecule's sandbox: what had begun and not closed there begins again in another one, from the last push. */
import { cut } from './findings.js';
import { skipWithGroup } from './molecule-cascade.js';
import { charge, put, sessionsOf, stepAt } from './molecule-live.js';
import type { Draft, Molecule } from './molecule-live.js';
import { withNotes } from './molecule-session-end.js';
import type { LostHost, MoleculeEvent } from './molecule-state.js';
import { code, timeAt } from './wording.js';

const NOTE_CHARS_MAX = 10_000;
const LOST_MAX = 20;

/**
 * Nobody is at fault: the sessions that were lost count for no limit. They cost what they cost, and what they had noted is told to those
 * after them. A step that waits for an answer goes on waiting.
 */
export function hostLost(draft: Draft, event: Extract<MoleculeEvent, { kind: 'host-lost' }>): void {
  const { host, to, left, isWhole } = event;
  const { nowMs } = draft;
  draft.lost = [...draft.lost, { host, to, atMs: nowMs }].slice(-LOST_MAX);
  if (isWhole) return;
  const told = `The host ${host} was lost with the sandbox, and what had not been pushed with it: the step begins again on ${to}, from the last step that closed.`;
  for (const at of [...draft.held, ...draft.ready]) {
    const step = stepAt(draft, at);
    if (sessionsOf(step) === 0) continue;
    const isActive = step.state.kind === 'active';
    if (isActive && left.usage !== undefined) charge(draft, at, left.usage);
    put(draft, at, {
      ...(isActive
        ? {
            ...withNotes(step, left.notes ?? []),
            state: { kind: 'ready' as const, sinceMs: nowMs },
          }
        : {}),
      handoffs: 0,
      stalls: 0,
      rejections: 0,
      sessionsBefore: step.sessions,
      note: cut(step.note === null ? told : `${told}\n\nBefore that: ${step.note}`, NOTE_CHARS_MAX),
    });
    if (isActive) skipWithGroup(draft, at);
  }
}

/** For the board. */
export function lostLines({ lost }: Pick<Molecule, 'lost'>): readonly string[] {
  return lost.map(lostLine);
}

function lostLine({ host, to, atMs }: LostHost): string {
  return `\n> The host ${code(host)} was lost at ${timeAt(atMs)}: it went on on ${code(to)}, from what had been pushed.`;
}
