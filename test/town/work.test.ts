import { expect, test } from 'vitest';
import { assigneesOf, checkAgents, checkAssignees } from '../../src/town/work.js';

const RIGS = { server: { names: ['Toast', 'Ash'] } };
const item = (rig: string, agent?: string) => ({ id: 'a', rig, needs: [], ...(agent === undefined ? {} : { agent }) });

test.each<[string, ReturnType<typeof item>, readonly string[]]>([
  ['any slot', item('server'), []],
  ['one that the rig has', item('server', 'Ash'), []],
  [
    'a mistyped one',
    item('server', 'Tost'),
    ['work[0] (a).agent: rig "server" has no polecat "Tost"; did you mean "Toast"?'],
  ],
  [
    'one that is none',
    item('server', 'x'),
    ['work[0] (a).agent: rig "server" has no polecat "x"; its polecats are Toast, Ash'],
  ],
  ['a rig that is none, which is told elsewhere', item('web', 'Toast'), []],
  ['a name that every object has', item('constructor', 'Toast'), []],
])('work for %s', (_name, work, problems) => {
  expect(checkAgents([work], RIGS)).toEqual(problems);
});

const NONE = 'work[0] (a).assignee: there is no server/crew/an; ';

test.each<[string, string, readonly string[], readonly string[], readonly string[]]>([
  ['a member of its rig', 'crew/ann', ['server/crew/ann'], ['server/crew/ann'], []],
  ['a member of another rig', 'web/crew/bob', ['web/crew/bob'], ['web/crew/bob'], []],
  ['a mistyped one', 'crew/an', ['server/crew/an'], ['server/crew/ann'], [`${NONE}did you mean "server/crew/ann"?`]],
  [
    'one where nobody is',
    'crew/an',
    ['server/crew/an'],
    [],
    [`${NONE}the people are none: add one with \`gt crew add RIG/NAME\``],
  ],
  [
    'what is no person',
    'ann',
    [],
    ['server/crew/ann'],
    ['work[0] (a).assignee: "ann" is no person: crew/NAME of the rig, or RIG/crew/NAME, is expected'],
  ],
])('work for %s', (_name, assignee, named, members, problems) => {
  const work = [{ ...item('server'), assignee }];
  expect([assigneesOf(work), checkAssignees(work, members)]).toEqual([named, problems]);
});
