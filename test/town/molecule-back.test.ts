/** Going back: what is to be done again, what goes, what stays; and to which commit. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { backRefusal, wayBack } from '../../src/town/molecule-back.js';
import { isMet } from '../../src/town/molecule-live.js';
import type { Molecule } from '../../src/town/molecule-live.js';
import { dueLoop } from '../../src/town/molecule-loops.js';
import type { MoleculeEvent } from '../../src/town/molecule-state.js';
import { after, fateOf, nextStep, stepOf } from '../../src/town/molecule.js';
import type { FanOut, ProtoStep } from '../../src/town/protomolecule.js';
import type { Json } from '../../src/town/act.js';
import { all, carried, end, closedDone, loop, poured, start, stateOfStep, step, why } from '../support/molecules.js';

/** Each act at a time of its own, and each accepted step with a commit of its own. */
class Course {
  molecule: Molecule;
  readonly steps: readonly ProtoStep[];
  #now = 0;

  constructor(steps: readonly ProtoStep[], loops: Parameters<typeof poured>[1] = []) {
    this.steps = steps;
    this.molecule = poured(steps, loops);
  }

  tell(...events: readonly MoleculeEvent[]): this {
    for (const event of events) this.molecule = after(this.molecule, event, (this.#now += 1));
    return this;
  }

  work(id: string, output?: Json, head: string | null = `${id}@${this.#now + 3}`): this {
    const closing = { kind: 'accepted', step: id, summary: `${id} is done`, by: 'Toast', head } as const;
    return this.tell(start(id), end(id, closedDone), output === undefined ? closing : { ...closing, output });
  }

  judge(id: string): this {
    return this.tell({ kind: 'loop-judged', loop: id, verdict: { kind: 'condition', files: [] } });
  }

  back(id: string): this {
    const { sandbox } = wayBack(this.molecule, id);
    return this.tell({ kind: 'went-back', step: id, by: 'ann', note: 'it was wrong', ...sandbox });
  }

  head(id: string): string | null {
    const state = stepOf(this.molecule, id)?.state;
    return state?.kind === 'closed' ? state.head : null;
  }
}

const chain = [step('a'), step('b', { needs: ['a'] }), step('c', { needs: ['b'] })];
const states = (molecule: Molecule) => molecule.steps.map(({ id }) => `${id} ${stateOfStep(molecule, id)}`);

test('the step and what needs it are to be done again, from the commit before it', () => {
  const course = new Course(chain).work('a', { n: 1 }).work('b').work('c');
  expect(fateOf(course.molecule).kind).toBe('done');
  expect(wayBack(course.molecule, 'b')).toEqual({ again: ['b', 'c'], gone: [], sandbox: { head: course.head('a') } });
  course.back('b');
  expect(states(course.molecule)).toEqual(['a done', 'b ready', 'c pending']);
  expect(course.molecule.head).toBe(course.head('a'));
  expect(stepOf(course.molecule, 'b')?.note).toBe('ann went back to before "b", and this step is to be done again');
  const word = { asked: null, by: 'ann', atMs: 10, text: 'it was wrong' };
  expect(course.molecule.steps.map(({ answers }) => answers)).toEqual([undefined, [word], [word]]);
  expect(wayBack(course.molecule, 'a').sandbox).toEqual({ head: null });
  expect(fateOf(course.work('b').work('c').molecule).kind).toBe('done');
});

test('the numbers of sessions go on and what they cost stays, but they count for no limit', () => {
  const course = new Course(chain);
  for (let time = 1; time <= 6; time += 1) course.work('a').back('a');
  course.work('a');
  expect(stepOf(course.molecule, 'a')).toMatchObject({ sessions: 7, sessionsBefore: 6, usage: { turns: 7 } });
  expect([course.molecule.sessions, course.molecule.usage.turns]).toEqual([7, 7]);
  course.back('a').tell(start('a'), { kind: 'rejected', step: 'a', why: 'no' });
  expect(stateOfStep(course.molecule, 'a')).toBe('ready');
});

test('what stands beside it goes back only when its commit came after', () => {
  const steps = [step('a'), step('x'), step('b', { needs: ['a'] })];
  const before = new Course(steps).work('x').work('a').work('b').back('a');
  expect(states(before.molecule)).toEqual(['a ready', 'x done', 'b pending']);
  expect(before.molecule.head).toBe(before.head('x'));
  const behind = new Course(steps).work('a').work('x').back('a');
  expect(states(behind.molecule)).toEqual(['a ready', 'x ready', 'b pending']);
  expect(behind.molecule.head).toBeNull();
});

test('a step without a commit takes the sandbox back only with those that need it', () => {
  const steps = [step('ask', { kind: 'human' }), step('x'), step('b', { needs: ['ask'] })];
  const course = new Course(steps).work('ask', undefined, null).work('x');
  expect(wayBack(course.molecule, 'ask')).toEqual({ again: ['ask', 'b'], gone: [], sandbox: null });
  course.work('b');
  expect(wayBack(course.molecule, 'ask')).toEqual({
    again: ['ask', 'b'],
    gone: [],
    sandbox: { head: course.head('x') },
  });
});

test('half-done work in the sandbox goes with it', () => {
  const steps = [step('a'), step('x')];
  const course = new Course(steps).work('a').tell(start('x'), { kind: 'called-off', step: 'x', why: 'ann goes back' });
  expect(stateOfStep(course.molecule, 'x')).toBe('ready');
  expect(wayBack(course.molecule, 'a').again).toEqual(['a', 'x']);
  expect(wayBack(course.molecule, 'x')).toEqual({ again: ['x'], gone: [], sandbox: { head: course.head('a') } });
});

test('the group around opens once more, and who needs the group waits again', () => {
  const steps = [
    step('g', { kind: 'group', script: null }),
    step('g.x', { parent: 'g' }),
    step('g.y', { parent: 'g' }),
    step('z', { needs: ['g'] }),
  ];
  const course = new Course(steps).work('g.x').work('g.y').work('z').back('g.y');
  expect(states(course.molecule)).toEqual(['g open', 'g.x done', 'g.y ready', 'z pending']);
  expect(fateOf(course.work('g.y').work('z').molecule).kind).toBe('done');
  expect(states(course.back('g').molecule)).toEqual(['g open', 'g.x ready', 'g.y ready', 'z pending']);
});

const fanOut: FanOut = {
  bond: 'mend',
  forEach: 'output.bugs',
  sequential: false,
  checks: [],
  steps: [step('s.item.{n}.fix')],
};

test('what a fan-out has added goes, and comes again with the numbers of its sessions', () => {
  const steps = [step('s', { fanOut }), step('end', { needs: ['s'] })];
  const course = new Course(steps)
    .work('s', { bugs: [1, 2] })
    .work('s.item.1.fix')
    .work('s.item.2.fix')
    .work('end');
  expect(wayBack(course.molecule, 's.item.2.fix').again).toEqual(['end', 's.item.2.fix']);
  expect(wayBack(course.molecule, 's').gone).toEqual(['s.item.1.fix', 's.item.2.fix']);
  course.back('s');
  expect(states(course.molecule)).toEqual(['s ready', 'end pending']);
  expect([course.molecule.sessions, course.molecule.added]).toEqual([4, []]);
  course.work('s', { bugs: [1] });
  expect(stepOf(course.molecule, 's.item.1.fix')).toMatchObject({ sessions: 1, sessionsBefore: 1 });
  expect(course.molecule.sessions).toBe(5);
});

test('of a loop the iterations after go, and the loop goes on from there', () => {
  const body = [step('l.iter1.a'), step('l.iter1.b', { needs: ['l.iter1.a'] })];
  const steps = [...body, step('end', { needs: ['l.iter1.b'] })];
  const course = new Course(steps, [loop('l', ['l.iter1.a', 'l.iter1.b'], { until: 'b.output.n == 3' })]);
  for (const n of [1, 2, 3]) course.work(`l.iter${n}.a`).work(`l.iter${n}.b`, { n }).judge('l');
  course.work('end');
  expect(fateOf(course.molecule).kind).toBe('done');
  course.back('l.iter2.b');
  expect(states(course.molecule)).toEqual([
    'l.iter1.a done',
    'l.iter1.b done',
    'end pending',
    'l open',
    'l.iter2.a done',
    'l.iter2.b ready',
  ]);
  course.work('l.iter2.b', { n: 2 }).judge('l');
  expect(stepOf(course.molecule, 'l.iter3.a')).toMatchObject({ sessions: 1, sessionsBefore: 1 });
  course.back('l');
  expect(states(course.molecule)).toEqual(['l.iter1.a ready', 'l.iter1.b pending', 'end pending', 'l open']);
});

test('gates are waited for once more', () => {
  const gates = [{ type: 'human', await: 'ann', timeoutMs: null }] as const;
  const course = new Course([step('a', { gates: [...gates] })])
    .tell({ kind: 'approved', step: 'a', by: 'ann' })
    .work('a')
    .back('a');
  expect(stateOfStep(course.molecule, 'a')).toBe('gate');
});

test('nobody can go back to what has not begun, is not there, or has failed with its molecule', () => {
  const course = new Course(chain).work('a');
  expect(backRefusal(course.molecule, 'c')).toBe(
    'step "c" has not begun: there is nothing to go back to; the steps that have begun are a, b',
  );
  expect(backRefusal(course.molecule, 'aa')).toBe('there is no step "aa"; the steps that have begun are a, b');
  expect(backRefusal(course.molecule, 'a')).toBeNull();
  course.tell(start('b'), { kind: 'failed', step: 'b', reason: 'no', by: 'ann' });
  expect(backRefusal(course.molecule, 'a')).toBe('step "b" has failed, and the molecule with it: start it again');
});

test('a formula bonded to what would go is not left behind', () => {
  const proto = { formula: 'more', steps: [step('m')] };
  const course = new Course([step('s', { fanOut })]).work('s', { bugs: [1] }).work('s.item.1.fix');
  course.tell({ kind: 'bonded', proto, place: { kind: 'after', steps: ['s.item.1.fix'], between: false } });
  expect(backRefusal(course.molecule, 's')).toContain(
    'step "more.1.m" needs a step that a loop or a fan-out has added since',
  );
  expect(backRefusal(course.molecule, 's.item.1.fix')).toBeNull();
});

const inner = { ...fanOut, steps: [step('lp.iter1.c.item.{n}')] };

/** Groups in groups, a loop with a fan-out in it, a scope; what is needed is drawn. */
const drawn = fc.array(fc.nat(9), { minLength: 10, maxLength: 10 }).map((needs) => {
  const names = ['a', 'g', 'g.h', 'g.h.x', 'g.y', 'lp.iter1.b', 'lp.iter1.c', 'up', 'down', 'z'];
  const parents: Readonly<Record<string, string>> = { 'g.h': 'g', 'g.h.x': 'g.h', 'g.y': 'g' };
  return names.map((id, at): ProtoStep => {
    const need = names[needs[at] ?? 0] ?? '';
    const parent = parents[id];
    return step(id, {
      kind: id === 'g' || id === 'g.h' ? 'group' : 'agent',
      needs: names.indexOf(need) < at && !id.startsWith(`${need}.`) ? [need] : [],
      ...(parent === undefined ? {} : { parent }),
      ...(id === 'lp.iter1.c' ? { fanOut: inner } : {}),
      ...(id === 'up' || id === 'down' ? { scope: { of: 's', role: id === 'up' ? 'member' : 'teardown' } } : {}),
    });
  });
});

test('from anywhere back to anywhere: nothing has begun before what it needs, the commits are those up to there, and it runs to its end', () => {
  const turns = fc.array(
    fc.tuple(fc.constantFrom('work', 'work', 'work', 'work', 'skip', 'back', 'back'), fc.nat(30)),
    {
      maxLength: 40,
    },
  );
  const seen = { backs: 0, cut: 0, sessions: 0 };
  fc.assert(
    fc.property(drawn, turns, (steps, acts) => {
      const course = new Course(steps, [
        loop('lp', ['lp.iter1.b', 'lp.iter1.c'], { max: 9, until: 'c.output.n >= 2' }),
      ]);
      for (const [what, which] of [...acts, ...FINISH]) {
        const due = dueLoop(course.molecule);
        const begun = course.molecule.steps.filter(({ state }) => state.kind !== 'pending');
        const open = course.molecule.steps.filter(({ state }) => state.kind === 'ready');
        const [at, to] = [open[which % Math.max(1, open.length)], begun[which % Math.max(1, begun.length)]];
        if (due !== null) course.judge(due.id);
        else if (what === 'back' && to !== undefined && backRefusal(course.molecule, to.id) === null) {
          const { sessions, steps: before } = course.molecule;
          course.back(to.id);
          seen.backs += 1;
          seen.cut += Number(before.length > course.molecule.steps.length);
          seen.sessions += Math.abs(course.molecule.sessions - sessions);
        } else if (at === undefined) continue;
        else if (what === 'skip') course.tell({ kind: 'skipped', step: at.id, reason: 'no', by: 'x' });
        else course.work(at.id, { bugs: [1, 2], n: which % 3 });
        expect(wrongWith(course)).toEqual([]);
      }
      expect(fateOf(course.molecule).kind).toBe('done');
    }),
    { numRuns: 300 },
  );
  expect(seen.sessions, 'sessions lost or invented').toBe(0);
  expect(Math.min(seen.backs / 10, seen.cut)).toBeGreaterThan(10);
});

/** Enough for all that the acts before have left open. */
const FINISH = Array.from({ length: 120 }, () => ['work', 2] as const);

function wrongWith({ molecule, steps }: Course): readonly string[] {
  const early = molecule.steps.flatMap(({ id, state }, at) => {
    const needs = molecule.plan.needs[at] ?? [];
    const isEarly = state.kind !== 'pending' && !(state.kind === 'closed' && state.outcome === 'skipped');
    return isEarly && needs.some((need) => !isMet(molecule, need)) ? [`${id} has begun before what it needs`] : [];
  });
  const heads = molecule.steps.flatMap(({ state }) => (state.kind === 'closed' && state.head !== null ? [state] : []));
  const last = heads.toSorted((a, b) => a.atMs - b.atMs).at(-1)?.head ?? null;
  const again = carried(molecule, steps);
  const same = (['left', 'ready', 'held', 'closed', 'sessions', 'usage'] as const).filter(
    (key) => JSON.stringify(again[key]) !== JSON.stringify(molecule[key]),
  );
  return [
    ...early,
    ...(last === molecule.head ? [] : [`the branch is at ${molecule.head}, and the last commit is ${last}`]),
    ...same.map((key) => `${key} is another when it is carried`),
  ];
}

test('a pause is kept', () => {
  const course = new Course(chain).work('a').tell({ kind: 'paused', by: 'ann', why: 'lunch' }).back('a');
  expect([nextStep(course.molecule), why(course.molecule, 'a')]).toEqual([null, '']);
  expect(nextStep(all(course.molecule, { kind: 'resumed' }))?.id).toBe('a');
});

test('a gate that opens too late opens nothing', () => {
  const gates = [{ type: 'gh:pr', await: '1', timeoutMs: null }] as const;
  const course = new Course([step('a'), step('b', { needs: ['a'], gates: [...gates] })]).work('a').back('a');
  course.tell({ kind: 'gate-opened', step: 'b', gate: 0, by: 'GitHub' });
  expect(states(course.molecule)).toEqual(['a ready', 'b pending']);
});

test('a group that was skipped waits for what it needs once more', () => {
  const steps = [step('a'), step('g', { kind: 'group', script: null, needs: ['a'] }), step('g.x', { parent: 'g' })];
  const course = new Course(steps).tell({ kind: 'skipped', step: 'g', reason: 'no', by: 'ann' }).back('g.x');
  expect(states(course.molecule)).toEqual(['a ready', 'g pending', 'g.x pending']);
  expect(fateOf(course.work('a').work('g.x').molecule).kind).toBe('done');
});

test('what the next session was to be told is told after who went back', () => {
  const course = new Course(chain).tell(start('a'), { kind: 'rejected', step: 'a', why: 'the tests are red' });
  course.tell(start('a'), { kind: 'called-off', step: 'a', why: 'ann goes back' });
  expect(stepOf(course.molecule, 'a')?.note).toBe('the tests are red');
  expect(stepOf(course.back('a').molecule, 'a')?.note).toContain('to be done again\n\nBefore that: the tests are red');
});

test('a group stays behind its gate when somebody goes back to a step of it that was skipped before it opened', () => {
  const gates = [{ type: 'human', await: 'Ada', timeoutMs: null }] as const;
  const steps = [
    step('g', { kind: 'group', script: null, gates: [...gates] }),
    step('g.x', { parent: 'g' }),
    step('g.y', { parent: 'g' }),
  ];
  const course = new Course(steps).tell({ kind: 'skipped', step: 'g.x', reason: 'no', by: 'ann' }).back('g.x');
  expect(states(course.molecule)).toEqual(['g gate', 'g.x pending', 'g.y pending']);
});

test('a group that was skipped is done again wholly, in whatever order what is in it needs the same', () => {
  for (const needs of [
    [[], ['a']],
    [['a'], []],
  ]) {
    const [x = [], y = []] = needs;
    const course = new Course([
      step('a'),
      step('g', { kind: 'group', script: null, needs: ['a'] }),
      step('g.x', { parent: 'g', needs: x }),
      step('g.y', { parent: 'g', needs: y }),
    ]);
    course.tell({ kind: 'skipped', step: 'g', reason: 'no', by: 'ann' }).work('a').back('a');
    expect(states(course.molecule)).toEqual(['a ready', 'g pending', 'g.x pending', 'g.y pending']);
  }
});
