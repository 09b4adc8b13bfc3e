/**
 * Formulas put together at random of all that has steps inside: what comes of them are the steps that the language reference says, in
 * an order in which no need is lost and none is added, and nothing is refused but circles. A sample each time, all in the long run.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Cooked } from '../../src/formula/cook.js';
import { printProblem } from '../../src/formula/problem.js';
import { Protomolecule } from '../../src/town/protomolecule.js';
import { Meaning } from '../support/composition-meaning.js';
import { composition, textsOf } from '../support/compositions.js';
import { cookAmong } from '../support/formula.js';
import { Order } from '../support/order.js';
import { randomBy } from '../support/random.js';
import type { Random } from '../support/random.js';
import { IS_LONG } from '../support/sample.js';

const RUNS = IS_LONG ? 5_000 : 200;
const TIME_MS_MAX = IS_LONG ? 3_600_000 : 150_000;

const composed = fc.uint8Array({ maxLength: 240, size: 'max' }).map((numbers) => arranged(tape(numbers)));

test(`${RUNS} compositions mean what is written`, { timeout: 4_000_000 }, () => {
  const seen = { cooked: 0, circles: 0, loops: 0, added: 0, groups: 0 };
  fc.assert(
    fc.property(composed, (arrangement) => {
      fc.pre(arrangement !== null);
      const { texts, meaning, sound } = arrangement;
      const cooked = cookAmong(texts);
      const written = Object.entries(texts).map(([name, text]) => `# ${name}\n${text}`);
      if (cooked.ok) {
        const { steps, loops = [] } = cooked.protomolecule;
        seen.cooked += 1;
        seen.loops += loops.length;
        seen.added += steps.filter(({ fanOut }) => fanOut !== undefined).length;
        seen.groups += steps.filter(({ kind }) => kind === 'group').length;
      } else seen.circles += 1;
      expect(wrongWith(cooked, meaning, sound), written.join('\n')).toEqual([]);
    }),
    // Making a failure small takes longer than finding it.
    { numRuns: RUNS, interruptAfterTimeLimit: TIME_MS_MAX, markInterruptAsFailure: true },
  );
  expect(seen.circles / RUNS).toBeLessThan(0.2);
  expect(Math.min(seen.circles, seen.loops, seen.added, seen.groups)).toBeGreaterThan(RUNS / 40);
});

/** Who comes after whom is looked at for each two steps: loops in loops may make more of them than there is memory for. */
const STEPS_MAX = 1_500;

/** A composition with needs and branches, and whether nothing in it goes in a circle; null when it is too large to be looked at. */
function arranged(next: Random) {
  const made = composition(next);
  const meaning = new Meaning(made);
  if (meaning.steps().length > STEPS_MAX) return null;
  for (let tries = next.below(24); tries > 0; tries -= 1) meaning.addNeed(next, true);
  for (let tries = next.below(3); tries > 0; tries -= 1) meaning.addBranch(next);
  let sound = true;
  for (let tries = next.below(5) === 1 ? 20 : 0; tries > 0 && sound; tries -= 1) sound = !meaning.addNeed(next, false);
  return { texts: textsOf(made), meaning, sound };
}

/** Numbers from a list, and 0 when it is at its end: a shorter list makes a smaller composition. */
function tape(numbers: Uint8Array): Random {
  let at = 0;
  return randomBy((max) => {
    at += 1;
    return (numbers[at - 1] ?? 0) % max;
  });
}

function wrongWith(cooked: Cooked, meaning: Meaning, sound: boolean): readonly string[] {
  if (cooked.ok) return sound ? wrongSteps(cooked.protomolecule, meaning) : ['a circle was cooked'];
  const problems = cooked.problems.map(printProblem);
  return sound
    ? problems
    : problems.filter(
        (one) => !/the needs go in a circle|needs itself|needs the loop "[^"]*", which it stands in/.test(one),
      );
}

function wrongSteps(protomolecule: Protomolecule, meaning: Meaning): readonly string[] {
  const { steps } = protomolecule;
  const added = steps.flatMap(({ fanOut }) => fanOut?.steps ?? []);
  const [are, should] = [named([...steps, ...added]), named(meaning.steps())];
  if (are.join('\n') !== should.join('\n'))
    return [
      ...are.filter((one) => !should.includes(one)).map((one) => `nobody wrote ${one}`),
      ...should.filter((one) => !are.includes(one)).map((one) => `there is no ${one}`),
      ...are.filter((one, index) => one === are[index - 1]).map((one) => `twice ${one}`),
    ];
  const full = meaning.after('entries');
  const bare = cookedAfter(protomolecule, false);
  const ids = new Set([...steps, ...added].map(({ id }) => id));
  const unknown = [...steps, ...added].flatMap(({ id, needs, parent }) =>
    (parent === undefined ? needs : [...needs, parent])
      .filter((other) => !ids.has(other))
      .map((other) => `${id} needs ${other}, which is not there`),
  );
  return [
    ...(Protomolecule.safeParse(protomolecule).error?.issues.map(({ message }) => message) ?? []),
    ...unknown,
    ...misplaced(steps, bare),
    ...differences(cookedAfter(protomolecule, true), full, full),
    ...(added.length === 0 ? [] : differences(bare, meaning.after('none'), meaning.after('none-at-most'))),
  ];
}

function named(list: readonly { readonly id: string; readonly title: string }[]): readonly string[] {
  return list.map(({ id, title }) => `${id}: ${title}`).toSorted();
}

type After = ReadonlyMap<string, ReadonlySet<string>>;

function differences(are: After, least: After, most: After): readonly string[] {
  return [...least].flatMap(([id, wanted]) => {
    const [found, allowed] = [are.get(id) ?? NONE, most.get(id) ?? NONE];
    return [
      ...[...wanted].filter((other) => !found.has(other)).map((other) => `lost: ${other} after ${id}`),
      ...[...found].filter((other) => !allowed.has(other)).map((other) => `invented: ${other} after ${id}`),
    ];
  });
}

const NONE: ReadonlySet<string> = new Set();

function misplaced(steps: Protomolecule['steps'], after: After): readonly string[] {
  const places = new Map(steps.map(({ id }, index) => [id, index]));
  const isBefore = (one: string, other: string) => (places.get(one) ?? 0) < (places.get(other) ?? 0);
  return [...after].flatMap(([id, others]) =>
    [...others].filter((other) => isBefore(other, id)).map((other) => `${other} stands before ${id}`),
  );
}

/** For each step of the protomolecule those that begin after its end; with `entries`, also what is added for an entry of each list. */
function cookedAfter({ steps, loops = [] }: Protomolecule, entries: boolean): After {
  const order = new Order();
  const all = steps.flatMap((step) => [
    { step, source: null },
    ...(entries ? (step.fanOut?.steps ?? []) : []).map((added) => ({ step: added, source: step.id })),
  ]);
  const points = new Map(all.map(({ step }) => [step.id, [order.point(), order.point(), order.point()] as const]));
  const [begin, closed, end] = [0, 1, 2].map((which) => (id: string) => points.get(id)?.[which] ?? -1);
  if (begin === undefined || closed === undefined || end === undefined) throw new Error('a step has three points');
  const loopOf = (id: string) => loops.find(({ body }) => body.includes(id));
  for (const { step, source } of all) {
    const { id, needs, parent } = step;
    order.put(begin(id), closed(id));
    order.put(closed(id), end(id));
    for (const need of needs) {
      const loop = loopOf(need);
      // Who needs a step of a loop from outside of it needs the end of the loop.
      const waited = loop === undefined || loop === loopOf(id) ? [need] : loop.body;
      for (const one of waited) order.put(one === source ? closed(one) : end(one), begin(id));
    }
    if (parent !== undefined) {
      order.put(begin(parent), begin(id));
      order.put(end(id), end(parent));
    }
    if (source !== null) {
      order.put(closed(source), begin(id));
      order.put(end(id), end(source));
    }
  }
  return new Map(
    all.map(({ step }) => {
      const behind = order.behind(end(step.id));
      return [step.id, new Set(all.flatMap((other) => (behind.has(begin(other.step.id)) ? other.step.id : [])))];
    }),
  );
}
