/** The rules of a molecule against a small model of it: whatever is said, in whatever order, both stand alike and refuse alike. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { How } from '../../src/town/molecule-live.js';
import { Both } from '../support/molecule-both.js';
import type { SessionEnd } from '../support/molecule-model.js';
import { somePlan, someWish } from '../support/molecule-plans.js';
import { IS_LONG, SEED } from '../support/sample.js';

const RUNS = IS_LONG ? 6_000 : 150;

/** What the engine does by itself: it goes round a loop or not, or ends a session as drawn. */
type Move = { readonly judged: boolean | null } | { readonly session: SessionEnd } | 'carried';

const someMove: fc.Arbitrary<Move> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(true, false, false, null).map((judged) => ({ judged })) },
  {
    weight: 6,
    arbitrary: fc
      .constantFrom<SessionEnd>('accepted', 'accepted', 'refused', 'handoff', 'asks', 'breaks')
      .map((session) => ({ session })),
  },
  { weight: 2, arbitrary: fc.constant('carried' as const) },
);

const someCourse = fc.array(fc.oneof({ weight: 5, arbitrary: someWish }, { weight: 3, arbitrary: someMove }), {
  maxLength: 60,
  size: 'max',
});

const ALONE: How = { runtime: 'human', sandboxed: false, rules: '0.6' };
const HOOKED: How = { runtime: 'script', sandboxed: true, rules: '0.6' };

describe(`messages in any order, with continue-as-new between them (seed ${SEED})`, () => {
  test.each([
    ['on nobody’s hook', ALONE, { isWorked: false, isCounted: true }],
    ['in a sandbox', HOOKED, { isWorked: true, isCounted: false }],
  ] as const)(
    '%s',
    (_where, how, drawing) => {
      fc.assert(
        fc.property(somePlan(drawing), someCourse, (plan, course) => {
          const both = new Both(plan, how);
          for (const one of course) {
            if (one === 'carried') both.carry();
            else if ('judged' in one) both.judge(one.judged);
            else if ('session' in one) both.work(one.session);
            else both.say(one);
            expect(both.stands).toEqual(both.meant);
            both.expectOrder();
            both.expectTokens();
            both.expectCosts();
          }
        }),
        { seed: SEED, numRuns: RUNS },
      );
    },
    900_000,
  );
});
