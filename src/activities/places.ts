/** Where things of one host lie, all below the town's state folder. The same for every process, so that a retry finds them. */
import { join } from 'node:path';

export type Places = {
  readonly mirror: (rig: string) => string;
  /** The folder of a rig's sandboxes. */
  readonly sandboxes: (rig: string) => string;
  readonly sandbox: (rig: string, name: string, incarnation: number) => string;
  /** The worktree of a member of a rig's crew. */
  readonly crew: (rig: string, name: string) => string;
  /** The folder of a rig's trees of requests. */
  readonly merges: (rig: string) => string;
  readonly merge: (rig: string, request: string) => string;
  /** The target alone, beside the tree of a request. */
  readonly mergeTarget: (rig: string, request: string) => string;
  /** What gates have printed, by request. */
  readonly gateOutput: (rig: string, request: string) => string;
  /** By tree and gates, what has passed. */
  readonly verified: (rig: string) => string;
  readonly journal: (sessionId: string) => string;
  /** Where copies lie that sessions without a sandbox read. */
  readonly readings: string;
  /** The one of such a session. */
  readonly reading: (sessionId: string) => string;
  /** The socket of whoever is attached to the molecule (`agents/attached`). */
  readonly attached: (molecule: string) => string;
  /** What is not yet recorded of those who were. */
  readonly attachedLeft: (molecule: string) => string;
};

export function placesIn(state: string): Places {
  const rigs = join(state, 'rigs');
  return {
    mirror: (rig) => join(rigs, rig, 'mirror.git'),
    sandboxes: (rig) => join(rigs, rig, 'polecats'),
    sandbox: (rig, name, incarnation) => join(rigs, rig, 'polecats', `${name}-${incarnation}`),
    crew: (rig, name) => join(rigs, rig, 'crew', safeName(name)),
    merges: (rig) => join(rigs, rig, 'refinery'),
    merge: (rig, request) => join(rigs, rig, 'refinery', request),
    mergeTarget: (rig, request) => join(rigs, rig, 'refinery', `${request}.target`),
    gateOutput: (rig, request) => join(rigs, rig, 'gates', safeName(request)),
    verified: (rig) => join(rigs, rig, 'verified'),
    attached: (molecule) => join(state, 'attached', safeName(molecule)),
    attachedLeft: (molecule) => join(state, 'attached-left', safeName(molecule)),
    readings: join(state, 'reading'),
    reading: (sessionId) => join(state, 'reading', sessionId.split('/').map(safeName).join('_')),
    journal: (sessionId) => join(state, 'sessions', ...sessionId.split('/').map(safeName), 'journal.jsonl'),
  };
}

/** Step ids are checked when a formula is cooked; this only keeps a surprise inside the folder. */
function safeName(part: string): string {
  const safe = part.replaceAll(/[^A-Za-z0-9._-]/g, '_');
  return /^\.+$/.test(safe) ? `_${safe}` : safe;
}
