import { expect, test } from 'vitest';
import { MissionInput } from '../../src/contract/mission.js';
import { MoleculeInput } from '../../src/contract/molecule.js';
import { read } from '../../src/contract/read.js';

const problemsOf = (raw: unknown) => {
  const result = read(MissionInput, raw);
  return result.ok ? [] : result.problems;
};

const ITEM = { id: 'a', rig: 'server', formula: 'quick' };

test.each([
  [undefined, 'it is missing; an object is expected'],
  [7, 'an object is expected, and this is 7'],
  [{}, 'work: it is missing; a list is expected'],
  [{ work: [] }, 'work: at least 1 entry is expected'],
  [{ work: [ITEM], budget: { usd: 0 } }, 'budget.usd: more than 0 is expected'],
  [{ work: [{ ...ITEM, rig: '' }] }, 'work[0].rig: at least 1 character is expected'],
  [{ work: [{ ...ITEM, rig: 5 }] }, 'work[0].rig: a text is expected, and this is 5'],
  [{ work: [{ ...ITEM, priority: 9 }] }, 'work[0].priority: at most 4 is expected'],
  [
    { work: [{ ...ITEM, vars: { name: ['x'] } }] },
    'work[0].vars.name: a text, a number or true or false is expected, and this is ["x"]',
  ],
  [{ work: [{ ...ITEM, prioritty: 1 }] }, 'work[0]: "prioritty" is no key here'],
])('%j is told in our words', (raw, problem) => {
  expect(problemsOf(raw)).toEqual([problem]);
});

const molecule = (raw: unknown) => read(MoleculeInput, raw);

test('of several forms the one that was probably meant is told', () => {
  expect(molecule({})).toEqual({ ok: false, problems: ['formula: it is missing; a text is expected'] });
  expect(molecule({ formula: 'shiny', vars: { feature: null } })).toEqual({
    ok: false,
    problems: ['vars.feature: a text, a number or true or false is expected, and this is null'],
  });
  expect(molecule('shiny')).toEqual({ ok: false, problems: ['an object is expected, and this is "shiny"'] });
});

test("a schema's own message stays", () => {
  expect(problemsOf({ work: [{ ...ITEM, id: '-' }] })).toEqual([
    'work[0].id: letters, digits, ".", "_" and "-", at most 64',
  ]);
});
