import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  adoptLeases,
  claimSlot,
  grantSlots,
  inheritSlots,
  openSlots,
  releaseSlot,
  resizeSlots,
} from '../../src/town/slots.js';
import { queueWords } from '../../src/town/slots-words.js';
import type { Claim } from '../../src/town/slots.js';

const NAMES = ['Toast', 'Shadow', 'Copper'];
const claim = (id: string, priority = 2): Claim => ({ id, mission: 'm', missionRun: 'r', item: id, priority });
const grant = (slots = openSlots(NAMES, 2), now = 0) => grantSlots(slots, now, true);

test('claims are granted up to the capacity, the most urgent first, then the oldest', () => {
  const slots = [claim('a'), claim('b', 4), claim('c', 0)].reduce(claimSlot, openSlots(NAMES, 2));
  const { grants, slots: after } = grant(slots);
  expect(grants.map((lease) => lease.id)).toEqual(['c', 'a']);
  expect(after.queue.map((one) => one.id)).toEqual(['b']);
});

test('claiming twice under one id is claiming once, waiting or granted', () => {
  const { slots } = grant(claimSlot(openSlots(NAMES, 2), claim('a')));
  expect(claimSlot(slots, claim('a'))).toBe(slots);
});

test('a name that was just freed is the last to come again', () => {
  let { slots } = grant(claimSlot(openSlots(NAMES, 1), claim('a')));
  expect(slots.leases[0]?.name).toBe('Toast');
  ({ slots } = grant(claimSlot(releaseSlot(slots, 'a'), claim('b'))));
  expect(slots.leases[0]).toMatchObject({ name: 'Shadow', incarnation: 2 });
});

test('releasing what nobody holds changes nothing; releasing a waiting claim withdraws it', () => {
  const slots = claimSlot(openSlots(NAMES, 1), claim('a'));
  expect(releaseSlot(slots, 'ghost')).toEqual(slots);
  expect(releaseSlot(slots, 'a').queue).toEqual([]);
});

test('a smaller capacity lets leases end by themselves', () => {
  const { slots } = grant([claim('a'), claim('b'), claim('c')].reduce(claimSlot, openSlots(NAMES, 2)));
  const smaller = resizeSlots(slots, NAMES, 1);
  expect(smaller.leases).toHaveLength(2);
  expect(grantSlots(releaseSlot(smaller, 'a'), 0, true).grants).toEqual([]);
  expect(grantSlots(releaseSlot(releaseSlot(smaller, 'a'), 'b'), 0, true).grants).toHaveLength(1);
});

test('a witness that begins anew leaves slots to those at work, and counts on from the highest incarnation there was', () => {
  const waiting = [claim('a'), claim('b')].reduce(claimSlot, openSlots(NAMES, 1));
  const { grants } = grant(claimSlot(openSlots(NAMES, 1), claim('a')));
  const adopted = adoptLeases(waiting, grants, 7);
  expect(adopted).toMatchObject({ leases: [{ id: 'a', name: 'Toast' }], queue: [{ id: 'b' }] });
  expect(grant(adopted).grants).toEqual([]);
  expect(grant(releaseSlot(adopted, 'a')).grants).toMatchObject([{ id: 'b', incarnation: 8 }]);
});

test('whatever comes in whatever order: never above capacity, never a name twice, every claim granted at most once', () => {
  const event = fc.oneof(
    fc.record({ kind: fc.constant('claim' as const), id: fc.nat(12), priority: fc.nat(4) }),
    fc.record({ kind: fc.constant('release' as const), id: fc.nat(12), priority: fc.constant(0) }),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), fc.integer({ min: 1, max: 3 }), (events, capacity) => {
      let slots = openSlots(NAMES, capacity);
      let last = 0;
      for (const { kind, id, priority } of events) {
        slots = kind === 'claim' ? claimSlot(slots, claim(String(id), priority)) : releaseSlot(slots, String(id));
        const granted = grantSlots(slots, 0, true);
        slots = granted.slots;
        for (const lease of granted.grants) {
          expect(lease.incarnation).toBeGreaterThan(last);
          last = lease.incarnation;
        }
        expect(slots.leases.length).toBeLessThanOrEqual(capacity);
        expect(new Set(slots.leases.map((lease) => lease.name)).size).toBe(slots.leases.length);
        const ids = [...slots.leases, ...slots.queue].map((one) => one.id);
        expect(new Set(ids).size).toBe(ids.length);
        // Nobody waits while there is room.
        expect(slots.queue.length === 0 || slots.leases.length === capacity).toBe(true);
      }
    }),
  );
});

test('among equally urgent claims that of the mission with the fewest slots is granted', () => {
  const many = ['a', 'b', 'c', 'd'].map((id) => claim(id));
  const slots = [...many, { ...claim('other'), mission: 'n' }].reduce(claimSlot, openSlots(NAMES, 3));
  expect(grant(slots).grants.map(({ id }) => id)).toEqual(['a', 'other', 'b']);
  expect(grantSlots(slots, 0, false).grants.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
});

const pinned = (id: string, name: string, priority = 2): Claim => ({ ...claim(id, priority), name });
const given = (slots: ReturnType<typeof openSlots>, fair = true) =>
  grantSlots(slots, 0, fair).grants.map(({ id, name }) => `${id} ${name}`);

test.each<[string, readonly Claim[], readonly string[]]>([
  ['gets that very one', [pinned('a', 'Copper')], ['a Copper']],
  ['holds up nobody while it waits', [pinned('a', 'Toast'), pinned('b', 'Toast'), claim('c')], ['a Toast', 'c Shadow']],
  ['keeps its name from those who take any', [claim('a', 1), pinned('b', 'Toast')], ['a Shadow', 'b Toast']],
  ['goes by priority', [pinned('a', 'Toast', 3), pinned('b', 'Toast', 1)], ['b Toast']],
  ['gets any once the rig has that one no more', [pinned('a', 'Ash'), claim('b')], ['a Toast', 'b Shadow']],
])('a claim on one name %s', (_name, claims, grants) => {
  expect(given(claims.reduce(claimSlot, openSlots(NAMES, 2)))).toEqual(grants);
  expect(given(claims.reduce(claimSlot, openSlots(NAMES, 2)), false)).toEqual(grants);
});

test('a name that is waited for and is the only one free goes to whoever is first', () => {
  const one = openSlots(['Toast'], 1);
  expect(given([claim('a', 1), pinned('b', 'Toast')].reduce(claimSlot, one))).toEqual(['a Toast']);
  expect(given([claim('a', 3), pinned('b', 'Toast')].reduce(claimSlot, one))).toEqual(['b Toast']);
});

test('a witness that begins has the queue of the one before it, in its order, and slots that were granted and not used', () => {
  const before = grant(
    [claim('a'), claim('b'), claim('c'), claim('d', 0), claim('gone')].reduce(claimSlot, openSlots(NAMES, 2)),
  );
  const [used, unused] = before.slots.leases;
  if (used === undefined || unused === undefined) throw new Error('two were granted');
  const found = adoptLeases(openSlots(NAMES, 2), [used], 7);
  const asked = claimSlot(claimSlot(found, claim('new')), claim('c'));
  const { slots, unused: untold } = inheritSlots(asked, before.slots, ['gone']);
  expect(untold).toEqual([unused.id]);
  expect(slots.leases).toEqual([used, unused]);
  expect(slots.queue.map(({ id }) => id)).toEqual(['b', 'c', 'new']);
  expect(slots).toMatchObject({ granted: 7, turn: before.slots.turn, names: NAMES, capacity: 2 });
  expect(inheritSlots(asked, before.slots, [unused.id]).slots.leases).toEqual([used]);
});

test('who waits is told where in the queue, and for which slot', () => {
  const queue = [claim('a', 0), pinned('b', 'Toast')].reduce(claimSlot, openSlots(NAMES, 0));
  expect(queueWords({ ...queue, queue: queue.queue.map((one) => ({ ...one, mission: one.id })) }, 'b')).toBe(
    '2 of 2 that wait, for Toast',
  );
  expect(queueWords(queue, 'nobody')).toBe(null);
});
