/** What of a rig's polecats goes before the ladder: that many have died, and each that does not do well though all was done for it. Nobody of them waits for an answer. */
import type { Lasting } from './asks.js';
import { polecatAt, witnessOf } from './address.js';
import type { Breaker } from './breaker.js';
import type { Source } from './escalation-input.js';
import { standingOf } from './escalation-sources.js';
import { breakerMail, careText } from './health-mail.js';
import type { Care, Health } from './health.js';

/** One of whom the overseer was told before there was a ladder is known. */
export function breakerTrouble(rig: string, { open, isTold = false }: Breaker): readonly Lasting[] {
  if (open === null || isTold) return [];
  const waiter = { kind: 'telling', at: witnessOf(rig), answered: 0 } as const;
  const source = 'deaths';
  return [
    { key: 'deaths', raised: { source, ...standingOf({ source }), text: breakerMail(rig, open).body, rig, waiter } },
  ];
}

/** `fact`: '' when it was not looked at since. */
type Patient = { readonly name: string; readonly mission: string; readonly care: Care; readonly fact: Health['fact'] };

export function careTrouble(rig: string, patients: readonly Patient[]): readonly Lasting[] {
  return patients
    .filter(({ care }) => care.done === 'tell')
    .map(({ name, mission, care, fact }) => {
      const at = polecatAt(rig, name);
      const source = SOURCES[care.kind];
      const waiter = { kind: 'telling', at, answered: 0 } as const;
      const text = careText(rig, at, care, fact);
      return {
        key: `${care.claim} ${care.kind}`,
        raised: { source, ...standingOf({ source }), text, rig, mission, waiter },
      };
    });
}

/** What is not the polecat's own. */
const SOURCES: Readonly<Record<Care['kind'], Source>> = {
  limited: 'limits',
  lost: 'host',
  quiet: 'quiet',
  stuck: 'stuck',
};
