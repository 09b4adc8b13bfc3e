/**
 * The limits that a session is held to where its models are asked. Who has limits of its own ends at those in order, and counts less: neither the
 * agents that it starts nor what they ask at the side. It is held to more, so that what asks beside it comes to an end, too.
 */
import type { SessionSpec } from '../town/session.js';
import type { SdkLimit } from './sdk.js';

type Limits = Pick<SessionSpec['limits'], 'turnsMax' | 'contextTokensMax' | 'usdMax'>;
type Used = { readonly turns: number; readonly contextTokens: number; readonly usd: number };

/** How often as much, and how many turns more. */
const ROOM = { turns: 2, turnsMore: 10, contextTokens: 2, usd: 1.25 };

export function turnsHeld(turnsMax: number, hasOwn: boolean): number {
  return hasOwn ? turnsMax * ROOM.turns + ROOM.turnsMore : turnsMax;
}

/** Null: it may take another turn. */
export function heldLimit(
  { turnsMax, contextTokensMax, usdMax = Infinity }: Limits,
  used: Used,
  hasOwn: boolean,
): SdkLimit | null {
  const room = hasOwn ? ROOM : { contextTokens: 1, usd: 1 };
  if (used.contextTokens > contextTokensMax * room.contextTokens) return 'context';
  if (used.turns >= turnsHeld(turnsMax, hasOwn)) return 'turns';
  return used.usd >= usdMax * room.usd ? 'cost' : null;
}
