/** Whom trouble climbs to, and what a role answers by rules. */
import type { EscalationActivities } from '../contract/escalation-activities.js';
import { DEACON, MAYOR, OVERSEER, witnessOf } from '../town/address.js';
import type { Category } from '../town/escalation-input.js';
import { LAST_RESORT } from '../town/escalation-ladder.js';

const THROUGH_TOWN = [DEACON, MAYOR, OVERSEER];

const ROUTES: Readonly<Record<Category, readonly string[]>> = {
  decision: THROUGH_TOWN,
  help: THROUGH_TOWN,
  blocked: [MAYOR, OVERSEER],
  failed: THROUGH_TOWN,
  emergency: [OVERSEER],
  gate_timeout: THROUGH_TOWN,
  lifecycle: THROUGH_TOWN,
};

export function escalationActivities(): Pick<EscalationActivities, 'routeOf' | 'judge'> {
  return {
    routeOf: async ({ raised: { category, rig } }) => {
      const witness = category === 'lifecycle' && rig !== undefined ? [witnessOf(rig)] : [];
      return { ...LAST_RESORT, route: [...witness, ...ROUTES[category]] };
    },
    judge: async () => ({ kind: 'ask' }),
  };
}
