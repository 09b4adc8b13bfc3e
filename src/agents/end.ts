/** How a call ends a session, if it does. */
import type { SessionResult } from '../town/session.js';
import { unreachable } from '../town/unreachable.js';
import type { Effect } from './tool.js';

/** Before usage and notes are added. */
export type End = SessionResult extends infer R ? (R extends unknown ? Omit<R, 'usage' | 'notes'> : never) : never;

export function endOf(effect: Effect): End | null {
  switch (effect.kind) {
    case 'none':
    case 'note':
      return null;
    case 'close': {
      const { kind: _, ...close } = effect;
      return { outcome: 'closed', ...close };
    }
    case 'handoff':
      return { outcome: 'handoff', note: effect.note, reason: 'requested' };
    case 'blocked': {
      const { kind: outcome, ...asked } = effect;
      return { outcome, ...asked };
    }
    default:
      return unreachable(effect);
  }
}
