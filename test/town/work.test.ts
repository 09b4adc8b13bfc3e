import { expect, test } from 'vitest';
import { checkAgents } from '../../src/town/work.js';

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
