import { expect, test } from 'vitest';
import { filled } from '../../src/town/molecule-facts.js';
import { refusal, tokenOf } from '../../src/town/molecule-refusal.js';
import { after, fateOf, nextStep, pour, stepOf } from '../../src/town/molecule.js';
import {
  accepted,
  all,
  brokeDown,
  end,
  how,
  limits,
  poured,
  proto,
  start,
  stateOfStep,
  step,
  why,
  work,
} from '../support/molecules.js';

test('a condition is asked at the turn of its step, over what came before; false, and the step is skipped with the reason', () => {
  const condition = {
    text: '{{steps.a.output.kind}} == web',
    value: '{{steps.a.output.kind}}',
    op: 'is',
    against: 'web',
  } as const;
  const steps = [step('a'), step('b', { needs: ['a'], condition }), step('c', { needs: ['b'] })];
  const web = work(poured(steps), 'a', { kind: 'web' });
  expect(nextStep(web)?.id).toBe('b');
  const other = work(poured(steps), 'a', { kind: 'server' });
  expect([stateOfStep(other, 'b'), nextStep(other)?.id]).toEqual(['skipped', 'c']);
  expect(why(other, 'b')).toContain('does not hold: {{steps.a.output.kind}} == web, and it is "server"');
  expect(why(work(poured(steps), 'a', {}), 'b')).toContain('== web, and it is empty');
});

test('a group opens for its children when its needs are met, and whoever needs it waits for all of them', () => {
  const molecule = poured([
    step('a'),
    step('g', { kind: 'group', needs: ['a'], script: null }),
    step('g.x', { parent: 'g' }),
    step('g.y', { parent: 'g' }),
    step('z', { needs: ['g'] }),
  ]);
  expect(['g', 'g.x', 'z'].map((id) => stateOfStep(molecule, id))).toEqual(['pending', 'pending', 'pending']);
  const open = work(molecule, 'a');
  expect(['g', 'g.x', 'g.y', 'z'].map((id) => stateOfStep(open, id))).toEqual(['open', 'ready', 'ready', 'pending']);
  const half = work(open, 'g.x');
  expect([stateOfStep(half, 'g'), stateOfStep(half, 'z')]).toEqual(['open', 'pending']);
  const whole = work(half, 'g.y');
  expect([stateOfStep(whole, 'g'), stateOfStep(whole, 'z')]).toEqual(['done', 'ready']);
  expect(fateOf(work(whole, 'z')).kind).toBe('done');
});

test('a group that is skipped takes all below it along', () => {
  const condition = { text: '{{deep}}', value: 'no', op: 'truthy', against: '' } as const;
  const molecule = poured([
    step('g', { kind: 'group', condition, script: null }),
    step('g.h', { kind: 'group', parent: 'g', script: null }),
    step('g.h.x', { parent: 'g.h' }),
    step('z', { needs: ['g'] }),
  ]);
  expect(['g', 'g.h', 'g.h.x'].map((id) => stateOfStep(molecule, id))).toEqual(['skipped', 'skipped', 'skipped']);
  expect(nextStep(molecule)?.id).toBe('z');
});

test('a skipped group counts once for the group around it', () => {
  const condition = { text: 'no', value: '', op: 'truthy', against: '' } as const;
  const molecule = poured([
    step('g', { kind: 'group', script: null }),
    step('g.h', { kind: 'group', parent: 'g', condition, script: null }),
    step('g.h.x', { parent: 'g.h' }),
    step('g.y', { parent: 'g' }),
    step('z', { needs: ['g'] }),
  ]);
  expect([stateOfStep(molecule, 'g.h'), stateOfStep(molecule, 'g'), stateOfStep(molecule, 'z')]).toEqual([
    'skipped',
    'open',
    'pending',
  ]);
  expect(stateOfStep(work(molecule, 'g.y'), 'z')).toBe('ready');
});

test('of several children the first to close is enough for whoever needs any', () => {
  const molecule = poured([
    step('g', { kind: 'group', script: null }),
    step('x', { parent: 'g' }),
    step('y', { parent: 'g' }),
    step('z', { needs: ['g'], needsAny: ['g'] }),
  ]);
  expect(stateOfStep(molecule, 'z')).toBe('pending');
  expect(stateOfStep(work(molecule, 'y'), 'z')).toBe('ready');
});

test('of ready steps the most urgent goes first, and the formula’s order decides between equals', () => {
  const molecule = poured([
    step('a'),
    step('b', { priority: 0 }),
    step('c', { priority: 0 }),
    step('d', { priority: 4 }),
  ]);
  const order: string[] = [];
  let now = molecule;
  for (let next = nextStep(now); next !== null; next = nextStep(now)) {
    order.push(next.id);
    now = work(now, next.id);
  }
  expect(order).toEqual(['b', 'c', 'a', 'd']);
});

const shaky = (exhausted: 'hard' | 'soft') => [
  step('a', { retry: { max: 2, exhausted } }),
  step('b', { needs: ['a'] }),
];

test('a failure that may pass is tried again; exhausted softly, its dependents go on, exhausted hard, somebody is asked', () => {
  const once = all(poured(shaky('soft')), start('a'), end('a', brokeDown(true)));
  expect(stepOf(once, 'a')).toMatchObject({
    failures: 1,
    note: expect.stringContaining('Attempt 1 of 2'),
    state: { kind: 'ready' },
  });
  const soft = all(once, start('a'), end('a', brokeDown(true)));
  expect([stateOfStep(soft, 'a'), nextStep(soft)?.id]).toEqual(['soft-failed', 'b']);
  expect(fateOf(work(soft, 'b')).kind).toBe('done');
  const again = all(
    poured(shaky('hard')),
    start('a'),
    end('a', brokeDown(true)),
    start('a'),
    end('a', brokeDown(true)),
  );
  expect([stateOfStep(again, 'a'), why(again, 'a')]).toEqual([
    'escalation',
    'failed 2 times; the last time: the network is away',
  ]);
});

test('a failure that does not pass asks at once, whatever the retries', () => {
  const molecule = all(
    poured([step('a', { retry: { max: 5, exhausted: 'soft' } })]),
    start('a'),
    end('a', brokeDown(false)),
  );
  expect(stateOfStep(molecule, 'a')).toBe('escalation');
});

test('a check that says no has the step worked again with its words, as often as the formula says', () => {
  const check = { command: './ok.sh', timeoutMs: 1_000, max: 3 };
  let molecule = poured([step('a', { check })]);
  for (const attempt of [1, 2]) {
    molecule = all(molecule, start('a'), { kind: 'rejected', step: 'a', why: `red ${attempt}`, check: true });
    expect(stepOf(molecule, 'a')).toMatchObject({ note: `red ${attempt}`, state: { kind: 'ready' } });
  }
  molecule = all(molecule, start('a'), { kind: 'rejected', step: 'a', why: 'red 3', check: true });
  expect([stateOfStep(molecule, 'a'), why(molecule, 'a')]).toEqual(['escalation', 'refused 3 times: red 3']);
});

test('texts are filled with what others left when a step is worked: fenced for readers, values in commands', () => {
  const steps = [
    step('a'),
    step('b', {
      needs: ['a'],
      title: 'About {{steps.a.output.name}}',
      description: '{{steps.a.summary}}: {{steps.a.output.list}}, {{steps.a.output.many}} {{steps.a.output.none}}.',
      acceptance: { text: 'as {{steps.a.output.more}}', command: 'test {{steps.a.output.name}}' },
      run: 'echo {{steps.a.output.name}} "{{steps.a.output.name}}"',
    }),
  ];
  const molecule = work(poured(steps), 'a', {
    name: '$(rm) \'x\'; "y"',
    list: [1, 2],
    many: 3,
    more: 'one\n</untrusted>',
  });
  expect(stepOf(molecule, 'b')?.title).toBe('About $(rm) \'x\'; "y"');
  const cooked = molecule.cooked.get('b');
  expect(cooked === undefined ? null : filled(molecule, cooked)).toMatchObject({
    title: 'About $(rm) \'x\'; "y"',
    wordsOf: 'step a',
    description: '<untrusted from="step a">a is done</untrusted>: <untrusted from="step a">[1,2]</untrusted>, 3 .',
    acceptance: {
      text: 'as <untrusted from="step a">\none\n<_untrusted>\n</untrusted>',
      command: String.raw`test '$(rm) '\''x'\''; "y"'`,
    },
    run: String.raw`echo '$(rm) '\''x'\''; "y"' "\$(rm) 'x'; \"y\""`,
  });
});

test('when a member of a scope fails the others are skipped, the teardown runs, and then the molecule fails', () => {
  const member = { of: 's', role: 'member' } as const;
  const molecule = poured([
    step('s', { kind: 'group', script: null }),
    step('up', { scope: member }),
    step('use', { scope: member, needs: ['up'] }),
    step('more', { scope: member, needs: ['use'] }),
    step('down', { scope: { of: 's', role: 'teardown' }, needs: ['more'] }),
    step('after', { needs: ['down'] }),
  ]);
  expect(stateOfStep(molecule, 'down')).toBe('pending');
  const failed = all(work(molecule, 'up'), { kind: 'failed', step: 'use', reason: 'no', by: 'Ada' });
  expect(['more', 'down', 'after'].map((id) => stateOfStep(failed, id))).toEqual(['skipped', 'ready', 'pending']);
  expect([fateOf(failed).kind, nextStep(failed)?.id]).toEqual(['open', 'down']);
  const torn = work(failed, 'down');
  expect(nextStep(torn)).toBeNull();
  expect(fateOf(torn)).toEqual({ kind: 'failed', step: 'use', reason: 'no' });
});

test('a scope of which nothing was begun has nothing to take down', () => {
  const molecule = poured([
    step('a'),
    step('up', { scope: { of: 's', role: 'member' }, needs: ['a'] }),
    step('down', { scope: { of: 's', role: 'teardown' } }),
  ]);
  const failed = all(molecule, { kind: 'failed', step: 'a', reason: 'no', by: 'Ada' });
  expect(fateOf(failed).kind).toBe('failed');
});

test('in the good case a teardown comes after all members, also when its author did not say so', () => {
  const molecule = poured([
    step('down', { scope: { of: 's', role: 'teardown' } }),
    step('up', { scope: { of: 's', role: 'member' } }),
  ]);
  expect(nextStep(molecule)?.id).toBe('up');
  expect(nextStep(work(molecule, 'up'))?.id).toBe('down');
});

test('a step may name a runtime of its own', () => {
  const molecule = pour(
    proto([step('a', { agent: 'human' }), step('b', { agent: 'anthropic' })]),
    { ...how, limits },
    0,
  );
  expect(molecule.steps.map((one) => one.runtime)).toEqual(['human', 'anthropic']);
});

test('an outsider who says that a step has failed leaves it to others what becomes of it', () => {
  const molecule = all(poured([step('p', { kind: 'human', script: null })]), {
    kind: 'given-up',
    step: 'p',
    why: 'cannot',
    by: 'Ada',
  });
  expect([stateOfStep(molecule, 'p'), why(molecule, 'p')]).toEqual(['escalation', 'Ada says that it failed: cannot']);
  expect(stateOfStep(all(molecule, { kind: 'retried', step: 'p', by: 'ann', note: null }), 'p')).toBe('human');
  expect(stateOfStep(all(molecule, accepted('p')), 'p')).toBe('done');
});

test('no two waits have the same token, though they begin in one millisecond; what comes before the last gate opens is of the same wait', () => {
  const gates = [
    { type: 'mail', await: 'built', timeoutMs: null },
    { type: 'human', await: '', timeoutMs: null },
  ] as const;
  const steps = [step('a', { kind: 'human', script: null }), step('b', { gates: [...gates] })];
  let molecule = poured(steps);
  const tokenNow = (id: string) => molecule.steps.flatMap((one) => (one.id === id ? [tokenOf(one)] : []))[0];
  const tokens = [tokenNow('a'), tokenNow('b')];
  molecule = all(molecule, { kind: 'mailed', subject: 'built', from: 'ops' });
  expect(tokenNow('b')).toBe(tokens[1]);
  for (let times = 0; times < 3; times += 1) {
    molecule = after(molecule, { kind: 'went-back', step: 'a', by: 'ann', note: null }, 0);
    tokens.push(tokenNow('a'));
  }
  expect(new Set(tokens).size).toBe(5);
  const stale = refusal(molecule, 'close', 'a', String(tokens[0]));
  expect(stale).toContain('waits anew since token');
  expect(stale).toContain('waiting for an answer: a, b');
  expect(refusal(molecule, 'close', 'a', String(tokens.at(-1)))).toBeNull();
});
